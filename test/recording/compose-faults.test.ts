import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { CompositionError, failureOf } from '../../src/recording/composition-error.ts';
import { FfmpegError } from '../../src/recording/ffmpeg.ts';
import { partOf, processesIn, RecordedTracks, timelineOf, trackOf } from '../support/recorded-tracks.ts';

let made: RecordedTracks;
let red: string;
let voice: string;

before(async () => {
  made = await RecordedTracks.create();
  red = await made.picture('red', 4_000);
  voice = await made.sound(440, 4_000);
});
after(() => made[Symbol.asyncDispose]());

/** Long enough that something can happen while ffmpeg is at it. */
const long = () => timelineOf(120_000, [trackOf('ann', 'microphone', partOf(voice, 0, 4_000))], { ann: [0, 120_000] });
const short = () =>
  timelineOf(1_000, [trackOf('ann', 'camera', partOf(red, 0, 4_000)), trackOf('ann', 'microphone', partOf(voice, 0, 4_000))], {
    ann: [0, 1_000],
  });
const workFolder = () => path.join(made.outputFolder, 'unfinished');
const isFailure = (code: string) => (error: unknown) => error instanceof CompositionError && error.code === code;

test('[RK10] files that are missing, empty or undecodable are left out and named; everything else is there', async () => {
  await writeFile(path.join(made.folder, 'empty.webm'), '');
  await writeFile(path.join(made.folder, 'noise.webm'), Buffer.alloc(50_000, 'noise'));
  const whole = await readFile(path.join(made.folder, red));
  await writeFile(path.join(made.folder, 'header.webm'), whole.subarray(0, 300));
  const timeline = timelineOf(
    1_000,
    [
      trackOf('ann', 'camera', partOf('header.webm', 0, 300), partOf(red, 300, 1_000)),
      trackOf('ann', 'microphone', partOf('noise.webm', 0, 200), partOf(voice, 200, 1_000)),
      trackOf('bob', 'camera', partOf('empty.webm', 0, 1_000)),
      trackOf('bob', 'microphone', partOf('missing.webm', 0, 1_000)),
    ],
    { ann: [0, 1_000], bob: [0, 1_000] },
  );
  const { omitted, durationSeconds } = await made.compose(timeline);
  assert.deepEqual(omitted, [
    { trackId: 'ann-camera', file: 'header.webm', reason: 'undecodable' },
    { trackId: 'ann-microphone', file: 'noise.webm', reason: 'undecodable' },
    { trackId: 'bob-camera', file: 'empty.webm', reason: 'empty' },
    { trackId: 'bob-microphone', file: 'missing.webm', reason: 'missing' },
  ]);
  assert.equal(durationSeconds, 1);
  const seen = await made.watch();
  assert.deepEqual([seen.shows(100, 'red'), seen.colour(500, 150, 360), seen.hears(600, 440)], [false, 'red', true]);
});

test('[RK10] a file that was cut off at any byte, or is broken in the middle, is used as far as it goes', async () => {
  const [picture, sound] = [await readFile(path.join(made.folder, red)), await readFile(path.join(made.folder, voice))];
  await writeFile(path.join(made.folder, 'cut.webm'), picture.subarray(0, Math.round(picture.length * 0.6)));
  await writeFile(path.join(made.folder, 'cut-sound.webm'), sound.subarray(0, Math.round(sound.length * 0.4)));
  const broken = Buffer.from(picture);
  broken.fill(0xa5, Math.round(picture.length * 0.4), Math.round(picture.length * 0.5));
  await writeFile(path.join(made.folder, 'broken.webm'), broken);
  const timeline = timelineOf(
    4_000,
    [
      trackOf('ann', 'camera', partOf('cut.webm', 0, 4_000)),
      trackOf('ann', 'microphone', partOf('cut-sound.webm', 0, 4_000)),
      trackOf('bob', 'camera', partOf('broken.webm', 0, 4_000)),
      trackOf('cyd', 'camera', partOf(red, 3_500, 4_000)),
    ],
    { ann: [0, 4_000], bob: [0, 4_000], cyd: [3_500, 4_000] },
  );
  const { omitted, durationSeconds } = await made.compose(timeline);
  assert.deepEqual([omitted, durationSeconds], [[], 4]);
  const seen = await made.watch();
  assert.equal(seen.frameCount, 120);
  assert.deepEqual([seen.colour(1_000, 150, 360), seen.colour(1_000, 1_150, 360), seen.colour(3_800, 640, 540)], ['red', 'red', 'red']);
  assert.deepEqual([seen.hears(1_000, 440), seen.hears(3_000, 440)], [true, false]);
});

test('[RK10] without one readable file, or without any time, there is no composition', async () => {
  const missing = timelineOf(1_000, [trackOf('ann', 'camera', partOf('missing.webm', 0, 1_000))], { ann: [0, 1_000] });
  await assert.rejects(made.compose(missing), isFailure('no_readable_track'));
  await assert.rejects(made.compose({ ...short(), tracks: [] }), isFailure('no_readable_track'));
  await assert.rejects(made.compose(timelineOf(0, [], {})), isFailure('nothing_recorded'));
  const paused = { ...short(), gaps: [{ fromMs: 0, toMs: Number.MAX_SAFE_INTEGER }] };
  await assert.rejects(made.compose(paused), isFailure('nothing_recorded'));
});

test('[RK14, RK15] ffmpeg runs with low priority; killed from outside, the composition fails with a code, leaves nothing and can be made again', async () => {
  await rm(made.outputFolder, { recursive: true, force: true });
  let niceness: number[] = [];
  let found: Promise<void> | undefined;
  const composing = made.compose(long(), {
    onProgress() {
      found ??= processesIn(workFolder()).then((processes) => {
        niceness = processes.map((some) => some.niceness);
        for (const { pid } of processes) process.kill(pid, 'SIGKILL');
      });
    },
  });
  await assert.rejects(composing, isFailure('ffmpeg_killed'));
  await found;
  assert.deepEqual(niceness, [10]);
  assert.deepEqual(await readdir(made.outputFolder), []);

  // What a killed server leaves behind.
  await mkdir(workFolder(), { recursive: true });
  await writeFile(path.join(workFolder(), 'picture-1.mp4'), 'half a file');
  assert.equal((await made.compose(short())).durationSeconds, 1);
  assert.deepEqual((await readdir(made.outputFolder)).sort(), ['composite.mp4', 'poster.jpg', 'speakers.vtt']);
});

test('[RK14] aborted, it ends ffmpeg, leaves nothing unfinished and fails with the signal’s reason; what was finished before stays', async () => {
  await made.compose(short());
  const before = await readFile(path.join(made.outputFolder, 'composite.mp4'));
  const abort = new AbortController();
  const reason = new Error('enough');
  await assert.rejects(made.compose(long(), { signal: abort.signal, onProgress: () => abort.abort(reason) }), (error) => error === reason);
  assert.deepEqual(await processesIn(workFolder()), []);
  assert.deepEqual((await readdir(made.outputFolder)).sort(), ['composite.mp4', 'poster.jpg', 'speakers.vtt']);
  assert.deepEqual(await readFile(path.join(made.outputFolder, 'composite.mp4')), before);
  await assert.rejects(made.compose(long(), { signal: abort.signal }), (error) => error === reason);
});

test('[RK10] a file that goes while it is composed is left out then', async () => {
  const going = await made.picture('lime', 1_000);
  const timeline = timelineOf(
    20_000,
    [trackOf('ann', 'microphone', partOf(voice, 0, 4_000)), trackOf('bob', 'camera', partOf(going, 19_000, 20_000))],
    { ann: [0, 20_000], bob: [19_000, 20_000] },
  );
  let gone: Promise<void> | undefined;
  const { omitted } = await made.compose(timeline, {
    onProgress() {
      gone ??= rm(path.join(made.folder, going));
    },
  });
  await gone;
  assert.deepEqual(omitted, [{ trackId: 'bob-camera', file: going, reason: 'missing' }]);
});

test('[RK14] a full disk has a code of its own, whoever came upon it; what is no failure of ffmpeg’s stays as it is', () => {
  const codeOf = (error: unknown) => {
    const failure = failureOf(error);
    return failure instanceof CompositionError ? failure.code : failure;
  };
  assert.equal(
    codeOf(new FfmpegError('ffmpeg exited with code 1', ['av_interleaved_write_frame(): No space left on device'])),
    'disk_full',
  );
  assert.equal(codeOf(Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })), 'disk_full');
  assert.equal(codeOf(new FfmpegError('ffmpeg was killed with signal SIGKILL', [])), 'ffmpeg_killed');
  assert.equal(codeOf(new FfmpegError('ffmpeg exited with code 1', ['whatever'])), 'ffmpeg_failed');
  const other = new TypeError('other');
  assert.equal(codeOf(other), other);
});
