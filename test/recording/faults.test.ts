import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readTimeline } from '../../src/recording/timeline-file.ts';
import { enterRoom, nextEvent } from '../sfu/sfu-fixture.ts';
import { waitFor } from '../support/wait-for.ts';
import { allParts, gone, play, RecordingWorld, sizeOf, trackOf } from './recording-fixture.ts';

test('[CAP8] ffmpeg killed under a track costs less than a second, and the track goes on in a further part within one', async () => {
  await using world = await RecordingWorld.start();
  const a = await world.sfu.enter('a');
  const first = world.next('partStarted');
  await a.client.publishVideo();
  const { file } = await first;
  await world.growth(file, 20_000);
  const [pid] = world.recorder.pids;
  const [ended, second] = [world.next('partEnded'), world.next('partStarted')];
  process.kill(pid!, 'SIGKILL');
  const killedAtMs = Date.now();
  assert.equal((await ended).reason, 'ffmpeg_died');
  const further = await second;
  assert.notEqual(further.file, file);
  await world.growth(further.file, 10_000);
  const timeline = await world.finish();
  const { parts } = trackOf(timeline, 'a', 'camera');
  assert.equal(parts.length, 2);
  const { lengthMs } = await world.play(parts[0]!);
  const lostMs = killedAtMs - (parts[0]!.fromMs + lengthMs);
  assert.ok(lostMs < 1_000, `${lostMs} ms are lost`);
  assert.ok(parts[1]!.fromMs - killedAtMs < 1_000, `it goes on after ${parts[1]!.fromMs - killedAtMs} ms`);
});

test('[CAP8] an ffmpeg that never lasts is given up, which is told; the others go on', async () => {
  await using world = await RecordingWorld.start();
  const a = await world.sfu.enter('a');
  const failed = world.next('trackFailed');
  const killer = setInterval(() => {
    for (const pid of world.recorder.pids) process.kill(pid, 'SIGKILL');
  }, 20);
  try {
    await a.client.publishVideo();
    assert.deepEqual(await failed, { userId: 'a', source: 'camera', reason: 'ffmpeg_fails' });
  } finally {
    clearInterval(killer);
  }
  const sound = world.next('partStarted');
  await a.client.publishAudio();
  await world.growth((await sound).file);
  await world.finish();
});

test('[CAP9] a media worker killed ends the parts, and the recording goes on in the room’s new media', async () => {
  await using world = await RecordingWorld.start();
  const a = await world.sfu.enter('a');
  const first = world.next('partStarted');
  await a.client.publishVideo();
  await world.growth((await first).file, 20_000);
  const [ended, died] = [world.next('partEnded'), nextEvent(world.sfu.room, 'closed')];
  const started = nextEvent(world.sfu.pool, 'workerStarted');
  process.kill(world.sfu.pool.workers()[0]!.pid!, 'SIGKILL');
  assert.deepEqual(await died, ['worker_died']);
  assert.equal((await ended).reason, 'worker_died');
  await started;
  const room = await world.sfu.pool.createRoom();
  world.recorder.attach(room);
  const second = world.next('partStarted');
  const again = await enterRoom(room, 'a');
  try {
    await again.client.publishVideo();
    await world.growth((await second).file);
    const timeline = await world.finish();
    assert.equal(trackOf(timeline, 'a', 'camera').parts.length, 2);
  } finally {
    await again.client.close();
    room.close();
  }
});

test('[CAP10] what a killed server has recorded plays, its timeline is read, and nothing of it runs on', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'parley-killed-'));
  try {
    const server = fork(fileURLToPath(new URL('recording-server.ts', import.meta.url)), [directory], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const [pids]: number[][] = await once(server, 'message');
    const webms = (): string[] => readdirSync(directory).filter((file) => file.endsWith('.webm'));
    await waitFor(
      'both files to grow',
      () => webms().length === 2 && webms().every((file) => sizeOf(path.join(directory, file)) > 15_000),
      30_000,
    );
    server.kill('SIGKILL');
    const killedAtMs = Date.now();
    await once(server, 'exit');
    const before = await readTimeline(directory);
    // As if it had been killed while it wrote a line.
    appendFileSync(path.join(directory, 'timeline.jsonl'), '{"atMs":17951808310');
    assert.deepEqual(await readTimeline(directory), before);
    assert.equal(before.recordingId, 'recording-1');
    assert.deepEqual(before.tracks.map(({ source }) => source).sort(), ['camera', 'microphone']);
    for (const { part } of allParts(before)) {
      const { lengthMs } = await play(path.join(directory, part.file));
      const lostMs = killedAtMs - (part.fromMs + lengthMs);
      assert.ok(lostMs < 1_000, `${lostMs} ms are lost`);
      assert.ok(Math.abs(part.toMs - part.fromMs - lengthMs) < 1_000);
    }
    // They have heard no sign of life.
    for (const pid of pids!) await gone(pid, 20_000);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
