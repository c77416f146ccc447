import type { EventEmitter } from 'node:events';
import type { types } from 'mediasoup';
import { AppError } from '../protocol/errors.ts';
import type { Source } from '../protocol/ids.ts';
import type { RtpParameters } from '../protocol/media.ts';
import { areCodecsOf, keyFrameRequestDelayMs, kindOf, producerParametersOf } from './codecs.ts';
import { mediasoupCall, readStats } from './media-error.ts';
import type { PeerEvents, ProducerInfo } from './peer-events.ts';
import type { PeerTransport } from './peer-transport.ts';
import { Quota } from './quota.ts';
import { fromWireRtpParameters } from './rtp-wire.ts';

interface OwnProducer {
  producer: types.Producer;
  source: Source;
  transportId: string;
}

/** What one peer sends: at most one producer a source. Lives and dies with its peer, in whose name it fires. */
export class PeerProducers {
  readonly #peerId: string;
  readonly #events: EventEmitter<PeerEvents>;
  readonly #quota: Quota;
  readonly #producers = new Map<string, OwnProducer>();
  /** Sources that have a producer or are about to have one. */
  readonly #takenSources = new Set<Source>();

  constructor(peerId: string, events: EventEmitter<PeerEvents>, maxProducers: number) {
    this.#peerId = peerId;
    this.#events = events;
    this.#quota = new Quota('producers', maxProducers);
  }

  get size(): number {
    return this.#producers.size;
  }

  get infos(): ProducerInfo[] {
    return [...this.#producers.values()].map((own) => this.#infoOf(own));
  }

  /** The producer of a source, if the peer sends it. */
  find(source: Source): ProducerInfo | undefined {
    return this.infos.find((info) => info.source === source);
  }

  codecOf(producerId: string): string | undefined {
    return this.#producers.get(producerId)?.producer.rtpParameters.codecs[0]?.mimeType;
  }

  /** See `Peer.produce()`. */
  async produce(
    transport: PeerTransport,
    { source, rtpParameters, paused }: { source: Source; rtpParameters: RtpParameters; paused: boolean },
  ): Promise<ProducerInfo> {
    if (transport.direction !== 'send') {
      throw new AppError('media.invalid_parameters', { message: 'Producing needs a send transport.', details: { field: 'transportId' } });
    }
    const ownParameters = fromWireRtpParameters(rtpParameters);
    if (!areCodecsOf(source, ownParameters)) {
      throw new AppError('media.invalid_parameters', {
        message: `A ${source} is ${kindOf(source)}.`,
        details: { field: 'rtpParameters.codecs' },
      });
    }
    if (this.#takenSources.has(source)) throw new AppError('media.source_in_use', { details: { source } });
    this.#quota.take();
    this.#takenSources.add(source);
    let producer: types.Producer;
    try {
      producer = await transport.produce({
        kind: kindOf(source),
        rtpParameters: producerParametersOf(source, ownParameters),
        paused,
        keyFrameRequestDelay: keyFrameRequestDelayMs,
      });
    } catch (error) {
      this.#takenSources.delete(source);
      this.#quota.release();
      throw error;
    }
    const own: OwnProducer = { producer, source, transportId: transport.id };
    const producerId = producer.id;
    this.#producers.set(producerId, own);
    producer.observer.on('pause', () => this.#events.emit('producerPaused', { producerId }));
    producer.observer.on('resume', () => this.#events.emit('producerResumed', { producerId }));
    this.#events.emit('producerAdded', this.#infoOf(own));
    return this.#infoOf(own);
  }

  async pause(producerId: string): Promise<void> {
    const { producer } = this.#get(producerId);
    if (!producer.paused) await this.#call(producerId, producer.pause());
  }

  async resume(producerId: string): Promise<void> {
    const { producer } = this.#get(producerId);
    if (producer.paused) await this.#call(producerId, producer.resume());
  }

  close(producerId: string): void {
    this.#remove(this.#get(producerId));
  }

  /** Closes what was on a transport that is closed. */
  transportClosed(transportId: string): void {
    for (const own of [...this.#producers.values()]) if (own.transportId === transportId) this.#remove(own);
  }

  /** Closes all, telling of each. */
  closeAll(): void {
    for (const own of [...this.#producers.values()]) this.#remove(own);
  }

  /** Forgets all, telling nobody: the router under them closes them. */
  forgetAll(): void {
    this.#producers.clear();
  }

  async stats(): Promise<types.ProducerStat[]> {
    const all = [...this.#producers.values()];
    return (await Promise.all(all.map(({ producer }) => readStats(producer)))).flat();
  }

  #get(producerId: string): OwnProducer {
    const own = this.#producers.get(producerId);
    if (own === undefined) throw new AppError('media.producer_not_found');
    return own;
  }

  async #call(producerId: string, call: Promise<void>): Promise<void> {
    try {
      await mediasoupCall(call, 'media.invalid_parameters');
    } catch (error) {
      this.#get(producerId);
      throw error;
    }
  }

  #remove({ producer, source }: OwnProducer): void {
    if (!this.#producers.delete(producer.id)) return;
    this.#takenSources.delete(source);
    this.#quota.release();
    producer.close();
    this.#events.emit('producerRemoved', { producerId: producer.id, source });
  }

  #infoOf({ producer, source }: OwnProducer): ProducerInfo {
    return { producerId: producer.id, peerId: this.#peerId, kind: producer.kind, source, paused: producer.paused };
  }
}
