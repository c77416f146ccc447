import type { z } from 'zod';
import type { WireError } from './errors.ts';

/** A request of the socket: what it carries and what its acknowledgement answers. */
export interface RequestDefinition<P extends z.ZodType = z.ZodType, R extends z.ZodType = z.ZodType> {
  readonly payload: P;
  readonly reply: R;
}

/** Defines a request; unknown fields of the payload are refused when its schema is strict. */
export function request<P extends z.ZodType, R extends z.ZodType>(payload: P, reply: R): RequestDefinition<P, R> {
  return { payload, reply };
}

/** The acknowledgement of every request. */
export type Acknowledgement<T> = { ok: true; data: T } | { ok: false; error: WireError };
