import type { MediaKind, Source } from '../protocol/ids.ts';

/** A stretch of time, in milliseconds since 1970 by the server's clock. */
export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
}

/** One file of a track: a track has several when its capture was cut. */
export interface TrackPart {
  /** Beside the timeline. */
  readonly file: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** Where the file's own time stood by the server's clock, ascending; the first one is near the file's beginning. Between two it runs evenly. */
  readonly anchors: readonly { readonly fileMs: number; readonly atMs: number }[];
  /** While its sender had it paused or muted. */
  readonly pauses: readonly Stretch[];
}

/** What one user sent of one source. */
export interface RecordedTrack {
  readonly trackId: string;
  readonly userId: string;
  readonly source: Source;
  readonly kind: MediaKind;
  /** Such as `video/VP8`. */
  readonly codec: string;
  readonly parts: readonly TrackPart[];
}

/** Everything that a composition needs to know of a recording; times are milliseconds since 1970. */
export interface Timeline {
  readonly recordingId: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly people: readonly { readonly userId: string; readonly displayName: string }[];
  /** Who was in the room, of those who are recorded. */
  readonly presences: readonly (Stretch & { readonly userId: string })[];
  /** While the recording was paused. */
  readonly gaps: readonly Stretch[];
  /** Who spoke from then on; null: nobody. */
  readonly speakers: readonly { readonly atMs: number; readonly userId: string | null }[];
  readonly tracks: readonly RecordedTrack[];
}
