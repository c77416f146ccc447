import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible';
import type { RedisLink } from './redis.ts';

/** Makes a limit of so many points in so many seconds a key; undefined for 0 points, which turn it off. */
export type CreateLimiter = (name: string, limit: { points: number; durationSeconds: number }) => RateLimiterAbstract | undefined;

/** Limits that count for all servers together, in Redis; in this server's memory without Redis, and while it is away. */
export function createLimiters(link: RedisLink | undefined): CreateLimiter {
  return (name, { points, durationSeconds: duration }) => {
    if (points === 0) return undefined;
    const memory = new RateLimiterMemory({ points, duration });
    if (!link) return memory;
    return new RateLimiterRedis({
      storeClient: link.client,
      keyPrefix: `parley:limit:${name}`,
      points,
      duration,
      rejectIfRedisNotReady: true,
      insuranceLimiter: memory,
    });
  };
}
