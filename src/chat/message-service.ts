import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { v7 as uuidv7 } from 'uuid';
import { audit } from '../db/audit-log.ts';
import type { Database, Transaction } from '../db/database.ts';
import type { Facts } from '../facts.ts';
import type { Notifier } from '../notifier.ts';
import type { Message, MessageType, SendPayload } from '../protocol/chat.ts';
import { AppError } from '../protocol/errors.ts';
import type { Reply, RequestPayload } from '../protocol/index.ts';
import { findConversation, findMembership, listMembers } from './conversation-store.ts';
import { assertMayRead, type Chatter } from './membership.ts';
import type { MessageSeal } from './message-seal.ts';
import * as store from './message-store.ts';
import { assemble, groupReactions, type MessageViews, visibleReceipt } from './message-view.ts';
import type { Draft, MessageWriter, Written } from './message-writer.ts';
import type { SearchIndex } from './search-index.ts';

/** How long its author may edit a message. */
const editableMs = 24 * 60 * 60 * 1000;
/** Who writes system messages. */
const systemSenderId = 'parley';

export type MessageService = ReturnType<typeof createMessageService>;

/** Rules of messages: sending, editing, deleting, reacting, reading back. What is told to others is told after commit. */
export function createMessageService(parts: {
  db: Database;
  facts: Facts;
  notifier: Notifier;
  writer: MessageWriter;
  views: MessageViews;
  seal: MessageSeal;
  searchIndex: SearchIndex;
  releaseAttachments: (tx: Transaction, messageIds: readonly string[]) => Promise<void>;
  limits: { messageCharacters: number; messagesPerMinute: number };
}) {
  const { db, facts, notifier, writer, views, seal, searchIndex, releaseAttachments, limits } = parts;
  const sendLimiter = limits.messagesPerMinute > 0 ? new RateLimiterMemory({ points: limits.messagesPerMinute, duration: 60 }) : undefined;

  function assertContent(content: string | undefined, isNeeded: boolean): void {
    if (isNeeded && !content?.trim()) throw invalid('content', 'must not be empty');
    if (content !== undefined && limits.messageCharacters > 0 && content.length > limits.messageCharacters) {
      throw invalid('content', `must be at most ${limits.messageCharacters} characters`);
    }
  }

  async function assertRate({ userId, role }: Chatter): Promise<void> {
    if (!sendLimiter || role === 'service') return;
    try {
      await sendLimiter.consume(userId);
    } catch (reason) {
      if (!(reason instanceof RateLimiterRes)) throw reason;
      throw new AppError('protocol.rate_limited', { details: { retryAfterMs: Math.ceil(reason.msBeforeNext) } });
    }
  }

  /** Seals and indexes on the way in: the content is nowhere else. */
  function draft(request: Omit<SendPayload, 'type'> & { type: MessageType }, senderId: string, onlyRoomId?: string): Draft {
    const { conversationId, content } = request;
    const messageId = uuidv7();
    return {
      messageId,
      conversationId,
      senderId,
      clientId: request.clientId,
      type: request.type,
      sealed: content === undefined ? undefined : seal.seal({ conversationId, messageId }, content),
      searchTokens: content === undefined || request.type === 'system' ? [] : searchIndex.tokensOf(conversationId, content),
      mentions: [...new Set(request.mentions ?? [])],
      attachmentIds: request.attachmentIds ?? [],
      replyToId: request.replyToId ?? null,
      callId: request.callId ?? null,
      sentAt: new Date(),
      onlyRoomId,
    };
  }

  /** Tells a new message to all members but the session that sent it. */
  function publish({ row, attachments, replied, memberIds }: Written, content: string | undefined, exceptSessionId?: string): Message {
    const message = assemble(row, {
      content: content ?? null,
      attachments,
      status: 'sent',
      reactions: [],
      ...(replied && { replyTo: views.toReplied(replied) }),
    });
    const { messageId, conversationId, senderId, type } = row;
    notifier.notify(
      { to: { userIds: memberIds, conversationId }, ...(exceptSessionId !== undefined && { exceptSessionId }) },
      'chat:message',
      { message },
    );
    facts.emit('message.created', { messageId, conversationId, senderId, type, memberIds });
    return message;
  }

  async function viewOf(row: store.MessageRow): Promise<Message> {
    const [message] = await views.toMessages(db.sql, [row]);
    if (!message) throw new Error('one row makes one message');
    return message;
  }

  async function memberIdsOf(conversationId: string, sql: Database['sql'] | Transaction = db.sql): Promise<string[]> {
    return (await listMembers(sql, [conversationId])).map(({ userId }) => userId);
  }

  /** Errors: `chat.conversation_closed`. */
  async function assertNotClosed(tx: Transaction, conversationId: string): Promise<void> {
    if ((await findConversation(tx, conversationId))?.closedAt) throw new AppError('chat.conversation_closed');
  }

  /** A message to look at: a member's, or an admin's, whose reading is written down. Errors: `chat.message_not_found`. */
  async function getReadable(chatter: Chatter, messageId: string): Promise<store.MessageRow> {
    const own = await store.findMessageFor(db.sql, chatter.userId, messageId, chatter.onlyRoomId);
    if (own) return own;
    const [row] = chatter.role === 'admin' ? await store.findMessages(db.sql, [messageId]) : [];
    if (!row || (await findMembership(db.sql, row.conversationId, chatter.userId))) throw new AppError('chat.message_not_found');
    await assertMayRead(db.sql, chatter, row.conversationId);
    return row;
  }

  /** Errors: `chat.message_not_found`, also for strangers. */
  async function getMessage(chatter: Chatter, messageId: string): Promise<store.MessageRow> {
    const row = await store.findMessageFor(db.sql, chatter.userId, messageId, chatter.onlyRoomId);
    if (!row) throw new AppError('chat.message_not_found');
    return row;
  }

  /** The author's own message, locked for a change. Errors: `chat.message_not_found`, `auth.forbidden`. */
  async function lockOwn(tx: Transaction, userId: string, messageId: string): Promise<store.MessageRow> {
    const row = await store.lockMessage(tx, messageId);
    if (!row || row.deletedAt) throw new AppError('chat.message_not_found');
    if (row.senderId !== userId || row.type === 'system') throw new AppError('auth.forbidden');
    return row;
  }

  /** Changes of one message's reactions happen one after another, so that the last notice tells how they stand. */
  async function react(chatter: Chatter, { messageId, emoji }: RequestPayload<'chat:react'>, isOn: boolean): Promise<Reply<'chat:react'>> {
    const { conversationId } = await getMessage(chatter, messageId);
    const { row, change } = await db.transaction(async (tx) => {
      const locked = await store.lockMessage(tx, messageId);
      if (!locked || locked.deletedAt) throw new AppError('chat.message_not_found');
      if (isOn) await assertNotClosed(tx, conversationId);
      if (!(await store.setReaction(tx, { messageId, userId: chatter.userId, emoji }, isOn))) return { row: locked };
      const reactions = groupReactions(await store.listReactions(tx, [messageId]));
      return { row: locked, change: { reactions, userIds: await memberIdsOf(conversationId, tx) } };
    });
    if (change) {
      const { reactions, userIds } = change;
      notifier.notify({ to: { userIds, conversationId } }, 'chat:reactionsChanged', { conversationId, messageId, reactions });
    }
    return { message: await viewOf(row) };
  }

  return {
    assertContent,

    /**
     * Sends a message once, however often it is asked: the same client id answers the same message. It is acknowledged after commit.
     * Errors: `chat.conversation_not_found`, `chat.conversation_closed`, `chat.message_not_found`, `chat.attachment_not_found`,
     * `protocol.invalid_payload`, `protocol.rate_limited`.
     */
    async send(chatter: Chatter, request: SendPayload): Promise<{ message: Message; isNew: boolean }> {
      const hasFiles = (request.attachmentIds?.length ?? 0) > 0;
      assertContent(request.content, !hasFiles);
      await assertRate(chatter);
      const written = await writer.add(draft(request, chatter.userId, chatter.onlyRoomId));
      if (written.isRepeated) return { message: await viewOf(written.row), isNew: false };
      return { message: publish(written, request.content, chatter.sessionId), isNew: true };
    },

    /** Writes the server's own word into a conversation, once for a client id; it is never unread. */
    async sendSystem(message: { conversationId: string; clientId: string; content: string; callId?: string }): Promise<void> {
      const written = await writer.add(draft({ ...message, type: 'system' }, systemSenderId));
      if (!written.isRepeated) publish(written, message.content);
    },

    /** Changes one's own message within 24 h; what it said before is kept. Errors: `chat.message_not_found`, `auth.forbidden`, `chat.too_late`, `chat.conversation_closed`. */
    async edit(chatter: Chatter, { messageId, content }: RequestPayload<'chat:edit'>): Promise<Reply<'chat:edit'>> {
      assertContent(content, true);
      await getMessage(chatter, messageId);
      const row = await db.transaction(async (tx) => {
        const before = await lockOwn(tx, chatter.userId, messageId);
        await assertNotClosed(tx, before.conversationId);
        if (Date.now() - before.sentAt.getTime() > editableMs) throw new AppError('chat.too_late');
        const { keyId, bytes } = seal.seal(before, content);
        const searchTokens = searchIndex.tokensOf(before.conversationId, content);
        await audit(tx, { actor: chatter, action: 'message.edited', subject: messageId });
        return await store.replaceContent(tx, before, { keyId, sealed: bytes, searchTokens });
      });
      const message = await viewOf(row);
      notifier.notify(
        { to: { userIds: await memberIdsOf(row.conversationId), conversationId: row.conversationId } },
        'chat:messageEdited',
        { message },
      );
      return { message };
    },

    /** Deletes from one's own view, or one's own message for everyone, whose content is then destroyed. */
    async remove(chatter: Chatter, { messageId, forEveryone }: RequestPayload<'chat:delete'>): Promise<Reply<'chat:delete'>> {
      const seen = await getMessage(chatter, messageId);
      const { conversationId, seq } = seen;
      const notice = { conversationId, messageId, seq, forEveryone };
      if (!forEveryone) {
        await store.hideMessage(db.sql, messageId, chatter.userId);
        notifier.notify({ to: { userIds: [chatter.userId], conversationId } }, 'chat:messageDeleted', notice);
        return { message: await viewOf(seen) };
      }
      const row = await db.transaction(async (tx) => {
        await lockOwn(tx, chatter.userId, messageId);
        await releaseAttachments(tx, [messageId]);
        await audit(tx, { actor: chatter, action: 'message.deleted', subject: messageId });
        return await store.destroyMessage(tx, messageId);
      });
      notifier.notify({ to: { userIds: await memberIdsOf(conversationId), conversationId } }, 'chat:messageDeleted', notice);
      return { message: await viewOf(row) };
    },

    /** Adds a reaction; a second time changes nothing. Errors: `chat.message_not_found`. */
    react: (chatter: Chatter, request: RequestPayload<'chat:react'>) => react(chatter, request, true),
    unreact: (chatter: Chatter, request: RequestPayload<'chat:react'>) => react(chatter, request, false),

    /** A stretch of a conversation by seq, ascending. Errors: `chat.conversation_not_found`. */
    async history(chatter: Chatter, request: RequestPayload<'chat:history'>): Promise<Reply<'chat:history'>> {
      const { conversationId, afterSeq, beforeSeq, limit } = request;
      const { userId } = chatter;
      await assertMayRead(db.sql, chatter, conversationId);
      const rows = await store.listMessages(db.sql, { conversationId, userId, afterSeq, beforeSeq, limit: limit + 1 });
      const page = rows.slice(0, limit).sort((a, b) => a.seq - b.seq);
      return { messages: await views.toMessages(db.sql, page), hasMore: rows.length > limit };
    },

    /** One message. Errors: `chat.message_not_found`. */
    get: async (chatter: Chatter, messageId: string): Promise<Message> => viewOf(await getReadable(chatter, messageId)),

    /** How far a message has come with each of the other members. Errors: `chat.message_not_found`. */
    async receipts(chatter: Chatter, messageId: string) {
      const { conversationId, seq, senderId } = await getReadable(chatter, messageId);
      const members = await listMembers(db.sql, [conversationId]);
      const receipts = members
        .filter((member) => member.userId !== senderId)
        .map(visibleReceipt)
        .map(({ userId: memberId, deliveredSeq, readSeq }) => {
          const status = readSeq >= seq ? ('read' as const) : deliveredSeq >= seq ? ('delivered' as const) : ('sent' as const);
          return { userId: memberId, status };
        });
      return { messageId, receipts };
    },

    /** A conversation's messages in numbers. Errors: `chat.conversation_not_found`. */
    async stats(chatter: Chatter, conversationId: string) {
      await assertMayRead(db.sql, chatter, conversationId);
      const rows = await store.countMessages(db.sql, conversationId);
      const sum = (some: typeof rows) => some.reduce((total, { count }) => total + count, 0);
      const times = rows.flatMap(({ firstAt, lastAt }) => [firstAt.getTime(), lastAt.getTime()]);
      return {
        total: sum(rows),
        byType: [...Map.groupBy(rows, ({ type }) => type)].map(([type, some]) => ({ type, count: sum(some) })),
        bySender: [...Map.groupBy(rows, ({ senderId }) => senderId)].map(([senderId, some]) => ({ userId: senderId, count: sum(some) })),
        firstAt: times.length > 0 ? new Date(Math.min(...times)).toISOString() : null,
        lastAt: times.length > 0 ? new Date(Math.max(...times)).toISOString() : null,
      };
    },

    /**
     * Seals by the current key what one of some former keys has sealed, a batch at a time; answers how many it did. Messages that can't be opened are
     * left as they are, and their ids added to `unreadable`.
     */
    reseal(formerKeyIds: readonly string[], unreadable: { messages: Set<string>; versions: Set<string> }, limit: number): Promise<number> {
      return db.transaction(async (tx) => {
        const rows = await store.listSealedBy(tx, formerKeyIds, [...unreadable.messages], limit);
        for (const row of rows) {
          const content =
            row.keyId !== null && row.sealed !== null ? seal.tryOpen({ ...row, keyId: row.keyId, sealed: row.sealed }) : undefined;
          if (content === undefined) unreadable.messages.add(row.messageId);
          else await store.resealMessage(tx, row.messageId, seal.seal(row, content));
        }
        const versions = await store.listVersionsSealedBy(tx, formerKeyIds, [...unreadable.versions], limit);
        for (const { version, conversationId } of versions) {
          const content = seal.tryOpen({ ...version, conversationId });
          if (content === undefined) unreadable.versions.add(version.messageId);
          else await store.resealVersion(tx, version, seal.seal({ ...version, conversationId }, content));
        }
        return rows.length + versions.length;
      });
    },
  };
}

function invalid(field: string, message: string): AppError {
  return new AppError('protocol.invalid_payload', { details: { field, issues: [{ field, message }] } });
}
