import type { Database } from '../db/database.ts';
import type { Notifier } from '../notifier.ts';
import { AppError } from '../protocol/errors.ts';
import type { RequestPayload } from '../protocol/index.ts';
import { listMembers } from './conversation-store.ts';
import { type Chatter, getMembership } from './membership.ts';

export type TypingService = ReturnType<typeof createTypingService>;

/** Who is typing where. It ends by itself after `typingSeconds`, and with the socket. */
export function createTypingService(parts: {
  db: Database;
  notifier: Notifier;
  typingSeconds: number;
  /** Whether a user lets others see that they type. */
  showsTyping: (userId: string) => Promise<boolean>;
}) {
  const { db, notifier, typingSeconds, showsTyping } = parts;
  /** By session, then by conversation. */
  const active = new Map<string, Map<string, { end: () => void; timer: NodeJS.Timeout | undefined }>>();
  /** What a session said last about a conversation, while that is looked up: what it says later goes before it. */
  const latest = new Map<string, symbol>();

  function stop(sessionId: string, conversationId: string): void {
    const ofSession = active.get(sessionId);
    const entry = ofSession?.get(conversationId);
    if (!ofSession || !entry) return;
    clearTimeout(entry.timer);
    ofSession.delete(conversationId);
    if (ofSession.size === 0) active.delete(sessionId);
    entry.end();
  }

  return {
    /** Tells the other members; again it lasts anew. Errors: `chat.conversation_not_found`. */
    async set(caller: Chatter & { sessionId: string; isConnected: () => boolean }, request: RequestPayload<'chat:typing'>): Promise<void> {
      const key = `${caller.sessionId} ${request.conversationId}`;
      const said = Symbol();
      latest.set(key, said);
      try {
        await change(caller, request, () => latest.get(key) === said && caller.isConnected());
      } finally {
        if (latest.get(key) === said) latest.delete(key);
      }
    },

    /** A session's socket is gone: it types no more. */
    endOf(sessionId: string): void {
      for (const conversationId of [...(active.get(sessionId)?.keys() ?? [])]) stop(sessionId, conversationId);
    },
  };

  async function change(
    caller: Chatter & { sessionId: string },
    request: RequestPayload<'chat:typing'>,
    isCurrent: () => boolean,
  ): Promise<void> {
    const { userId, sessionId } = caller;
    const { conversationId, typing } = request;
    const { conversation } = await getMembership(db.sql, conversationId, caller);
    if (!typing) return stop(sessionId, conversationId);
    if (conversation.closedAt) throw new AppError('chat.conversation_closed');
    if (!(await showsTyping(userId))) return;
    const others = (await listMembers(db.sql, [conversationId])).map((member) => member.userId).filter((id) => id !== userId);
    const tell = (isTyping: boolean) =>
      notifier.notify({ to: { userIds: others, conversationId }, exceptSessionId: sessionId }, 'chat:typing', {
        conversationId,
        userId,
        typing: isTyping,
      });
    if (!isCurrent()) return;

    const ofSession = active.get(sessionId) ?? new Map();
    const before = ofSession.get(conversationId);
    clearTimeout(before?.timer);
    const timer = typingSeconds > 0 ? setTimeout(() => stop(sessionId, conversationId), typingSeconds * 1000) : undefined;
    ofSession.set(conversationId, { end: () => tell(false), timer });
    active.set(sessionId, ofSession);
    if (!before) tell(true);
  }
}
