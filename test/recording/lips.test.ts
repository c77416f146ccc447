import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { waitFor } from '../support/wait-for.ts';
import { clockAt, findBeeps, findFlashes } from './lips.ts';
import { RecordingWorld, trackOf } from './recording-fixture.ts';

const beat = { everyMs: 1_000, lengthMs: 200 };

test('[CAP11] flashes and beeps of one moment are at one moment in what was recorded, also after mutes', async () => {
  await using world = await RecordingWorld.start();
  const a = await world.sfu.enter('a');
  const camera = await a.client.publishVideo('camera', { width: 320, height: 180, beat });
  const microphone = await a.client.publishAudio('microphone', { beat });
  const startedAtMs = Date.now();
  const passed = (ms: number): Promise<void> => waitFor('time to pass', () => Date.now() - startedAtMs >= ms, 30_000);
  await passed(6_000);
  await a.peer.pauseProducer(microphone.producerId);
  await passed(9_000);
  await a.peer.resumeProducer(microphone.producerId);
  await a.peer.pauseProducer(camera.producerId);
  await passed(12_000);
  await a.peer.resumeProducer(camera.producerId);
  await passed(17_000);
  const timeline = await world.finish();
  const moments = async (source: 'camera' | 'microphone', find: (file: string) => Promise<number[]>): Promise<number[]> => {
    const [part] = trackOf(timeline, 'a', source).parts;
    const found = await find(path.join(world.recorder.directory, part!.file));
    return found.map((fileMs) => clockAt(part!, fileMs));
  };
  const flashes = await moments('camera', findFlashes);
  const beeps = await moments('microphone', findBeeps);
  /** Beats that were both seen and heard, and how much later they were heard. */
  const offsets = flashes.flatMap((flashAtMs) => {
    const beep = beeps.find((beepAtMs) => Math.abs(beepAtMs - flashAtMs) < beat.everyMs / 2);
    return beep === undefined ? [] : [{ afterMs: flashAtMs - startedAtMs, offsetMs: beep - flashAtMs }];
  });
  // A beat that falls into a stall of this machine is late in the picture or the sound themselves; most do not.
  const inStep = offsets.filter(({ offsetMs }) => Math.abs(offsetMs) <= 80);
  assert.ok(inStep.length >= 0.8 * offsets.length, JSON.stringify(offsets));
  assert.ok(
    inStep.some(({ afterMs }) => afterMs < 5_500) && inStep.filter(({ afterMs }) => afterMs > 12_500).length >= 3,
    JSON.stringify(offsets),
  );
  // And at the right moment by the server's clock.
  const late = flashes.map((atMs) => atMs % beat.everyMs).sort((x, y) => x - y);
  assert.ok(late[Math.floor(late.length / 2)]! < 100, JSON.stringify(late));
});
