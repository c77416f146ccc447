import { BurstyRateLimiter, RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { AppError } from '../protocol/errors.ts';

/** Requests that a socket may send at once, as a multiple of its steady rate. */
const burstFactor = 4;

/** Counts the requests of each session. */
export interface RequestLimiter {
  /** Errors: `protocol.rate_limited` with `retryAfterMs`. */
  consume(sessionId: string): Promise<void>;
  /** Forgets a session that has ended. */
  forget(sessionId: string): void;
}

/** Allows each session `perSecond` requests a second, and four seconds' worth at once; 0 allows all. */
export function createRequestLimiter(perSecond: number): RequestLimiter {
  if (perSecond === 0) return { consume: async () => undefined, forget: () => undefined };
  const points = Math.ceil(perSecond);
  const steady = new RateLimiterMemory({ points, duration: points / perSecond });
  // What goes over the steady rate is paid from a purse, filled up again in the time that the steady rate needs for as much.
  const purse = new RateLimiterMemory({ keyPrefix: 'burst', points: points * (burstFactor - 1), duration: burstFactor });
  const limiter = new BurstyRateLimiter(steady, purse);
  return {
    async consume(sessionId) {
      try {
        await limiter.consume(sessionId);
      } catch (reason) {
        if (!(reason instanceof RateLimiterRes)) throw reason;
        throw new AppError('protocol.rate_limited', { details: { retryAfterMs: Math.ceil(reason.msBeforeNext) } });
      }
    },
    forget(sessionId) {
      void steady.delete(sessionId);
      void purse.delete(sessionId);
    },
  };
}
