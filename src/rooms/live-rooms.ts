import type { Notifier } from '../notifier.ts';
import { AppError } from '../protocol/errors.ts';
import type { MediaRoom } from '../sfu/media-room.ts';
import { createInTurn } from './in-turn.ts';
import { LiveRoom, type Seat } from './live-room.ts';
import type { RoomRow } from './room-store.ts';

/** Where rooms are alive, of several servers. */
export interface RoomPlaces {
  /** Errors: `room.elsewhere`. */
  take(roomId: string): Promise<void>;
  release(roomId: string): Promise<void>;
  /** Errors: `room.elsewhere`. */
  assertNotElsewhere(roomId: string): Promise<void>;
}

export interface LiveRoomsOptions {
  readonly notifier: Notifier;
  readonly createMedia: () => Promise<MediaRoom>;
  /** Minutes after which a room ends; 0: never. */
  readonly limitMinutes: number;
  readonly onTimeLimit: (roomId: string) => void;
  /** With other servers about: a room is taken before it comes to life here, and given back afterwards. */
  readonly places?: RoomPlaces | undefined;
}

/** The rooms that are alive on this server. A room is here from the first knock until the last participant has left. */
export class LiveRooms {
  readonly #rooms = new Map<string, LiveRoom>();
  readonly #options: LiveRoomsOptions;
  /** A room is taken and given back in turn, so that it is this server's as long as it is alive here. */
  readonly #moves = createInTurn();

  constructor(options: LiveRoomsOptions) {
    this.#options = options;
  }

  get all(): readonly LiveRoom[] {
    return [...this.#rooms.values()];
  }

  find(roomId: string): LiveRoom | undefined {
    return this.#rooms.get(roomId);
  }

  /**
   * The room of a row, brought to life when it is not, and kept alive until `letGo` is called. Errors: `room.elsewhere` when it is alive on another
   * server.
   */
  async open(row: RoomRow): Promise<{ live: LiveRoom; letGo: () => void }> {
    const { places } = this.#options;
    if (!places || this.#rooms.has(row.roomId)) return this.#hold(row);
    return await this.#moves.run(row.roomId, async () => {
      if (!this.#rooms.has(row.roomId)) await places.take(row.roomId);
      return this.#hold(row);
    });
  }

  #hold(row: RoomRow): { live: LiveRoom; letGo: () => void } {
    const { onTimeLimit, places: _, ...options } = this.#options;
    const live = this.#rooms.get(row.roomId) ?? new LiveRoom({ ...options, row, onTimeLimit: () => onTimeLimit(row.roomId) });
    this.#rooms.set(row.roomId, live);
    const release = live.hold();
    return {
      live,
      letGo: () => {
        release();
        this.release(live);
      },
    };
  }

  /** Errors: `room.elsewhere` when a room is alive on another server. */
  async assertNotElsewhere(roomId: string): Promise<void> {
    if (!this.#rooms.has(roomId)) await this.#options.places?.assertNotElsewhere(roomId);
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
    const { roomId } = live;
    const wasHere = this.#rooms.get(roomId) === live && this.#rooms.delete(roomId);
    live.close('room_ended');
    const { places } = this.#options;
    if (!wasHere || !places) return;
    void this.#moves.run(roomId, async () => {
      if (!this.#rooms.has(roomId)) await places.release(roomId);
    });
  }

  /** Resolves when every room that is no longer alive here is given back. */
  idle(): Promise<void> {
    return this.#moves.idle();
  }
}
