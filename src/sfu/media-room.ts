import { EventEmitter } from 'node:events';
import type { types } from 'mediasoup';
import type { Logger } from 'pino';
import { AppError } from '../protocol/errors.ts';
import type { RtpCapabilities } from '../protocol/media.ts';
import { mediaCodecs, type PeerLimits } from './codecs.ts';
import { mediasoupCall } from './media-error.ts';
import { Peer } from './peer.ts';
import type { DataProducerInfo, ProducerInfo } from './peer-events.ts';
import { RtpTap } from './rtp-tap.ts';
import { toWireRtpCapabilities } from './rtp-wire.ts';
import { type VoiceEvents, VoiceObserver } from './voice-observer.ts';

/** Why a room is no more. */
export type MediaRoomClosedReason = 'closed' | 'worker_died';

/** What a room tells its owner. */
export interface MediaRoomEvents extends VoiceEvents {
  /** As its peers tell it of their producers. */
  producerAdded: [producer: ProducerInfo];
  producerPaused: [producer: { producerId: string }];
  producerResumed: [producer: { producerId: string }];
  producerRemoved: [producer: { producerId: string }];
  /** A peer is no more, with all that it sent; not fired when the whole room is closed. */
  peerClosed: [peer: { peerId: string }];
  /** Once, after its peers' `closed`, and nothing after it. */
  closed: [reason: MediaRoomClosedReason];
}

/** Where peers meet: one mediasoup router with the peers on it. Made by `WorkerPool.createRoom()`. */
export class MediaRoom extends EventEmitter<MediaRoomEvents> {
  /** What a browser must know before it can produce or consume here. */
  readonly rtpCapabilities: RtpCapabilities;
  readonly #router: types.Router;
  readonly #webRtcServer: types.WebRtcServer;
  readonly #voices: VoiceObserver;
  readonly #limits: PeerLimits;
  readonly #log: Logger;
  readonly #peers = new Map<string, Peer>();
  readonly #producers = new Map<string, Peer>();
  readonly #dataProducers = new Map<string, DataProducerInfo>();
  #closedReason: MediaRoomClosedReason | undefined;

  private constructor(options: {
    router: types.Router;
    webRtcServer: types.WebRtcServer;
    voices: VoiceObserver;
    limits: PeerLimits;
    log: Logger;
  }) {
    super();
    this.#router = options.router;
    this.#webRtcServer = options.webRtcServer;
    this.#voices = options.voices;
    this.#limits = options.limits;
    this.#log = options.log;
    this.rtpCapabilities = toWireRtpCapabilities(options.router.rtpCapabilities);
    this.#voices.on('activeSpeaker', (speaker) => this.emit('activeSpeaker', speaker));
    this.#voices.on('audioLevels', (levels) => this.emit('audioLevels', levels));
  }

  /** For the pool. `media.unavailable` when the worker dies meanwhile. */
  static async create(options: {
    worker: types.Worker;
    webRtcServer: types.WebRtcServer;
    limits: PeerLimits;
    log: Logger;
  }): Promise<MediaRoom> {
    const { worker, webRtcServer, limits, log } = options;
    const router = await mediasoupCall(worker.createRouter({ mediaCodecs }), 'media.unavailable');
    try {
      const voices = await VoiceObserver.create(router, log);
      return new MediaRoom({ router, webRtcServer, voices, limits, log });
    } catch (error) {
      router.close();
      throw error;
    }
  }

  /** The router's id. */
  get id(): string {
    return this.#router.id;
  }

  get closed(): boolean {
    return this.#closedReason !== undefined;
  }

  /** Undefined while it is open. */
  get closedReason(): MediaRoomClosedReason | undefined {
    return this.#closedReason;
  }

  get peers(): ReadonlyMap<string, Peer> {
    return this.#peers;
  }

  /** How many transports, producers and consumers its peers have. */
  get counts(): { transports: number; producers: number; consumers: number } {
    const counts = { transports: 0, producers: 0, consumers: 0 };
    for (const peer of this.#peers.values()) {
      const { transports, producers, consumers } = peer.counts;
      counts.transports += transports;
      counts.producers += producers;
      counts.consumers += consumers;
    }
    return counts;
  }

  /**
   * Adds a peer, which stays until it or the room is closed. `media.unavailable` in a closed room.
   *
   * @throws Error when a peer of that id is there: the caller must close that one first.
   */
  addPeer(peerId: string): Peer {
    if (this.closed) throw new AppError('media.unavailable');
    if (this.#peers.has(peerId)) throw new Error('a peer with this id is in the room');
    const peer = new Peer({
      peerId,
      router: this.#router,
      routerRtpCapabilities: this.rtpCapabilities,
      webRtcServer: this.#webRtcServer,
      limits: this.#limits,
      log: this.#log.child({ peerId }),
      findProducer: (producerId) => this.findProducer(producerId),
      findDataProducer: (dataProducerId) => this.findDataProducer(dataProducerId),
    });
    this.#peers.set(peerId, peer);
    peer.on('producerAdded', (producer) => {
      this.#producers.set(producer.producerId, peer);
      if (producer.source === 'microphone') this.#voices.add(producer);
      this.emit('producerAdded', producer);
    });
    peer.on('producerPaused', ({ producerId }) => this.emit('producerPaused', { producerId }));
    peer.on('producerResumed', ({ producerId }) => this.emit('producerResumed', { producerId }));
    peer.on('producerRemoved', ({ producerId }) => {
      this.#producers.delete(producerId);
      this.#voices.remove(producerId);
      this.emit('producerRemoved', { producerId });
    });
    peer.on('dataProducerAdded', (dataProducer) => this.#dataProducers.set(dataProducer.dataProducerId, dataProducer));
    peer.on('dataProducerRemoved', ({ dataProducerId }) => this.#dataProducers.delete(dataProducerId));
    peer.on('closed', () => {
      this.#peers.delete(peerId);
      if (!this.closed) this.emit('peerClosed', { peerId });
    });
    return peer;
  }

  /** A producer of any of its peers. */
  findProducer(producerId: string): ProducerInfo | undefined {
    return this.#producers.get(producerId)?.producers.find((producer) => producer.producerId === producerId);
  }

  /** What a producer of any of its peers is encoded with, such as `video/VP8`. */
  codecOf(producerId: string): string | undefined {
    return this.#producers.get(producerId)?.codecOf(producerId);
  }

  /** A data producer of any of its peers. */
  findDataProducer(dataProducerId: string): DataProducerInfo | undefined {
    return this.#dataProducers.get(dataProducerId);
  }

  /** All that its peers send. */
  get producers(): ProducerInfo[] {
    return [...this.#peers.values()].flatMap((peer) => peer.producers);
  }

  /**
   * Taps a producer, on a block of ports (`portsPerTap` of them) that the caller lends it. `media.producer_not_found`, `media.unavailable` (also when a
   * port is in use), `media.cannot_consume`.
   */
  async openTap(producerId: string, basePort: number): Promise<RtpTap> {
    if (this.closed) throw new AppError('media.unavailable');
    if (this.findProducer(producerId) === undefined) throw new AppError('media.producer_not_found');
    return RtpTap.open({ router: this.#router, producerId, basePort });
  }

  /** Closes its peers, its router and itself. */
  close(): void {
    this.#end('closed');
  }

  /** For the pool: the worker has taken the router with it. */
  workerDied(): void {
    this.#end('worker_died');
  }

  #end(reason: MediaRoomClosedReason): void {
    if (this.closed) return;
    this.#closedReason = reason;
    this.#voices.close();
    this.#producers.clear();
    this.#dataProducers.clear();
    for (const peer of [...this.#peers.values()]) peer.roomClosed(reason === 'closed' ? 'room_closed' : reason);
    this.#router.close();
    this.emit('closed', reason);
  }
}
