import { access, constants } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import fluent from 'fluent-ffmpeg';
import type { Logger } from '../log.ts';

/** How long a run may take to end by itself after it was asked to; then it is asked more firmly, then killed. */
const politeMs = 500;
/** Lines of ffmpeg's words that are kept for the error of a failed run. */
const keptLines = 40;

/** One run of ffmpeg. Options come before the input or output they belong to, as on ffmpeg's command line, one word an item. */
export interface FfmpegRun {
  readonly inputs: readonly { readonly source: string | Readable; readonly options?: readonly string[] }[];
  /** A filter graph (`-filter_complex`). */
  readonly complexFilter?: string;
  /** Existing files are overwritten. */
  readonly outputs: readonly { readonly target: string; readonly options: readonly string[] }[];
  /** From 0 (the default) to 19, the most patient. */
  readonly nice?: number;
  /** Where relative paths begin. */
  readonly cwd?: string;
  /** Kills it; the run fails with the signal's reason. */
  readonly signal?: AbortSignal;
  /** What has been written so far, in milliseconds of the output, about twice a second. */
  readonly onProgress?: (progress: { readonly outMs: number }) => void;
  /** Every line that ffmpeg writes to standard error. */
  readonly onLine?: (line: string) => void;
}

/** A run that has not ended well. */
export class FfmpegError extends Error {
  override readonly name = 'FfmpegError';
  /** Its last words; may name files. */
  readonly lines: readonly string[];

  constructor(message: string, lines: readonly string[], options?: ErrorOptions) {
    super(message, options);
    this.lines = lines;
  }
}

/** A run under way. */
export interface FfmpegProcess {
  /** Settles at its end, however that comes: the error of a run that failed or was killed, undefined after a good or a wished end. */
  readonly ended: Promise<FfmpegError | undefined>;
  /** Undefined before it has started and after its end. */
  readonly pid: number | undefined;
  /** Lets it finish its file, and kills it when that takes too long; resolves when it is gone. */
  stop(): Promise<void>;
  /** Ends it at once; resolves when it is gone. */
  kill(): Promise<void>;
}

/** What ffprobe says of a file (`-show_streams -show_format`), as far as anybody here reads it. */
export interface Probe {
  readonly streams: readonly {
    readonly codec_type?: string | undefined;
    readonly codec_name?: string | undefined;
    readonly width?: number | undefined;
    readonly height?: number | undefined;
    readonly start_time?: string | number | undefined;
  }[];
  /** `name` as ffprobe has it, such as `matroska,webm`; `duration` in seconds, where the file tells. */
  readonly format: { readonly name: string | undefined; readonly duration: number | undefined };
}

/** ffmpeg as it is installed here. */
export interface Ffmpeg {
  /** Such as `5.1.9-0+deb12u1`; undefined when there is none, or it does not run: recording is off then. */
  readonly version: string | undefined;
  readonly isAvailable: boolean;
  /** Whether it can take this codec out of RTP and write it, by its mime type such as `video/AV1`. */
  canCapture(mimeType: string): boolean;
  /** Runs it to its end. Errors: {@link FfmpegError}, or the signal's reason. */
  run(run: FfmpegRun): Promise<void>;
  /** Starts it, to be ended later. */
  start(run: Omit<FfmpegRun, 'signal'>): FfmpegProcess;
  /** What is in a file. Errors: {@link FfmpegError}. */
  probe(file: string): Promise<Probe>;
}

/**
 * Looks for ffmpeg and ffprobe: at `ffmpegPath` and beside it, else on the PATH. One that is missing or does not run is no error: it is logged, and
 * `isAvailable` says so.
 */
export async function createFfmpeg({ ffmpegPath, log }: { ffmpegPath?: string | undefined; log: Logger }): Promise<Ffmpeg> {
  const version = await findVersion(ffmpegPath, log);
  const assertAvailable = (): void => {
    if (version === undefined) throw new FfmpegError('ffmpeg is not available', []);
  };
  return {
    version,
    isAvailable: version !== undefined,
    // Its RTP reader knows AV1 from 8.0 on.
    canCapture: (mimeType) => version !== undefined && (mimeType.toLowerCase() !== 'video/av1' || majorOf(version) >= 8),
    async run({ signal, ...run }) {
      assertAvailable();
      signal?.throwIfAborted();
      const running = startFfmpeg(run);
      const kill = (): void => void running.kill();
      signal?.addEventListener('abort', kill);
      const error = await running.ended;
      signal?.removeEventListener('abort', kill);
      signal?.throwIfAborted();
      if (error !== undefined) throw error;
    },
    start(run) {
      assertAvailable();
      return startFfmpeg(run);
    },
    async probe(file) {
      assertAvailable();
      return new Promise((resolve, reject) => {
        fluent.ffprobe(file, ['-v', 'error'], (error: unknown, data) => {
          if (error) return reject(new FfmpegError('ffprobe cannot read the file', String(error).split('\n'), { cause: error }));
          // Of a file that was written live it says `N/A`.
          const duration = Number(data.format.duration);
          resolve({ streams: data.streams, format: { name: data.format.format_name, duration: duration >= 0 ? duration : undefined } });
        });
      });
    },
  };
}

async function findVersion(ffmpegPath: string | undefined, log: Logger): Promise<string | undefined> {
  try {
    if (ffmpegPath !== undefined) {
      const ffprobePath = path.join(path.dirname(ffmpegPath), path.basename(ffmpegPath).replace('ffmpeg', 'ffprobe'));
      await Promise.all([ffmpegPath, ffprobePath].map((file) => access(file, constants.X_OK)));
      // The library keeps both for the whole process.
      fluent.setFfmpegPath(ffmpegPath);
      fluent.setFfprobePath(ffprobePath);
    }
    let version: string | undefined;
    await new Promise<void>((resolve, reject) => {
      // Whatever it runs, its first line tells the version; this one reads and writes nothing.
      fluent('-')
        .outputOptions(['-version'])
        .output('-')
        .on('end', (stdout) => {
          version = /^ffmpeg version (\S+)/.exec(stdout ?? '')?.[1];
          resolve();
        })
        .on('error', reject)
        .run();
    });
    log.info({ ffmpegVersion: version }, 'ffmpeg found');
    return version;
  } catch (error) {
    log.warn({ err: error }, 'ffmpeg is not available');
    return undefined;
  }
}

/** Of a build without a release number, such as a nightly one, it is taken that it is new. */
function majorOf(version: string): number {
  const [, major] = /^n?(\d+)\./.exec(version) ?? [];
  return major === undefined ? Number.POSITIVE_INFINITY : Number(major);
}

function startFfmpeg({ inputs, complexFilter, outputs, nice = 0, cwd, onProgress, onLine }: FfmpegRun): FfmpegProcess {
  const command = fluent({ stdoutLines: keptLines, niceness: nice, ...(cwd !== undefined && { cwd }) });
  for (const { source, options = [] } of inputs) command.input(source).inputOptions([...options]);
  if (complexFilter !== undefined) command.complexFilter(complexFilter);
  for (const { target, options } of outputs) command.output(target).outputOptions([...options]);

  const { promise: ended, resolve } = Promise.withResolvers<FfmpegError | undefined>();
  let isOver = false;
  let isWished = false;
  /** What is to be sent once there is a process. */
  let waiting: NodeJS.Signals | undefined;
  let timer: NodeJS.Timeout | undefined;
  const send = (signal: NodeJS.Signals): void => {
    if (isOver) return;
    if (processOf(command) === undefined) waiting = signal;
    else command.kill(signal);
  };
  const finish = (error?: FfmpegError): void => {
    isOver = true;
    clearTimeout(timer);
    resolve(error);
  };
  command.on('start', () => {
    if (waiting !== undefined) command.kill(waiting);
  });
  command.on('stderr', (line) => {
    onLine?.(line);
    const outMs = onProgress && outMsOf(line);
    if (outMs !== undefined) onProgress?.({ outMs });
  });
  command.on('end', () => finish());
  command.on('error', (error, _stdout, stderr) => {
    finish(isWished ? undefined : new FfmpegError(error.message.split('\n', 1)[0] ?? '', stderr?.split('\n') ?? [], { cause: error }));
  });
  command.run();
  return {
    ended,
    get pid() {
      return isOver ? undefined : processOf(command)?.pid;
    },
    async stop() {
      isWished = true;
      // ffmpeg notices the first when the next packet comes, the second at once.
      send('SIGINT');
      timer = setTimeout(() => {
        send('SIGINT');
        timer = setTimeout(() => send('SIGKILL'), politeMs);
      }, politeMs);
      await ended;
    },
    async kill() {
      send('SIGKILL');
      await ended;
    },
  };
}

/** The library holds its process in a field that its types leave out, from its start to its end. */
function processOf(command: fluent.FfmpegCommand): { pid?: number } | undefined {
  return 'ffmpegProc' in command && typeof command.ffmpegProc === 'object' && command.ffmpegProc !== null ? command.ffmpegProc : undefined;
}

/** The time in a progress line such as `frame=  90 fps= 30 … time=00:00:03.00 bitrate=…`. */
function outMsOf(line: string): number | undefined {
  const [, hours, minutes, seconds] = /time=(\d+):(\d\d):(\d\d\.\d+)/.exec(line) ?? [];
  if (seconds === undefined) return undefined;
  return Math.round((Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)) * 1_000);
}
