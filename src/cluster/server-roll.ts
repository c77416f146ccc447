import { EventEmitter } from 'node:events';
import { v7 as uuidv7 } from 'uuid';
import type { Database, Transaction } from '../db/database.ts';
import type { FactMap } from '../facts.ts';
import type { Logger } from '../log.ts';
import * as store from './server-store.ts';

/** How often a server says that it lives, and looks after the others. */
const heartbeatMs = 3_000;
/** A server that has not been seen for so long is dead. */
export const deadAfterSeconds = 12;
/** A pause between heartbeats after which this server may have missed those of the others: longer than one that is late. */
const longestPauseMs = 2 * heartbeatMs;

/** Where somebody was whom a dead server left behind. `serverId` is null in rows older than the list of servers. */
export interface LeftBehind {
  readonly serverId: string | null;
  readonly roomId: string;
  readonly userId: string;
}

type Death = FactMap['server.died'][0];

interface ServerRollOptions {
  readonly db: Database;
  readonly log: Logger;
  /** No other server is on this database: whoever is on the list has died. */
  readonly isAlone: boolean;
  /** Where browsers reach this very server, when that is configured: another one by that address was this one's predecessor. */
  readonly ownUrl: string | undefined;
  /** Closes the books on everybody who was in a room of a server; of every other server than this one without `serverId`. */
  readonly closeBooks: (tx: Transaction, of: { serverId: string } | { allBut: string }) => Promise<LeftBehind[]>;
}

/**
 * This server on the list of those that live. Each says every 3 s that it does; one that has not for 12 s is buried by whoever notices first,
 * which closes its books. Events: `died` once for each death that this server has noticed; `beat` after each heartbeat; `revived` when others had
 * taken this one for dead.
 */
export class ServerRoll extends EventEmitter<{ died: [Death]; beat: []; revived: [] }> {
  readonly serverId = uuidv7();
  readonly #options: ServerRollOptions;
  #url: string;
  /** Deaths noticed before anybody listened. */
  readonly #earlyDeaths: Death[] = [];
  #timer: NodeJS.Timeout | undefined;
  #beating: Promise<void> | undefined;
  /** Since when heartbeats have come without a pause, and the last of them. */
  #steadySinceMs = performance.now();
  #lastBeatMs = performance.now();
  #isFailing = false;
  #closed = false;

  private constructor(options: ServerRollOptions) {
    super();
    this.#options = options;
    this.#url = options.ownUrl ?? '';
  }

  /** Enters the list and buries those of whom it is certain that they are dead. */
  static async enter(options: ServerRollOptions): Promise<ServerRoll> {
    const roll = new ServerRoll(options);
    const { db, isAlone, ownUrl } = options;
    await store.upsertServer(db.sql, { serverId: roll.serverId, url: roll.#url });
    if (isAlone) await roll.#buryAllOthers();
    else if (ownUrl !== undefined) for (const serverId of await store.findOthers(db.sql, roll.serverId, ownUrl)) await roll.#bury(serverId);
    return roll;
  }

  get url(): string {
    return this.#url;
  }

  /** Begins to beat, now that it is known where browsers reach this server and everybody listens. */
  async start(url: string): Promise<void> {
    this.#url = url;
    await this.#beat();
    for (const death of this.#earlyDeaths.splice(0)) this.emit('died', death);
    this.#timer = setInterval(() => {
      // One that waits for the database is not followed by others that would all come at once afterwards.
      this.#beating ??= this.#round().finally(() => {
        this.#beating = undefined;
      });
    }, heartbeatMs);
  }

  /** Leaves the list; idempotent. The rooms' books must be closed already. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#beating;
    this.removeAllListeners();
    const { db, log } = this.#options;
    await store
      .deleteServer(db.sql, this.serverId)
      .catch((error: unknown) => log.warn({ err: error }, 'this server stays on the list until another one takes it for dead'));
  }

  async #round(): Promise<void> {
    if (this.#closed) return;
    const { db, log, isAlone } = this.#options;
    try {
      await this.#beat();
      // After a pause of the database or of this process the others' last heartbeats say nothing.
      const isSteady = this.#lastBeatMs - this.#steadySinceMs >= deadAfterSeconds * 1_000;
      if (isSteady && !isAlone) {
        for (const serverId of await store.findUnseen(db.sql, this.serverId, deadAfterSeconds)) {
          await this.#bury(serverId, deadAfterSeconds);
        }
      }
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing) log.warn({ err: error }, 'heartbeat failed');
      this.#isFailing = true;
    }
    if (!this.#closed) this.emit('beat');
  }

  async #beat(): Promise<void> {
    const { isNew } = await store.upsertServer(this.#options.db.sql, { serverId: this.serverId, url: this.#url });
    const nowMs = performance.now();
    if (nowMs - this.#lastBeatMs > longestPauseMs) this.#steadySinceMs = nowMs;
    this.#lastBeatMs = nowMs;
    if (!isNew) return;
    this.#options.log.warn('another server took this one for dead');
    this.emit('revived');
  }

  /** Buries one server. However many notice its death, the row is there for one of them to delete. */
  async #bury(serverId: string, unseenForSeconds?: number): Promise<void> {
    const { db, closeBooks } = this.#options;
    const leftBehind = await db.transaction(async (tx) => {
      if (!(await store.deleteServer(tx, serverId, unseenForSeconds))) return undefined;
      return await closeBooks(tx, { serverId });
    });
    if (leftBehind) this.#tell(serverId, leftBehind);
  }

  async #buryAllOthers(): Promise<void> {
    const { db, closeBooks } = this.#options;
    const dead = new Set(await store.findOthers(db.sql, this.serverId));
    const leftBehind = await db.transaction(async (tx) => {
      for (const serverId of dead) await store.deleteServer(tx, serverId);
      return await closeBooks(tx, { allBut: this.serverId });
    });
    for (const { serverId } of leftBehind) dead.add(serverId ?? '');
    for (const serverId of dead) {
      const ofServer = leftBehind.filter((row) => (row.serverId ?? '') === serverId);
      this.#tell(serverId, ofServer);
    }
  }

  #tell(serverId: string, leftBehind: readonly LeftBehind[]): void {
    const death = {
      serverId,
      roomIds: [...new Set(leftBehind.map(({ roomId }) => roomId))],
      userIds: [...new Set(leftBehind.map(({ userId }) => userId))],
    };
    this.#options.log.warn({ serverId, rooms: death.roomIds.length }, 'a server has died; its books are closed');
    if (this.#timer) this.emit('died', death);
    else this.#earlyDeaths.push(death);
  }
}
