import type { Logger } from '../log.ts';
import type { MediaKind, Source } from '../protocol/ids.ts';
import type { PortBlocks } from '../sfu/port-blocks.ts';
import type { Ffmpeg } from './ffmpeg.ts';
import type { PartEndReason } from './part-capture.ts';

/** What a recorder is made with. */
export interface RecorderOptions {
  recordingId: string;
  /** Where tracks and timeline are written; made if it is missing. One recording's alone. */
  directory: string;
  ffmpeg: Ffmpeg;
  /** Shared by all recorders of this server. */
  ports: PortBlocks;
  /** Who is in the room and is recorded; asked whenever that may have changed. */
  people: () => readonly { readonly userId: string; readonly displayName: string }[];
  /** Whose peer this is; undefined: nobody's that may be recorded. */
  userIdOf: (peerId: string) => string | undefined;
  /** Whether this source of this user is to be recorded: their word, and the recording's kinds. Asked again at each start of a track and by `refresh()`. */
  isRecorded: (userId: string, source: Source) => boolean;
  log: Logger;
}

/** A track as its recorder knows it. */
export interface TrackInfo {
  trackId: string;
  userId: string;
  source: Source;
  kind: MediaKind;
  /** Such as `video/VP8`. */
  codec: string;
}

/** What a recorder tells its owner. */
export interface RecorderEvents {
  /** Its first packet is being written. Several a track when its capture is cut. */
  partStarted: [part: TrackInfo & { file: string }];
  /** The file is complete, or as complete as it will be. */
  partEnded: [part: TrackInfo & { file: string; reason: PartEndReason; missedPackets: number }];
  /** Something cannot be recorded, or no longer: `codec_unsupported`, `ffmpeg_fails`. */
  trackFailed: [track: { userId: string; source: Source; reason: string }];
  /** Once, when all files are complete. */
  closed: [];
}
