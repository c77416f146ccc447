import type { EventEmitter } from 'node:events';
import type { types } from 'mediasoup';
import { AppError } from '../protocol/errors.ts';
import type { RtpCapabilities } from '../protocol/media.ts';
import { mediasoupCall, readStats } from './media-error.ts';
import type { ConsumerClosedReason, ConsumerInfo, PeerEvents, ProducerInfo } from './peer-events.ts';
import type { PeerTransport } from './peer-transport.ts';
import { Quota } from './quota.ts';
import { fromWireRtpCapabilities, toWireRtpParameters } from './rtp-wire.ts';

interface OwnConsumer {
  consumer: types.Consumer;
  producer: ProducerInfo;
  transportId: string;
}

/** What one peer receives: at most one consumer a producer. Lives and dies with its peer, in whose name it fires. */
export class PeerConsumers {
  readonly #events: EventEmitter<PeerEvents>;
  readonly #router: types.Router;
  readonly #findProducer: (producerId: string) => ProducerInfo | undefined;
  readonly #quota: Quota;
  readonly #consumers = new Map<string, OwnConsumer>();
  /** Consumers being made, by transport and producer: whoever asks again meanwhile gets the same. */
  readonly #inFlight = new Map<string, Promise<ConsumerInfo>>();

  constructor(options: {
    events: EventEmitter<PeerEvents>;
    router: types.Router;
    findProducer: (producerId: string) => ProducerInfo | undefined;
    maxConsumers: number;
  }) {
    this.#events = options.events;
    this.#router = options.router;
    this.#findProducer = options.findProducer;
    this.#quota = new Quota('consumers', options.maxConsumers);
  }

  get size(): number {
    return this.#consumers.size;
  }

  get infos(): ConsumerInfo[] {
    return [...this.#consumers.values()].map(infoOf);
  }

  /** See `Peer.consume()`. */
  async consume(transport: PeerTransport, producerId: string, rtpCapabilities: RtpCapabilities): Promise<ConsumerInfo> {
    const key = `${transport.id} ${producerId}`;
    const inFlight = this.#inFlight.get(key);
    if (inFlight !== undefined) return inFlight;
    const existing = [...this.#consumers.values()].find(({ consumer }) => consumer.producerId === producerId);
    if (existing?.transportId === transport.id) return infoOf(existing);
    // On a transport that the browser has replaced nobody listens any more.
    if (existing !== undefined) this.#remove(existing, 'transport_closed');
    const made = this.#make(transport, producerId, rtpCapabilities);
    this.#inFlight.set(key, made);
    try {
      return await made;
    } finally {
      this.#inFlight.delete(key);
    }
  }

  async pause(consumerId: string): Promise<void> {
    const { consumer } = this.#get(consumerId);
    if (!consumer.paused) await this.#call(consumerId, consumer.pause());
  }

  async resume(consumerId: string): Promise<void> {
    const { consumer } = this.#get(consumerId);
    if (consumer.paused) await this.#call(consumerId, consumer.resume());
  }

  close(consumerId: string): void {
    this.#remove(this.#get(consumerId));
  }

  requestKeyFrame(consumerId: string): Promise<void> {
    return this.#call(consumerId, this.#get(consumerId).consumer.requestKeyFrame());
  }

  setPreferredLayers(consumerId: string, layers: types.ConsumerLayers): Promise<void> {
    return this.#call(consumerId, this.#get(consumerId).consumer.setPreferredLayers(layers));
  }

  setPriority(consumerId: string, priority: number): Promise<void> {
    return this.#call(consumerId, this.#get(consumerId).consumer.setPriority(priority));
  }

  /** Closes what was on a transport that is closed. */
  transportClosed(transportId: string): void {
    for (const own of [...this.#consumers.values()]) if (own.transportId === transportId) this.#remove(own, 'transport_closed');
  }

  /** Forgets all, telling nobody: the transport or the router under them closes them. */
  forgetAll(): void {
    this.#consumers.clear();
  }

  async stats(): Promise<(types.ConsumerStat | types.ProducerStat)[]> {
    const all = [...this.#consumers.values()];
    return (await Promise.all(all.map(({ consumer }) => readStats(consumer)))).flat();
  }

  async #make(transport: PeerTransport, producerId: string, rtpCapabilities: RtpCapabilities): Promise<ConsumerInfo> {
    const producer = this.#findProducer(producerId);
    if (producer === undefined) throw new AppError('media.producer_not_found');
    const capabilities = fromWireRtpCapabilities(rtpCapabilities);
    if (!this.#router.canConsume({ producerId, rtpCapabilities: capabilities })) throw new AppError('media.cannot_consume');
    this.#quota.take();
    let consumer: types.Consumer;
    try {
      consumer = await transport.consume({ producerId, rtpCapabilities: capabilities, paused: true });
    } catch (error) {
      this.#quota.release();
      if (transport.closed || this.#findProducer(producerId) !== undefined) throw error;
      throw new AppError('media.producer_not_found', { cause: error });
    }
    if (this.#findProducer(producerId) === undefined) {
      this.#quota.release();
      consumer.close();
      throw new AppError('media.producer_not_found');
    }
    const own: OwnConsumer = { consumer, producer, transportId: transport.id };
    this.#consumers.set(consumer.id, own);
    this.#listen(own);
    return infoOf(own);
  }

  #listen(own: OwnConsumer): void {
    const { consumer } = own;
    const consumerId = consumer.id;
    consumer.on('producerclose', () => this.#remove(own, 'producer_closed'));
    consumer.on('producerpause', () => this.#events.emit('consumerPaused', { consumerId }));
    consumer.on('producerresume', () => this.#events.emit('consumerResumed', { consumerId }));
    consumer.on('layerschange', (layers) => this.#events.emit('consumerLayersChanged', { consumerId, layers: layers ?? null }));
    consumer.on('score', ({ score, producerScore }) => this.#events.emit('consumerScore', { consumerId, score, producerScore }));
  }

  #get(consumerId: string): OwnConsumer {
    const own = this.#consumers.get(consumerId);
    if (own === undefined) throw new AppError('media.consumer_not_found');
    return own;
  }

  async #call(consumerId: string, call: Promise<void>): Promise<void> {
    try {
      await mediasoupCall(call, 'media.invalid_parameters');
    } catch (error) {
      this.#get(consumerId);
      throw error;
    }
  }

  #remove({ consumer }: OwnConsumer, reason?: ConsumerClosedReason): void {
    if (!this.#consumers.delete(consumer.id)) return;
    this.#quota.release();
    consumer.close();
    if (reason !== undefined) this.#events.emit('consumerClosed', { consumerId: consumer.id, producerId: consumer.producerId, reason });
  }
}

function infoOf({ consumer, producer }: OwnConsumer): ConsumerInfo {
  return {
    consumerId: consumer.id,
    producerId: consumer.producerId,
    peerId: producer.peerId,
    kind: producer.kind,
    source: producer.source,
    rtpParameters: toWireRtpParameters(consumer.rtpParameters),
    paused: consumer.paused,
    producerPaused: consumer.producerPaused,
  };
}
