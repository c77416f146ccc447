import { errors } from 'mediasoup';
import { AppError, type ErrorCode } from '../protocol/errors.ts';

/**
 * Waits for a call into mediasoup and turns whatever it throws into an {@link AppError}, so that none of its errors leaves this folder bare.
 *
 * - the worker is gone, or no longer holds the object: `media.unavailable`
 * - anything else (mediasoup's TypeError and UnsupportedError, a request that the worker refuses): `code`
 */
export async function mediasoupCall<T>(call: Promise<T>, code: ErrorCode): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw toMediaError(error, code);
  }
}

/** Statistics of a producer or consumer; none of one that is closed meanwhile. */
export async function readStats<T>(one: { readonly closed: boolean; getStats(): Promise<T[]> }): Promise<T[]> {
  try {
    return await mediasoupCall(one.getStats(), 'media.unavailable');
  } catch (error) {
    if (one.closed) return [];
    throw error;
  }
}

function toMediaError(error: unknown, code: ErrorCode): AppError {
  if (error instanceof AppError) return error;
  const isGone = error instanceof errors.WorkerClosedError || error instanceof errors.NotFoundError;
  return new AppError(isGone ? 'media.unavailable' : code, { cause: error });
}
