import type { NoticeName, NoticePayload } from './protocol/index.ts';

/** Who hears a notice. */
export type Audience = {
  /** A session, everybody in a room, a room's moderators, or all sessions of some users. */
  readonly to: { sessionId: string } | { roomId: string } | { moderatorsOf: string } | { userIds: readonly string[] };
  readonly exceptSessionId?: string;
};

/**
 * How rules tell browsers, without knowing about sockets; `signaling/fan-out.ts` does it.
 * Nothing is kept for a session without a socket: after a reconnect it asks for a snapshot.
 */
export interface Notifier {
  /** Sends one notice. */
  notify<N extends NoticeName>(audience: Audience, name: N, payload: NoticePayload<N>): void;
  /** From this very tick on the session hears what is told to the room (and to its moderators). */
  enterRoom(sessionId: string, roomId: string, as: { moderator: boolean }): void;
  /** The session hears nothing more of the room. */
  leaveRoom(sessionId: string, roomId: string): void;
}
