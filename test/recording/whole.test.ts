import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { startTestApp } from '../support/test-app.ts';
import { Consultation } from './consultation.ts';

const run = promisify(execFile);

test('[RX20] two people agree, are recorded, stop: the composed recording is ready, plays by ranges and shows only the two', {
  timeout: 120_000,
}, async () => {
  await using app = await startTestApp();
  const room = await Consultation.start(app, { sends: true });
  const ada = await room.enter('ada', { sends: true });
  const bob = await room.enter('bob', { sends: true });
  const { recordingId } = await room.ask();
  await room.answer(bob, false);
  await room.answer(ada, true);
  await room.captured(3);
  const { recording } = await room.host.client.request('recording:stop', { recordingId });
  assert.equal(recording.status, 'processing');
  const ready = await room.ready(recordingId);
  assert.equal((await room.host.client.notice('recording:progress')).recordingId, recordingId);
  assert.deepEqual([...new Set(ready.tracks.map(({ userId }) => userId))].sort(), ['ada', 'host']);
  assert.deepEqual(ready.tracks.map(({ source }) => source).sort(), ['camera', 'camera', 'microphone', 'microphone']);
  await room.host.client.notice('recording:ready');

  const where = `${app.url}/api/v1/recordings/${recordingId}/content`;
  const headers = { authorization: `Bearer ${room.admin}` };
  const whole = Buffer.from(await (await fetch(where, { headers })).arrayBuffer());
  assert.equal(whole.length, ready.bytes);
  const part = await fetch(where, { headers: { ...headers, range: 'bytes=1000-1999' } });
  assert.deepEqual([part.status, part.headers.get('content-range')], [206, `bytes 1000-1999/${whole.length}`]);
  assert.deepEqual(Buffer.from(await part.arrayBuffer()), whole.subarray(1000, 2000));
  const folder = mkdtempSync(path.join(tmpdir(), 'parley-whole-'));
  try {
    const file = path.join(folder, 'whole.mp4');
    writeFileSync(file, whole);
    const { stdout } = await run('ffprobe', [
      '-v',
      'error',
      '-show_entries',
      'stream=codec_name,width,height:format=duration',
      '-of',
      'json',
      file,
    ]);
    const { streams, format } = JSON.parse(stdout);
    assert.deepEqual(
      // The third one is the chapters.
      streams
        .slice(0, 2)
        .map((stream: { codec_name: string; width?: number; height?: number }) => [stream.codec_name, stream.width, stream.height]),
      [
        ['h264', 1280, 720],
        ['aac', undefined, undefined],
      ],
    );
    assert.ok(Math.abs(Number(format.duration) - (ready.durationSeconds ?? 0)) < 0.5);
    await run('ffmpeg', ['-v', 'error', '-xerror', '-i', file, '-f', 'null', '-']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
