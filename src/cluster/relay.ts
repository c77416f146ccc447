import { EventEmitter, once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Logger } from '../log.ts';
import type { RedisLink } from './redis.ts';

/** The stream that every server writes to and reads from. */
const streamKey = 'parley:relay';
/** Entries that Redis keeps for servers that are behind; each holds as many items as had gathered. */
const streamLength = 10_000;
/** What waits here while Redis is away; beyond, all of it is dropped and the others are told to look for themselves. */
const maxWaitingItems = 10_000;
const maxWaitingBytes = 20_000_000;
/** What goes into one entry. */
const maxBatchItems = 500;
const maxBatchBytes = 256_000;
const readCount = 200;
const readBlockMs = 2_000;
/** A pause after a failure that has not ended the connection, such as Redis being out of memory. */
const retryMs = 1_000;
/** How long an orderly end waits for what is still to be told. */
const lastFlushMs = 1_000;

/** An item as it goes to the other servers; anything that JSON can hold. */
export type RelayItem = Readonly<Record<string, unknown>>;

type Entry = [id: string, fields: string[]];

/**
 * Tells the other servers things, in order and once, through a stream in Redis. What is told while Redis is away waits here. Each item has its
 * server's number, so that a server notices what it has missed. Events: `heard` for each item of another server, `missed` when some are lost.
 */
export class Relay extends EventEmitter<{ heard: [RelayItem]; missed: [] }> {
  readonly #link: RedisLink;
  readonly #reader: Redis;
  readonly #serverId: string;
  readonly #log: Logger;
  readonly #waiting: { seq: number; json: string }[] = [];
  #waitingBytes = 0;
  #lastSeq = 0;
  #flushing: Promise<void> | undefined;
  #isDropping = false;
  /** The last number heard of each server. */
  readonly #heardSeq = new Map<string, number>();
  /** Where reading goes on; undefined before the first connection. */
  #offset: string | undefined;
  /** The connection is a new one: the stream may be, too. */
  #isOffsetKnown = false;
  readonly #ended = new AbortController();
  readonly #reading: Promise<void>;

  private constructor(options: { link: RedisLink; serverId: string; log: Logger }) {
    super();
    this.#link = options.link;
    this.#serverId = options.serverId;
    this.#log = options.log;
    this.#reader = options.link.openReader(readBlockMs);
    this.#reader.on('ready', () => {
      this.#isOffsetKnown = false;
    });
    // Shows the others at once whether they have all that was told before.
    this.#link.on('up', () => this.send({ hello: true }));
    this.#reading = this.#read();
  }

  /** Starts to listen; resolves when nothing said from now on is missed, or at once while Redis is away. */
  static async start(options: { link: RedisLink; serverId: string; log: Logger }): Promise<Relay> {
    const relay = new Relay(options);
    if (options.link.isUp) await relay.#findOffset(true).catch((error: unknown) => options.log.warn({ err: error }, 'relay begins late'));
    relay.send({ hello: true });
    return relay;
  }

  /** Tells all other servers, now or when Redis is back. */
  send(item: RelayItem): void {
    if (this.#ended.signal.aborted) return;
    const json = JSON.stringify(item);
    if (this.#waiting.length >= maxWaitingItems || this.#waitingBytes + json.length > maxWaitingBytes) this.#dropWaiting();
    this.#lastSeq += 1;
    this.#waiting.push({ seq: this.#lastSeq, json });
    this.#waitingBytes += json.length;
    this.#flushing ??= this.#flush();
  }

  /** Tells what is still to be told, if Redis answers, and stops listening; idempotent. */
  async close(): Promise<void> {
    if (this.#ended.signal.aborted) return;
    if (this.#flushing && this.#link.isUp) {
      const late = new AbortController();
      await Promise.race([this.#flushing, delay(lastFlushMs, undefined, { signal: late.signal }).catch(() => undefined)]);
      late.abort();
    }
    this.#ended.abort();
    this.#reader.disconnect();
    await this.#reading;
    await this.#flushing;
    this.removeAllListeners();
  }

  /** The numbers go on, so that the others notice. */
  #dropWaiting(): void {
    if (!this.#isDropping) this.#log.warn({ items: this.#waiting.length }, 'too much waits for Redis: other servers will ask anew');
    this.#isDropping = true;
    this.#waiting.length = 0;
    this.#waitingBytes = 0;
  }

  /** Writes one entry after another; what gathers meanwhile goes together. Ends when nothing waits or Redis is away: `up` begins again. */
  async #flush(): Promise<void> {
    // What is told in one tick goes in one entry.
    await Promise.resolve();
    try {
      while (this.#waiting.length > 0 && this.#link.isUp && !this.#ended.signal.aborted) await this.#writeBatch();
    } finally {
      // In the tick in which nothing waited any more: what is told next begins anew.
      this.#flushing = undefined;
    }
  }

  async #writeBatch(): Promise<void> {
    const batch = this.#nextBatch();
    const items = `[${batch.map(({ json }) => json).join(',')}]`;
    try {
      const fields = ['from', this.#serverId, 'seq', String(batch[0]?.seq), 'items', items];
      await this.#link.client.xadd(streamKey, 'MAXLEN', '~', streamLength, '*', ...fields);
      this.#isDropping = false;
      this.#forget(batch.at(-1)?.seq ?? 0);
    } catch (error) {
      if (!this.#link.isUp || this.#ended.signal.aborted) return;
      this.#log.debug({ err: error }, 'relay could not write');
      await delay(retryMs, undefined, { signal: this.#ended.signal }).catch(() => undefined);
    }
  }

  #nextBatch(): { seq: number; json: string }[] {
    let bytes = 0;
    const end = this.#waiting.findIndex(({ json }, index) => {
      bytes += json.length;
      return index > 0 && (index >= maxBatchItems || bytes > maxBatchBytes);
    });
    return this.#waiting.slice(0, end === -1 ? undefined : end);
  }

  #forget(upToSeq: number): void {
    const left = this.#waiting.findIndex(({ seq }) => seq > upToSeq);
    const sent = this.#waiting.splice(0, left === -1 ? this.#waiting.length : left);
    for (const { json } of sent) this.#waitingBytes -= json.length;
  }

  async #read(): Promise<void> {
    const { signal } = this.#ended;
    while (!signal.aborted) {
      try {
        if (this.#reader.status !== 'ready') await once(this.#reader, 'ready', { signal });
        if (!this.#isOffsetKnown) await this.#findOffset(false);
        const reply = await this.#reader.xread('COUNT', readCount, 'BLOCK', readBlockMs, 'STREAMS', streamKey, this.#offset ?? '$');
        for (const entry of (reply?.[0]?.[1] ?? []) as Entry[]) this.#take(entry);
      } catch (error) {
        if (signal.aborted) return;
        this.#log.debug({ err: error }, 'relay could not read');
        await this.#reconnectReader();
      }
    }
  }

  /** A connection that does not answer is taken for dead; ioredis makes another. */
  async #reconnectReader(): Promise<void> {
    const { signal } = this.#ended;
    if (this.#reader.status === 'ready') {
      const closed = once(this.#reader, 'close', { signal });
      this.#reader.disconnect(true);
      await closed.catch(() => undefined);
    } else await delay(50, undefined, { signal }).catch(() => undefined);
  }

  /** Where to read on. A Redis that came back empty begins a new stream; one that had none of it when this server started begins here. */
  async #findOffset(isStart: boolean): Promise<void> {
    const redis = isStart ? this.#link.client : this.#reader;
    const [last] = (await redis.xrevrange(streamKey, '+', '-', 'COUNT', 1)) as Entry[];
    const lastId = last?.[0] ?? '0-0';
    if (this.#offset === undefined) {
      this.#offset = lastId;
      // Others may have told something while this server could not listen.
      if (!isStart) this.emit('missed');
    } else if (isBefore(lastId, this.#offset)) this.#offset = '0-0';
    if (!isStart) this.#isOffsetKnown = true;
  }

  #take([id, fields]: Entry): void {
    this.#offset = id;
    const {
      from = '',
      seq = '',
      items = '[]',
    } = Object.fromEntries(fields.flatMap((name, index) => (index % 2 === 0 ? [[name, fields[index + 1] ?? '']] : []))) as Record<
      string,
      string
    >;
    if (from === this.#serverId) return;
    const heard = this.#heardSeq.get(from);
    const firstSeq = Number(seq);
    let nextSeq = firstSeq;
    for (const item of JSON.parse(items) as RelayItem[]) {
      const itemSeq = nextSeq;
      nextSeq += 1;
      // Written twice when the answer to the first time was lost.
      if (heard !== undefined && itemSeq <= heard) continue;
      if (!('hello' in item)) this.emit('heard', item);
    }
    this.#heardSeq.set(from, Math.max(heard ?? 0, nextSeq - 1));
    // A server that has just come must know from which number on it hears this one.
    if (heard === undefined) this.send({ hello: true });
    if (heard !== undefined && firstSeq > heard + 1) {
      this.#log.warn({ from, items: firstSeq - heard - 1 }, 'something told by another server was lost');
      this.emit('missed');
    }
  }
}

/** Whether one id of a stream, `milliseconds-number`, comes before another. */
function isBefore(id: string, other: string): boolean {
  const [ms = 0, number = 0] = id.split('-').map(Number);
  const [otherMs = 0, otherNumber = 0] = other.split('-').map(Number);
  return ms < otherMs || (ms === otherMs && number < otherNumber);
}
