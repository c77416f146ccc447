import type { Logger } from '../log.ts';
import { AppError } from '../protocol/errors.ts';
import type { RedisLink } from './redis.ts';

/** How long a lease outlives its last refresh, and how often it is refreshed. */
const leaseMs = 10_000;
const refreshMs = 3_000;

const keyOf = (roomId: string) => `parley:room:${roomId}`;

/** Takes or refreshes a lease; answers who holds it then. */
const takeScript = `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return holder end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]`;

/** Gives a lease back, if it is one's own. */
const releaseScript = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`;

/** A server and where browsers reach it. */
export interface Place {
  readonly serverId: string;
  readonly url: string;
}

interface RoomLeasesOptions {
  readonly link: RedisLink;
  readonly log: Logger;
  /** This server. */
  readonly own: () => Place;
  /** The other living server on which the database knows somebody in a room. */
  readonly findInDatabase: (roomId: string) => Promise<Place | undefined>;
  /** The rooms that are alive here. */
  readonly aliveHere: () => readonly string[];
  /** A room that is alive here belongs to another server. */
  readonly onLost: (roomId: string, holder: Place) => void;
}

/**
 * Says on which server a room is alive: the one that holds its lease in Redis. While Redis is away the database says it, and leases are taken
 * anew as soon as Redis is back.
 */
export class RoomLeases {
  readonly #options: RoomLeasesOptions;
  readonly #timer: NodeJS.Timeout;
  #refreshing: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: RoomLeasesOptions) {
    this.#options = options;
    const refresh = () => {
      this.#refreshing = this.#refreshing.then(() => this.#refreshAll());
    };
    this.#timer = setInterval(refresh, refreshMs);
    options.link.on('up', refresh);
  }

  /** Makes a room this server's, before it comes to life here. Errors: `room.elsewhere` with `details.url`. */
  async take(roomId: string): Promise<void> {
    const holder = await this.#attempt(roomId, () => this.#take(roomId));
    if (holder && !this.#isOwn(holder)) throw elsewhere(holder);
    // A lease says nothing of a room whose server is cut off from Redis, or has not taken it anew yet.
    const other = await this.#options.findInDatabase(roomId);
    if (!other) return;
    await this.release(roomId);
    throw elsewhere(other);
  }

  /** Errors: `room.elsewhere` when the room is alive on another server. */
  async assertNotElsewhere(roomId: string): Promise<void> {
    const value = await this.#attempt(roomId, () => this.#options.link.client.get(keyOf(roomId)));
    const holder = (value && parse(value)) || (await this.#options.findInDatabase(roomId));
    if (holder && !this.#isOwn(holder)) throw elsewhere(holder);
  }

  /** Gives a room back that is no longer alive here; where Redis does not answer the lease runs out. */
  async release(roomId: string): Promise<void> {
    await this.#attempt(roomId, () => this.#options.link.client.eval(releaseScript, 1, keyOf(roomId), this.#ownValue()));
  }

  /** Refreshes no more; leases still held run out. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#refreshing;
  }

  async #refreshAll(): Promise<void> {
    const { link, aliveHere, onLost } = this.#options;
    if (this.#closed || !link.isUp) return;
    await Promise.all(
      aliveHere().map(async (roomId) => {
        const holder = await this.#attempt(roomId, () => this.#take(roomId));
        if (holder && !this.#isOwn(holder) && !this.#closed) onLost(roomId, holder);
      }),
    );
  }

  async #take(roomId: string): Promise<Place | undefined> {
    const value = await this.#options.link.client.eval(takeScript, 1, keyOf(roomId), this.#ownValue(), leaseMs);
    return parse(String(value));
  }

  /** What Redis answers; undefined when it does not. */
  async #attempt<T>(roomId: string, ask: () => Promise<T>): Promise<T | undefined> {
    if (!this.#options.link.isUp) return undefined;
    try {
      return await ask();
    } catch (error) {
      this.#options.log.debug({ err: error, roomId }, 'lease not known');
      return undefined;
    }
  }

  #isOwn({ serverId }: Place): boolean {
    return serverId === this.#options.own().serverId;
  }

  #ownValue(): string {
    const { serverId, url } = this.#options.own();
    return `${serverId} ${url}`;
  }
}

function parse(value: string): Place | undefined {
  const [serverId, url] = value.split(' ');
  return serverId && url !== undefined ? { serverId, url } : undefined;
}

function elsewhere({ url }: Place): AppError {
  return new AppError('room.elsewhere', { details: { url } });
}
