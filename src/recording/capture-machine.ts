import type { Logger } from '../log.ts';
import { allSources, type Source } from '../protocol/ids.ts';
import type { LiveRoom } from '../rooms/live-room.ts';
import type { PortBlocks } from '../sfu/port-blocks.ts';
import type { Ffmpeg } from './ffmpeg.ts';
import { Recorder } from './recorder.ts';
import type { Timeline } from './timeline.ts';
import { readTimeline } from './timeline-file.ts';

/** A recording's capture while it runs, as the rules see it. */
export interface RunningCapture {
  /** Somebody's word has changed, or the room has media again. */
  refresh(): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Nothing more of a user is written once this resolves; with `erase` nothing is left of them. */
  stopUser(userId: string, options: { readonly erase: boolean }): Promise<void>;
  close(): Promise<void>;
}

/** Starts recorders in live rooms and reads what they have left. */
export interface CaptureMachine {
  start(options: {
    readonly recordingId: string;
    readonly live: LiveRoom;
    readonly folder: string;
    readonly isRecorded: (userId: string, source: Source) => boolean;
  }): Promise<RunningCapture>;
  /** Undefined where there is no timeline. */
  readTimeline(folder: string): Promise<Timeline | undefined>;
}

/** Puts recorders into live rooms: whose peer is whose, who is there, and which media they have. */
export function createCaptureMachine({ ffmpeg, ports, log }: { ffmpeg: Ffmpeg; ports: PortBlocks; log: Logger }): CaptureMachine {
  return {
    async start({ recordingId, live, folder, isRecorded }) {
      const isOfRecording = (userId: string): boolean => allSources.some((source) => isRecorded(userId, source));
      const recorder = await Recorder.start({
        recordingId,
        directory: folder,
        ffmpeg,
        ports,
        people: () => live.participants.filter(({ userId }) => isOfRecording(userId)),
        // A peer has its session's id.
        userIdOf: (peerId) => live.findSeat(peerId)?.participant.identity.userId,
        isRecorded,
        log,
      });
      const refresh = async (): Promise<void> => {
        recorder.attach(await live.media());
        recorder.refresh();
      };
      try {
        await refresh();
      } catch (error) {
        await recorder.close();
        throw error;
      }
      return {
        refresh,
        pause: () => recorder.pause(),
        async resume() {
          recorder.resume();
        },
        async stopUser(userId, { erase }) {
          await (erase ? recorder.eraseUser(userId) : recorder.stopUser(userId));
          recorder.refresh();
        },
        close: () => recorder.close(),
      };
    },
    async readTimeline(folder) {
      try {
        return await readTimeline(folder);
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
        throw error;
      }
    },
  };
}
