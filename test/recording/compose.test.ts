import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
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

/** The boxes at the top of an MP4, in order. */
async function boxesOf(file: string): Promise<string[]> {
  const bytes = await readFile(file);
  const boxes: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    boxes.push(bytes.toString('latin1', at + 4, at + 8));
    at += bytes.readUInt32BE(at) === 1 ? Number(bytes.readBigUInt64BE(at + 8)) : bytes.readUInt32BE(at);
  }
  return boxes;
}

/** What ffprobe says of it, beyond what the server asks. */
async function chaptersIn(file: string): Promise<string[]> {
  const lines: string[] = [];
  await made.ffmpeg.run({
    inputs: [{ source: file }],
    outputs: [{ target: path.join(made.folder, 'chapters.txt'), options: ['-f', 'ffmetadata'] }],
  });
  const text = await readFile(path.join(made.folder, 'chapters.txt'), 'utf8');
  for (const [, start, end, title] of text.matchAll(/START=(\d+)\nEND=(\d+)\ntitle=(.*)/g)) lines.push(`${start}-${end} ${title}`);
  return lines;
}

/** What is at the middle of the left and of the right half. */
const halves = (seen: Watched, ms: number) => [seen.colour(ms, 150, 360), seen.colour(ms, 1_150, 360)];
const tones = (seen: Watched, ms: number) => [seen.hears(ms, 440), seen.hears(ms, 1_000)];

test('[RK6, RK7, RK12] a late joiner’s picture and voice are in their place from the moment they come, with chapters and names of speakers', async () => {
  const timeline = timelineOf(
    6_000,
    [
      trackOf('ann', 'camera', partOf(red, 0, 6_000)),
      trackOf('ann', 'microphone', partOf(low, 0, 6_000)),
      trackOf('bob', 'camera', partOf(lime, 2_500, 5_000)),
      trackOf('bob', 'microphone', partOf(high, 2_000, 5_500)),
    ],
    { ann: [0, 6_000], bob: [2_000, 5_500] },
    {
      names: { ann: 'Ann <b>&amp; --> Co', bob: 'Bob; #1=\\x\nY' },
      speakers: [
        [0, 'ann'],
        [2_600, 'bob'],
        [3_600, null],
        [4_000, 'ann'],
      ],
    },
  );
  const fractions: number[] = [];
  const result = await made.compose(timeline, { onProgress: (fraction) => fractions.push(fraction) });
  assert.deepEqual(
    result.files.map(({ kind, path: file, bytes }) => [kind, path.relative(made.outputFolder, file), bytes > 100]),
    [
      ['composite', 'composite.mp4', true],
      ['poster', 'poster.jpg', true],
      ['speakers', 'speakers.vtt', true],
    ],
  );
  assert.deepEqual((await readdir(made.outputFolder)).sort(), ['composite.mp4', 'poster.jpg', 'speakers.vtt']);
  assert.deepEqual([result.durationSeconds, result.omitted], [6, []]);

  const file = path.join(made.outputFolder, 'composite.mp4');
  const { streams, format } = await made.ffmpeg.probe(file);
  const [video, audio] = streams;
  assert.deepEqual([video?.codec_name, video?.width, video?.height, audio?.codec_name], ['h264', 1280, 720, 'aac']);
  assert.deepEqual([format.duration, video?.start_time, audio?.start_time], [6, 0, 0]);
  const boxes = await boxesOf(file);
  assert.ok(boxes.indexOf('moov') < boxes.indexOf('mdat'), boxes.join());
  const poster = (await made.ffmpeg.probe(path.join(made.outputFolder, 'poster.jpg'))).streams[0];
  assert.deepEqual([poster?.codec_name, poster?.width, poster?.height], ['mjpeg', 1280, 720]);

  const seen = await made.watch();
  assert.equal(seen.frameCount, 180);
  assert.ok(Math.abs(seen.soundMs - 6_000) < 30, `${seen.soundMs} ms of sound`);
  for (const ms of [100, 1_900])
    assert.deepEqual([seen.colour(ms, 100, 100), seen.shows(ms, 'lime'), ...tones(seen, ms)], ['red', false, true, false]);
  assert.deepEqual([...halves(seen, 2_300), ...tones(seen, 2_300)], ['red', 'other', true, true]);
  for (const ms of [2_600, 4_900]) assert.deepEqual([...halves(seen, ms), ...tones(seen, ms)], ['red', 'lime', true, true]);
  assert.deepEqual([...halves(seen, 5_200), ...tones(seen, 5_200)], ['red', 'other', true, true]);
  assert.deepEqual([seen.colour(5_700, 1_200, 600), seen.shows(5_700, 'lime'), ...tones(seen, 5_700)], ['red', false, true, false]);

  assert.deepEqual(await chaptersIn(file), [
    '0-2000 Ann <b>&amp\\; --> Co joined',
    '2000-5500 Bob\\; \\#1\\=\\\\x Y joined',
    '5500-6000 Bob\\; \\#1\\=\\\\x Y left',
  ]);
  const ann = 'Ann &lt;b&gt;&amp;amp; --&gt; Co';
  assert.equal(
    await readFile(path.join(made.outputFolder, 'speakers.vtt'), 'utf8'),
    [
      'WEBVTT\n',
      `00:00:00.000 --> 00:00:02.600\n<v ${ann}>${ann}</v>\n`,
      '00:00:02.600 --> 00:00:03.600\n<v Bob; #1=\\x Y>Bob; #1=\\x Y</v>\n',
      `00:00:04.000 --> 00:00:06.000\n<v ${ann}>${ann}</v>\n`,
    ].join('\n'),
  );
  assert.ok(fractions.length > 3 && fractions.at(-1) === 1);
  assert.deepEqual(
    fractions,
    [...new Set(fractions)].sort((a, b) => a - b),
    'progress never falls',
  );
});

test('[RK5, RK7] a gap is left out of picture, sound, chapters and names, or stands as a card in silence', async () => {
  const tracks = [trackOf('ann', 'camera', partOf(red, 0, 6_000)), trackOf('ann', 'microphone', partOf(low, 0, 6_000))];
  const gaps: [number, number][] = [[1_000, 3_000]];
  const timeline = timelineOf(4_000, tracks, { ann: [0, 4_000] }, { gaps, speakers: [[500, 'ann']] });
  assert.equal((await made.compose(timeline)).durationSeconds, 2);
  const cut = await made.watch();
  assert.deepEqual([cut.frameCount, cut.colour(900, 100, 100), cut.colour(1_100, 100, 100), cut.hears(950, 440)], [60, 'red', 'red', true]);
  assert.deepEqual(await chaptersIn(path.join(made.outputFolder, 'composite.mp4')), ['0-1000 ann joined', '1000-2000 Resumed after 2 s']);
  assert.match(await readFile(path.join(made.outputFolder, 'speakers.vtt'), 'utf8'), /00:00:00\.500 --> 00:00:02\.000/);

  assert.equal((await made.compose(timeline, { gaps: 'show' })).durationSeconds, 4);
  const shown = await made.watch();
  assert.deepEqual(
    [900, 1_100, 2_900, 3_100].map((ms) => shown.shows(ms, 'red')),
    [true, false, false, true],
  );
  assert.deepEqual(
    [800, 3_100].map((ms) => shown.hears(ms, 440)),
    [true, true],
  );
  assert.deepEqual(await chaptersIn(path.join(made.outputFolder, 'composite.mp4')), [
    '0-1000 ann joined',
    '1000-3000 Paused',
    '3000-4000 Resumed after 2 s',
  ]);
});

test('[RK7] a place that changes in the middle of a file goes on where the file is', async () => {
  const [first, second] = [await made.picture('blue', 1_500), await made.picture('yellow', 1_500)];
  const joined = await made.join(first, second);
  const timeline = timelineOf(
    3_000,
    [trackOf('ann', 'camera', partOf(joined, 0, 3_000)), trackOf('bob', 'camera', partOf(red, 1_000, 3_000))],
    { ann: [0, 3_000], bob: [1_000, 2_300] },
  );
  await made.compose(timeline);
  const seen = await made.watch();
  for (const [ms, name] of [
    [900, 'blue'],
    [1_100, 'blue'],
    [1_400, 'blue'],
    [1_600, 'yellow'],
    [2_200, 'yellow'],
    [2_400, 'yellow'],
  ] as const) {
    assert.equal(seen.colour(ms, 150, 360), name, `at ${ms}`);
  }
  assert.deepEqual(
    [900, 1_100, 2_200, 2_400].map((ms) => seen.shows(ms, 'red')),
    [false, true, true, false],
  );
});

test('[RK7] sixteen people are all there, and a picture that stands still stays', async () => {
  const still = await made.picture('blue', 3_000, { filter: 'trim=end_frame=1' });
  const users = Array.from({ length: 16 }, (_, index) => `user-${index}`);
  const tracks = users.map((userId, index) => trackOf(userId, 'camera', partOf(index === 5 ? still : red, 0, 2_000)));
  const presences = Object.fromEntries(
    users.map((userId): [string, [number, number]] => [userId, [userId === 'user-15' ? 1_500 : 0, 2_000]]),
  );
  await made.compose(timelineOf(2_000, tracks, presences));
  const seen = await made.watch();
  const places = users.map((_, index) => seen.colour(1_700, 160 + 320 * (index % 4), 90 + 180 * Math.floor(index / 4)));
  assert.deepEqual(
    places,
    users.map((_, index) => (index === 5 ? 'blue' : 'red')),
  );
  assert.equal(seen.shows(100, 'blue'), true);
});

test('[RK7] a voice that sends nothing for long, and comes again, comes again at its time', async () => {
  const sparse = await made.sound(440, 9_000, "aselect='lt(t,1)+gt(t,8)'");
  const paused = [{ fromMs: partOf('', 1_500, 0).fromMs, toMs: partOf('', 8_400, 0).fromMs }];
  const timeline = timelineOf(
    9_500,
    [
      trackOf('ann', 'microphone', partOf(sparse, 500, 9_500, { pauses: paused })),
      trackOf('bob', 'microphone', partOf(high, 3_000, 5_000)),
    ],
    { ann: [0, 9_500], bob: [0, 9_500] },
  );
  await made.compose(timeline);
  const seen = await made.watch();
  const heard = [200, 600, 1_350, 1_700, 3_300, 4_800, 5_200, 8_350, 8_600, 9_300].map((ms) => tones(seen, ms));
  const [nobody, ann, bob] = [
    [false, false],
    [true, false],
    [false, true],
  ];
  assert.deepEqual(heard, [nobody, ann, ann, nobody, bob, bob, nobody, nobody, ann, ann]);
});

test('[RK2, RK3] a shared screen takes the stage, with its sound, and the speaker does in their layout', async () => {
  const blue = await made.picture('blue', 1_000, { size: '640x360' });
  const tracks = [
    trackOf('ann', 'camera', partOf(red, 0, 3_000)),
    trackOf('bob', 'camera', partOf(lime, 0, 3_000)),
    trackOf('bob', 'screen', partOf(blue, 1_000, 2_000)),
    trackOf('bob', 'screenAudio', partOf(high, 1_000, 2_000)),
  ];
  const timeline = timelineOf(3_000, tracks, { ann: [0, 3_000], bob: [0, 3_000] }, { speakers: [[0, 'bob']] });
  await made.compose(timeline, { layout: 'speaker' });
  const seen = await made.watch();
  const places = (ms: number) => [seen.colour(ms, 480, 360), seen.colour(ms, 1_120, 310), seen.colour(ms, 1_120, 410)];
  assert.deepEqual([500, 1_500, 2_500].map(places), [
    ['lime', 'red', 'red'],
    ['blue', 'red', 'lime'],
    ['lime', 'red', 'red'],
  ]);
  assert.deepEqual(
    [500, 1_500, 2_500].map((ms) => seen.hears(ms, 1_000)),
    [false, true, false],
  );
  assert.deepEqual(await chaptersIn(path.join(made.outputFolder, 'composite.mp4')), [
    '0-1000 ann joined, bob joined',
    '1000-2000 bob shares the screen',
    '2000-3000 bob stops sharing',
  ]);
});

test('[RK5, RK11] not one frame from a pause is shown, nor from before somebody was present', async () => {
  const files = await Promise.all(['blue', 'red', 'yellow'].map((colour) => made.picture(colour, 500)));
  const joined = await made.join(...files);
  const timeline = timelineOf(1_500, [trackOf('ann', 'camera', partOf(joined, 0, 1_500))], { ann: [0, 1_500] });
  // The frame before the end of the pause is red, the one after it yellow.
  const paused = { ...timeline, gaps: [{ fromMs: timeline.fromMs + 500, toMs: timeline.fromMs + 995 }] };
  const late = { ...timeline, presences: [{ userId: 'ann', fromMs: timeline.fromMs + 995, toMs: timeline.toMs }] };
  for (const some of [paused, late]) {
    await made.compose(some);
    const seen = await made.watch();
    const moments = Array.from({ length: seen.frameCount }, (_, frame) => (frame * 1_000) / 30);
    assert.deepEqual(
      moments.filter((ms) => seen.shows(ms, 'red')),
      [],
    );
    assert.ok(seen.shows(moments.at(-1)!, 'yellow') && seen.shows(0, 'blue') === (some === paused));
  }
});

test('[RK11] tracks of people who are not in the recording are neither seen nor heard, nor anybody outside of their presence', async () => {
  const blue = await made.picture('blue', 3_000);
  const [secret, early] = [await made.sound(2_000, 3_000), await made.sound(3_000, 3_000)];
  const timeline = timelineOf(
    3_000,
    [
      trackOf('ann', 'camera', partOf(red, 0, 3_000)),
      trackOf('stranger', 'camera', partOf(blue, 0, 3_000)),
      trackOf('stranger', 'microphone', partOf(secret, 0, 3_000)),
      trackOf('bob', 'camera', partOf(lime, 0, 3_000)),
      trackOf('bob', 'microphone', partOf(early, 0, 3_000)),
    ],
    { ann: [0, 3_000], bob: [1_000, 2_000] },
    {
      speakers: [
        [0, 'stranger'],
        [500, 'bob'],
      ],
    },
  );
  await made.compose(timeline);
  const seen = await made.watch();
  for (const ms of [100, 900, 1_500, 2_100, 2_800]) {
    assert.ok(!seen.shows(ms, 'blue') && seen.tone(ms, 2_000) < 0.001, `stranger at ${ms}`);
    const isThere = ms === 1_500;
    assert.deepEqual([seen.shows(ms, 'lime'), seen.tone(ms, 3_000) > 0.001], [isThere, isThere], `bob at ${ms}`);
  }
  const names = await readFile(path.join(made.outputFolder, 'speakers.vtt'), 'utf8');
  assert.ok(!names.includes('stranger') && names.includes('00:00:01.000 --> 00:00:02.000'));
});
