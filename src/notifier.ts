import type { NoticeName, NoticePayload } from './protocol/index.ts';

/** Who hears a notice. */
export type Audience = {
  /**
   * A session, everybody in a room, a room's moderators, or all sessions of some users. Sessions of tokens for one room alone hear nothing that is
   * told to their user; of a conversation they hear what names it and them, once they have entered it.
   */
  readonly to:
    | { sessionId: string }
    | { roomId: string }
    | { moderatorsOf: string }
    | { userIds: readonly string[]; conversationId?: string };
  readonly exceptSessionId?: string;
};

/** A notice on its way to the sessions of other servers. */
export interface RelayedNotice {
  readonly audience: Audience;
  readonly name: NoticeName;
  readonly payload: unknown;
}

/**
 * How rules tell browsers, without knowing about sockets; `signaling/fan-out.ts` does it.
 * Nothing is kept for a session without a socket: after a reconnect it asks for a snapshot.
 */
export interface Notifier {
  /** Sends one notice. */
  notify<N extends NoticeName>(audience: Audience, name: N, payload: NoticePayload<N>): void;
  /** From this very tick on the session hears what is told to the room (and to its moderators). */
  enterRoom(sessionId: string, roomId: string, as: { moderator: boolean }): void;
  /** From now on a session of a token for one room hears what is told of that room's conversation. */
  enterConversation(sessionId: string, conversationId: string): void;
  /** The session hears nothing more of the room. */
  leaveRoom(sessionId: string, roomId: string): void;
}
