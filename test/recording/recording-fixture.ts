import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { pino } from 'pino';
import type { Source } from '../../src/protocol/ids.ts';
import { createFfmpeg, type Ffmpeg } from '../../src/recording/ffmpeg.ts';
import { Recorder } from '../../src/recording/recorder.ts';
import type { RecorderEvents } from '../../src/recording/recorder-options.ts';
import type { RecordedTrack, Timeline, TrackPart } from '../../src/recording/timeline.ts';
import { readTimeline } from '../../src/recording/timeline-file.ts';
import { PortBlocks, portsPerTap } from '../../src/sfu/port-blocks.ts';
import { SfuWorld } from '../sfu/sfu-fixture.ts';
import { waitFor } from '../support/wait-for.ts';

const log = pino({ enabled: false });

/** ffmpeg as the tests need it: there must be one. */
export async function findFfmpeg(): Promise<Ffmpeg> {
  const ffmpeg = await createFfmpeg({ log });
  assert.ok(ffmpeg.isAvailable, 'these tests need ffmpeg on the PATH');
  return ffmpeg;
}

const tapsAtOnce = 16;

/** Ports of this test file's own: files run at the same time, each in its process. */
export function testPorts(): PortBlocks {
  const slot = process.pid % 100;
  return new PortBlocks({ basePort: 20_000 + slot * tapsAtOnce * portsPerTap, count: tapsAtOnce * portsPerTap });
}

/** A media room in which what everybody but the refusers sends is recorded; a peer's id is its user's. At the end every port must be free again. */
export class RecordingWorld {
  readonly sfu: SfuWorld;
  readonly ffmpeg: Ffmpeg;
  readonly recorder: Recorder;
  readonly ports: PortBlocks;
  /** `userId` or `userId source`. */
  readonly refusals: Set<string>;
  readonly #freePorts: number;

  private constructor(options: { sfu: SfuWorld; ffmpeg: Ffmpeg; recorder: Recorder; ports: PortBlocks; refusals: Set<string> }) {
    this.sfu = options.sfu;
    this.ffmpeg = options.ffmpeg;
    this.recorder = options.recorder;
    this.ports = options.ports;
    this.refusals = options.refusals;
    this.#freePorts = options.ports.freeCount;
  }

  static async start({
    userIdOf = (peerId) => peerId,
  }: {
    userIdOf?: (peerId: string) => string | undefined;
  } = {}): Promise<RecordingWorld> {
    const ffmpeg = await findFfmpeg();
    const sfu = await SfuWorld.start();
    const ports = testPorts();
    const refusals = new Set<string>();
    const recorder = await Recorder.start({
      recordingId: 'recording-1',
      directory: mkdtempSync(path.join(tmpdir(), 'parley-recording-')),
      ffmpeg,
      ports,
      people: () => [...sfu.room.peers.keys()].filter((id) => !refusals.has(id)).map((id) => ({ userId: id, displayName: `Person ${id}` })),
      userIdOf,
      isRecorded: (userId: string, source: Source) => !refusals.has(userId) && !refusals.has(`${userId} ${source}`),
      log,
    });
    recorder.attach(sfu.room);
    return new RecordingWorld({ sfu, ffmpeg, recorder, ports, refusals });
  }

  /** The next event of the recorder that `matches`. */
  next<Name extends 'partStarted' | 'partEnded' | 'trackFailed'>(
    name: Name,
    matches: (payload: RecorderEvents[Name][0]) => boolean = () => true,
  ): Promise<RecorderEvents[Name][0]> {
    const { promise, resolve } = Promise.withResolvers<RecorderEvents[Name][0]>();
    const untyped: NodeJS.EventEmitter = this.recorder;
    const listener = (payload: RecorderEvents[Name][0]): void => {
      if (!matches(payload)) return;
      untyped.off(name, listener);
      resolve(payload);
    };
    untyped.on(name, listener);
    return promise;
  }

  /** Resolves when a file being written has grown by so many bytes. */
  async growth(file: string, bytes = 2_000): Promise<void> {
    const target = sizeOf(path.join(this.recorder.directory, file)) + bytes;
    await waitFor(`${file} to grow`, () => sizeOf(path.join(this.recorder.directory, file)) >= target);
  }

  /** What the recorder has left behind so far. */
  timeline(): Promise<Timeline> {
    return readTimeline(this.recorder.directory);
  }

  /** Ends the recording and decodes every frame of every part of it. */
  async finish(): Promise<Timeline> {
    await this.recorder.close();
    const timeline = await this.timeline();
    for (const { part } of allParts(timeline)) await this.play(part);
    return timeline;
  }

  /** Decodes every frame of a part; fails at the first that does not decode. */
  play(part: TrackPart): Promise<Played> {
    return play(path.join(this.recorder.directory, part.file));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.recorder.close();
    rmSync(this.recorder.directory, { recursive: true, force: true });
    await this.sfu[Symbol.asyncDispose]();
    assert.equal(this.ports.freeCount, this.#freePorts, 'all ports are free again');
  }
}

/** What came out of a file. */
export interface Played {
  frames: { atMs: number; width: number; height: number }[];
  codec: string;
  /** From the first packet to the end of the last. */
  lengthMs: number;
}

/** Decodes every frame of a file; fails at the first fault. */
export async function play(file: string): Promise<Played> {
  const run = promisify(execFile);
  const maxBuffer = 64 * 1024 * 1024;
  const { stderr } = await run(
    'ffmpeg',
    ['-v', 'error', '-xerror', '-i', file, '-fps_mode', 'passthrough', '-f', 'framehash', '-hash', 'crc32', '/dev/null', '-y'],
    {
      maxBuffer,
    },
  );
  assert.equal(stderr, '', `${path.basename(file)} decodes without a fault`);
  const fields = 'stream=codec_name:frame=pts_time,pkt_duration_time,width,height,nb_samples';
  const { stdout } = await run('ffprobe', ['-v', 'error', '-show_entries', fields, '-of', 'json', file], { maxBuffer });
  const probed: { frames: Record<string, string | number>[]; streams: { codec_name: string }[] } = JSON.parse(stdout);
  const frames = probed.frames.map((frame) => ({
    atMs: Number(frame['pts_time']) * 1_000,
    width: Number(frame['width'] ?? 0),
    height: Number(frame['height'] ?? 0),
  }));
  assert.ok(frames.length > 0, `${path.basename(file)} holds frames`);
  return { frames, codec: probed.streams[0]?.codec_name ?? '', lengthMs: frames.at(-1)!.atMs };
}

/** How many frames come out of a file that may end anywhere. */
export async function countFrames(file: string): Promise<number> {
  const args = ['-v', 'quiet', '-count_frames', '-show_entries', 'stream=nb_read_frames', '-of', 'csv=p=0', file];
  const { stdout } = await promisify(execFile)('ffprobe', args);
  return Number(stdout);
}

/** When key frames stand in a file, in milliseconds of its own time. */
export async function keyFrames(file: string): Promise<number[]> {
  const args = ['-v', 'error', '-show_entries', 'packet=pts_time,flags', '-of', 'json', file];
  const { stdout } = await promisify(execFile)('ffprobe', args, { maxBuffer: 64 * 1024 * 1024 });
  const { packets }: { packets: { pts_time: string; flags: string }[] } = JSON.parse(stdout);
  return packets.filter(({ flags }) => flags.startsWith('K')).map((packet) => Number(packet.pts_time) * 1_000);
}

/** Every part of a timeline with its track. */
export function allParts(timeline: Timeline): { track: RecordedTrack; part: TrackPart }[] {
  return timeline.tracks.flatMap((track) => track.parts.map((part) => ({ track, part })));
}

/** The only track of a user's source. */
export function trackOf(timeline: Timeline, userId: string, source: Source): RecordedTrack {
  const found = timeline.tracks.filter((track) => track.userId === userId && track.source === source);
  assert.equal(found.length, 1, `one track of ${userId}'s ${source}`);
  return found[0]!;
}

export function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** Resolves when a process is gone. */
export async function gone(pid: number, timeoutMs?: number): Promise<void> {
  await waitFor(
    `process ${pid} to end`,
    () => {
      try {
        process.kill(pid, 0);
        return false;
      } catch {
        return true;
      }
    },
    timeoutMs,
  );
}
