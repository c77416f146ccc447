import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import { createFfmpeg, FfmpegError } from '../../src/recording/ffmpeg.ts';
import { waitFor } from '../support/wait-for.ts';
import { findFfmpeg, sizeOf } from './recording-fixture.ts';

const log = pino({ enabled: false });
const endless = { source: 'testsrc=s=64x64', options: ['-re', '-f', 'lavfi'] };

async function inFolder(check: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'parley-ffmpeg-'));
  try {
    await check(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('[CAP13] an ffmpeg that is missing or does not run is no fault: there is none', async () => {
  await inFolder(async (folder) => {
    const broken = path.join(folder, 'ffmpeg');
    const missing = await createFfmpeg({ ffmpegPath: broken, log });
    assert.deepEqual([missing.isAvailable, missing.version, missing.canCapture('video/VP8')], [false, undefined, false]);
    await assert.rejects(missing.run({ inputs: [], outputs: [] }), FfmpegError);
    assert.throws(() => missing.start({ inputs: [], outputs: [] }), FfmpegError);
    await assert.rejects(missing.probe(broken), FfmpegError);
    writeFileSync(broken, 'no program');
    chmodSync(broken, 0o600);
    assert.equal((await createFfmpeg({ ffmpegPath: broken, log })).isAvailable, false);
  });
});

test('[CAP13] ffmpeg says its version, which of the codecs it can take out of RTP, how far it is, and what is in a file', async () => {
  const ffmpeg = await findFfmpeg();
  assert.match(ffmpeg.version ?? '', /\d/);
  assert.ok(['video/VP8', 'video/VP9', 'video/H264', 'audio/opus'].every((codec) => ffmpeg.canCapture(codec)));
  await inFolder(async (folder) => {
    const file = path.join(folder, 'film.webm');
    const progress: number[] = [];
    await ffmpeg.run({
      inputs: [{ source: 'testsrc=s=64x64:d=2', options: ['-f', 'lavfi'] }],
      complexFilter: '[0:v]scale=128:96[out]',
      outputs: [{ target: file, options: ['-map', '[out]', '-c:v', 'libvpx', '-deadline', 'realtime'] }],
      nice: 5,
      onProgress: ({ outMs }) => progress.push(outMs),
    });
    assert.ok(
      progress.some((outMs) => outMs > 1_500 && outMs <= 2_000),
      `${progress}`,
    );
    const { streams, format } = await ffmpeg.probe(file);
    assert.deepEqual([streams.length, streams[0]?.codec_name, streams[0]?.width, streams[0]?.height], [1, 'vp8', 128, 96]);
    assert.deepEqual(format, { name: 'matroska,webm', duration: 2 });
    writeFileSync(file, 'no film');
    await assert.rejects(ffmpeg.probe(file), FfmpegError);
    await assert.rejects(ffmpeg.run({ inputs: [{ source: file }], outputs: [{ target: `${file}.webm`, options: [] }] }), (error) => {
      assert.ok(error instanceof FfmpegError && error.lines.some((line) => line.includes('Invalid data')));
      return true;
    });
  });
});

test('[CAP13] a run is killed when its caller wishes, and one that was started is stopped with its file complete', async () => {
  const ffmpeg = await findFfmpeg();
  await inFolder(async (folder) => {
    const [first, second] = [path.join(folder, 'first.webm'), path.join(folder, 'second.mp4')];
    const abort = new AbortController();
    const options = ['-c:v', 'libvpx', '-deadline', 'realtime', '-live', '1', '-flush_packets', '1', '-cluster_time_limit', '100'];
    const running = ffmpeg.run({ inputs: [endless], outputs: [{ target: first, options }], signal: abort.signal });
    await waitFor('a file', () => sizeOf(first) > 0);
    const reason = new Error('no longer wanted');
    abort.abort(reason);
    await assert.rejects(running, reason);
    await assert.rejects(ffmpeg.run({ inputs: [endless], outputs: [], signal: abort.signal }), reason);

    const started = ffmpeg.start({
      inputs: [endless],
      outputs: [{ target: second, options: ['-c:v', 'libx264', '-preset', 'ultrafast'] }],
    });
    await waitFor('a process', () => started.pid !== undefined);
    await waitFor('a file', () => sizeOf(second) > 0);
    await started.stop();
    assert.equal(await started.ended, undefined);
    assert.equal(started.pid, undefined);
    // An MP4 that was cut off could not be read at all.
    assert.equal((await ffmpeg.probe(second)).streams[0]?.codec_name, 'h264');
    const killed = ffmpeg.start({ inputs: [endless], outputs: [{ target: second, options: ['-c:v', 'libx264'] }] });
    await killed.kill();
    assert.ok((await killed.ended) instanceof FfmpegError);
  });
});
