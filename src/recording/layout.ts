import { type Box, canvas, fillingBoxes, gridBoxes, stageBoxes } from './arrangement.ts';
import { intersect, isWithin, subtract, unite } from './stretches.ts';
import type { Stretch, Timeline } from './timeline.ts';

/**
 * How a composite shows people. A shared screen is large in each of them, with everybody small beside it; while nobody shares:
 * `grid`: everybody alike, nothing of their pictures cut away.
 * `speaker`: whoever speaks is large.
 * `sideBySide`: everybody alike, pictures cut to fill the whole; a screen has two thirds of it.
 * `screen`: as `grid`, but a shared screen gets as much room as there is, and people only a narrow band.
 */
export type LayoutName = 'grid' | 'speaker' | 'sideBySide' | 'screen';

/** A place in the picture. */
export interface Tile extends Box {
  readonly userId: string;
  readonly label: string;
  readonly shows: 'person' | 'screen';
  /** Where the moving picture comes from: an index into the track's parts. Without one the tile has the name alone. */
  readonly picture?: Picture;
  /** Whether a picture of another shape is cut to fill the tile, rather than shown whole. */
  readonly isCut: boolean;
}

export interface Picture {
  readonly trackId: string;
  readonly part: number;
  /** From when on, without a break, it may be shown: nothing that was sent before is. */
  readonly sinceMs: number;
}

/** A stretch of time in which everything stays in its place. */
export interface Segment extends Stretch {
  /** The recording was paused, and the pause is shown. */
  readonly isPaused: boolean;
  readonly tiles: readonly Tile[];
}

/** Between two parts of a track, its last picture is held for so long instead of showing the name for a moment. */
export const heldMs = 2_000;
/** Whoever speaks for less time does not take the stage. */
export const stageMs = 1_500;

const bandWidth = 320;
const narrowBandWidth = 160;

interface Shown extends Stretch, Omit<Picture, 'sinceMs'> {
  readonly userId: string;
  readonly source: 'camera' | 'screen';
}

/**
 * Says who is where in which stretch of time. Pure: the same timeline gives the same answer. Whoever is present has a tile, with their camera's picture
 * while there is one; nobody else is shown, whatever tracks there are. Segments ascend and cover the timeline, without its gaps where they are cut.
 */
export function layOut(timeline: Timeline, { layout, gaps }: { layout: LayoutName; gaps: 'cut' | 'show' }): Segment[] {
  const presences = presencesByUser(timeline);
  const shown = shownPictures(timeline, presences);
  const speaking = stageTimes(timeline);
  const pauses = unite(timeline.gaps);
  const labels = new Map(timeline.people.map(({ userId, displayName }) => [userId, displayName]));

  const moments = [...pauses, ...[...presences.values()].flat(), ...shown].flatMap(({ fromMs, toMs }) => [fromMs, toMs]);
  const cuts = [timeline.fromMs, timeline.toMs, ...moments, ...(layout === 'speaker' ? speaking.map(({ atMs }) => atMs) : [])];
  const bounds = [...new Set(cuts)].filter((ms) => ms >= timeline.fromMs && ms <= timeline.toMs).sort((a, b) => a - b);

  const segments: Segment[] = [];
  for (const [index, fromMs] of bounds.entries()) {
    const toMs = bounds[index + 1];
    if (toMs === undefined) break;
    const isPaused = pauses.some((pause) => isWithin(fromMs, pause));
    if (isPaused && gaps === 'cut') continue;
    const tiles = isPaused ? [] : tilesAt(fromMs);
    const last = segments.at(-1);
    if (last?.toMs === fromMs && last.isPaused === isPaused && JSON.stringify(last.tiles) === JSON.stringify(tiles)) {
      segments[segments.length - 1] = { ...last, toMs };
    } else segments.push({ fromMs, toMs, isPaused, tiles });
  }
  return segments;

  function tilesAt(atMs: number): Tile[] {
    const present = [...presences]
      .filter(([, stretches]) => stretches.some((stretch) => isWithin(atMs, stretch)))
      .map(([userId]) => userId);
    const showing = shown.filter((entry) => isWithin(atMs, entry) && present.includes(entry.userId));
    // The latest first: a second camera of one person goes before their first one.
    showing.sort((a, b) => b.fromMs - a.fromMs);
    const tile = (userId: string, shows: Tile['shows'], box: Box, isCut = false): Tile => {
      const source = shows === 'person' ? 'camera' : 'screen';
      const found = showing.find((entry) => entry.userId === userId && entry.source === source);
      const picture = found && { trackId: found.trackId, part: found.part, sinceMs: found.fromMs };
      return { userId, label: labels.get(userId) ?? userId, shows, ...box, ...(picture && { picture }), isCut };
    };
    const screens = [...new Set(showing.filter(({ source }) => source === 'screen').map(({ userId }) => userId))];
    const everybody = present.map((userId) => ({ userId, shows: 'person' as const }));
    const [screen, ...otherScreens] = screens.map((userId) => ({ userId, shows: 'screen' as const }));

    if (layout === 'sideBySide') {
      const screenWidth = 852;
      const area = screen ? { ...canvas, x: screenWidth, w: canvas.w - screenWidth } : canvas;
      const beside = [...otherScreens, ...everybody];
      const boxes = fillingBoxes(beside.length, area);
      const tiles = beside.map(({ userId, shows }, index) => tile(userId, shows, boxes[index]!, shows === 'person'));
      return screen ? [tile(screen.userId, 'screen', { ...canvas, w: screenWidth }), ...tiles] : tiles;
    }
    const speaker = layout === 'speaker' ? everybody.find(({ userId }) => userId === speakerAt(atMs, present)) : undefined;
    const large = screen ?? speaker;
    const others = [...otherScreens, ...everybody].filter((entry) => entry !== large);
    if (!large) {
      const boxes = gridBoxes(others.length);
      return others.map(({ userId, shows }, index) => tile(userId, shows, boxes[index]!));
    }
    const { stage, small } = stageBoxes(others.length, layout === 'screen' ? narrowBandWidth : bandWidth);
    return [tile(large.userId, large.shows, stage), ...others.map(({ userId, shows }, index) => tile(userId, shows, small[index]!))];
  }

  /** Who has spoken last of those who are there; before anybody has, who will first. */
  function speakerAt(atMs: number, present: readonly string[]): string | undefined {
    const isThere = ({ userId }: { userId: string }) => present.includes(userId);
    const latest = speaking.findLast((entry) => entry.atMs <= atMs && isThere(entry));
    return (latest ?? speaking.find(isThere))?.userId ?? present[0];
  }
}

/** When each user was there, in the order in which they came. Only these are recorded people. */
export function presencesByUser({ presences, people }: Timeline): Map<string, Stretch[]> {
  const known = new Set(people.map(({ userId }) => userId));
  const users = [...presences].filter(({ userId }) => known.has(userId)).sort((a, b) => a.fromMs - b.fromMs);
  return new Map(users.map(({ userId }) => [userId, unite(users.filter((entry) => entry.userId === userId))]));
}

/** When there is a moving picture of whom, while they are present and the recording is not paused. */
function shownPictures({ tracks, gaps }: Timeline, presences: ReadonlyMap<string, readonly Stretch[]>): Shown[] {
  return tracks.flatMap(({ trackId, userId, source, kind, parts }) => {
    if (kind !== 'video' || (source !== 'camera' && source !== 'screen')) return [];
    return parts.flatMap((part, index) => {
      const next = parts[index + 1];
      const wasPaused = part.pauses.some(({ fromMs, toMs }) => fromMs < part.toMs && toMs >= part.toMs);
      const isHeld = next && !wasPaused && next.fromMs - part.toMs <= heldMs;
      const toMs = next && (isHeld || next.fromMs < part.toMs) ? next.fromMs : part.toMs;
      const there = intersect([{ fromMs: part.fromMs, toMs }], presences.get(userId) ?? []);
      const stretches = subtract(there, [...part.pauses, ...gaps]);
      return stretches.map((stretch) => ({ ...stretch, trackId, part: index, userId, source }));
    });
  });
}

/** Who takes the stage when: those who speak for long enough. */
function stageTimes({ speakers, toMs }: Timeline): { atMs: number; userId: string }[] {
  return speakers.flatMap(({ atMs, userId }, index) => {
    const untilMs = speakers[index + 1]?.atMs ?? toMs;
    return userId !== null && untilMs - atMs >= stageMs ? [{ atMs, userId }] : [];
  });
}
