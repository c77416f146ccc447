import { stat } from 'node:fs/promises';
import path from 'node:path';
import { type Ffmpeg, FfmpegError } from './ffmpeg.ts';
import type { Timeline } from './timeline.ts';

/** A file of a track that a composition does without. */
export interface Omitted {
  readonly trackId: string;
  readonly file: string;
  readonly reason: 'missing' | 'empty' | 'undecodable';
}

/** Tells which files there is nothing to be had from: those of which not one frame can be decoded. One that is cut off or broken later on is used. */
export async function checkParts(ffmpeg: Ffmpeg, { tracks }: Timeline, folder: string, signal?: AbortSignal): Promise<Omitted[]> {
  const omitted: Omitted[] = [];
  for (const { trackId, kind, parts } of tracks) {
    for (const { file } of parts) {
      const reason = await faultOf(path.resolve(folder, file), kind);
      if (reason) omitted.push({ trackId, file, reason });
    }
  }
  return omitted;

  async function faultOf(file: string, kind: 'audio' | 'video'): Promise<Omitted['reason'] | undefined> {
    const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (!found) return 'missing';
    if (found.size === 0) return 'empty';
    const letter = kind === 'video' ? 'v' : 'a';
    try {
      await ffmpeg.run({
        inputs: [{ source: file }],
        outputs: [{ target: '-', options: ['-map', `0:${letter}:0`, `-frames:${letter}`, '1', '-abort_on', 'empty_output', '-f', 'null'] }],
        nice: 10,
        ...(signal && { signal }),
      });
      return undefined;
    } catch (error) {
      if (error instanceof FfmpegError && !error.message.includes('killed with signal')) return 'undecodable';
      throw error;
    }
  }
}

/** The same recording without some files; the parts that are left stand close together. */
export function withoutParts(timeline: Timeline, omitted: readonly Omitted[]): Timeline {
  const isLeft = (trackId: string, file: string) => !omitted.some((entry) => entry.trackId === trackId && entry.file === file);
  const tracks = timeline.tracks.map((track) => ({ ...track, parts: track.parts.filter(({ file }) => isLeft(track.trackId, file)) }));
  return { ...timeline, tracks: tracks.filter(({ parts }) => parts.length > 0) };
}
