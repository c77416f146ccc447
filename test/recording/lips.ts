import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { TrackPart } from '../../src/recording/timeline.ts';

const run = promisify(execFile);
const maxBuffer = 512 * 1024 * 1024;

/** By the server's clock, in milliseconds since 1970, when something stood at a file's own time. */
export function clockAt({ anchors }: TrackPart, fileMs: number): number {
  const index = Math.max(
    0,
    anchors.findLastIndex((anchor) => anchor.fileMs <= fileMs),
  );
  const [a, b] = [anchors[index]!, anchors[index + 1]];
  const pace = b === undefined ? 1 : (b.atMs - a.atMs) / (b.fileMs - a.fileMs);
  return a.atMs + (fileMs - a.fileMs) * pace;
}

/** When each flash begins, in the file's own time: the first frame that is bright after one that is dark. */
export async function findFlashes(file: string): Promise<number[]> {
  const { stdout } = await run(
    'ffprobe',
    [
      '-v',
      'error',
      '-f',
      'lavfi',
      `movie=${file},signalstats`,
      '-show_entries',
      'frame=pts_time:frame_tags=lavfi.signalstats.YAVG',
      '-of',
      'json',
    ],
    { maxBuffer },
  );
  const { frames }: { frames: { pts_time: string; tags: Record<string, string> }[] } = JSON.parse(stdout);
  return onsets(frames.map((frame) => ({ ms: Number(frame.pts_time) * 1_000, isOn: Number(frame.tags['lavfi.signalstats.YAVG']) > 125 })));
}

/** When each beep begins, in the file's own time, to a few milliseconds. */
export async function findBeeps(file: string): Promise<number[]> {
  // Where the file has nothing the samples are silent, so that their number is their time.
  const { stdout } = await run(
    'ffmpeg',
    ['-v', 'error', '-i', file, '-af', 'aresample=async=1:first_pts=0', '-ac', '1', '-ar', '8000', '-f', 's16le', '-'],
    { maxBuffer, encoding: 'buffer' },
  );
  const samples = new Int16Array(stdout.buffer, stdout.byteOffset, Math.floor(stdout.length / 2));
  const window = 16;
  const loudness = Array.from({ length: Math.floor(samples.length / window) }, (_, index) => ({
    ms: (index * window) / 8,
    isOn: samples.subarray(index * window, (index + 1) * window).some((sample) => Math.abs(sample) > 4_000),
  }));
  // Within a wave there are quiet moments.
  return onsets(loudness).filter((ms, index, all) => index === 0 || ms - all[index - 1]! > 300);
}

function onsets(states: readonly { ms: number; isOn: boolean }[]): number[] {
  return states.flatMap(({ ms, isOn }, index) => (isOn && index > 0 && !states[index - 1]!.isOn ? [ms] : []));
}
