import type { Redis } from 'ioredis';
import type { Database, Transaction } from '../db/database.ts';
import { type Facts, markRelayed } from '../facts.ts';
import type { Logger } from '../log.ts';
import type { RelayedNotice } from '../notifier.ts';
import type { RoomPlaces } from '../rooms/live-rooms.ts';
import { relayFacts } from './fact-relay.ts';
import { type CreateLimiter, createLimiters } from './limiters.ts';
import { RedisLink } from './redis.ts';
import { Relay } from './relay.ts';
import { RoomLeases } from './room-leases.ts';
import { deadAfterSeconds, type LeftBehind, ServerRoll } from './server-roll.ts';
import { findServerOfRoom } from './server-store.ts';

/** What the server does for the cluster, and hears from it. */
export interface ClusterListeners {
  readonly facts: Facts;
  /** Sends what another server tells sessions to those that are here. */
  readonly deliver: (notice: RelayedNotice) => void;
  /** Rooms that are alive here. */
  readonly aliveHere: () => readonly string[];
  /** A room that is alive here belongs to another server. */
  readonly giveUp: (roomId: string) => Promise<void>;
  /** Users who have sessions here. */
  readonly usersHere: () => readonly string[];
  /** Those of these users who are suspended. */
  readonly findSuspended: (userIds: readonly string[]) => Promise<readonly string[]>;
  /** Rooms that are alive here follow their rows. */
  readonly followRooms: () => Promise<void>;
  /** Something that was told to sessions may have been lost. */
  readonly tellResync: () => void;
  /** Others have closed the books of this server's rooms. */
  readonly reopenBooks: () => Promise<void>;
}

/** This server among the others, or by itself. */
export class Cluster {
  readonly createLimiter: CreateLimiter;
  readonly #db: Database;
  readonly #log: Logger;
  readonly #roll: ServerRoll;
  readonly #link: RedisLink | undefined;
  #relay: Relay | undefined;
  #leases: RoomLeases | undefined;
  #looking: Promise<void> = Promise.resolve();
  #closed = false;

  private constructor(parts: { db: Database; log: Logger; roll: ServerRoll; link: RedisLink | undefined }) {
    this.#db = parts.db;
    this.#log = parts.log;
    this.#roll = parts.roll;
    this.#link = parts.link;
    this.createLimiter = createLimiters(parts.link);
  }

  /** Enters the list of servers and, with `redisUrl`, connects to Redis. Whoever is certainly dead is buried. */
  static async open(options: {
    db: Database;
    log: Logger;
    /** undefined: this is the only server. */
    redisUrl: string | undefined;
    serverUrl: string | undefined;
    /** Closes the books on everybody who was in a room of a dead server, or of every other than one. */
    closeBooks: (tx: Transaction, of: { serverId: string } | { allBut: string }) => Promise<LeftBehind[]>;
  }): Promise<Cluster> {
    const { db, log, redisUrl, serverUrl, closeBooks } = options;
    const roll = await ServerRoll.enter({ db, log, isAlone: redisUrl === undefined, ownUrl: serverUrl, closeBooks });
    const link = redisUrl === undefined ? undefined : await RedisLink.open({ url: redisUrl, log });
    const cluster = new Cluster({ db, log, roll, link });
    if (link) cluster.#relay = await Relay.start({ link, serverId: roll.serverId, log });
    return cluster;
  }

  get serverId(): string {
    return this.#roll.serverId;
  }

  /** No other server shares the database. */
  get isAlone(): boolean {
    return this.#link === undefined;
  }

  /** Hands a notice on to the other servers; undefined when there are none. */
  get tell(): ((notice: RelayedNotice) => void) | undefined {
    const relay = this.#relay;
    return relay && ((notice) => relay.send({ notice }));
  }

  /** Whose the rooms are; undefined when they are all this server's. */
  get places(): RoomPlaces | undefined {
    if (this.isAlone) return undefined;
    return {
      take: (roomId) => this.#getLeases().take(roomId),
      release: (roomId) => this.#getLeases().release(roomId),
      assertNotElsewhere: (roomId) => this.#getLeases().assertNotElsewhere(roomId),
    };
  }

  /** The connection for commands, which fail at once while Redis is away; undefined without Redis. */
  get redis(): Redis | undefined {
    return this.#link?.client;
  }

  /** The state of Redis for `/readyz`; undefined without Redis. */
  get redisCheck(): (() => Promise<void>) | undefined {
    const link = this.#link;
    return link && (() => link.ping());
  }

  /** Puts the server and the others in touch. */
  connect(listeners: ClusterListeners): void {
    const { facts, deliver, aliveHere, giveUp, tellResync, reopenBooks } = listeners;
    const carefully = (work: () => Promise<void>, what: string) => {
      this.#looking = this.#looking.then(async () => {
        if (!this.#closed) await work().catch((error: unknown) => this.#log.warn({ err: error }, what));
      });
    };
    const lookForOneself = () => carefully(() => this.#lookForOneself(listeners), 'the database was not asked what other servers did');
    const roll = this.#roll;
    roll.on('died', (death) => facts.emit('server.died', death));
    roll.on('revived', () => carefully(reopenBooks, 'books were not opened again'));

    const [link, relay] = [this.#link, this.#relay];
    if (!link || !relay) return;
    // What must not wait is in the database, too: Redis may be away, or not answer, and nobody know it yet.
    roll.on('beat', lookForOneself);
    relay.on('heard', (item) => {
      if (item['notice']) deliver(item['notice'] as RelayedNotice);
    });
    relay.on('missed', () => {
      tellResync();
      lookForOneself();
    });
    relayFacts(facts, relay);
    this.#leases = new RoomLeases({
      link,
      log: this.#log,
      own: () => ({ serverId: roll.serverId, url: roll.url }),
      findInDatabase: (roomId) => findServerOfRoom(this.#db.sql, { roomId, ownId: roll.serverId, seenWithinSeconds: deadAfterSeconds }),
      aliveHere,
      onLost: (roomId, { serverId }) => {
        this.#log.warn({ roomId, holder: serverId }, 'a room belongs to another server and closes here');
        carefully(() => giveUp(roomId), 'a room was not given up');
      },
    });
  }

  /** From now on this server says that it lives, at the address where browsers reach it. */
  async start(url: string): Promise<void> {
    await this.#roll.start(url);
  }

  /** Leaves the cluster, once nobody is in a room here any more; idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#looking;
    await this.#leases?.close();
    await this.#relay?.close();
    this.#link?.close();
    await this.#roll.close();
  }

  async #lookForOneself({ facts, usersHere, findSuspended, followRooms }: ClusterListeners): Promise<void> {
    for (const userId of await findSuspended([...new Set(usersHere())])) {
      const fact = { userId };
      markRelayed(fact);
      facts.emit('user.suspended', fact);
    }
    await followRooms();
  }

  #getLeases(): RoomLeases {
    if (!this.#leases) throw new Error('the cluster is not connected yet');
    return this.#leases;
  }
}
