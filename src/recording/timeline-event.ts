import { z } from 'zod';
import { mediaKind, source } from '../protocol/ids.ts';

const rtpTime = z.int().min(0);

/** One line of `timeline.jsonl`; `atMs` is when it happened, in milliseconds since 1970. */
export const timelineEvent = z.intersection(
  z.object({ atMs: z.number() }),
  z.discriminatedUnion('type', [
    z.object({ type: z.literal('begun'), recordingId: z.string() }),
    z.object({ type: z.literal('entered'), userId: z.string(), displayName: z.string() }),
    z.object({ type: z.literal('left'), userId: z.string() }),
    z.object({ type: z.literal('paused') }),
    z.object({ type: z.literal('resumed') }),
    z.object({ type: z.literal('speaking'), userId: z.string().nullable() }),
    z.object({ type: z.literal('track'), trackId: z.string(), userId: z.string(), source, kind: mediaKind, codec: z.string() }),
    z.object({ type: z.literal('part'), trackId: z.string(), file: z.string(), clockRate: z.int().positive() }),
    /** The RTP time of the file's time zero. */
    z.object({ type: z.literal('flowing'), file: z.string(), rtpTime }),
    /** The media of this RTP time was captured at `atMs`. */
    z.object({ type: z.literal('mapping'), file: z.string(), rtpTime }),
    z.object({ type: z.literal('muted'), file: z.string() }),
    z.object({ type: z.literal('unmuted'), file: z.string() }),
    z.object({ type: z.literal('partEnded'), file: z.string(), reason: z.string(), isEmpty: z.boolean(), missedPackets: z.int() }),
    /** What somebody sends cannot be recorded, or no longer. */
    z.object({ type: z.literal('trackFailed'), userId: z.string(), source, reason: z.string() }),
    /** Nothing is left of what this user had sent until then. */
    z.object({ type: z.literal('erased'), userId: z.string() }),
    z.object({ type: z.literal('ended') }),
  ]),
);
export type TimelineEvent = z.infer<typeof timelineEvent>;

type WithoutTime<T> = T extends unknown ? Omit<T, 'atMs'> : never;
/** An event whose time is when it is written. */
export type NewTimelineEvent = WithoutTime<TimelineEvent> & { readonly atMs?: number };
