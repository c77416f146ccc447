import { FfmpegError } from './ffmpeg.ts';

/** Why there is no composition: nothing was recorded, no file can be read, the disk is full, ffmpeg gave up or was killed from outside. */
export type CompositionFailure = 'nothing_recorded' | 'no_readable_track' | 'disk_full' | 'ffmpeg_failed' | 'ffmpeg_killed';

/** A composition that came to nothing; whatever it was, it may be tried again. */
export class CompositionError extends Error {
  override readonly name = 'CompositionError';
  readonly code: CompositionFailure;

  constructor(code: CompositionFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What a run that failed means for the composition; anything else stays what it is. */
export function failureOf(error: unknown): unknown {
  if (!(error instanceof FfmpegError)) {
    const isFull = error instanceof Error && 'code' in error && error.code === 'ENOSPC';
    return isFull ? new CompositionError('disk_full', 'the disk is full', { cause: error }) : error;
  }
  const words = error.lines.join('\n');
  if (words.includes('No space left on device')) return new CompositionError('disk_full', 'the disk is full', { cause: error });
  if (error.message.includes('killed with signal')) return new CompositionError('ffmpeg_killed', error.message, { cause: error });
  return new CompositionError('ffmpeg_failed', error.message, { cause: error });
}

/** Whether ffmpeg itself gave up, which may be because of a file. */
export function isGivenUp(error: unknown): boolean {
  const failure = failureOf(error);
  return failure instanceof CompositionError && failure.code === 'ffmpeg_failed';
}
