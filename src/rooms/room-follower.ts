import type { Database } from '../db/database.ts';
import { type FactMap, type Facts, isRelayed } from '../facts.ts';
import type { Logger } from '../log.ts';
import type { Notifier } from '../notifier.ts';
import type { LiveRoom } from './live-room.ts';
import type { LiveRooms } from './live-rooms.ts';
import * as store from './room-store.ts';
import { durationSeconds } from './room-view.ts';

type Changes = Partial<Pick<store.RoomRow, 'name' | 'notes' | 'lobby' | 'locked'>>;

export type RoomFollower = ReturnType<typeof createRoomFollower>;

/** Lets rooms that are alive here follow what was decided about them, on this server or another. */
export function createRoomFollower(parts: { db: Database; facts: Facts; log: Logger; notifier: Notifier; rooms: LiveRooms }) {
  const { db, facts, log, notifier, rooms } = parts;

  /** A room has ended: tells everybody who is in it or waits for it, if it is alive here, and lets them go. */
  function close(notice: FactMap['room.ended'][0]): void {
    const { roomId } = notice;
    const live = rooms.find(roomId);
    if (!live) return;
    notifier.notify({ to: { roomId } }, 'room:ended', notice);
    for (const sessionId of live.lobby.sessionIds) notifier.notify({ to: { sessionId } }, 'room:ended', notice);
    for (const { participantId, identity } of live.close('room_ended')) {
      facts.emit('participant.left', { roomId, participantId, userId: identity.userId, reason: 'room_ended' });
    }
    rooms.release(live);
  }

  /** A room takes over what has changed of it. */
  function apply(live: LiveRoom, changes: Changes): void {
    const { locked } = live.row;
    live.row = { ...live.row, ...changes };
    // Nobody is left standing at a door that is open now.
    if (!live.row.lobby) live.lobby.admitAll();
    if (live.row.locked !== locked) {
      notifier.notify({ to: { roomId: live.roomId } }, locked ? 'room:unlocked' : 'room:locked', { roomId: live.roomId });
    }
  }

  async function followRows(roomIds: readonly string[]): Promise<void> {
    const alive = roomIds.filter((roomId) => rooms.find(roomId));
    if (alive.length === 0) return;
    for (const row of await store.findRooms(db.sql, alive)) {
      const { roomId, name, notes, lobby, locked } = row;
      const live = rooms.find(roomId);
      if (row.endReason) close({ roomId, reason: row.endReason, durationSeconds: durationSeconds(row) });
      else if (live) apply(live, { name, notes, lobby, locked });
    }
  }

  facts.on('room.ended', (notice) => {
    if (isRelayed(notice)) close(notice);
  });
  facts.on('room.updated', (fact) => {
    if (!isRelayed(fact)) return;
    followRows([fact.roomId]).catch((error: unknown) => {
      log.warn({ err: error, roomId: fact.roomId }, 'a change of a room was not taken over');
    });
  });

  return {
    close,
    apply,
    /** Every room follows its row: something told by another server may have been lost. */
    followAll: () => followRows(rooms.all.map(({ roomId }) => roomId)),
  };
}
