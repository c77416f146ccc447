import type { FfmpegRun } from './ffmpeg.ts';
import type { Timeline } from './timeline.ts';

/** What each voice is brought to before they are mixed, in LUFS (EBU R 128); the mix is evened again as a whole. */
const targetLufs = -18;
/** Below this there is no voice, only a room's noise, which stays as it is. */
const leastLufs = -60;
const mostDecibels = 24;

/** By how many decibels each track's sound is to be raised, so that nobody is louder than the others. */
export async function measureGains({ tracks }: Timeline, run: (some: FfmpegRun) => Promise<void>): Promise<Map<string, number>> {
  const gains = new Map<string, number>();
  for (const { trackId, kind, parts } of tracks) {
    if (kind !== 'audio') continue;
    const inputs = parts.map(({ file }) => ({ source: file }));
    const row = inputs.map((_, index) => `[${index}:a:0]`).join('');
    const whole = inputs.length === 1 ? '' : `concat=n=${inputs.length}:v=0:a=1,`;
    let lufs: number | undefined;
    await run({
      inputs,
      complexFilter: `${row}${whole}ebur128=framelog=verbose[heard]`,
      outputs: [{ target: '-', options: ['-map', '[heard]', '-f', 'null'] }],
      onLine(line) {
        const [, text] = /^\s+I:\s+(-?\d+(?:\.\d+)?) LUFS/.exec(line) ?? [];
        if (text !== undefined) lufs = Number(text);
      },
    });
    if (lufs === undefined || lufs < leastLufs) continue;
    gains.set(trackId, Math.max(-mostDecibels, Math.min(mostDecibels, targetLufs - lufs)));
  }
  return gains;
}
