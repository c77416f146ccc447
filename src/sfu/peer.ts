import { EventEmitter } from 'node:events';
import type { types } from 'mediasoup';
import type { Logger } from 'pino';
import { AppError } from '../protocol/errors.ts';
import type { Source } from '../protocol/ids.ts';
import type {
  Direction,
  DtlsParameters,
  IceParameters,
  RtpCapabilities,
  RtpParameters,
  SctpStreamParameters,
  TransportInfo,
} from '../protocol/media.ts';
import type { PeerLimits } from './codecs.ts';
import { PeerConsumers } from './peer-consumers.ts';
import { PeerData } from './peer-data.ts';
import type { ConsumerInfo, DataConsumerInfo, DataProducerInfo, PeerClosedReason, PeerEvents, ProducerInfo } from './peer-events.ts';
import { PeerProducers } from './peer-producers.ts';
import { PeerTransport } from './peer-transport.ts';
import { Quota } from './quota.ts';

/** mediasoup's statistics, unchanged. */
export interface PeerStats {
  transports: types.WebRtcTransportStat[];
  producers: types.ProducerStat[];
  consumers: (types.ConsumerStat | types.ProducerStat)[];
}

/** What a room gives its peers. */
export interface PeerOptions {
  peerId: string;
  router: types.Router;
  routerRtpCapabilities: RtpCapabilities;
  webRtcServer: types.WebRtcServer;
  limits: PeerLimits;
  log: Logger;
  findProducer: (producerId: string) => ProducerInfo | undefined;
  findDataProducer: (dataProducerId: string) => DataProducerInfo | undefined;
}

/**
 * One sender and receiver of media in a room: its transports and what flows on them. Made by `MediaRoom.addPeer()`.
 *
 * Errors are {@link AppError}s. Every method may answer `media.unavailable`: the worker has died, or the peer is closed. A transport that is closed while
 * something is made on it answers `media.transport_not_found`. An id that is somebody else's gets the same answer as one that does not exist.
 */
export class Peer extends EventEmitter<PeerEvents> {
  readonly id: string;
  /** What its browser must know before it can produce or consume. */
  readonly routerRtpCapabilities: RtpCapabilities;
  readonly #router: types.Router;
  readonly #webRtcServer: types.WebRtcServer;
  readonly #log: Logger;
  readonly #transportQuota: Quota;
  /** Oldest first. */
  readonly #transports = new Map<string, PeerTransport>();
  readonly #ensuring = new Map<Direction, Promise<TransportInfo>>();
  readonly #producers: PeerProducers;
  readonly #consumers: PeerConsumers;
  readonly #data: PeerData;
  #closed = false;

  constructor({ peerId, router, routerRtpCapabilities, webRtcServer, limits, log, findProducer, findDataProducer }: PeerOptions) {
    super();
    this.id = peerId;
    this.routerRtpCapabilities = routerRtpCapabilities;
    this.#router = router;
    this.#webRtcServer = webRtcServer;
    this.#log = log;
    this.#transportQuota = new Quota('transports', limits.maxTransports);
    this.#producers = new PeerProducers(peerId, this, limits.maxProducers);
    this.#consumers = new PeerConsumers({ events: this, router, findProducer, maxConsumers: limits.maxConsumers });
    const { maxDataProducers, maxDataConsumers } = limits;
    this.#data = new PeerData({ peerId, events: this, findDataProducer, maxDataProducers, maxDataConsumers });
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** How many transports, producers and consumers it has. */
  get counts(): { transports: number; producers: number; consumers: number } {
    return { transports: this.#transports.size, producers: this.#producers.size, consumers: this.#consumers.size };
  }

  get producers(): ProducerInfo[] {
    return this.#producers.infos;
  }

  get consumers(): ConsumerInfo[] {
    return this.#consumers.infos;
  }

  get dataProducers(): DataProducerInfo[] {
    return this.#data.dataProducers;
  }

  get dataConsumers(): DataConsumerInfo[] {
    return this.#data.dataConsumers;
  }

  /** The producer of one of its sources, if it sends that. */
  findProducer(source: Source): ProducerInfo | undefined {
    return this.#producers.find(source);
  }

  /** What one of its producers is encoded with, such as `video/VP8`. */
  codecOf(producerId: string): string | undefined {
    return this.#producers.codecOf(producerId);
  }

  /** Makes a transport. `media.limit_reached` when there are too many; one that has lost its browser makes room for a new one. */
  async createTransport(direction: Direction): Promise<TransportInfo> {
    this.#assertOpen();
    if (this.#transportQuota.isFull) this.#dropDisconnected(direction);
    this.#transportQuota.take();
    let transport: PeerTransport;
    try {
      transport = await PeerTransport.create(direction, this.#router, this.#webRtcServer);
    } catch (error) {
      this.#transportQuota.release();
      throw error;
    }
    if (this.#closed) {
      transport.close();
      this.#assertOpen();
    }
    this.#transports.set(transport.id, transport);
    transport.on('stateChanged', () => {
      const { id, iceState, dtlsState } = transport;
      this.#log.debug({ transportId: id, direction, iceState, dtlsState }, 'transport state changed');
      this.emit('transportStateChanged', { transportId: id, direction, iceState, dtlsState });
    });
    transport.on('ended', () => this.#closeTransport(transport));
    return transport.info;
  }

  /** The newest transport of each direction with its current parameters; makes those that are missing. For joining in one round trip. */
  async ensureTransports(): Promise<{ send: TransportInfo; recv: TransportInfo }> {
    const [send, recv] = await Promise.all([this.#ensureTransport('send'), this.#ensureTransport('recv')]);
    return { send, recv };
  }

  /** `media.already_connected` the second time; `media.invalid_parameters` when the browser wants to be the DTLS server. */
  async connectTransport({ transportId, dtlsParameters }: { transportId: string; dtlsParameters: DtlsParameters }): Promise<void> {
    await this.#getTransport(transportId).connect(dtlsParameters);
  }

  /** Answers new ICE parameters, which `ensureTransports()` gives from then on too. */
  async restartIce({ transportId }: { transportId: string }): Promise<{ iceParameters: IceParameters }> {
    return { iceParameters: await this.#getTransport(transportId).restartIce() };
  }

  /** Caps what the browser may send on a transport, in place of the default cap. */
  async setMaxIncomingBitrate({ transportId, bitrateBps }: { transportId: string; bitrateBps: number }): Promise<void> {
    await this.#getTransport(transportId).setMaxIncomingBitrate(bitrateBps);
  }

  /** Caps what the browser is sent on a transport, in place of the default cap. */
  async setMaxOutgoingBitrate({ transportId, bitrateBps }: { transportId: string; bitrateBps: number }): Promise<void> {
    await this.#getTransport(transportId).setMaxOutgoingBitrate(bitrateBps);
  }

  /**
   * Takes in one source; its kind follows from the source. `media.source_in_use` when the peer already sends that source, `media.limit_reached`,
   * `media.invalid_parameters` for a recv transport and for parameters that mediasoup refuses.
   */
  async produce(options: {
    transportId: string;
    source: Source;
    rtpParameters: RtpParameters;
    paused?: boolean | undefined;
  }): Promise<ProducerInfo> {
    const { transportId, source, rtpParameters, paused = false } = options;
    return this.#producers.produce(this.#getTransport(transportId), { source, rtpParameters, paused });
  }

  /** Stops forwarding a producer on the server, whatever its browser does. Nothing happens when it is paused already. */
  async pauseProducer(producerId: string): Promise<void> {
    this.#assertOpen();
    await this.#producers.pause(producerId);
  }

  async resumeProducer(producerId: string): Promise<void> {
    this.#assertOpen();
    await this.#producers.resume(producerId);
  }

  closeProducer(producerId: string): void {
    this.#assertOpen();
    this.#producers.close(producerId);
  }

  /**
   * Sends the browser a producer of the room, on its newest recv transport, paused until `resumeConsumer()`. Asked again for the same producer it answers the
   * same consumer. `media.producer_not_found`, `media.cannot_consume` when the browser knows no fitting codec, `media.transport_not_found` without a recv
   * transport, `media.limit_reached`.
   */
  async consume({ producerId, rtpCapabilities }: { producerId: string; rtpCapabilities: RtpCapabilities }): Promise<ConsumerInfo> {
    return this.#consumers.consume(this.#getNewestTransport('recv'), producerId, rtpCapabilities);
  }

  async pauseConsumer(consumerId: string): Promise<void> {
    this.#assertOpen();
    await this.#consumers.pause(consumerId);
  }

  async resumeConsumer(consumerId: string): Promise<void> {
    this.#assertOpen();
    await this.#consumers.resume(consumerId);
  }

  closeConsumer(consumerId: string): void {
    this.#assertOpen();
    this.#consumers.close(consumerId);
  }

  /** Asks the sender of a video for a key frame; without effect while the consumer is paused. */
  async requestKeyFrame(consumerId: string): Promise<void> {
    this.#assertOpen();
    await this.#consumers.requestKeyFrame(consumerId);
  }

  /** The layers (from 0) wanted at most; without effect on what has no layers. Too high a layer is the highest there is. */
  async setPreferredLayers(options: { consumerId: string; spatialLayer: number; temporalLayer?: number | undefined }): Promise<void> {
    this.#assertOpen();
    const { consumerId, spatialLayer, temporalLayer } = options;
    await this.#consumers.setPreferredLayers(consumerId, { spatialLayer, ...(temporalLayer !== undefined && { temporalLayer }) });
  }

  /** Who gets bandwidth first when it is short: 1 (the default) to 255. */
  async setPriority({ consumerId, priority }: { consumerId: string; priority: number }): Promise<void> {
    this.#assertOpen();
    await this.#consumers.setPriority(consumerId, priority);
  }

  /** Takes in a data channel that the browser opened on its send transport. */
  async produceData(options: {
    transportId: string;
    sctpStreamParameters: SctpStreamParameters;
    label: string;
    protocol?: string | undefined;
  }): Promise<DataProducerInfo> {
    const { transportId, sctpStreamParameters, label, protocol = '' } = options;
    return this.#data.produce(this.#getTransport(transportId), { sctpStreamParameters, label, protocol });
  }

  /** Sends the browser the messages of a data producer of the room, on its newest recv transport. `media.producer_not_found`. */
  async consumeData({ dataProducerId }: { dataProducerId: string }): Promise<DataConsumerInfo> {
    return this.#data.consume(this.#getNewestTransport('recv'), dataProducerId);
  }

  closeDataProducer(dataProducerId: string): void {
    this.#assertOpen();
    this.#data.closeProducer(dataProducerId);
  }

  closeDataConsumer(dataConsumerId: string): void {
    this.#assertOpen();
    this.#data.closeConsumer(dataConsumerId);
  }

  async stats(): Promise<PeerStats> {
    this.#assertOpen();
    const transportStats = Promise.all([...this.#transports.values()].map((transport) => transport.stats()));
    const [transports, producers, consumers] = await Promise.all([transportStats, this.#producers.stats(), this.#consumers.stats()]);
    return { transports: transports.flat(), producers, consumers };
  }

  /** Closes what it sends, telling of each, then its transports, then itself. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#producers.closeAll();
    this.#data.closeAll();
    for (const transport of this.#transports.values()) transport.close();
    this.#end('closed');
  }

  /** For its room: the router is closed, or closes right after this. */
  roomClosed(reason: Exclude<PeerClosedReason, 'closed'>): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#producers.forgetAll();
    this.#data.forgetAll();
    for (const transport of this.#transports.values()) transport.forget();
    this.#end(reason);
  }

  #end(reason: PeerClosedReason): void {
    this.#consumers.forgetAll();
    this.#transports.clear();
    this.emit('closed', reason);
  }

  async #ensureTransport(direction: Direction): Promise<TransportInfo> {
    const existing = this.#findNewestTransport(direction);
    if (existing !== undefined) return existing.info;
    let creating = this.#ensuring.get(direction);
    if (creating === undefined) {
      creating = this.createTransport(direction).finally(() => this.#ensuring.delete(direction));
      this.#ensuring.set(direction, creating);
    }
    return creating;
  }

  #closeTransport(transport: PeerTransport): void {
    if (!this.#transports.delete(transport.id)) return;
    this.#transportQuota.release();
    transport.close();
    this.#producers.transportClosed(transport.id);
    this.#consumers.transportClosed(transport.id);
    this.#data.transportClosed(transport.id);
  }

  #dropDisconnected(direction: Direction): void {
    const lost = [...this.#transports.values()].find((one) => one.direction === direction && one.iceState === 'disconnected');
    if (lost !== undefined) this.#closeTransport(lost);
  }

  #findNewestTransport(direction: Direction): PeerTransport | undefined {
    return [...this.#transports.values()].findLast((transport) => transport.direction === direction);
  }

  #getNewestTransport(direction: Direction): PeerTransport {
    this.#assertOpen();
    const transport = this.#findNewestTransport(direction);
    if (transport === undefined) throw new AppError('media.transport_not_found');
    return transport;
  }

  #getTransport(transportId: string): PeerTransport {
    this.#assertOpen();
    const transport = this.#transports.get(transportId);
    if (transport === undefined) throw new AppError('media.transport_not_found');
    return transport;
  }

  #assertOpen(): void {
    if (this.#closed) throw new AppError('media.unavailable');
  }
}
