import type { Source } from '../protocol/ids.ts';
import type { LiveRoom } from '../rooms/live-room.ts';
import type { Timeline } from './timeline.ts';

/** A recording's capture while it runs: it writes what consenting people send into a folder. */
export interface Capture {
  /** Somebody has agreed, or a room has media again: whoever may be recorded and is not, is from now on. */
  refresh(): Promise<void>;
  /** Writes nothing until `resume`. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Nothing more of a user is written once this resolves; with `erase` their files are gone, too. */
  stopUser(userId: string, options: { readonly erase: boolean }): Promise<void>;
  /** Ends every file and writes the timeline; idempotent. */
  close(): Promise<void>;
}

/** What a capture is of. */
export interface CaptureOptions {
  readonly recordingId: string;
  readonly live: LiveRoom;
  /** Exists and is empty. */
  readonly folder: string;
  /** Whether somebody who is in the room may be shown as being there. */
  readonly mayShow: (userId: string) => boolean;
  /** Asked for each producer before a packet of it is written. */
  readonly isRecorded: (userId: string, source: Source) => boolean;
}

/** The part that captures. */
export interface CaptureMachine {
  /** Begins to capture. */
  start(options: CaptureOptions): Promise<Capture>;
}

/** What a capture's folder holds, also one whose server was killed; undefined when there is nothing to be had. */
export type ReadTimeline = (folder: string) => Promise<Timeline | undefined>;
