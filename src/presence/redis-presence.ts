import type { ChainableCommander, Redis } from 'ioredis';
import type { Logger } from '../log.ts';
import type { DevicesByUser, DevicesHere, LivePresence } from './live-presence.ts';
import { MemoryPresence } from './memory-presence.ts';
import type { Device } from './presence-status.ts';

const prefix = 'parley:presence:';
/** A server that has not been heard of for so long is dead. */
const aliveMs = 12_000;
/** How often a server says that it lives, and looks for those that don't. */
const refreshMs = 5_000;
/** What nobody writes anew for that long vanishes. */
const keepMs = 10 * 60_000;
/** How often a server writes anew all that it has. */
const rewriteMs = 2 * 60_000;
/** Without an answer for so long Redis is away. */
const answerMs = 1_000;
/** After Redis came back, how long other servers may take until they have said everything again. */
const settleMs = 3_000;
/** Users in one go. */
const chunkSize = 500;

/** Set while the server lives. */
const aliveKey = (serverId: string) => `${prefix}alive:${serverId}`;
/** A hash of a user's devices: by server, in JSON. */
const userKey = (userId: string) => `${prefix}user:${userId}`;
/** The set of users with a device on a server: what to clear away when it dies. */
const usersKey = (serverId: string) => `${prefix}users:${serverId}`;
/** The set of servers whose end nobody has dealt with yet. */
const serversKey = `${prefix}servers`;

/**
 * The devices of all servers, in Redis; those of this one in its memory, too. A server's entries count while it says every five seconds that it
 * lives, and are cleared away by another one that notices its death. Without Redis this server's own devices are known, and said again when it is
 * back.
 */
export class RedisPresence implements LivePresence {
  readonly #redis: Redis;
  readonly #serverId: string;
  readonly #log: Logger;
  readonly #onBack: () => void;
  readonly #onDied: (userIds: readonly string[]) => void;
  readonly #here: DevicesHere;
  readonly #own: MemoryPresence;
  #timer: NodeJS.Timeout | undefined;
  #refreshing = Promise.resolve();
  /** What Redis has may differ from what is here. */
  #isBehind = true;
  /** Redis did not answer; it is left alone until the next refresh. */
  #isSilent = false;
  #wasThere: boolean;
  #rewrittenAtMs = 0;
  #wholeFromMs = 0;
  #closed = false;

  constructor(options: {
    here: DevicesHere;
    redis: Redis;
    /** Another one for each start of a server. */
    serverId: string;
    log: Logger;
    /** Redis is there, or there again: what this server has is known to the others, and what they said meanwhile may have been missed. */
    onBack: () => void;
    /** Users of a server that has died. */
    onDied: (userIds: readonly string[]) => void;
  }) {
    const { here, redis, serverId, log, onBack, onDied } = options;
    this.#here = here;
    this.#own = new MemoryPresence(here);
    this.#redis = redis;
    this.#serverId = serverId;
    this.#log = log;
    this.#onBack = onBack;
    this.#onDied = onDied;
    this.#wasThere = redis.status === 'ready';
    redis.on('ready', this.#onReady);
    this.#refreshSoon(0);
  }

  async publish(userIds: readonly string[]): Promise<void> {
    if (!this.#isThere) {
      this.#isBehind = true;
      return;
    }
    try {
      await this.#write(userIds);
    } catch (error) {
      this.#fail(error);
    }
  }

  async find(userIds: readonly string[]): Promise<{ devices: DevicesByUser; isWhole: boolean }> {
    const own = (await this.#own.find(userIds)).devices;
    if (!this.#isThere) return { devices: own, isWhole: false };
    try {
      const elsewhere = await this.#findElsewhere(userIds);
      const devices = new Map<string, readonly Device[]>(own);
      for (const [userId, list] of elsewhere) devices.set(userId, [...(own.get(userId) ?? []), ...list]);
      return { devices, isWhole: Date.now() >= this.#wholeFromMs };
    } catch (error) {
      this.#fail(error);
      return { devices: own, isWhole: false };
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#redis.off('ready', this.#onReady);
    clearTimeout(this.#timer);
    await this.#refreshing;
    await this.#own.close();
    if (!this.#isThere) return;
    try {
      await this.#rewrite();
      await this.#run(this.#redis.pipeline().del(aliveKey(this.#serverId), usersKey(this.#serverId)).srem(serversKey, this.#serverId));
    } catch (error) {
      this.#log.warn({ err: error }, 'presence was not taken out of Redis; it expires');
    }
  }

  get #isThere(): boolean {
    return this.#redis.status === 'ready' && !this.#isSilent;
  }

  readonly #onReady = (): void => {
    // Whether it has kept what it had is seen by the refresh.
    if (this.#wasThere) this.#wholeFromMs = Date.now() + settleMs;
    this.#wasThere = true;
    this.#isSilent = false;
    this.#isBehind = true;
    this.#refreshSoon(0);
  };

  /** Redis did not do what it was asked for; everything is said again once it does. */
  #fail(error: unknown): void {
    this.#isBehind = true;
    if (this.#isSilent) return;
    this.#isSilent = true;
    this.#log.warn({ err: error }, 'presence of other servers is not known: Redis does not answer');
  }

  #refreshSoon(inMs: number): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      // One after another; the last one sets the clock for the next.
      const refreshing = this.#refreshing
        .then(() => this.#refresh())
        .catch((error: unknown) => this.#fail(error))
        .then(() => {
          if (this.#refreshing === refreshing) this.#refreshSoon(refreshMs);
        });
      this.#refreshing = refreshing;
    }, inMs);
  }

  /** Says that this server lives, says again what Redis may not have, and clears away what dead servers left. */
  async #refresh(): Promise<void> {
    if (this.#redis.status !== 'ready' || this.#closed) return;
    const alive = this.#redis.pipeline().set(aliveKey(this.#serverId), '1', 'PX', aliveMs, 'GET').sadd(serversKey, this.#serverId);
    const [wasAlive] = await this.#run(alive);
    this.#isSilent = false;
    const wasBehind = this.#isBehind || wasAlive === null;
    if (wasBehind || Date.now() - this.#rewrittenAtMs > rewriteMs) {
      this.#isBehind = false;
      await this.#rewrite();
      if (wasBehind) this.#onBack();
    }
    await this.#clearAwayDead();
  }

  async #rewrite(): Promise<void> {
    const [known] = await this.#run(this.#redis.pipeline().smembers(usersKey(this.#serverId)));
    const userIds = new Set([...(known as string[]), ...(this.#closed ? [] : this.#here.userIds)]);
    await this.#write([...userIds]);
    this.#rewrittenAtMs = Date.now();
  }

  /** Writes what these users have here at this moment. */
  async #write(userIds: readonly string[]): Promise<void> {
    const server = usersKey(this.#serverId);
    for (let start = 0; start < userIds.length; start += chunkSize) {
      const pipeline = this.#redis.pipeline();
      for (const userId of userIds.slice(start, start + chunkSize)) {
        const devices = this.#closed ? [] : this.#here.devicesOf(userId);
        if (devices.length > 0) {
          pipeline.hset(userKey(userId), this.#serverId, JSON.stringify(devices)).pexpire(userKey(userId), keepMs).sadd(server, userId);
        } else pipeline.hdel(userKey(userId), this.#serverId).srem(server, userId);
      }
      pipeline.pexpire(server, keepMs);
      await this.#run(pipeline);
    }
  }

  async #findElsewhere(userIds: readonly string[]): Promise<Map<string, Device[]>> {
    const entries: { userId: string; serverId: string; devices: Device[] }[] = [];
    for (let start = 0; start < userIds.length; start += chunkSize) {
      const chunk = userIds.slice(start, start + chunkSize);
      const pipeline = this.#redis.pipeline();
      for (const userId of chunk) pipeline.hgetall(userKey(userId));
      for (const [index, fields] of (await this.#run(pipeline)).entries()) {
        for (const [serverId, json] of Object.entries(fields as Record<string, string>)) {
          if (serverId !== this.#serverId) entries.push({ userId: chunk[index] ?? '', serverId, devices: JSON.parse(json) as Device[] });
        }
      }
    }
    const alive = await this.#whichLive([...new Set(entries.map(({ serverId }) => serverId))]);
    const found = new Map<string, Device[]>();
    for (const { userId, serverId, devices } of entries) {
      if (alive.has(serverId)) found.set(userId, [...(found.get(userId) ?? []), ...devices]);
    }
    return found;
  }

  async #whichLive(serverIds: readonly string[]): Promise<Set<string>> {
    if (serverIds.length === 0) return new Set();
    const [values] = await this.#run(this.#redis.pipeline().mget(serverIds.map(aliveKey)));
    return new Set(serverIds.filter((_, index) => (values as (string | null)[])[index] !== null));
  }

  async #clearAwayDead(): Promise<void> {
    const [members] = await this.#run(this.#redis.pipeline().smembers(serversKey));
    const others = (members as string[]).filter((serverId) => serverId !== this.#serverId);
    const alive = await this.#whichLive(others);
    for (const serverId of others.filter((other) => !alive.has(other))) {
      const [known] = await this.#run(this.#redis.pipeline().smembers(usersKey(serverId)));
      const userIds = known as string[];
      for (let start = 0; start < userIds.length; start += chunkSize) {
        const pipeline = this.#redis.pipeline();
        for (const userId of userIds.slice(start, start + chunkSize)) pipeline.hdel(userKey(userId), serverId);
        await this.#run(pipeline);
      }
      // Last, so that another server does it should this one die meanwhile.
      await this.#run(this.#redis.pipeline().del(usersKey(serverId)).srem(serversKey, serverId));
      this.#log.info({ deadServerId: serverId, users: userIds.length }, 'presence of a dead server cleared away');
      if (userIds.length > 0) this.#onDied(userIds);
    }
  }

  /** What each command of a pipeline answers; rejects when one fails, or when there is no answer in time. */
  async #run(pipeline: ChainableCommander): Promise<unknown[]> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new Error('no answer in time')), answerMs);
    const work = pipeline.exec().then((results) =>
      (results ?? []).map(([error, value]) => {
        if (error) throw error;
        return value;
      }),
    );
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
      // Nobody waits any longer for what fails after its time.
      work.catch((error: unknown) => this.#log.debug({ err: error }, 'presence in Redis failed'));
    }
  }
}
