import type { Unsubscribe } from '../emitter.ts';
import { ParleyError } from '../parley-error.ts';
import type { JoinOptions, Room } from '../room.ts';
import type { RoomCloseReason } from '../room-events.ts';
import type { CallView, JoinCallOptions } from './call-events.ts';
import type { CallOutcome } from './call-table.ts';

/** What entering a call's room needs. */
export interface CallRoomsHost {
  joinRoom(roomId: string, options: JoinOptions): Promise<Room>;
  onChanged(): void;
  /** One is no longer in the room, and with it not in the call. */
  onLeft(callId: string, outcome: CallOutcome): void;
  onDeviceFailed(callId: string, source: 'microphone' | 'camera', error: ParleyError): void;
}

interface Joined {
  readonly callId: string;
  readonly entering: Promise<Room>;
  room: Room | undefined;
  off: Unsubscribe | undefined;
}

/** What the ways out of a room mean for its call. Of a room that has ended the server says what that means; a closed client says nothing. */
const outcomes: Partial<Record<RoomCloseReason, CallOutcome>> = {
  left: 'user_hangup',
  kicked: 'room_ended',
  banned: 'room_ended',
  denied: 'room_ended',
  connection_failed: 'network_error',
  error: 'network_error',
};

/** The room of the call of this device: entered once, left when the call is over. */
export class CallRooms {
  readonly #host: CallRoomsHost;
  #joined: Joined | undefined;

  constructor(host: CallRoomsHost) {
    this.#host = host;
  }

  /** The room that was entered for a call. */
  roomOf(callId: string): Room | undefined {
    return this.#joined?.callId === callId ? this.#joined.room : undefined;
  }

  /** Enters the room and publishes what the call's type and the options ask for; called again it answers the same room. */
  join({ callId, call }: CallView, options: JoinCallOptions): Promise<Room> {
    if (this.#joined?.callId === callId) return this.#joined.entering;
    const { roomId, type } = call;
    if (roomId === null) return Promise.reject(new ParleyError('call.invalid_state'));
    const joined: Joined = { callId, entering: this.#enter(roomId, options), room: undefined, off: undefined };
    this.#joined = joined;
    joined.entering.then(
      (room) => this.#onEntered(joined, room, type === 'voice' ? { ...options, camera: false } : options),
      () => {
        if (this.#joined === joined) this.#joined = undefined;
      },
    );
    return joined.entering;
  }

  /** The call is over here: leaves its room, also one that is still being entered. */
  leave(callId: string): void {
    const joined = this.#joined;
    if (joined?.callId !== callId) return;
    this.#joined = undefined;
    joined.off?.();
    joined.room?.leave().catch(() => undefined);
  }

  #enter(roomId: string, { microphone: _, camera: __, ...options }: JoinCallOptions): Promise<Room> {
    return this.#host.joinRoom(roomId, options);
  }

  #onEntered(joined: Joined, room: Room, { microphone, camera }: JoinCallOptions): void {
    const { callId } = joined;
    // It ended while the room was being entered.
    if (this.#joined !== joined) return room.close();
    joined.room = room;
    joined.off = room.on('closed', ({ reason }) => {
      if (this.#joined === joined) this.#joined = undefined;
      this.#host.onChanged();
      const outcome = outcomes[reason];
      if (outcome !== undefined) this.#host.onLeft(callId, outcome);
    });
    this.#host.onChanged();
    const failed = (source: 'microphone' | 'camera') => (error: unknown) => {
      if (this.#joined === joined) this.#host.onDeviceFailed(callId, source, ParleyError.from(error, 'client.unsupported'));
    };
    if (microphone !== false) room.publishMicrophone(microphone).catch(failed('microphone'));
    if (camera !== false) room.publishCamera(camera).catch(failed('camera'));
  }
}
