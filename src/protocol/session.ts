import { z } from 'zod';
import { request } from './define.ts';
import { userId, uuid } from './ids.ts';

/** Rises when a client of an older version could no longer understand the server. */
export const protocolVersion = 1;

/** What a browser offers in the socket's handshake (`auth`). */
export const handshake = z.object({
  /** A JWT, with or without `Bearer `. */
  token: z.string().max(16_384).nullish(),
  /** Takes up a session whose socket was lost; anything else begins a new one. */
  resume: z
    .object({ sessionId: uuid, resumeKey: z.string().max(128) })
    .optional()
    .catch(undefined),
});
export type Handshake = z.infer<typeof handshake>;

export const authRequests = {
  /** A fresh token of the same user; the session then lives until the new one expires. */
  'auth:renew': request(z.strictObject({ token: z.string().min(1).max(16_384) }), z.object({ expiresAt: z.string() })),
};

export const sessionNotices = {
  /** First notice on every socket. `recovered`: participant, transports, producers and consumers are as they were. */
  'session:ready': z.object({
    userId,
    sessionId: uuid,
    resumeKey: z.string(),
    protocolVersion: z.number(),
    recovered: z.boolean(),
  }),
  /** Notices may have been lost: what is known from notices must be asked for again, as after `session:ready`. */
  'session:resync': z.object({}),
  /** The server is going down; come back after that time. */
  'session:shutdown': z.object({ reconnectAfterMs: z.number() }),
};
