import type { EventEmitter } from 'node:events';
import type { types } from 'mediasoup';
import { AppError } from '../protocol/errors.ts';
import type { SctpStreamParameters } from '../protocol/media.ts';
import type { ConsumerClosedReason, DataConsumerInfo, DataProducerInfo, PeerEvents } from './peer-events.ts';
import type { PeerTransport } from './peer-transport.ts';
import { Quota } from './quota.ts';
import { fromWireSctpStreamParameters } from './rtp-wire.ts';

interface OwnDataProducer {
  dataProducer: types.DataProducer;
  transportId: string;
}

interface OwnDataConsumer {
  dataConsumer: types.DataConsumer;
  peerId: string;
  transportId: string;
}

/** The data channels of one peer, both ways (SCTP over DTLS, RFC 8831). Lives and dies with its peer, in whose name it fires. */
export class PeerData {
  readonly #peerId: string;
  readonly #events: EventEmitter<PeerEvents>;
  readonly #findDataProducer: (dataProducerId: string) => DataProducerInfo | undefined;
  readonly #producerQuota: Quota;
  readonly #consumerQuota: Quota;
  readonly #dataProducers = new Map<string, OwnDataProducer>();
  readonly #dataConsumers = new Map<string, OwnDataConsumer>();

  constructor(options: {
    peerId: string;
    events: EventEmitter<PeerEvents>;
    findDataProducer: (dataProducerId: string) => DataProducerInfo | undefined;
    maxDataProducers: number;
    maxDataConsumers: number;
  }) {
    this.#peerId = options.peerId;
    this.#events = options.events;
    this.#findDataProducer = options.findDataProducer;
    this.#producerQuota = new Quota('dataProducers', options.maxDataProducers);
    this.#consumerQuota = new Quota('dataConsumers', options.maxDataConsumers);
  }

  get dataProducers(): DataProducerInfo[] {
    return [...this.#dataProducers.values()].map((own) => this.#producerInfoOf(own));
  }

  get dataConsumers(): DataConsumerInfo[] {
    return [...this.#dataConsumers.values()].map(consumerInfoOf);
  }

  /** See `Peer.produceData()`. */
  async produce(
    transport: PeerTransport,
    options: { sctpStreamParameters: SctpStreamParameters; label: string; protocol: string },
  ): Promise<DataProducerInfo> {
    if (transport.direction !== 'send') {
      throw new AppError('media.invalid_parameters', { message: 'Producing needs a send transport.', details: { field: 'transportId' } });
    }
    const { sctpStreamParameters, label, protocol } = options;
    const dataProducer = await withPlace(this.#producerQuota, () =>
      transport.produceData({ sctpStreamParameters: fromWireSctpStreamParameters(sctpStreamParameters), label, protocol }),
    );
    const own: OwnDataProducer = { dataProducer, transportId: transport.id };
    this.#dataProducers.set(dataProducer.id, own);
    this.#events.emit('dataProducerAdded', this.#producerInfoOf(own));
    return this.#producerInfoOf(own);
  }

  /** See `Peer.consumeData()`. */
  async consume(transport: PeerTransport, dataProducerId: string): Promise<DataConsumerInfo> {
    const producer = this.#findDataProducer(dataProducerId);
    if (producer === undefined) throw new AppError('media.producer_not_found');
    let dataConsumer: types.DataConsumer;
    try {
      dataConsumer = await withPlace(this.#consumerQuota, () => transport.consumeData({ dataProducerId }));
    } catch (error) {
      if (transport.closed || this.#findDataProducer(dataProducerId) !== undefined) throw error;
      throw new AppError('media.producer_not_found', { cause: error });
    }
    if (this.#findDataProducer(dataProducerId) === undefined) {
      this.#consumerQuota.release();
      dataConsumer.close();
      throw new AppError('media.producer_not_found');
    }
    const own: OwnDataConsumer = { dataConsumer, peerId: producer.peerId, transportId: transport.id };
    this.#dataConsumers.set(dataConsumer.id, own);
    dataConsumer.on('dataproducerclose', () => this.#removeConsumer(own, 'producer_closed'));
    return consumerInfoOf(own);
  }

  closeProducer(dataProducerId: string): void {
    const own = this.#dataProducers.get(dataProducerId);
    if (own === undefined) throw new AppError('media.producer_not_found');
    this.#removeProducer(own);
  }

  closeConsumer(dataConsumerId: string): void {
    const own = this.#dataConsumers.get(dataConsumerId);
    if (own === undefined) throw new AppError('media.consumer_not_found');
    this.#removeConsumer(own);
  }

  /** Closes what was on a transport that is closed. */
  transportClosed(transportId: string): void {
    for (const own of [...this.#dataProducers.values()]) if (own.transportId === transportId) this.#removeProducer(own);
    for (const own of [...this.#dataConsumers.values()]) if (own.transportId === transportId) this.#removeConsumer(own, 'transport_closed');
  }

  /** Closes all it sends, telling of each, and forgets what it receives. */
  closeAll(): void {
    for (const own of [...this.#dataProducers.values()]) this.#removeProducer(own);
    this.#dataConsumers.clear();
  }

  /** Forgets all, telling nobody: the router under them closes them. */
  forgetAll(): void {
    this.#dataProducers.clear();
    this.#dataConsumers.clear();
  }

  #removeProducer({ dataProducer }: OwnDataProducer): void {
    if (!this.#dataProducers.delete(dataProducer.id)) return;
    this.#producerQuota.release();
    dataProducer.close();
    this.#events.emit('dataProducerRemoved', { dataProducerId: dataProducer.id, label: dataProducer.label });
  }

  #removeConsumer({ dataConsumer }: OwnDataConsumer, reason?: ConsumerClosedReason): void {
    if (!this.#dataConsumers.delete(dataConsumer.id)) return;
    this.#consumerQuota.release();
    dataConsumer.close();
    if (reason === undefined) return;
    this.#events.emit('dataConsumerClosed', { dataConsumerId: dataConsumer.id, dataProducerId: dataConsumer.dataProducerId, reason });
  }

  #producerInfoOf({ dataProducer: { id, label, protocol } }: OwnDataProducer): DataProducerInfo {
    return { dataProducerId: id, peerId: this.#peerId, label, protocol };
  }
}

async function withPlace<T>(quota: Quota, make: () => Promise<T>): Promise<T> {
  quota.take();
  try {
    return await make();
  } catch (error) {
    quota.release();
    throw error;
  }
}

function consumerInfoOf({ dataConsumer, peerId }: OwnDataConsumer): DataConsumerInfo {
  const { id, dataProducerId, label, protocol, sctpStreamParameters } = dataConsumer;
  // Only a consumer on a direct transport has none.
  if (sctpStreamParameters === undefined) throw new AppError('internal');
  const { streamId, ordered, maxPacketLifeTime, maxRetransmits } = sctpStreamParameters;
  return {
    dataConsumerId: id,
    dataProducerId,
    peerId,
    label,
    protocol,
    sctpStreamParameters: {
      streamId,
      ...(ordered !== undefined && { ordered }),
      ...(maxPacketLifeTime !== undefined && { maxPacketLifeTime }),
      ...(maxRetransmits !== undefined && { maxRetransmits }),
    },
  };
}
