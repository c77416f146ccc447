import { AppError } from '../protocol/errors.ts';
import type { Session } from './session.ts';

/** Requests that a socket may send at once, as a multiple of its steady rate. */
const burstFactor = 4;

/** Counts the requests of each session. */
export interface RequestLimiter {
  /** Takes one. Errors: `protocol.rate_limited` with `retryAfterMs`. */
  consume(session: Session): void;
}

/**
 * Allows each session `perSecond` requests a second, and four seconds' worth at once; 0 allows all. A token bucket, because it keeps the
 * steady rate over any length of time; it lives as long as its session and needs no timer.
 */
export function createRequestLimiter(perSecond: number, now = () => performance.now()): RequestLimiter {
  if (perSecond === 0) return { consume: () => undefined };
  const capacity = Math.max(1, perSecond * burstFactor);
  const buckets = new WeakMap<Session, { left: number; atMs: number }>();
  return {
    consume(session) {
      const nowMs = now();
      const bucket = buckets.get(session) ?? { left: capacity, atMs: nowMs };
      bucket.left = Math.min(capacity, bucket.left + ((nowMs - bucket.atMs) / 1000) * perSecond);
      bucket.atMs = nowMs;
      buckets.set(session, bucket);
      if (bucket.left < 1) {
        throw new AppError('protocol.rate_limited', { details: { retryAfterMs: Math.ceil(((1 - bucket.left) / perSecond) * 1000) } });
      }
      bucket.left -= 1;
    },
  };
}
