import type { FfmpegRun } from './ffmpeg.ts';
import type { Timeline } from './timeline.ts';

/** What has to be known of the sound before it is mixed. */
export interface SoundSurvey {
  /** By how many decibels each track is to be raised, so that nobody is louder than the others. */
  readonly gains: ReadonlyMap<string, number>;
  /** By file: shortly before the moments at which sound comes again after longer silence in which nothing was sent, in the file's milliseconds. */
  readonly resumes: ReadonlyMap<string, readonly number[]>;
}

/** What each voice is brought to before they are mixed, in LUFS (EBU R 128); the mix is evened again as a whole. */
const targetLufs = -18;
/** Below this there is no voice, only a room's noise, which stays as it is. */
const leastLufs = -60;
const mostDecibels = 24;
const silenceSeconds = 5;
/** The meter hands sound on in pieces of 100 ms, which may begin before the silence. */
const marginMs = 150;

/** Listens to every sound once. `run` runs ffmpeg where the files are. */
export async function surveySound({ tracks }: Timeline, run: (some: FfmpegRun) => Promise<void>): Promise<SoundSurvey> {
  const gains = new Map<string, number>();
  const resumes = new Map<string, number[]>();
  for (const { trackId, kind, parts } of tracks) {
    if (kind !== 'audio') continue;
    const heard: { lufs: number; ms: number }[] = [];
    for (const { file, fromMs, toMs } of parts) {
      const after: number[] = [];
      await run({
        inputs: [{ source: file, options: ['-copyts'] }],
        complexFilter: `[0:a:0]ebur128=framelog=verbose,aselect='isnan(prev_t)+gt(t-prev_t,${silenceSeconds})',ashowinfo[heard]`,
        outputs: [{ target: '-', options: ['-map', '[heard]', '-f', 'null'] }],
        onLine(line) {
          const [, lufs] = /^\s+I:\s+(-?\d+(?:\.\d+)?) LUFS/.exec(line) ?? [];
          const [, seconds] = /ashowinfo.* pts_time:(-?\d+(?:\.\d+)?)/.exec(line) ?? [];
          if (lufs !== undefined && Number(lufs) >= leastLufs) heard.push({ lufs: Number(lufs), ms: Math.max(1, toMs - fromMs) });
          if (seconds !== undefined) after.push(Number(seconds) * 1_000 - marginMs);
        },
      });
      // The first is the beginning.
      resumes.set(file, after.slice(1));
    }
    if (heard.length > 0) gains.set(trackId, Math.max(-mostDecibels, Math.min(mostDecibels, targetLufs - meanOf(heard))));
  }
  return { gains, resumes };
}

/** The loudness of all of it together. */
function meanOf(heard: readonly { lufs: number; ms: number }[]): number {
  const power = heard.reduce((sum, { lufs, ms }) => sum + ms * 10 ** (lufs / 10), 0);
  return 10 * Math.log10(power / heard.reduce((sum, { ms }) => sum + ms, 0));
}
