import type { Room } from '../protocol/room.ts';
import type { RoomRow } from './room-store.ts';

/** A room's row as the wire shows it. `limitMinutes` 0: no time limit. */
export function toRoom(row: RoomRow, limitMinutes: number): Room {
  const endsAt = row.startedAt && limitMinutes > 0 ? new Date(row.startedAt.getTime() + limitMinutes * 60_000) : null;
  return {
    roomId: row.roomId,
    roomName: row.name,
    hostId: row.hostId,
    status: row.status,
    lobby: row.lobby,
    locked: row.locked,
    maxParticipants: row.maxParticipants,
    appointmentId: row.appointmentId,
    scheduledAt: row.scheduledAt?.toISOString() ?? null,
    durationMinutes: row.durationMinutes,
    startedAt: row.startedAt?.toISOString() ?? null,
    endedAt: row.endedAt?.toISOString() ?? null,
    endsAt: endsAt?.toISOString() ?? null,
  };
}

/** How long a room has been or was in progress, in whole seconds. */
export function durationSeconds(row: RoomRow): number {
  if (!row.startedAt) return 0;
  return Math.round(((row.endedAt ?? new Date()).getTime() - row.startedAt.getTime()) / 1000);
}
