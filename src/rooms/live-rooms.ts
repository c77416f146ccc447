import type { Notifier } from '../notifier.ts';
import { AppError } from '../protocol/errors.ts';
import type { MediaRoom } from '../sfu/media-room.ts';
import { LiveRoom, type Seat } from './live-room.ts';
import type { RoomRow } from './room-store.ts';

export interface LiveRoomsOptions {
  readonly notifier: Notifier;
  readonly createMedia: () => Promise<MediaRoom>;
  /** Minutes after which a room ends; 0: never. */
  readonly limitMinutes: number;
  readonly onTimeLimit: (roomId: string) => void;
}

/** The rooms that are alive on this server. A room is here from the first knock until the last participant has left. */
export class LiveRooms {
  readonly #rooms = new Map<string, LiveRoom>();
  readonly #options: LiveRoomsOptions;

  constructor(options: LiveRoomsOptions) {
    this.#options = options;
  }

  get all(): readonly LiveRoom[] {
    return [...this.#rooms.values()];
  }

  find(roomId: string): LiveRoom | undefined {
    return this.#rooms.get(roomId);
  }

  /** The room of a row; brought to life when it is not. */
  open(row: RoomRow): LiveRoom {
    const known = this.#rooms.get(row.roomId);
    if (known) return known;
    const { onTimeLimit, ...options } = this.#options;
    const live = new LiveRoom({ ...options, row, onTimeLimit: () => onTimeLimit(row.roomId) });
    this.#rooms.set(row.roomId, live);
    return live;
  }

  /** Where a session sits, if it does. */
  findSeat(sessionId: string): { live: LiveRoom; seat: Seat } | undefined {
    for (const live of this.#rooms.values()) {
      const seat = live.findSeat(sessionId);
      if (seat) return { live, seat };
    }
    return undefined;
  }

  /** Where a session sits. Errors: `room.not_joined`. */
  getSeat(sessionId: string): { live: LiveRoom; seat: Seat } {
    const found = this.findSeat(sessionId);
    if (!found) throw new AppError('room.not_joined');
    return found;
  }

  /** Where a moderator's session sits. Errors: `room.not_joined`, `auth.forbidden`. */
  getModeratorSeat(sessionId: string): { live: LiveRoom; seat: Seat } {
    const found = this.getSeat(sessionId);
    if (!found.seat.rights.canModerate) throw new AppError('auth.forbidden');
    return found;
  }

  /** Lets go of a room that has nobody left, or that has ended. */
  release(live: LiveRoom): void {
    if (!live.closed && !live.isEmpty) return;
    if (this.#rooms.get(live.roomId) === live) this.#rooms.delete(live.roomId);
    live.close('room_ended');
  }
}
