import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { vp8Parameters } from '../support/rtp-parameters.ts';
import { waitFor } from '../support/wait-for.ts';
import { allParts, gone, keyFrames, RecordingWorld, trackOf } from './recording-fixture.ts';

test('[CAP1] what those who agreed send is written down, one file a track, and plays', async () => {
  await using world = await RecordingWorld.start();
  world.refusals.add('refuser');
  const [a, refuser] = [await world.sfu.enter('a'), await world.sfu.enter('refuser')];
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
  assert.deepEqual(timeline.people, [{ userId: 'a', displayName: 'Person a' }]);
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

test('[CAP2] somebody who withdraws is written down no longer within a second, the others go on', async () => {
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
  const { parts } = trackOf(await world.timeline(), 'a', 'camera');
  assert.equal(parts.length, 2);
  assert.ok(parts[0]!.toMs - withdrawnAtMs < 1_000);
  // Their word taken back with all that was written, and given once more.
  world.refusals.add('a');
  await world.recorder.eraseUser('a');
  assert.deepEqual(
    (await world.timeline()).people.map(({ userId }) => userId),
    ['b'],
  );
  world.refusals.delete('a');
  const anew = world.next('partStarted', ({ userId }) => userId === 'a');
  world.recorder.refresh();
  await world.growth((await anew).file);
  const timeline = await world.finish();
  assert.equal(trackOf(timeline, 'a', 'camera').parts.length, 1);
  assert.equal(timeline.people.length, 2);
  await world.recorder.eraseUser('a');
  assert.deepEqual(
    (await world.timeline()).tracks.map(({ userId }) => userId),
    ['b'],
  );
  assert.deepEqual(readdirSync(world.recorder.directory).sort(), [ofB!.file, 'timeline.jsonl'].sort());
});

test('[CAP3] a pause leaves a marked gap, nothing is written in it, and the recording goes on in further parts', async () => {
  await using world = await RecordingWorld.start();
  const a = await world.sfu.enter('a');
  const first = world.next('partStarted');
  await a.client.publishVideo();
  await world.growth((await first).file);
  await world.recorder.pause();
  assert.deepEqual(world.recorder.pids, [], 'nothing writes');
  // What begins in the gap begins to be written after it.
  await a.client.publishAudio();
  const further = [
    world.next('partStarted', ({ source }) => source === 'camera'),
    world.next('partStarted', ({ source }) => source === 'microphone'),
  ];
  const resumedAtMs = Date.now();
  world.recorder.resume();
  const [camera] = await Promise.all(further);
  await world.growth(camera!.file);
  const timeline = await world.finish();
  const { parts } = trackOf(timeline, 'a', 'camera');
  assert.equal(parts.length, 2);
  const [gap] = timeline.gaps;
  assert.equal(timeline.gaps.length, 1);
  assert.ok(gap!.toMs - resumedAtMs < 100);
  assert.ok(parts[0]!.toMs - gap!.fromMs < 500 && parts[1]!.fromMs >= gap!.toMs - 100);
  assert.ok(trackOf(timeline, 'a', 'microphone').parts[0]!.fromMs >= gap!.toMs - 100);
});

test('[CAP3] a mute is in the timeline, and the file plays across it', async () => {
  await using world = await RecordingWorld.start();
  const a = await world.sfu.enter('a');
  const started = world.next('partStarted');
  const { producerId } = await a.client.publishVideo();
  const { file } = await started;
  await world.growth(file);
  await a.peer.pauseProducer(producerId);
  const mutedAtMs = Date.now();
  // Somebody else's film is the clock of this pause.
  const other = world.next('partStarted');
  const b = await world.sfu.enter('b');
  await b.client.publishVideo();
  await world.growth((await other).file, 5_000);
  const unmutedAtMs = Date.now();
  await a.peer.resumeProducer(producerId);
  await world.growth(file, 5_000);
  const timeline = await world.finish();
  const [part] = trackOf(timeline, 'a', 'camera').parts;
  const [pause] = part!.pauses;
  assert.ok(Math.abs(pause!.fromMs - mutedAtMs) < 100 && Math.abs(pause!.toMs - unmutedAtMs) < 100);
  const { frames } = await world.play(part!);
  const gaps = frames.slice(1).map(({ atMs }, index) => atMs - frames[index]!.atMs);
  const mutedMs = unmutedAtMs - mutedAtMs;
  assert.ok(Math.abs(Math.max(...gaps) - mutedMs) < 700, 'the file is silent for as long as the mute was');
});

test('[CAP4] another device goes on with the track in a further part, and a screen has a track of its own', async () => {
  await using world = await RecordingWorld.start();
  const a = await world.sfu.enter('a');
  const first = world.next('partStarted');
  const old = await a.client.publishVideo('camera', { width: 320, height: 180 });
  await world.growth((await first).file);
  const ended = world.next('partEnded');
  old.producer.close();
  a.peer.closeProducer(old.producerId);
  assert.equal((await ended).reason, 'producer_closed');
  const [second, screen] = [
    world.next('partStarted', ({ source }) => source === 'camera'),
    world.next('partStarted', ({ source }) => source === 'screen'),
  ];
  await a.client.publishVideo('camera', { width: 640, height: 360 });
  const sharing = await a.client.publishVideo('screen', { width: 640, height: 400 });
  await world.growth((await second).file);
  await world.growth((await screen).file);
  const shared = world.next('partEnded', ({ source }) => source === 'screen');
  a.peer.closeProducer(sharing.producerId);
  await shared;
  const timeline = await world.finish();
  const { parts } = trackOf(timeline, 'a', 'camera');
  assert.equal(parts.length, 2);
  const widths = await Promise.all(parts.map(async (part) => (await world.play(part)).frames.at(-1)!.width));
  assert.deepEqual(widths, [320, 640]);
  assert.equal(trackOf(timeline, 'a', 'screen').parts.length, 1);
});

test('[CAP5] a producer that never sends leaves no file', async () => {
  await using world = await RecordingWorld.start();
  const { peer, sendId } = await world.sfu.addPeer('a');
  const { producerId } = await peer.produce({ transportId: sendId, source: 'camera', rtpParameters: vp8Parameters() });
  await waitFor('ffmpeg to listen', () => world.recorder.pids.length === 1);
  const [pid] = world.recorder.pids;
  peer.closeProducer(producerId);
  await gone(pid!);
  await peer.produce({ transportId: sendId, source: 'camera', rtpParameters: vp8Parameters() });
  await waitFor('ffmpeg to listen', () => world.recorder.pids.length === 1);
  const { tracks } = await world.finish();
  assert.deepEqual(tracks, []);
  assert.deepEqual(readdirSync(world.recorder.directory), ['timeline.jsonl']);
});

for (const [codec, name] of [
  ['video/VP8', 'vp8'],
  ['video/VP9', 'vp9'],
] as const) {
  test(`[CAP6] ${codec} of a browser’s encoder whose picture changes its size plays afterwards`, async () => {
    await using world = await RecordingWorld.start();
    const a = await world.sfu.enter('a');
    const started = world.next('partStarted');
    const camera = await a.client.publishVideo('camera', { width: 640, height: 360, codec });
    const { file } = await started;
    await world.growth(file, 5_000);
    camera.setSize(320, 180);
    await world.growth(file, 5_000);
    const timeline = await world.finish();
    const played = await world.play(trackOf(timeline, 'a', 'camera').parts[0]!);
    assert.equal(played.codec, name);
    assert.deepEqual(new Set(played.frames.map(({ width }) => width)), new Set([640, 320]));
  });
}

test('[CAP4] what a user sends twice at once is two tracks', async () => {
  await using world = await RecordingWorld.start({ userIdOf: (peerId) => peerId.split(' ')[0] });
  const [one, other] = [await world.sfu.enter('a phone'), await world.sfu.enter('a laptop')];
  const files = new Set<string>();
  world.recorder.on('partStarted', ({ file }) => files.add(file));
  await one.client.publishAudio();
  await other.client.publishAudio();
  await waitFor('two files', () => files.size === 2);
  await Promise.all([...files].map((file) => world.growth(file)));
  const { tracks } = await world.finish();
  assert.deepEqual(
    tracks.map(({ userId, source }) => `${userId} ${source}`),
    ['a microphone', 'a microphone'],
  );
  assert.equal(new Set(tracks.map(({ trackId }) => trackId)).size, 2);
});

test('[CAP1] closing twice, stopping nobody and pausing what is closed do nothing', async () => {
  await using world = await RecordingWorld.start();
  await world.recorder.stopUser('nobody');
  await world.recorder.pause();
  await world.recorder.pause();
  await Promise.all([world.recorder.close(), world.recorder.close()]);
  await world.recorder.pause();
  world.recorder.resume();
  world.recorder.refresh();
  world.recorder.attach(world.sfu.room);
  await world.sfu.enter('a');
  assert.equal(world.recorder.closed, true);
  const { gaps, tracks } = await world.timeline();
  assert.deepEqual([gaps.length, tracks], [1, []]);
});

test('[CAP7] a key frame is asked for again and again, so that a picture can be entered on the way', async () => {
  await using world = await RecordingWorld.start();
  const a = await world.sfu.enter('a');
  const started = world.next('partStarted');
  await a.client.publishVideo();
  const { file } = await started;
  const startedAtMs = Date.now();
  await waitFor('nine seconds to pass', () => Date.now() - startedAtMs > 9_000, 20_000);
  await world.finish();
  const found = await keyFrames(path.join(world.recorder.directory, file));
  assert.ok(found.length >= 3, found.join(' '));
});

test('[CAP6] a microphone that falls silent (DTX) and is heard again plays, at its true pace', async () => {
  await using world = await RecordingWorld.start();
  const a = await world.sfu.enter('a');
  const started = world.next('partStarted');
  const microphone = await a.client.publishAudio();
  const { file } = await started;
  await world.growth(file, 5_000);
  microphone.setVolume(0);
  const silentAtMs = Date.now();
  await waitFor('three seconds of silence', () => Date.now() - silentAtMs > 3_000);
  microphone.setVolume(0.5);
  await world.growth(file, 5_000);
  const timeline = await world.finish();
  const [part] = trackOf(timeline, 'a', 'microphone').parts;
  const { lengthMs, codec } = await world.play(part!);
  assert.equal(codec, 'opus');
  assert.ok(Math.abs(part!.toMs - part!.fromMs - lengthMs) < 500);
});

test('[CAP6] what the ffmpeg here cannot take out of RTP is told, the rest is recorded; AV1 plays where it can', async () => {
  await using world = await RecordingWorld.start();
  const a = await world.sfu.enter('a');
  const [failed, started] = [world.next('trackFailed'), world.next('partStarted', ({ kind }) => kind === 'video')];
  const sound = world.next('partStarted', ({ kind }) => kind === 'audio');
  await a.client.publishVideo('camera', { codec: 'video/AV1' });
  await a.client.publishAudio();
  await world.growth((await sound).file);
  if (world.ffmpeg.canCapture('video/AV1')) await world.growth((await started).file);
  else assert.deepEqual(await failed, { userId: 'a', source: 'camera', reason: 'codec_unsupported' });
  await world.finish();
});
