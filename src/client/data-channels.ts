import type { types } from 'mediasoup-client';
import type { DataProducerInfo } from '../protocol/media.ts';
import type { Connection } from './connection.ts';
import type { MediaSession } from './media-session.ts';
import { ParleyError } from './parley-error.ts';

/** A message of a data channel. */
export interface DataMessage {
  readonly participantId: string;
  readonly label: string;
  readonly data: string | Uint8Array<ArrayBuffer>;
}

/** How long a channel may take to open, milliseconds. */
const openTimeoutMs = 10_000;
/** A message reaches those who have opened their end: so long the first one waits for them, milliseconds. */
const settleMs = 300;

/** The data channels of one media session: one's own by label, opened on first use, and those of the others. */
export class DataChannels {
  readonly #session: MediaSession;
  readonly #connection: Pick<Connection, 'request'>;
  readonly #onMessage: (message: DataMessage) => void;
  readonly #outgoing = new Map<string, Promise<types.DataProducer>>();
  readonly #incoming = new Map<string, Promise<types.DataConsumer | undefined>>();
  #closed = false;

  constructor(session: MediaSession, connection: Pick<Connection, 'request'>, onMessage: (message: DataMessage) => void) {
    this.#session = session;
    this.#connection = connection;
    this.#onMessage = onMessage;
  }

  /**
   * Sends to everybody in the room, in order and reliably.
   *
   * @throws {ParleyError} `client.unsupported` without data channels, `client.timeout`, the server's codes
   */
  async send(label: string, data: string | Uint8Array): Promise<void> {
    let opening = this.#outgoing.get(label);
    if (opening === undefined) {
      opening = this.#open(label);
      this.#outgoing.set(label, opening);
      opening.catch(() => this.#outgoing.delete(label));
    }
    (await opening).send(data);
  }

  /** Receives from those who are there and forgets those who are not. */
  reconcile(dataProducers: Iterable<DataProducerInfo>, ownParticipantId: string | undefined): void {
    const present = new Set<string>();
    for (const producer of dataProducers) {
      if (producer.participantId === ownParticipantId) continue;
      present.add(producer.dataProducerId);
      if (!this.#incoming.has(producer.dataProducerId)) this.#incoming.set(producer.dataProducerId, this.#receive(producer));
    }
    for (const [dataProducerId, consumer] of this.#incoming) {
      if (present.has(dataProducerId)) continue;
      this.#incoming.delete(dataProducerId);
      void consumer.then((value) => value?.close());
    }
  }

  /** Ends all of them; the session's transports close the channels themselves. */
  close(): void {
    this.#closed = true;
    this.#outgoing.clear();
    this.#incoming.clear();
  }

  async #open(label: string): Promise<types.DataProducer> {
    const producer = await this.#session.produceData(label).catch((error: unknown) => {
      throw ParleyError.from(error, 'client.unsupported');
    });
    await new Promise<void>((resolve, reject) => {
      let timer = setTimeout(() => reject(new ParleyError('client.timeout')), openTimeoutMs);
      const onOpen = (): void => {
        clearTimeout(timer);
        timer = setTimeout(resolve, settleMs);
      };
      const onClosed = (): void => {
        clearTimeout(timer);
        reject(new ParleyError('client.disconnected'));
      };
      producer.on('transportclose', onClosed);
      producer.on('close', onClosed);
      if (producer.readyState === 'open') onOpen();
      else producer.on('open', onOpen);
    });
    return producer;
  }

  async #receive({ dataProducerId, participantId, label }: DataProducerInfo): Promise<types.DataConsumer | undefined> {
    try {
      const info = await this.#connection.request('media:consumeData', { dataProducerId });
      if (this.#closed) return undefined;
      const { streamId, ordered, maxPacketLifeTime, maxRetransmits } = info.sctpStreamParameters;
      const consumer = await this.#session.consumeData({
        id: info.dataConsumerId,
        dataProducerId,
        label: info.label,
        protocol: info.protocol,
        sctpStreamParameters: {
          streamId,
          ...(ordered !== undefined && { ordered }),
          ...(maxPacketLifeTime !== undefined && { maxPacketLifeTime }),
          ...(maxRetransmits !== undefined && { maxRetransmits }),
        },
      });
      consumer.binaryType = 'arraybuffer';
      consumer.on('message', (data: unknown) => {
        if (this.#closed) return;
        if (typeof data === 'string') this.#onMessage({ participantId, label, data });
        else if (data instanceof ArrayBuffer) this.#onMessage({ participantId, label, data: new Uint8Array(data) });
      });
      return consumer;
    } catch {
      // It is gone, or the session is: the next reconciliation asks again when it is still there.
      this.#incoming.delete(dataProducerId);
      return undefined;
    }
  }
}
