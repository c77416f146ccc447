import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { types } from 'mediasoup';
import { PartCapture, type PartEnd } from '../../src/recording/part-capture.ts';
import { RtpTap } from '../../src/sfu/rtp-tap.ts';
import { startPool } from '../sfu/sfu-fixture.ts';
import { waitFor } from '../support/wait-for.ts';
import { Encoder, watchRouters } from './encoder.ts';
import { countFrames, findFfmpeg, type Played, play, RecordingWorld, sizeOf, testPorts, trackOf } from './recording-fixture.ts';

const routers = watchRouters();
const ports = testPorts();

/** Captures what an encoder sends while `during` runs. */
async function capture(
  codec: Parameters<typeof Encoder.create>[1],
  during: (encoder: Encoder, grown: (bytes: number) => Promise<void>) => Promise<void>,
): Promise<Played & { end: PartEnd; file: string; bytes: Buffer }> {
  const ffmpeg = await findFfmpeg();
  await using pool = await startPool();
  const room = await pool.createRoom();
  const router = routers.get(room.id)!;
  await using encoder = await Encoder.create(router, codec);
  const directory = mkdtempSync(path.join(tmpdir(), 'parley-codecs-'));
  try {
    const part = await PartCapture.start({
      room: { closedReason: undefined, openTap: (producerId, basePort) => RtpTap.open({ router, producerId, basePort }) },
      producerId: encoder.producer.id,
      ports,
      ffmpeg,
      target: path.join(directory, 'track'),
      onFlow: () => undefined,
      onMapping: () => undefined,
    });
    const file = path.join(directory, part.file);
    await during(encoder, (bytes) => {
      const target = sizeOf(file) + bytes;
      return waitFor('the file to grow', () => sizeOf(file) >= target, 15_000);
    });
    await part.stop();
    return { ...(await play(file)), end: await part.ended, file: part.file, bytes: readFileSync(file) };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

for (const [codec, name, extension] of [
  ['video/VP8', 'vp8', 'webm'],
  ['video/H264', 'h264', 'mkv'],
] as const) {
  test(`[CAP6] ${codec} of a real encoder plays afterwards`, async () => {
    const played = await capture(codec, async (encoder, grown) => {
      encoder.send('testsrc=s=640x360:r=25');
      await grown(120_000);
    });
    assert.equal(played.codec, name);
    assert.equal(path.extname(played.file), `.${extension}`);
    assert.ok(played.frames.length > 25 && played.frames.every(({ width }) => width === 640));
    assert.equal(played.end.missedPackets, 0);
  });

  test(`[CAP6] ${codec} whose picture changes its size plays afterwards`, async () => {
    const played = await capture(codec, async (encoder, grown) => {
      encoder.send('testsrc=s=640x360:r=25');
      await grown(60_000);
      await encoder.silence();
      encoder.send('testsrc=s=320x180:r=25');
      await grown(60_000);
    });
    assert.deepEqual(sizes(played), [640, 320]);
  });
}

test('[CAP6] Opus plays afterwards', async () => {
  const played = await capture('audio/opus', async (encoder, grown) => {
    encoder.send('sine=f=440:r=48000');
    await grown(8_000);
  });
  assert.equal(played.codec, 'opus');
  assert.ok(played.frames.length > 50);
});

test('[CAP7] the top layer of simulcast is written, and layers that change on the way change the picture’s size within one file', async () => {
  await using world = await RecordingWorld.start();
  const taps: types.Consumer[] = [];
  routers.get(world.sfu.room.id)!.observer.on('newtransport', (transport) => {
    if (transport.type === 'plain') transport.observer.on('newconsumer', (consumer) => taps.push(consumer));
  });
  const a = await world.sfu.enter('a');
  const started = world.next('partStarted');
  const encodings = [{ maxBitrate: 100_000, scaleResolutionDownBy: 2 }, { maxBitrate: 300_000 }];
  await a.client.publishVideo('camera', { width: 640, height: 360, encodings });
  const { file } = await started;
  const [consumer] = taps;
  await waitFor('the top layer', () => consumer!.currentLayers?.spatialLayer === 1);
  for (const spatialLayer of [0, 1]) {
    await world.growth(file, 10_000);
    await consumer!.setPreferredLayers({ spatialLayer });
    await waitFor('another layer', () => consumer!.currentLayers?.spatialLayer === spatialLayer);
  }
  await world.growth(file, 10_000);
  const timeline = await world.finish();
  const played = await world.play(trackOf(timeline, 'a', 'camera').parts[0]!);
  assert.deepEqual(sizes(played).slice(-3), [640, 320, 640]);
});

for (const codec of ['video/VP8', 'video/H264'] as const) {
  test(`[CAP8] a file of ${codec} that ends at any byte plays up to there`, async () => {
    const whole = await capture(codec, async (encoder, grown) => {
      encoder.send('testsrc=s=640x360:r=25');
      await grown(150_000);
    });
    const folder = mkdtempSync(path.join(tmpdir(), 'parley-cut-'));
    try {
      const file = path.join(folder, whole.file);
      for (let cut = 1; cut <= 9; cut += 1) {
        const share = (cut + 0.37) / 10;
        writeFileSync(file, whole.bytes.subarray(0, Math.floor(whole.bytes.length * share)));
        const frames = await countFrames(file);
        assert.ok(
          frames > 0 && frames >= share * whole.frames.length * 0.4,
          `${frames} of ${whole.frames.length} frames of ${share} of the file`,
        );
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

/** The widths one after the other. */
function sizes({ frames }: Played): number[] {
  return frames.map(({ width }) => width).filter((width, index, all) => width !== all[index - 1]);
}
