import type { ParleyClient, Room } from '../../../src/client/index.ts';
import { errorCode, errorText } from '../error-text.ts';
import type { LocalMedia } from '../media/local-media.ts';
import { signOut } from '../sign-in/session.ts';

export type CallState =
  | { readonly phase: 'preview'; readonly problem?: string }
  | { readonly phase: 'joining' }
  | { readonly phase: 'room'; readonly room: Room };

/** One visit to one room: from the preview into the room and out again. */
export interface CallSession {
  readonly state: CallState;
  subscribe(listener: () => void): () => void;
  /** Joins; publishes what the preview had open as soon as one is in. */
  join(): Promise<void>;
  /** Back to the preview, to come in again. */
  reset(): void;
  /** Leaves and lets go of everything; a new `join()` may follow. */
  close(): void;
}

const signInCodes = new Set(['auth.missing_token', 'auth.invalid_token', 'auth.expired_token']);

/** Makes a visit; nobody is in the room until `join()`. */
export function createCallSession(roomId: string, client: ParleyClient, media: LocalMedia): CallSession {
  let state: CallState = { phase: 'preview' };
  let room: Room | undefined;
  let visits = 0;
  const listeners = new Set<() => void>();

  function change(next: CallState): void {
    state = next;
    for (const listener of listeners) listener();
  }

  function close(): void {
    visits += 1;
    room?.close();
    room = undefined;
  }

  return {
    get state() {
      return state;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async join() {
      if (state.phase !== 'preview') return;
      change({ phase: 'joining' });
      const visit = visits;
      try {
        const joined = await client.joinRoom(roomId);
        if (visit !== visits) return joined.close();
        room = joined;
        // Somebody who was denied still has the preview's devices open.
        joined.on('closed', () => media.stop());
        publishWhenIn(joined, media);
        change({ phase: 'room', room: joined });
      } catch (error) {
        if (visit !== visits) return;
        const code = errorCode(error);
        if (code !== undefined && signInCodes.has(code)) signOut({ expired: true });
        change({ phase: 'preview', problem: errorText(error) });
      }
    },
    reset() {
      close();
      change({ phase: 'preview' });
    },
    close() {
      close();
      state = { phase: 'preview' };
    },
  };
}

/** Hands the preview's tracks to the room once one is in; behind a lobby that takes a while. */
function publishWhenIn(room: Room, media: LocalMedia): void {
  let done = false;
  function look(): void {
    if (done || room.view.status !== 'joined') return;
    done = true;
    unsubscribe();
    void publish(media.take('microphone'), (track) => room.publishMicrophone({ track }));
    void publish(media.take('camera'), (track) => room.publishCamera({ track }));
  }
  const unsubscribe = room.subscribe(look);
  look();
}

/** Without one's camera or microphone the call goes on: the bar shows that it is off, and how to switch it on. */
async function publish(taken: Promise<MediaStreamTrack | undefined>, send: (track: MediaStreamTrack) => Promise<unknown>): Promise<void> {
  const track = await taken;
  if (track === undefined) return;
  try {
    await send(track);
  } catch {
    track.stop();
  }
}
