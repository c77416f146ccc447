import { mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLog } from '../../src/log.ts';
import { type CompositionOrder, composeRecording } from '../../src/recording/compose.ts';
import { createFfmpeg, type Ffmpeg } from '../../src/recording/ffmpeg.ts';
import type { RecordedTrack, Timeline, TrackPart } from '../../src/recording/timeline.ts';

/** When every made recording begins: times in tests are milliseconds after it. */
export const startMs = Date.parse('2026-03-02T09:30:00.000Z');

const encoders = {
  VP8: { options: ['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '300k'], ending: 'webm' },
  VP9: { options: ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '300k'], ending: 'webm' },
  H264: { options: ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p'], ending: 'mkv' },
  AV1: { options: ['-c:v', 'libaom-av1', '-usage', 'realtime', '-cpu-used', '8', '-b:v', '300k'], ending: 'mkv' },
};

/** A folder with files of made-up people, each of one plain colour and one tone, and what they were composed into. */
export class RecordedTracks implements AsyncDisposable {
  readonly folder: string;
  readonly ffmpeg: Ffmpeg;
  readonly log = createLog('silent');
  private fileCount = 0;

  private constructor(folder: string, ffmpeg: Ffmpeg) {
    this.folder = folder;
    this.ffmpeg = ffmpeg;
  }

  static async create(): Promise<RecordedTracks> {
    const folder = await mkdtemp(path.join(tmpdir(), 'parley-compose-'));
    return new RecordedTracks(folder, await createFfmpeg({ log: createLog('silent') }));
  }

  get outputFolder(): string {
    return path.join(this.folder, 'finished');
  }

  /** Makes a picture; `filter` is drawn onto the plain colour. */
  async picture(colour: string, durationMs: number, { size = '320x180', codec = 'VP8' as keyof typeof encoders, filter = 'null' } = {}) {
    const { options, ending } = encoders[codec];
    const file = `${this.fileCount++}-${colour}.${ending}`;
    await this.write(`color=c=${colour}:s=${size}:r=30:d=${durationMs / 1_000},${filter}`, file, [...options, '-g', '30']);
    return file;
  }

  /** Makes a tone; `expression` is ffmpeg's, of the time `t`. */
  async sound(expression: string | number, durationMs: number, filter = 'anull'): Promise<string> {
    const file = `${this.fileCount++}-sound.webm`;
    const wave = typeof expression === 'number' ? `0.3*sin(2*PI*${expression}*t)` : expression;
    await this.write(`aevalsrc='${wave}':s=48000:d=${durationMs / 1_000},${filter}`, file, ['-c:a', 'libopus', '-b:a', '64k']);
    return file;
  }

  private async write(source: string, file: string, options: readonly string[]): Promise<void> {
    const live = file.endsWith('.webm') ? ['-f', 'webm', '-live', '1'] : [];
    await this.ffmpeg.run({
      inputs: [{ source, options: ['-f', 'lavfi'] }],
      outputs: [{ target: path.join(this.folder, file), options: [...options, ...live] }],
    });
  }

  /** Puts files one after another into one, as they are. */
  async join(...files: string[]): Promise<string> {
    const [list, file] = [path.join(this.folder, 'list.txt'), `${this.fileCount++}-joined${path.extname(files[0]!)}`];
    await writeFile(list, files.map((some) => `file ${some}\n`).join(''));
    await this.ffmpeg.run({
      inputs: [{ source: list, options: ['-f', 'concat', '-safe', '0'] }],
      outputs: [{ target: path.join(this.folder, file), options: ['-c', 'copy'] }],
    });
    return file;
  }

  /** Composes into `outputFolder`. */
  compose(timeline: Timeline, order: Partial<CompositionOrder> = {}) {
    return composeRecording(this.ffmpeg, this.log, {
      timeline,
      folder: this.folder,
      outputFolder: this.outputFolder,
      layout: 'grid',
      ...order,
    });
  }

  /** Decodes every frame and sample of a file. */
  async watch(file = path.join(this.outputFolder, 'composite.mp4')): Promise<Watched> {
    const [frames, samples] = [path.join(this.folder, 'watched.rgb'), path.join(this.folder, 'watched.pcm')];
    await this.ffmpeg.run({
      inputs: [{ source: file }],
      outputs: [
        { target: frames, options: ['-map', '0:v', '-vf', 'scale=128:72:flags=neighbor', '-pix_fmt', 'rgb24', '-f', 'rawvideo'] },
        { target: samples, options: ['-map', '0:a', '-ac', '1', '-ar', '48000', '-f', 's16le'] },
      ],
    });
    const sound = await readFile(samples);
    return new Watched(await readFile(frames), new Int16Array(sound.buffer, sound.byteOffset, sound.length >> 1));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** A decoded composite. */
export class Watched {
  private readonly frames: Buffer;
  private readonly samples: Int16Array;

  constructor(frames: Buffer, samples: Int16Array) {
    this.frames = frames;
    this.samples = samples;
  }

  get frameCount(): number {
    return this.frames.length / frameBytes;
  }

  get soundMs(): number {
    return this.samples.length / 48;
  }

  /** Red, green and blue from 0 to 255 at a place of the 1280x720 picture. */
  pixel(frame: number, x: number, y: number): [number, number, number] {
    const at = frame * frameBytes + (Math.floor(y / 10) * 128 + Math.floor(x / 10)) * 3;
    return [this.frames[at]!, this.frames[at + 1]!, this.frames[at + 2]!];
  }

  /** The name of a pure colour at a place, else `other`. */
  colour(ms: number, x: number, y: number): string {
    const pixel = this.pixel(Math.min(this.frameCount - 1, Math.round((ms * 30) / 1_000)), x, y);
    const [name = 'other'] =
      Object.entries(colours).find(([, pure]) => pure.every((value, index) => Math.abs(value - pixel[index]!) < 50)) ?? [];
    return name;
  }

  /** Whether there is anything of a pure colour anywhere in the picture. */
  shows(ms: number, name: string): boolean {
    for (let y = 5; y < 720; y += 10) for (let x = 5; x < 1280; x += 10) if (this.colour(ms, x, y) === name) return true;
    return false;
  }

  /** How loud a tone is in the 100 ms from a moment on, from 0 to 1 (Goertzel). */
  tone(ms: number, hertz: number): number {
    const [first, count] = [Math.round(ms * 48), 4_800];
    const turn = 2 * Math.cos((2 * Math.PI * hertz) / 48_000);
    let [last, beforeLast] = [0, 0];
    for (let index = first; index < first + count; index++) {
      [last, beforeLast] = [(this.samples[index] ?? 0) / 32_768 + turn * last - beforeLast, last];
    }
    return (2 * Math.sqrt(Math.max(0, last * last + beforeLast * beforeLast - turn * last * beforeLast))) / count;
  }

  hears(ms: number, hertz: number): boolean {
    return this.tone(ms, hertz) > 0.02;
  }

  /** The loudest sample from a moment on for so long, from 0 to 1. */
  peak(fromMs: number, durationMs: number): number {
    let peak = 0;
    for (let index = fromMs * 48; index < (fromMs + durationMs) * 48; index++) peak = Math.max(peak, Math.abs(this.samples[index] ?? 0));
    return peak / 32_768;
  }
}

const frameBytes = 128 * 72 * 3;
const colours = {
  red: [255, 0, 0],
  lime: [0, 255, 0],
  blue: [0, 0, 255],
  yellow: [255, 255, 0],
  magenta: [255, 0, 255],
  white: [255, 255, 255],
};

/** A part whose file's beginning is the part's, if nothing else is said. */
export function partOf(file: string, fromMs: number, toMs: number, some: Partial<TrackPart> = {}): TrackPart {
  return { file, fromMs: startMs + fromMs, toMs: startMs + toMs, anchors: [{ fileMs: 0, atMs: startMs + fromMs }], pauses: [], ...some };
}

export function trackOf(userId: string, source: RecordedTrack['source'], ...parts: TrackPart[]): RecordedTrack {
  const isVideo = source === 'camera' || source === 'screen';
  return {
    trackId: `${userId}-${source}`,
    userId,
    source,
    kind: isVideo ? 'video' : 'audio',
    codec: isVideo ? 'video/VP8' : 'audio/opus',
    parts,
  };
}

/** Times of presences, gaps and speakers in milliseconds from the beginning. */
export function timelineOf(
  durationMs: number,
  tracks: RecordedTrack[],
  presences: Record<string, [fromMs: number, toMs: number]>,
  some: { names?: Record<string, string>; gaps?: [number, number][]; speakers?: [number, string | null][] } = {},
): Timeline {
  return {
    recordingId: 'made-up',
    fromMs: startMs,
    toMs: startMs + durationMs,
    people: Object.keys(presences).map((userId) => ({ userId, displayName: some.names?.[userId] ?? userId })),
    presences: Object.entries(presences).map(([userId, [from, to]]) => ({ userId, fromMs: startMs + from, toMs: startMs + to })),
    gaps: (some.gaps ?? []).map(([from, to]) => ({ fromMs: startMs + from, toMs: startMs + to })),
    speakers: (some.speakers ?? []).map(([at, userId]) => ({ atMs: startMs + at, userId })),
    tracks,
  };
}

/** The processes that work in a folder (Linux). */
export async function processesIn(folder: string): Promise<{ pid: number; niceness: number }[]> {
  const found = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    // A process may be gone before it was looked at.
    const cwd = await readlink(`/proc/${entry}/cwd`).catch(() => undefined);
    if (cwd !== folder) continue;
    const fields = (await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => '')).split(') ').at(-1)?.split(' ') ?? [];
    found.push({ pid: Number(entry), niceness: Number(fields[16]) });
  }
  return found;
}
