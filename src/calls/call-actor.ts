import type { Actor } from '../db/audit-log.ts';

/** Who rings, answers or hangs up: over the socket (with a session) or over REST. */
export interface CallActor extends Actor {
  readonly sessionId?: string | undefined;
  /** Set for a token of one room, which rings nobody. */
  readonly onlyRoomId?: string | undefined;
}
