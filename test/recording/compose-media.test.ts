import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { initialsOf, segmentGraph } from '../../src/recording/video-graph.ts';
import { partOf, RecordedTracks, timelineOf, trackOf, type Watched } from '../support/recorded-tracks.ts';

let made: RecordedTracks;
let red: string;
let lime: string;
let low: string;
let high: string;

before(async () => {
  made = await RecordedTracks.create();
  red = await made.picture('red', 6_000);
  lime = await made.picture('lime', 3_000);
  low = await made.sound(440, 6_000);
  high = await made.sound(1_000, 4_000);
});
after(() => made[Symbol.asyncDispose]());

/** Whether the low and the high tone are heard. */
const tones = (seen: Watched, ms: number) => [seen.hears(ms, 440), seen.hears(ms, 1_000)];

test('[RK8] flashes and beeps of files whose clocks run differently stay within 80 ms of one another from beginning to end', async () => {
  // Both happen at these moments by the server's clock, in files that begin at other times and run 1 % slow and 0.4 % fast.
  const moments = [1_000, 4_000, 7_000];
  const pictureMs = (atMs: number) => (atMs - 300) * 0.99;
  const soundMs = (atMs: number) => (atMs - 120) * 1.004;
  const during = (fileMs: (atMs: number) => number) =>
    moments.map((atMs) => `between(t,${fileMs(atMs) / 1_000},${fileMs(atMs + 100) / 1_000})`).join('+');
  const flashes = await made.picture('black', 8_000, { filter: `drawbox=c=white:t=fill:enable='${during(pictureMs)}'` });
  const beeps = await made.sound(`0.5*sin(2*PI*1000*t)*(${during(soundMs)})`, 8_000);
  const anchored = (fileMs: (atMs: number) => number, fromMs: number) => ({
    anchors: [fromMs, 3_000, 5_000, 7_900].map((atMs) => ({ fileMs: fileMs(atMs), atMs: partOf('', atMs, 0).fromMs })),
  });
  const timeline = timelineOf(
    8_000,
    [
      trackOf('ann', 'camera', partOf(flashes, 300, 8_000, anchored(pictureMs, 300))),
      trackOf('ann', 'microphone', partOf(beeps, 120, 8_000, anchored(soundMs, 120))),
    ],
    { ann: [0, 8_000] },
  );
  await made.compose(timeline);
  const seen = await made.watch();
  for (const moment of moments) {
    const frame = Array.from({ length: 60 }, (_, index) => Math.round((moment / 1_000) * 30) - 30 + index).find(
      (some) => seen.pixel(some, 640, 360)[0] > 128,
    );
    const flashMs = ((frame ?? Number.NaN) * 1_000) / 30;
    let beepMs = moment - 500;
    while (seen.peak(beepMs, 2) < 0.05 && beepMs < moment + 500) beepMs += 2;
    assert.ok(Math.abs(flashMs - moment) <= 40, `flash of ${moment} at ${flashMs}`);
    assert.ok(Math.abs(beepMs - moment) <= 40, `beep of ${moment} at ${beepMs}`);
    assert.ok(Math.abs(flashMs - beepMs) <= 80, `flash at ${flashMs}, beep at ${beepMs}`);
  }
});

test('[RK9] VP8, VP9, H.264 and AV1 play side by side', async () => {
  const codecs = ['VP8', 'VP9', 'H264', 'AV1'] as const;
  const names = ['red', 'lime', 'blue', 'yellow'];
  const tracks = await Promise.all(
    codecs.map(async (codec, index) => trackOf(codec, 'camera', partOf(await made.picture(names[index]!, 1_000, { codec }), 0, 1_000))),
  );
  await made.compose(timelineOf(1_000, tracks, { VP8: [0, 1_000], VP9: [0, 1_000], H264: [0, 1_000], AV1: [0, 1_000] }));
  const seen = await made.watch();
  const places = [
    [300, 180],
    [900, 180],
    [300, 540],
    [900, 540],
  ] as const;
  for (const ms of [50, 900])
    assert.deepEqual(
      places.map(([x, y]) => seen.colour(ms, x, y)),
      names,
    );
});

test('[RK9] a track goes on after its capture was cut, and whatever size its picture takes', async () => {
  const wide = await made.picture('blue', 1_000, { size: '320x180' });
  const upright = await made.picture('yellow', 1_000, { size: '180x320' });
  const large = await made.picture('magenta', 1_000, { size: '640x360' });
  const turned = await made.join(wide, upright, large);
  const timeline = timelineOf(
    5_000,
    [
      trackOf('ann', 'camera', partOf(turned, 0, 3_000), partOf(lime, 3_500, 5_000)),
      trackOf('ann', 'microphone', partOf(low, 0, 2_000), partOf(high, 3_000, 5_000)),
    ],
    { ann: [0, 5_000] },
  );
  for (const layout of ['grid', 'sideBySide'] as const) {
    await made.compose(timeline, { layout });
    const seen = await made.watch();
    const places = (ms: number) => [seen.colour(ms, 640, 360), seen.colour(ms, 50, 50)];
    assert.deepEqual(places(900), ['blue', 'blue']);
    // Upright, it stands whole in the middle, or is cut to fill.
    assert.deepEqual(places(1_900), ['yellow', layout === 'grid' ? 'other' : 'yellow']);
    assert.deepEqual(places(2_900), ['magenta', 'magenta']);
    assert.deepEqual(places(3_300), ['magenta', 'magenta'], 'held until the next part begins');
    assert.deepEqual(places(3_700), ['lime', 'lime']);
    assert.deepEqual(
      [1_800, 2_400, 3_200].map((ms) => tones(seen, ms)),
      [
        [true, false],
        [false, false],
        [false, true],
      ],
    );
  }
});

test('[RK13] names and the wall clock are drawn when they are wished for, and no name is read as a filter', async () => {
  const name = `%{pts}'; drawbox=c=white:t=fill, [out]\\:\u202e${'long '.repeat(40)}`;
  const tracks = [trackOf('ann', 'camera', partOf(red, 0, 1_000))];
  const timeline = timelineOf(1_000, tracks, { ann: [0, 1_000], bob: [0, 1_000] }, { names: { ann: name, bob: name } });
  const isPlain = async (order: { withNames?: boolean; timeZone?: string }) => {
    await made.compose(timeline, order);
    const seen = await made.watch();
    const isRed = (x: number) => seen.colour(500, x, 520) === 'red';
    const isDark = (x: number) => Math.max(...seen.pixel(15, x, 20)) < 60;
    const across = (from: number) => Array.from({ length: 25 }, (_, index) => from + index * 10);
    return [across(30).every(isRed), across(1_000).every(isDark)];
  };
  assert.deepEqual(await isPlain({}), [true, true]);
  assert.deepEqual(await isPlain({ withNames: true }), [false, true]);
  assert.deepEqual(await isPlain({ timeZone: 'Asia/Kathmandu' }), [true, false]);
});

test('[RK13] without a font nothing is written', () => {
  const tile = { x: 0, y: 0, w: 1280, h: 720, userId: 'ann', label: 'Ann', shows: 'person' as const, isCut: false };
  const graph = segmentGraph({ tiles: [tile], zeroAtMs: 0, withNames: true, timeZone: 'UTC' }, undefined);
  assert.ok(!graph.includes('drawtext') && graph.endsWith('[out]'), graph);
  assert.deepEqual(['Dr. Ada Lindqvist', 'Ångström-Öz', '李雷', '🙂', '(x) y'].map(initialsOf), ['DL', 'ÅÖ', '李', '?', 'Y']);
});

test('[RK16] quiet and loud voices are brought together', async () => {
  const [loud, quiet] = [await made.sound('0.8*sin(2*PI*440*t)', 5_000), await made.sound('0.02*sin(2*PI*1000*t)', 5_000)];
  const tracks = [trackOf('ann', 'microphone', partOf(loud, 0, 5_000)), trackOf('bob', 'microphone', partOf(quiet, 5_000, 10_000))];
  await made.compose(timelineOf(10_000, tracks, { ann: [0, 10_000], bob: [0, 10_000] }));
  const seen = await made.watch();
  const [a, b] = [seen.tone(3_000, 440), seen.tone(8_500, 1_000)];
  const apart = 20 * Math.log10(a / b);
  assert.ok(Math.abs(apart) < 10, `${apart} dB apart, of 32`);
  assert.ok(seen.peak(0, 10_000) < 0.9);
});
