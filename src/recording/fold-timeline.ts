import type { RecordedTrack, Stretch, Timeline, TrackPart } from './timeline.ts';
import type { TimelineEvent } from './timeline-event.ts';

/**
 * Mappings of the first moments are of when packets came, not of when they were captured: the sender has not told yet. They count only where there is
 * nothing better.
 */
const settlingMs = 3_000;
/** How many mappings next to each other one anchor is the middle of: that takes away a single one that is off, and leaves a leap where it is. */
const smoothed = 3;
/** An RTP time that claims to be further off than this from when it came is not believed. */
const maxImplausibleMs = 30_000;

interface OpenStretch {
  fromMs: number;
  toMs?: number;
}

interface OpenPart {
  file: string;
  trackId: string;
  clockRate: number;
  flow: { rtpTime: number; atMs: number } | undefined;
  mappings: { rtpTime: number; atMs: number }[];
  pauses: OpenStretch[];
  endedAtMs: number | undefined;
}

/** Makes of a recording's events what its composition needs. `writtenAtMs`: when each file that is there was written to last. */
export function foldTimeline(events: readonly TimelineEvent[], writtenAtMs: ReadonlyMap<string, number>): Timeline {
  const parts = new Map<string, OpenPart>();
  const tracks = new Map<string, Omit<RecordedTrack, 'parts'>>();
  const names = new Map<string, string>();
  let presences: (OpenStretch & { userId: string })[] = [];
  const gaps: OpenStretch[] = [];
  let speakers: { atMs: number; userId: string | null }[] = [];
  let recordingId = '';
  let endedAtMs: number | undefined;

  for (const event of events) {
    const { atMs } = event;
    const part = 'file' in event ? parts.get(event.file) : undefined;
    switch (event.type) {
      case 'begun':
        ({ recordingId } = event);
        break;
      case 'entered':
        names.set(event.userId, event.displayName);
        if (!presences.some((one) => one.userId === event.userId && one.toMs === undefined)) {
          presences.push({ userId: event.userId, fromMs: atMs });
        }
        break;
      case 'left':
        endOpen(
          presences.filter(({ userId }) => userId === event.userId),
          atMs,
        );
        break;
      case 'paused':
        if (gaps.at(-1)?.toMs !== undefined || gaps.length === 0) gaps.push({ fromMs: atMs });
        break;
      case 'resumed':
        endOpen(gaps, atMs);
        break;
      case 'speaking':
        speakers.push({ atMs, userId: event.userId });
        break;
      case 'track': {
        const { trackId, userId, source, kind, codec } = event;
        tracks.set(trackId, { trackId, userId, source, kind, codec });
        break;
      }
      case 'part': {
        const { file, trackId, clockRate } = event;
        parts.set(file, { file, trackId, clockRate, flow: undefined, mappings: [], pauses: [], endedAtMs: undefined });
        break;
      }
      case 'flowing':
        if (part) part.flow = { rtpTime: event.rtpTime, atMs };
        break;
      case 'mapping':
        part?.mappings.push({ rtpTime: event.rtpTime, atMs });
        break;
      case 'muted':
        part?.pauses.push({ fromMs: atMs });
        break;
      case 'unmuted':
        endOpen(part?.pauses ?? [], atMs);
        break;
      case 'partEnded':
        if (part) part.endedAtMs = atMs;
        break;
      case 'ended':
        endedAtMs = atMs;
        break;
      case 'erased': {
        const { userId } = event;
        names.delete(userId);
        presences = presences.filter((one) => one.userId !== userId);
        speakers = speakers.map((speaker) => (speaker.userId === userId ? { ...speaker, userId: null } : speaker));
        for (const track of [...tracks.values()]) if (track.userId === userId) tracks.delete(track.trackId);
        break;
      }
      case 'trackFailed':
        break;
    }
  }

  const complete = [...parts.values()].flatMap((part) => {
    const lastWriteMs = writtenAtMs.get(part.file);
    return lastWriteMs === undefined || part.flow === undefined ? [] : [{ trackId: part.trackId, part: toPart(part, lastWriteMs) }];
  });
  const fromMs = events[0]?.atMs ?? 0;
  const toMs = endedAtMs ?? Math.max(fromMs, ...events.map(({ atMs }) => atMs), ...complete.map(({ part }) => part.toMs));
  const closed = <T extends OpenStretch>(stretches: readonly T[]): (T & Stretch)[] =>
    stretches.map((stretch) => ({ ...stretch, toMs: stretch.toMs ?? toMs }));
  return {
    recordingId,
    fromMs,
    toMs,
    people: [...names].map(([userId, displayName]) => ({ userId, displayName })),
    presences: closed(presences),
    gaps: closed(gaps),
    speakers,
    tracks: [...tracks.values()].flatMap((track) => {
      const own = complete.filter(({ trackId }) => trackId === track.trackId).map(({ part }) => part);
      return own.length === 0 ? [] : [{ ...track, parts: own }];
    }),
  };
}

function endOpen(stretches: readonly OpenStretch[], atMs: number): void {
  const open = stretches.findLast(({ toMs }) => toMs === undefined);
  if (open) open.toMs = atMs;
}

function toPart({ file, clockRate, flow, mappings, pauses, endedAtMs }: OpenPart, lastWriteMs: number): TrackPart {
  const anchors = anchorsOf(flow ?? { rtpTime: 0, atMs: lastWriteMs }, mappings, clockRate);
  const fromMs = anchors[0]?.atMs ?? lastWriteMs;
  const toMs = Math.max(fromMs, endedAtMs ?? lastWriteMs);
  return { file, fromMs, toMs, anchors, pauses: pauses.map((pause) => ({ fromMs: pause.fromMs, toMs: pause.toMs ?? toMs })) };
}

/** Pairs of file time and clock, the first one at the file's very beginning. */
function anchorsOf(flow: { rtpTime: number; atMs: number }, mappings: OpenPart['mappings'], clockRate: number): TrackPart['anchors'] {
  const all: { fileMs: number; atMs: number }[] = [];
  let last = { rtpTime: flow.rtpTime, fileMs: 0 };
  for (const { rtpTime, atMs } of mappings) {
    // RTP times wrap; the difference of two that are near each other does not (RFC 3550, section 5.1).
    const fileMs = last.fileMs + (((rtpTime - last.rtpTime) | 0) * 1_000) / clockRate;
    if (Math.abs(fileMs - (atMs - flow.atMs)) > maxImplausibleMs) continue;
    last = { rtpTime, fileMs };
    all.push({ fileMs, atMs });
  }
  const [first] = all;
  if (first === undefined) return [{ fileMs: 0, atMs: flow.atMs }];
  const settled = all.filter(({ atMs }) => atMs - first.atMs >= settlingMs);
  const smooth = smoothedAnchors(settled.length > 0 ? settled : all);
  const offsetMs = (smooth[0]?.atMs ?? 0) - (smooth[0]?.fileMs ?? 0);
  return [{ fileMs: 0, atMs: offsetMs }, ...smooth.filter(({ fileMs }) => fileMs > 0)];
}

function smoothedAnchors(anchors: readonly { fileMs: number; atMs: number }[]): { fileMs: number; atMs: number }[] {
  const half = Math.floor(smoothed / 2);
  return anchors.map(({ fileMs }, index) => {
    const offsets = anchors.slice(Math.max(0, index - half), index + half + 1).map((near) => near.atMs - near.fileMs);
    const middle = offsets.sort((a, b) => a - b)[Math.floor(offsets.length / 2)] ?? 0;
    return { fileMs, atMs: fileMs + middle };
  });
}
