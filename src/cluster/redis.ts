import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Logger } from '../log.ts';

/** The longest wait between two tries to connect. */
const maxBackoffMs = 1_000;
/** A command without an answer for so long has failed, and the connection is taken for dead. */
const commandTimeoutMs = 2_000;
/** How often the connection is tried, so that one that is only half open is noticed. */
const pingIntervalMs = 2_000;
/** How long a connection that is given up may take to say goodbye. */
const disconnectTimeoutMs = 200;
/** How long a start waits for Redis; then it goes on without. */
const firstConnectionMs = 3_000;

/**
 * The server's connection to Redis, which comes and goes: it is tried again for ever, and nothing waits for it. Commands on `client` fail at
 * once while it is down and after 2 s when Redis does not answer. Events: `up`, `down`.
 */
export class RedisLink extends EventEmitter<{ up: []; down: [] }> {
  readonly client: Redis;
  readonly #url: string;
  readonly #log: Logger;
  readonly #readers = new Set<Redis>();
  readonly #pings: NodeJS.Timeout;
  /** Nothing of before counts: the first connection, or its failure, is news. */
  #isUp: boolean | undefined;
  #upSinceMs = 0;
  #closed = false;

  private constructor(url: string, log: Logger) {
    super();
    this.#url = url;
    this.#log = log;
    this.client = this.#connect(commandTimeoutMs);
    this.client.on('ready', () => this.#turn(true));
    this.client.on('close', () => this.#turn(false));
    this.#pings = setInterval(() => {
      if (this.isUp) this.ping().catch(() => this.client.disconnect(true));
    }, pingIntervalMs);
  }

  /** Connects; waits up to 3 s for the first connection and then goes on without. */
  static async open({ url, log }: { url: string; log: Logger }): Promise<RedisLink> {
    const link = new RedisLink(url, log);
    const giveUp = new AbortController();
    const { promise: up, resolve } = Promise.withResolvers<void>();
    link.once('up', resolve);
    await Promise.race([up, delay(firstConnectionMs, undefined, { signal: giveUp.signal }).catch(() => undefined)]);
    giveUp.abort();
    return link;
  }

  /** Whether commands can be sent now. */
  get isUp(): boolean {
    return this.#isUp === true;
  }

  /** For how many milliseconds the connection has stood; 0 when it does not. */
  get upForMs(): number {
    return this.isUp ? performance.now() - this.#upSinceMs : 0;
  }

  /** Rejects when Redis does not answer. */
  async ping(): Promise<void> {
    await this.client.ping();
  }

  /** A connection of its own for commands that block for up to `blockMs`; closed with this one. */
  openReader(blockMs: number): Redis {
    const reader = this.#connect(blockMs + commandTimeoutMs);
    this.#readers.add(reader);
    return reader;
  }

  /** Lets go of every connection; idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#pings);
    this.removeAllListeners();
    for (const redis of [this.client, ...this.#readers]) redis.disconnect();
  }

  #connect(commandTimeout: number): Redis {
    const redis = new Redis(this.#url, {
      // What cannot be sent now fails now; what may be sent again is for whoever sends it to know.
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      connectTimeout: commandTimeoutMs,
      disconnectTimeout: disconnectTimeoutMs,
      retryStrategy: (times: number) => Math.min(50 * 2 ** Math.min(times, 10), maxBackoffMs),
      commandTimeout,
      replyMapping: 'legacy',
    });
    // Without a listener ioredis writes each failed try to the console; `#turn` says it once.
    redis.on('error', (error) => this.#log.debug({ err: error }, 'Redis connection failed'));
    return redis;
  }

  #turn(isUp: boolean): void {
    if (this.#closed || this.#isUp === isUp) return;
    this.#isUp = isUp;
    if (isUp) {
      this.#upSinceMs = performance.now();
      this.#log.info('Redis is connected');
      this.emit('up');
    } else {
      this.#log.warn('Redis is away: this server goes on by itself and tries again');
      this.emit('down');
    }
  }
}
