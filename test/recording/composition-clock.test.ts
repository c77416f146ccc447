import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { audioMix } from '../../src/recording/audio-graph.ts';
import { clockExpression, createCompositionClock, fileClock, fileMsAt, knotsWithin } from '../../src/recording/composition-clock.ts';
import type { Timeline } from '../../src/recording/timeline.ts';

/** Counts what ffmpeg would. */
function evaluate(expression: string, fileMs: number): number {
  const text = expression.replaceAll('if(', 'choose(');
  const choose = (condition: boolean, yes: number, no: number) => (condition ? yes : no);
  const lt = (a: number, b: number) => a < b;
  return new Function('T', 'choose', 'lt', `return ${text}`)(fileMs / 1_000, choose, lt) * 1_000;
}

const emptyTimeline: Timeline = { recordingId: 'r', fromMs: 0, toMs: 0, people: [], presences: [], gaps: [], speakers: [], tracks: [] };

test('[RK8] a file’s clock keeps to its anchors within 5 ms, with few knots, and there and back is the same', () => {
  const anchors = Array.from({ length: 720 }, (_, index) => {
    const fileMs = index * 5_000;
    // A sender's clock that is 100 ppm fast, and faster still after half an hour; senders' reports come with a little noise.
    const drift = fileMs * 1e-4 + Math.max(0, fileMs - 1_800_000) * 5e-5;
    return { fileMs, atMs: 1_700_000_000_000 + fileMs - drift + (index % 3) };
  });
  const knots = fileClock({ fromMs: 0, anchors });
  assert.ok(knots.length < 10, `${knots.length} knots`);
  const zero = anchors[0]!.atMs;
  const expression = clockExpression(knots, zero);
  for (const { fileMs, atMs } of anchors) {
    assert.ok(Math.abs(evaluate(expression, fileMs) - (atMs - zero)) <= 5.5);
    assert.ok(Math.abs(fileMsAt(knots, atMs) - fileMs) <= 5.5);
  }
});

test('[RK8] before the first and after the last anchor a file runs evenly; without any it begins with its part', () => {
  assert.deepEqual(fileClock({ fromMs: 7_000, anchors: [] }), [{ fileMs: 0, atMs: 7_000 }]);
  const knots = fileClock({
    fromMs: 0,
    anchors: [
      { fileMs: 100, atMs: 1_100 },
      { fileMs: 200, atMs: 1_000 },
      { fileMs: 1_100, atMs: 3_100 },
    ],
  });
  assert.deepEqual(
    knots.map(({ fileMs }) => fileMs),
    [100, 1_100],
    'an anchor that goes backwards counts for nothing',
  );
  for (const [atMs, fileMs] of [
    [1_050, 50],
    [1_100, 100],
    [2_100, 600],
    [3_100, 1_100],
    [3_200, 1_200],
  ] as const) {
    assert.equal(fileMsAt(knots, atMs), fileMs);
    assert.ok(Math.abs(evaluate(clockExpression(knots, 1_000), fileMs) - (atMs - 1_000)) < 0.001);
  }
});

test('[RK8] the knots of a stretch give the same times in it as all of them', () => {
  const steps = fc.array(fc.tuple(fc.integer({ min: 20, max: 1_000 }), fc.integer({ min: 20, max: 1_000 })), {
    minLength: 1,
    maxLength: 20,
  });
  fc.assert(
    fc.property(steps, fc.integer({ min: 0, max: 8_000 }), fc.integer({ min: 1, max: 8_000 }), (some, fromMs, length) => {
      const knots = [{ fileMs: 0, atMs: 0 }];
      for (const [file, at] of some) {
        const last = knots.at(-1)!;
        knots.push({ fileMs: last.fileMs + file, atMs: last.atMs + at });
      }
      const few = knotsWithin(knots, { fromMs, toMs: fromMs + length });
      for (const moment of [fromMs, fromMs + length / 2, fromMs + length]) {
        assert.ok(Math.abs(fileMsAt(few, moment) - fileMsAt(knots, moment)) < 0.01);
      }
    }),
  );
});

test('[RK5] a moment after a gap that is cut is so much earlier in the file', () => {
  const timeline = { ...emptyTimeline, fromMs: 1_000, toMs: 11_000, gaps: [{ fromMs: 3_000, toMs: 5_000 }] };
  const cut = createCompositionClock(timeline, 'cut');
  assert.equal(cut.totalMs, 8_000);
  assert.deepEqual([1_000, 3_000, 4_000, 5_000, 11_000, 12_000].map(cut.outputMs), [0, 2_000, 2_000, 2_000, 8_000, 8_000]);
  const shown = createCompositionClock(timeline, 'show');
  assert.deepEqual([1_000, 4_000, 11_000].map(shown.outputMs), [0, 3_000, 10_000]);
});

test('[RK7] the sound of an hour with sixteen people who mute themselves all the time fits onto a command line', () => {
  const hour = 3_600_000;
  const users = Array.from({ length: 16 }, (_, index) => `user-${index}`);
  const resumes = Array.from({ length: 180 }, (_, index) => index * 20_000 + 6_000);
  const timeline: Timeline = {
    ...emptyTimeline,
    toMs: hour,
    people: users.map((userId) => ({ userId, displayName: userId })),
    presences: users.map((userId) => ({ userId, fromMs: 0, toMs: hour })),
    tracks: users.map((userId) => ({
      trackId: userId,
      userId,
      source: 'microphone',
      kind: 'audio',
      codec: 'audio/opus',
      parts: [{ file: `${userId}.webm`, fromMs: 0, toMs: hour, anchors: [], pauses: [] }],
    })),
  };
  const { files, graph } = audioMix(timeline, createCompositionClock(timeline, 'cut'), {
    gains: new Map(),
    resumes: new Map(users.map((userId) => [`${userId}.webm`, resumes])),
  });
  assert.equal(files.length, 16);
  assert.ok(graph.includes('asplit'));
  assert.ok(graph.length < 131_072, `${graph.length} characters`);
});
