import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from '../log.ts';
import { audioMix } from './audio-graph.ts';
import { type CompositionClock, createCompositionClock, fileClock, fileMsAt, frameRate, knotsWithin } from './composition-clock.ts';
import { CompositionError, failureOf, isGivenUp } from './composition-error.ts';
import { chapterFile, chaptersOf, speakersFile } from './composition-notes.ts';
import type { Ffmpeg, FfmpegRun } from './ffmpeg.ts';
import { type LayoutName, layOut, type Segment } from './layout.ts';
import { checkParts, type Omitted, withoutParts } from './part-check.ts';
import { surveySound } from './sound-survey.ts';
import type { Timeline, TrackPart } from './timeline.ts';
import { segmentGraph } from './video-graph.ts';
import { createWriting } from './writing.ts';

/** What a composition is made of and how it is to look. */
export interface CompositionOrder {
  readonly timeline: Timeline;
  /** Where the tracks' files are. */
  readonly folder: string;
  /** Where the finished files go; made when it is missing. What stands there under the same names is replaced at the very end. */
  readonly outputFolder: string;
  readonly layout: LayoutName;
  /** Whether time in which the recording was paused is left out, or stands as a card. */
  readonly gaps?: 'cut' | 'show';
  /** Writes names onto pictures. Tiles without a picture have them in any case. */
  readonly withNames?: boolean;
  /** Writes the wall clock of this zone (IANA, such as `Europe/Berlin`) into the corner. */
  readonly timeZone?: string;
  /** Ends ffmpeg and removes what is unfinished; the composition fails with the signal's reason. */
  readonly signal?: AbortSignal;
  /** From 0 to 1, never falling. */
  readonly onProgress?: (fraction: number) => void;
}

export interface Composition {
  readonly files: readonly { readonly kind: 'composite' | 'poster' | 'speakers'; readonly path: string; readonly bytes: number }[];
  readonly durationSeconds: number;
  /** Files that could not be read and are not in it. */
  readonly omitted: readonly Omitted[];
}

/** What of the whole time pictures and sound take, about. */
const pictureShare = 0.77;
const surveyShare = 0.05;
const soundShare = 0.15;
const patience = 10;
/** Every piece is coded alike, so that they can be put one after another as they are. Without B-frames nothing stands out of order at the seams. */
const videoOptions = [
  ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '23', '-profile:v', 'high', '-pix_fmt', 'yuv420p', '-bf', '0'],
  ...['-g', String(frameRate * 2), '-r', String(frameRate), '-video_track_timescale', String(frameRate * 512)],
];

/**
 * Makes `composite.mp4` (1280x720, 30 frames a second, H.264 and AAC, chapters), `poster.jpg` and `speakers.vtt` of a recording's tracks. Each stretch
 * in which everything stays in its place is drawn by a run of its own; the sound is mixed in one. Works in a folder of its own inside `outputFolder`,
 * which it empties first and removes at the end: after a kill it begins anew. One at a time for an output folder; each takes all cores it is given, with
 * low priority, so the caller sees to it that no more are under way than there are cores. Errors: {@link CompositionError}, the signal's reason.
 */
export async function composeRecording(ffmpeg: Ffmpeg, log: Logger, order: CompositionOrder): Promise<Composition> {
  const workFolder = path.join(order.outputFolder, 'unfinished');
  await rm(workFolder, { recursive: true, force: true });
  await mkdir(workFolder, { recursive: true });
  try {
    return await composeIn(workFolder, ffmpeg, log, order);
  } catch (error) {
    order.signal?.throwIfAborted();
    throw failureOf(error);
  } finally {
    await rm(workFolder, { recursive: true, force: true });
  }
}

async function composeIn(workFolder: string, ffmpeg: Ffmpeg, log: Logger, order: CompositionOrder): Promise<Composition> {
  const { folder, gaps = 'cut', signal } = order;
  const clock = createCompositionClock(order.timeline, gaps);
  const frameCount = frameAt(clock, order.timeline.toMs);
  if (frameCount < 1) throw new CompositionError('nothing_recorded', 'there is no time in the recording');

  const run = (some: FfmpegRun) => ffmpeg.run({ ...some, nice: patience, cwd: workFolder, ...(signal && { signal }) });
  const progress = risingProgress(order.onProgress);
  const omitted: Omitted[] = [];
  let timeline = order.timeline;
  /** Leaves out what cannot be read; answers whether there was anything. */
  const leaveOut = async (): Promise<boolean> => {
    const found = await checkParts(ffmpeg, timeline, folder, signal);
    if (found.length > 0) log.warn({ recordingId: timeline.recordingId, omitted: found }, 'tracks are left out of a composition');
    omitted.push(...found);
    timeline = withoutParts(timeline, found);
    if (!timeline.tracks.some(({ parts }) => parts.length > 0)) {
      throw new CompositionError('no_readable_track', 'none of the recording’s tracks can be read');
    }
    return found.length > 0;
  };
  /** A file may break after it was looked at, or in a way that only shows now. */
  const runAgainWithout = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (!isGivenUp(error) || !(await leaveOut())) throw error;
      await work();
    }
  };

  await leaveOut();
  const writing = await createWriting(workFolder, run, log);
  const segments = () => layOut(timeline, { layout: order.layout, gaps });
  await runAgainWithout(() => drawSegments(segments()));
  await runAgainWithout(mixSound);
  await writeFile(path.join(workFolder, 'chapters.txt'), chapterFile(chaptersOf(timeline, clock, gaps)));
  await writeFile(path.join(workFolder, 'speakers.vtt'), speakersFile(timeline, clock));
  await joinAll();
  await assertWhole();
  await takePoster(segments());
  return finish();

  async function drawSegments(all: readonly Segment[]): Promise<void> {
    const list: string[] = ['ffconcat version 1.0'];
    for (const segment of all) {
      const [first, end] = [frameAt(clock, segment.fromMs), frameAt(clock, segment.toMs)];
      if (end <= first) continue;
      const name = `picture-${list.length}.mp4`;
      await drawSegment(segment, first, end - first, name, (frames) => progress(((first + frames) / frameCount) * pictureShare));
      // Counted from the beginning, so that roundings do not add up.
      list.push(`file ${name}`, `duration ${(micros(end) - micros(first)) / 1e6}`);
    }
    await writeFile(path.join(workFolder, 'pictures.txt'), `${list.join('\n')}\n`);
  }

  async function drawSegment(
    segment: Segment,
    first: number,
    frames: number,
    name: string,
    onFrames: (done: number) => void,
  ): Promise<void> {
    // The moment at which the segment's first frame stands, which is up to half a frame beside its beginning.
    const zeroAtMs = segment.fromMs + (first * 1_000) / frameRate - clock.outputMs(segment.fromMs);
    const inputs: { source: string; options: string[] }[] = [];
    const tiles = segment.tiles.map((tile) => {
      const { picture } = tile;
      const part = picture && partOf(timeline, picture);
      if (!part) return tile;
      const whole = fileClock(part);
      const knots = knotsWithin(whole, segment);
      // A millisecond for roundings: the part's first frame is not to be lost.
      const sinceFileMs = fileMsAt(whole, picture.sinceMs) - 1;
      const beginning = Math.max(0, fileMsAt(knots, zeroAtMs));
      // From the key frame before; the file's own times stay as they are, and a new size of the picture does not begin everything anew.
      const options = ['-copyts', '-noaccurate_seek', '-seek_timestamp', '1', '-reinit_filter', '0', '-ss', (beginning / 1_000).toFixed(3)];
      const input = inputs.push({ source: path.resolve(folder, part.file), options }) - 1;
      return { ...tile, source: { input, knots, sinceFileMs } };
    });
    const picture = {
      tiles,
      zeroAtMs,
      ...(segment.isPaused && { card: 'Paused' }),
      withNames: order.withNames ?? false,
      ...(order.timeZone !== undefined && { timeZone: order.timeZone }),
    };
    const graph = segmentGraph(picture, writing);
    await writing?.written();
    await run({
      inputs,
      complexFilter: graph,
      outputs: [{ target: name, options: ['-map', '[out]', '-frames:v', String(frames), ...videoOptions] }],
      onProgress: ({ outMs }) => onFrames(Math.min(frames, (outMs * frameRate) / 1_000)),
    });
  }

  async function mixSound(): Promise<void> {
    const inFolder = (some: FfmpegRun) =>
      run({ ...some, inputs: some.inputs.map((input) => ({ ...input, source: path.resolve(folder, String(input.source)) })) });
    const survey = await surveySound(timeline, inFolder);
    progress(pictureShare + surveyShare);
    const { files, graph } = audioMix(timeline, clock, survey);
    await inFolder({
      inputs: files.map((file) => ({ source: file, options: ['-copyts'] })),
      complexFilter: graph,
      outputs: [{ target: 'sound.m4a', options: ['-map', '[mix]', '-c:a', 'aac', '-b:a', '128k', '-ar', '48000', '-ac', '2'] }],
      onProgress: ({ outMs }) => progress(pictureShare + surveyShare + Math.min(1, outMs / clock.totalMs) * soundShare),
    });
  }

  async function joinAll(): Promise<void> {
    await run({
      inputs: [
        { source: 'pictures.txt', options: ['-f', 'concat', '-safe', '0'] },
        { source: 'sound.m4a' },
        { source: 'chapters.txt', options: ['-f', 'ffmetadata'] },
      ],
      outputs: [
        {
          target: 'composite.mp4',
          options: ['-map', '0:v:0', '-map', '1:a:0', '-map_metadata', '2', '-map_chapters', '2', '-c', 'copy', '-movflags', '+faststart'],
        },
      ],
    });
    progress(0.99);
  }

  /** ffmpeg does not always say that it could not write everything. */
  async function assertWhole(): Promise<void> {
    const { streams, format } = await ffmpeg.probe(path.join(workFolder, 'composite.mp4'));
    const codecs = streams.map((stream) => stream.codec_name);
    const isWhole = Math.abs((format.duration ?? 0) - frameCount / frameRate) < 0.5 && codecs.includes('h264') && codecs.includes('aac');
    if (!isWhole) throw new CompositionError('ffmpeg_failed', 'the composite is not as long as the recording');
  }

  /** From the middle of the longest stretch with most pictures. */
  async function takePoster(all: readonly Segment[]): Promise<void> {
    const pictures = ({ tiles }: Segment) => tiles.filter(({ picture }) => picture).length;
    const [best] = [...all].sort((a, b) => pictures(b) - pictures(a) || b.toMs - b.fromMs - (a.toMs - a.fromMs));
    const middleMs = best ? (clock.outputMs(best.fromMs) + clock.outputMs(best.toMs)) / 2 : 0;
    const atMs = Math.max(0, Math.min(middleMs, ((frameCount - 1) * 1_000) / frameRate));
    await run({
      inputs: [{ source: 'composite.mp4', options: ['-ss', (atMs / 1_000).toFixed(3)] }],
      outputs: [{ target: 'poster.jpg', options: ['-frames:v', '1', '-q:v', '3', '-update', '1'] }],
    });
  }

  async function finish(): Promise<Composition> {
    signal?.throwIfAborted();
    const files = [];
    for (const [kind, name] of [
      ['composite', 'composite.mp4'],
      ['poster', 'poster.jpg'],
      ['speakers', 'speakers.vtt'],
    ] as const) {
      const target = path.join(order.outputFolder, name);
      await rename(path.join(workFolder, name), target);
      files.push({ kind, path: target, bytes: (await stat(target)).size });
    }
    progress(1);
    return { files, durationSeconds: frameCount / frameRate, omitted };
  }
}

const frameAt = (clock: CompositionClock, atMs: number) => Math.round((clock.outputMs(atMs) * frameRate) / 1_000);
const micros = (frame: number) => Math.round((frame * 1e6) / frameRate);

function partOf({ tracks }: Timeline, { trackId, part }: { trackId: string; part: number }): TrackPart | undefined {
  return tracks.find((track) => track.trackId === trackId)?.parts[part];
}

function risingProgress(onProgress: ((fraction: number) => void) | undefined): (fraction: number) => void {
  let highest = -1;
  return (fraction) => {
    if (fraction <= highest) return;
    highest = fraction;
    onProgress?.(fraction);
  };
}
