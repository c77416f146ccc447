import {
  atMsOf,
  type CompositionClock,
  clockExpression,
  fileClock,
  fileMsAt,
  type Knot,
  knotsWithin,
  sampleRate,
  seconds,
} from './composition-clock.ts';
import { presencesByUser } from './layout.ts';
import type { SoundSurvey } from './sound-survey.ts';
import { intersect } from './stretches.ts';
import type { Stretch, Timeline } from './timeline.ts';

/** A piece of a file that is heard, by the samples of the finished file. */
interface Piece {
  readonly input: number;
  readonly knots: readonly Knot[];
  readonly stretch: Stretch;
  readonly firstSample: number;
  readonly endSample: number;
}

/** What is mixed: the files, in the order of ffmpeg's inputs, and the graph whose sound is `[mix]`. */
export interface AudioMix {
  readonly files: readonly string[];
  readonly graph: string;
}

/** What Linux takes as one word of a command line is 128 KiB. */
const mostCharacters = 100_000;
/** With very many silences only those far enough from one another are made; from here on there is no use in leaving out more. */
const mostApartMs = 600_000;
/** Said wherever filters could agree on something else. */
const form = `aformat=sample_fmts=fltp:sample_rates=${sampleRate}:channel_layouts=stereo`;
/** EBU R 128's loudness for speech on the web, and how far peaks and range may go. */
const loudness = 'loudnorm=I=-16:TP=-1.5:LRA=11';

/**
 * Mixes all voices and shared sounds, each in its place by the server's clock: files are stretched or squeezed by the little by which their clocks
 * differ, lost packets and mutes are silence, and the whole is as long as the picture. Nobody is heard while they are not present.
 */
export function audioMix(timeline: Timeline, clock: CompositionClock, survey: SoundSurvey): AudioMix {
  for (let apartMs = 0; ; apartMs = Math.max(5_000, apartMs * 2)) {
    const mix = mixWith(timeline, clock, survey, apartMs);
    if (mix.graph.length <= mostCharacters || apartMs > mostApartMs) return mix;
  }
}

function mixWith(timeline: Timeline, clock: CompositionClock, { gains, resumes }: SoundSurvey, apartMs: number): AudioMix {
  const files: string[] = [];
  const chains: string[] = [];
  const presences = presencesByUser(timeline);
  const totalSamples = sampleAt(clock.totalMs);
  const silence = (samples: number, name: string) =>
    chains.push(`anullsrc=r=${sampleRate}:cl=stereo,atrim=end_sample=${samples},${form}[${name}]`);

  const mixed: string[] = [];
  for (const [index, { trackId, kind, parts, userId }] of timeline.tracks.entries()) {
    if (kind !== 'audio') continue;
    const heard = intersect(presences.get(userId) ?? [], clock.kept);
    const pieces = parts.flatMap((part, partIndex) => {
      const toMs = Math.min(part.toMs, parts[partIndex + 1]?.fromMs ?? Number.POSITIVE_INFINITY);
      const knots = fileClock(part);
      const found = splitAt(intersect([{ fromMs: part.fromMs, toMs }], heard), knots, resumes.get(part.file) ?? [], apartMs);
      if (found.length === 0) return [];
      const input = files.push(part.file) - 1;
      return found
        .map((stretch) => {
          const [firstSample, endSample] = [sampleAt(clock.outputMs(stretch.fromMs)), sampleAt(clock.outputMs(stretch.toMs))];
          return { input, knots, stretch, firstSample, endSample };
        })
        .filter(({ firstSample, endSample }) => endSample > firstSample);
    });
    if (pieces.length === 0) continue;
    mixed.push(trackChains(index, pieces, gains.get(trackId) ?? 0));
  }

  const exact = `aresample=${sampleRate},${form},apad=whole_len=${totalSamples},atrim=end_sample=${totalSamples}`;
  if (mixed.length === 0) chains.push(`anullsrc=r=${sampleRate}:cl=stereo,atrim=end_sample=${totalSamples}[mix]`);
  else {
    const sum = mixed.length === 1 ? '' : `amix=inputs=${mixed.length}:duration=longest:dropout_transition=0:normalize=0,`;
    chains.push(`${mixed.join('')}${sum}${loudness},${exact}[mix]`);
  }
  return { files, graph: chains.join(';') };

  /** One after another, with silence between them; answers the name of the whole. */
  function trackChains(track: number, pieces: readonly Piece[], decibels: number): string {
    for (const input of new Set(pieces.map((piece) => piece.input))) {
      const ways = pieces.flatMap((piece, index) => (piece.input === input ? [`[in${track}_${index}]`] : []));
      const split = ways.length === 1 ? 'anull' : `asplit=${ways.length}`;
      chains.push(`[${input}:a:0]${form},${split}${ways.join('')}`);
    }
    const row: string[] = [];
    let sample = 0;
    for (const [index, { firstSample, endSample, knots, stretch }] of pieces.entries()) {
      if (firstSample > sample) {
        silence(firstSample - sample, `gap${track}_${index}`);
        row.push(`[gap${track}_${index}]`);
      }
      const length = endSample - firstSample;
      const [from, to] = [fileMsAt(knots, stretch.fromMs), fileMsAt(knots, stretch.toMs)];
      // Resampling from the first sample on (`flags=res`): ffmpeg 5.1 loses its place when it begins with that in the middle.
      chains.push(
        `[in${track}_${index}]atrim=start=${seconds(Math.max(0, from)).replace(/[()]/g, '')}:end=${seconds(Math.max(0, to))},` +
          `asetpts='(${clockExpression(knotsWithin(knots, stretch), stretch.fromMs)})/TB',aresample=${sampleRate}:async=1000:min_hard_comp=0.1:first_pts=0:flags=res,${form},` +
          `apad=whole_len=${length},atrim=end_sample=${length},asetpts=N/SR/TB[piece${track}_${index}]`,
      );
      row.push(`[piece${track}_${index}]`);
      sample = endSample;
    }
    const whole = row.length === 1 ? '' : `concat=n=${row.length}:v=0:a=1,`;
    chains.push(`${row.join('')}${whole}volume=${decibels.toFixed(1)}dB[track${track}]`);
    return `[track${track}]`;
  }
}

/**
 * Splits stretches where sound comes again after silence: the silence then is the end of a piece, which is filled up as it is written, where the
 * resampler would hold all of it in memory.
 */
function splitAt(stretches: readonly Stretch[], knots: readonly Knot[], resumes: readonly number[], apartMs: number): Stretch[] {
  let split = [...stretches];
  let lastMs = Number.NEGATIVE_INFINITY;
  for (const fileMs of resumes) {
    const atMs = atMsOf(knots, fileMs);
    if (atMs - lastMs < apartMs) continue;
    lastMs = atMs;
    split = split.flatMap(({ fromMs, toMs }) =>
      atMs > fromMs && atMs < toMs
        ? [
            { fromMs, toMs: atMs },
            { fromMs: atMs, toMs },
          ]
        : [{ fromMs, toMs }],
    );
  }
  return split;
}

const sampleAt = (outputMs: number) => Math.round((outputMs * sampleRate) / 1_000);
