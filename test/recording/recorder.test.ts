import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { allParts, RecordingWorld, trackOf } from './recording-fixture.ts';

test('[RC1] what those who agreed send is written down, one file a track, and plays', async () => {
  await using world = await RecordingWorld.start();
  world.refusals.add('refuser');
  const [a, refuser] = [await world.sfu.enter('a'), await world.sfu.enter('refuser')];
  world.recorder.enter({ userId: 'a', displayName: 'Anna' });
  const started = [
    world.next('partStarted', ({ source }) => source === 'camera'),
    world.next('partStarted', ({ source }) => source === 'microphone'),
  ];
  await refuser.client.publishVideo();
  await a.client.publishVideo();
  await a.client.publishAudio();
  const parts = await Promise.all(started);
  await Promise.all(parts.map(({ file }) => world.growth(file, 10_000)));
  const timeline = await world.finish();
  assert.deepEqual(timeline.people, [{ userId: 'a', displayName: 'Anna' }]);
  assert.deepEqual(
    timeline.tracks.map(({ userId, source, kind, codec }) => ({ userId, source, kind, codec })),
    [
      { userId: 'a', source: 'camera', kind: 'video', codec: 'video/VP8' },
      { userId: 'a', source: 'microphone', kind: 'audio', codec: 'audio/opus' },
    ],
  );
  assert.equal(readdirSync(world.recorder.directory).length, 3, 'two files and the timeline');
  for (const { part } of allParts(timeline)) {
    const { lengthMs } = await world.play(part);
    assert.ok(Math.abs(part.toMs - part.fromMs - lengthMs) < 500, 'the timeline knows how long the file is');
  }
});

test('[RC2] somebody who withdraws is written down no longer within a second, the others go on', async () => {
  await using world = await RecordingWorld.start();
  const [a, b] = [await world.sfu.enter('a'), await world.sfu.enter('b')];
  const started = [world.next('partStarted', ({ userId }) => userId === 'a'), world.next('partStarted', ({ userId }) => userId === 'b')];
  await a.client.publishVideo();
  await b.client.publishVideo();
  const [ofA, ofB] = await Promise.all(started);
  await world.growth(ofA!.file);
  world.refusals.add('a');
  const withdrawnAtMs = Date.now();
  await world.recorder.stopUser('a');
  assert.ok(Date.now() - withdrawnAtMs < 1_000);
  await world.growth(ofB!.file, 10_000);
  world.recorder.refresh();
  assert.deepEqual([...world.recorder.capturedUserIds], ['b']);
  world.refusals.delete('a');
  const again = world.next('partStarted', ({ userId }) => userId === 'a');
  world.recorder.refresh();
  await world.growth((await again).file);
  const timeline = await world.finish();
  const { parts } = trackOf(timeline, 'a', 'camera');
  assert.equal(parts.length, 2);
  assert.ok(parts[0]!.toMs - withdrawnAtMs < 1_000);
  await world.recorder.eraseUser('a');
  assert.deepEqual(
    (await world.timeline()).tracks.map(({ userId }) => userId),
    ['b'],
  );
  assert.deepEqual(readdirSync(world.recorder.directory).sort(), [ofB!.file, 'timeline.jsonl'].sort());
});
