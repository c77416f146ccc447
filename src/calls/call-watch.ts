import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../db/database.ts';
import type { Facts } from '../facts.ts';
import type { Logger } from '../log.ts';
import type { CallService } from './call-service.ts';
import { findRunningCallOfRoom, findUsersIn } from './call-store.ts';

/** How often the media server is asked whether media flows, in milliseconds, from the answer to the first media. */
const lookEveryMs = 250;

/** What the watch sees of a room on this server. */
export interface RoomSight {
  /** Users whose media flows, or undefined once the room is not here any more. */
  flowingUserIds(roomId: string): Promise<ReadonlySet<string> | undefined>;
}

/** Turns what happens in rooms, and on sockets, into what happens to calls. */
export class CallWatch {
  readonly #parts: { db: Database; calls: CallService; sight: RoomSight; facts: Facts; log: Logger };
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();
  /** Rooms whose media is looked at. */
  readonly #watched = new Set<string>();

  constructor(parts: { db: Database; calls: CallService; sight: RoomSight; facts: Facts; log: Logger }) {
    this.#parts = parts;
    const { facts, calls } = parts;
    facts.on('session.opened', ({ userId, sessionId, onlyRoomId }) => {
      if (onlyRoomId === undefined) this.#run(() => calls.greet(userId, sessionId));
    });
    facts.on('session.resumed', ({ userId, sessionId }) => this.#run(() => calls.greet(userId, sessionId)));
    facts.on('participant.joined', ({ roomId }) => this.#run(() => this.#onJoined(roomId)));
    facts.on('participant.left', ({ roomId }) => this.#run(() => calls.watchOccupancy(roomId)));
    facts.on('call.changed', ({ roomId, status }) => {
      if (roomId !== null && status === 'accepted') facts.emit('call.accepted', { roomId });
    });
    // Wherever it was accepted: the media is where the room is alive.
    facts.on('call.accepted', ({ roomId }) => this.#run(() => this.#watchMedia(roomId)));
    facts.on('server.died', ({ roomIds }) => {
      for (const roomId of roomIds) this.#run(() => calls.watchOccupancy(roomId));
    });
    facts.on('room.ended', ({ roomId, reason }) => {
      if (reason !== 'call_ended') this.#run(() => this.#onRoomEnded(roomId, reason === 'time_limit'));
    });
    this.#run(() => calls.watchOccupancy());
  }

  async #onJoined(roomId: string): Promise<void> {
    const { db, calls } = this.#parts;
    const call = await findRunningCallOfRoom(db.sql, roomId);
    if (!call) return;
    await calls.watchOccupancy(roomId);
    if (call.status === 'accepted') await calls.observe(call.callId, 'join');
    await this.#watchMedia(roomId);
  }

  async #onRoomEnded(roomId: string, isTimeLimit: boolean): Promise<void> {
    const { db, calls } = this.#parts;
    const call = await findRunningCallOfRoom(db.sql, roomId);
    if (call) await calls.observe(call.callId, isTimeLimit ? 'timeLimit' : 'roomEnded');
  }

  /** Looks at the room's media until that of two flows, or there is nothing more to wait for. */
  async #watchMedia(roomId: string): Promise<void> {
    if (this.#watched.has(roomId)) return;
    this.#watched.add(roomId);
    const { db, calls, sight } = this.#parts;
    const { signal } = this.#stopping;
    try {
      while (!signal.aborted) {
        const flowing = await sight.flowingUserIds(roomId);
        if (flowing === undefined) return;
        const call = await findRunningCallOfRoom(db.sql, roomId);
        if (call?.status !== 'accepted' && call?.status !== 'connecting') return;
        if (flowing.size >= 2) {
          const joined = await findUsersIn(db.sql, call.callId);
          if (joined.filter((userId) => flowing.has(userId)).length >= 2) return await calls.observe(call.callId, 'mediaFlows');
        }
        await delay(lookEveryMs, undefined, { signal }).catch(() => undefined);
      }
    } finally {
      this.#watched.delete(roomId);
    }
  }

  #run(work: () => Promise<void>): void {
    if (this.#stopping.signal.aborted) return;
    const running = work()
      .catch((error: unknown) => this.#parts.log.warn({ err: error }, 'a call could not be brought up to date'))
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Looks no more, and waits for what is under way; idempotent. */
  async close(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#running);
  }
}
