import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canvas, fillingBoxes, gridBoxes, stageBoxes } from '../../src/recording/arrangement.ts';
import { createCompositionClock } from '../../src/recording/composition-clock.ts';
import { type LayoutName, layOut } from '../../src/recording/layout.ts';
import { isWithin } from '../../src/recording/stretches.ts';
import type { RecordedTrack, Stretch, Timeline } from '../../src/recording/timeline.ts';

const layouts: LayoutName[] = ['grid', 'speaker', 'sideBySide', 'screen'];

const part = (fromMs: number, toMs: number, pauses: Stretch[] = []) => ({ file: 'some.webm', fromMs, toMs, anchors: [], pauses });

function track(userId: string, source: 'camera' | 'screen', ...parts: RecordedTrack['parts'][number][]): RecordedTrack {
  return { trackId: `${userId}-${source}`, userId, source, kind: 'video', codec: 'video/VP8', parts };
}

function timelineOf(some: Partial<Timeline> & { users?: string[] }): Timeline {
  const { users = ['ann', 'bob'], ...rest } = some;
  return {
    recordingId: 'r',
    fromMs: 0,
    toMs: 10_000,
    people: users.map((userId) => ({ userId, displayName: userId.toUpperCase() })),
    presences: users.map((userId) => ({ userId, fromMs: 0, toMs: 10_000 })),
    gaps: [],
    speakers: [],
    tracks: [],
    ...rest,
  };
}

/** `fromMs-toMs user(picture?) …`, the large one first where there is one. */
function told(timeline: Timeline, layout: LayoutName, gaps: 'cut' | 'show' = 'cut'): string[] {
  return layOut(timeline, { layout, gaps }).map(({ fromMs, toMs, isPaused, tiles }) => {
    const names = tiles.map(
      ({ userId, shows, picture }) => `${userId}${shows === 'screen' ? '’s screen' : ''}${picture ? `#${picture.part}` : ''}`,
    );
    return `${fromMs}-${toMs} ${isPaused ? 'paused' : names.join(' ')}`;
  });
}

const overlap = (a: { x: number; y: number; w: number; h: number }, b: typeof a) =>
  a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;

const stretch = fc
  .tuple(fc.integer({ min: -1_000, max: 11_000 }), fc.integer({ min: -1_000, max: 11_000 }))
  .map(([a, b]) => ({ fromMs: Math.min(a, b), toMs: Math.max(a, b) }));
const recordedUsers = ['ann', 'bob', 'cyd', 'dan', 'eve'];
const anybody = fc.constantFrom(...recordedUsers, 'stranger');
const timelines: fc.Arbitrary<Timeline> = fc
  .record({
    presences: fc.array(fc.tuple(anybody, stretch), { maxLength: 12 }),
    gaps: fc.array(stretch, { maxLength: 3 }),
    speakers: fc.array(fc.tuple(fc.integer({ min: 0, max: 10_000 }), fc.option(anybody)), { maxLength: 10 }),
    tracks: fc.array(
      fc.tuple(
        anybody,
        fc.constantFrom('camera' as const, 'screen' as const),
        fc.array(fc.tuple(stretch, fc.array(stretch, { maxLength: 2 }))),
      ),
      { maxLength: 10 },
    ),
  })
  .map(({ presences, gaps, speakers, tracks }) =>
    timelineOf({
      users: recordedUsers,
      presences: presences.map(([userId, times]) => ({ userId, ...times })),
      gaps,
      speakers: speakers.map(([atMs, userId]) => ({ atMs, userId })).sort((a, b) => a.atMs - b.atMs),
      tracks: tracks.map(([userId, source, parts], index) => ({
        ...track(
          userId,
          source,
          ...parts.map(([times, pauses]) => part(times.fromMs, times.toMs, pauses)).sort((a, b) => a.fromMs - b.fromMs),
        ),
        trackId: `t${index}`,
      })),
    }),
  );

test('[RK1] whoever is present has one place, nobody else is shown, places do not overlap, and the time is covered', () => {
  fc.assert(
    fc.property(timelines, fc.constantFrom(...layouts), fc.constantFrom('cut' as const, 'show' as const), (timeline, layout, gaps) => {
      const segments = layOut(timeline, { layout, gaps });
      const covered = segments.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
      assert.equal(covered, createCompositionClock(timeline, gaps).totalMs);
      for (const [index, { fromMs, toMs, isPaused, tiles }] of segments.entries()) {
        assert.ok(fromMs < toMs && fromMs >= (segments[index - 1]?.toMs ?? timeline.fromMs) && toMs <= timeline.toMs);
        const middle = (fromMs + toMs) / 2;
        assert.equal(
          isPaused,
          timeline.gaps.some((gap) => isWithin(middle, gap)),
        );
        const present = timeline.presences.filter((entry) => isWithin(middle, entry) && entry.userId !== 'stranger');
        const expected = isPaused ? [] : [...new Set(present.map(({ userId }) => userId))].sort();
        const people = tiles.filter(({ shows }) => shows === 'person').map(({ userId }) => userId);
        assert.deepEqual(people.sort(), expected);
        for (const tile of tiles) {
          assert.ok(expected.includes(tile.userId));
          assert.ok(tile.x >= 0 && tile.y >= 0 && tile.w > 0 && tile.h > 0 && tile.x + tile.w <= 1280 && tile.y + tile.h <= 720);
          assert.ok([tile.x, tile.y, tile.w, tile.h].every((size) => size % 2 === 0));
          assert.ok(tiles.every((other) => other === tile || !overlap(tile, other)));
          const source = timeline.tracks.find(({ trackId }) => trackId === tile.picture?.trackId);
          if (!tile.picture || !source) continue;
          assert.equal(source.userId, tile.userId);
          assert.ok(!source.parts[tile.picture.part]?.pauses.some((pause) => isWithin(middle, pause)));
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('[RK1] from 1 to 64 people fit into every arrangement', () => {
  for (let count = 1; count <= 64; count++) {
    const { stage, small } = stageBoxes(count, 320);
    const narrow = stageBoxes(count, 160);
    for (const boxes of [gridBoxes(count), fillingBoxes(count, canvas), [stage, ...small], [narrow.stage, ...narrow.small]]) {
      assert.ok(boxes.length >= count);
      for (const box of boxes) {
        assert.ok(box.x >= 0 && box.y >= 0 && box.w > 0 && box.h > 0 && box.x + box.w <= 1280 && box.y + box.h <= 720, JSON.stringify(box));
        assert.ok(boxes.every((other) => other === box || !overlap(box, other)));
      }
    }
  }
});

test('[RK2] the layouts give people their places', () => {
  const timeline = timelineOf({ users: ['ann', 'bob', 'cyd'], speakers: [{ atMs: 0, userId: 'bob' }] });
  const places = (layout: LayoutName, some = timeline) =>
    layOut(some, { layout, gaps: 'cut' })[0]?.tiles.map(
      ({ userId, x, y, w, h, isCut }) => `${userId} ${x},${y} ${w}x${h}${isCut ? ' cut' : ''}`,
    );
  assert.deepEqual(places('grid'), ['ann 18,10 618x346', 'bob 644,10 618x346', 'cyd 330,364 618x346']);
  assert.deepEqual(places('screen'), places('grid'));
  assert.deepEqual(places('speaker'), ['bob 0,0 960x720', 'ann 960,180 320x180', 'cyd 960,360 320x180']);
  assert.deepEqual(places('sideBySide'), ['ann 0,0 426x720 cut', 'bob 426,0 426x720 cut', 'cyd 852,0 426x720 cut']);
  const alone = timelineOf({ users: ['ann'] });
  for (const layout of layouts) assert.deepEqual(places(layout, alone)?.length, 1);
  assert.deepEqual(places('grid', alone), ['ann 0,0 1280x720']);
  const sharing = timelineOf({ tracks: [track('bob', 'screen', part(0, 10_000))] });
  assert.deepEqual(places('grid', sharing), ['bob 0,0 960x720', 'ann 960,180 320x180', 'bob 960,360 320x180']);
  assert.deepEqual(places('screen', sharing), ['bob 0,0 1120x720', 'ann 1120,270 160x90', 'bob 1120,360 160x90']);
  assert.deepEqual(places('sideBySide', sharing), ['bob 0,0 852x720', 'ann 852,0 428x360 cut', 'bob 852,360 428x360 cut']);
});

test('[RK2] a shared screen takes the stage in every layout, of two the later one', () => {
  const tracks = [track('ann', 'screen', part(1_000, 6_000)), track('bob', 'screen', part(3_000, 5_000))];
  const timeline = timelineOf({ tracks, speakers: [{ atMs: 0, userId: 'bob' }] });
  for (const layout of ['grid', 'screen', 'sideBySide'] as const) {
    assert.deepEqual(told(timeline, layout), [
      '0-1000 ann bob',
      '1000-3000 ann’s screen#0 ann bob',
      '3000-5000 bob’s screen#0 ann’s screen#0 ann bob',
      '5000-6000 ann’s screen#0 ann bob',
      '6000-10000 ann bob',
    ]);
  }
  assert.deepEqual(told(timeline, 'speaker').slice(0, 2), ['0-1000 bob ann', '1000-3000 ann’s screen#0 ann bob']);
});

test('[RK3] who speaks for a while takes the stage from their first word; short words and silence change nothing', () => {
  const speakers = [
    { atMs: 1_000, userId: 'bob' },
    { atMs: 4_000, userId: null },
    { atMs: 5_000, userId: 'ann' },
    { atMs: 5_900, userId: 'bob' },
    { atMs: 6_000, userId: 'ann' },
  ];
  assert.deepEqual(told(timelineOf({ speakers }), 'speaker'), ['0-6000 bob ann', '6000-10000 ann bob']);
  const presences = [
    { userId: 'ann', fromMs: 0, toMs: 10_000 },
    { userId: 'bob', fromMs: 2_000, toMs: 3_500 },
  ];
  assert.deepEqual(told(timelineOf({ speakers, presences }), 'speaker'), ['0-2000 ann', '2000-3500 bob ann', '3500-10000 ann']);
});

test('[RK4] a place has the picture while the camera is on, else the name; a short break between two parts holds the last picture', () => {
  const tracks = [
    track('ann', 'camera', part(1_000, 3_000, [{ fromMs: 1_500, toMs: 2_000 }]), part(4_000, 5_000), part(8_000, 12_000)),
    track('bob', 'camera', part(0, 3_000, [{ fromMs: 2_500, toMs: 3_000 }]), part(4_000, 10_000)),
  ];
  assert.deepEqual(told(timelineOf({ users: ['ann'], tracks: tracks.slice(0, 1) }), 'grid'), [
    '0-1000 ann',
    '1000-1500 ann#0',
    '1500-2000 ann',
    '2000-4000 ann#0',
    '4000-5000 ann#1',
    '5000-8000 ann',
    '8000-10000 ann#2',
  ]);
  // Whoever had switched the camera off is not held.
  assert.deepEqual(told(timelineOf({ users: ['bob'], tracks: tracks.slice(1) }), 'grid'), [
    '0-2500 bob#0',
    '2500-4000 bob',
    '4000-10000 bob#1',
  ]);
});

test('[RK4] parts that overlap and second cameras are shown once, the later one', () => {
  const tracks = [
    track('ann', 'camera', part(0, 5_000), part(4_000, 10_000)),
    { ...track('ann', 'camera', part(6_000, 7_000)), trackId: 'second' },
  ];
  const segments = layOut(timelineOf({ users: ['ann'], tracks }), { layout: 'grid', gaps: 'cut' });
  assert.deepEqual(
    segments.map(({ fromMs, tiles }) => [fromMs, tiles.map(({ picture }) => `${picture?.trackId}#${picture?.part}`).join()]),
    [
      [0, 'ann-camera#0'],
      [4_000, 'ann-camera#1'],
      [6_000, 'second#0'],
      [7_000, 'ann-camera#1'],
    ],
  );
});

test('[RK5] gaps are left out, or stand as they were', () => {
  const gaps = [
    { fromMs: 2_000, toMs: 4_000 },
    { fromMs: 3_000, toMs: 5_000 },
  ];
  const timeline = timelineOf({ users: ['ann'], gaps });
  assert.deepEqual(told(timeline, 'grid'), ['0-2000 ann', '5000-10000 ann']);
  assert.deepEqual(told(timeline, 'grid', 'show'), ['0-2000 ann', '2000-5000 paused', '5000-10000 ann']);
});
