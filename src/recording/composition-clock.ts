import { subtract } from './stretches.ts';
import type { Stretch, Timeline, TrackPart } from './timeline.ts';

/** Frames a second of a composite. */
export const frameRate = 30;
/** Samples a second of a composite's sound. */
export const sampleRate = 48_000;

/** How the server's clock becomes the time of the finished file. */
export interface CompositionClock {
  /** What is in the file, ascending. */
  readonly kept: readonly Stretch[];
  readonly totalMs: number;
  /** Milliseconds from the file's beginning; a moment that was cut away is where its gap was. */
  outputMs(atMs: number): number;
}

/** Gaps that are cut take no time. */
export function createCompositionClock(timeline: Timeline, gaps: 'cut' | 'show'): CompositionClock {
  const kept = subtract([timeline], gaps === 'cut' ? timeline.gaps : []);
  const outputMs = (atMs: number) =>
    kept.reduce((sum, { fromMs, toMs }) => sum + Math.max(0, Math.min(atMs, toMs) - Math.min(atMs, fromMs)), 0);
  return { kept, totalMs: outputMs(timeline.toMs), outputMs };
}

/** A straight piece of a file's clock begins here. */
export interface Knot {
  readonly fileMs: number;
  readonly atMs: number;
}

/** More knots than this make filters slow and their text long. */
const mostKnots = 64;
/** How far the simplified clock may be off; well below what eyes and ears notice of lips out of step. */
const toleranceMs = 5;

/**
 * A file's clock with as few knots as do. Anchors that go backwards are left out. Before the first and after the last knot the file runs as fast as the
 * server's clock.
 */
export function fileClock({ anchors, fromMs }: Pick<TrackPart, 'anchors' | 'fromMs'>): Knot[] {
  const rising: Knot[] = [];
  for (const anchor of [...anchors].sort((a, b) => a.fileMs - b.fileMs)) {
    const last = rising.at(-1);
    if (!last || (anchor.fileMs > last.fileMs && anchor.atMs > last.atMs)) rising.push(anchor);
  }
  if (rising.length === 0) return [{ fileMs: 0, atMs: fromMs }];
  for (let tolerance = toleranceMs; ; tolerance *= 2) {
    const knots = simplify(rising, tolerance);
    if (knots.length <= mostKnots) return knots;
  }
}

/** Ramer, Douglas and Peucker's way, without recursion. */
function simplify(knots: readonly Knot[], tolerance: number): Knot[] {
  const kept = new Set([0, knots.length - 1]);
  const spans: [first: number, last: number][] = [[0, knots.length - 1]];
  for (let span = spans.pop(); span; span = spans.pop()) {
    const [first, last] = span;
    let worst = { index: -1, off: tolerance };
    for (let index = first + 1; index < last; index++) {
      const off = Math.abs(between(knots[first]!, knots[last]!, knots[index]!.fileMs) - knots[index]!.atMs);
      if (off > worst.off) worst = { index, off };
    }
    if (worst.index < 0) continue;
    kept.add(worst.index);
    spans.push([first, worst.index], [worst.index, last]);
  }
  return [...kept].sort((a, b) => a - b).map((index) => knots[index]!);
}

const slopeOf = (a: Knot, b: Knot) => (b.atMs - a.atMs) / (b.fileMs - a.fileMs);
const between = (a: Knot, b: Knot, fileMs: number) => a.atMs + (fileMs - a.fileMs) * slopeOf(a, b);

/** Where in the file a moment is, in its own milliseconds; below zero: before its beginning. */
export function fileMsAt(knots: readonly Knot[], atMs: number): number {
  const index = knots.findLastIndex((knot) => knot.atMs <= atMs);
  const knot = knots[Math.max(0, index)]!;
  const next = index < 0 ? undefined : knots[index + 1];
  return knot.fileMs + (atMs - knot.atMs) / (next ? slopeOf(knot, next) : 1);
}

/** The server's clock at a moment of the file, the other way round. */
export function atMsOf(knots: readonly Knot[], fileMs: number): number {
  const index = knots.findLastIndex((knot) => knot.fileMs <= fileMs);
  const knot = knots[Math.max(0, index)]!;
  const next = index < 0 ? undefined : knots[index + 1];
  return knot.atMs + (fileMs - knot.fileMs) * (next ? slopeOf(knot, next) : 1);
}

/** The knots that matter in a stretch. */
export function knotsWithin(knots: readonly Knot[], { fromMs, toMs }: Stretch): Knot[] {
  const first = Math.max(
    0,
    knots.findLastIndex(({ atMs }) => atMs <= fromMs),
  );
  const last = knots.findIndex(({ atMs }) => atMs >= toMs);
  return knots.slice(first, last < 0 ? knots.length : Math.max(last, first) + 1);
}

/** An expression for ffmpeg's filters that turns the file's time `T` (seconds) into seconds since `zeroAtMs` by the server's clock. */
export function clockExpression(knots: readonly Knot[], zeroAtMs: number): string {
  const line = ({ fileMs, atMs }: Knot, slope: number) => {
    const scaled = slope === 1 ? `(T-${seconds(fileMs)})` : `(T-${seconds(fileMs)})*${slope.toFixed(9)}`;
    return `${scaled}+${seconds(atMs - zeroAtMs)}`;
  };
  const first = knots[0]!;
  const pieces = [
    { untilMs: first.fileMs, text: line(first, 1) },
    ...knots.map((knot, index) => {
      const next = knots[index + 1];
      return { untilMs: next?.fileMs ?? Number.POSITIVE_INFINITY, text: line(knot, next ? slopeOf(knot, next) : 1) };
    }),
  ];
  // A tree of halves, so that each frame costs a handful of comparisons.
  const tree = (some: typeof pieces): string => {
    if (some.length === 1) return some[0]!.text;
    const half = some.length >> 1;
    return `if(lt(T,${seconds(some[half - 1]!.untilMs)}),${tree(some.slice(0, half))},${tree(some.slice(half))})`;
  };
  return tree(knots.length === 1 ? pieces.slice(1) : pieces);
}

/** Milliseconds as ffmpeg reads seconds; negative ones in brackets, as they follow a sign. */
export function seconds(ms: number): string {
  const text = (ms / 1_000).toFixed(6);
  return ms < 0 ? `(${text})` : text;
}
