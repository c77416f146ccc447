import type { Sql, Transaction } from '../db/database.ts';
import type { Attachment, Message, MessageStatus, Reaction } from '../protocol/chat.ts';
import type { MemberView } from './conversation-store.ts';
import * as conversationStore from './conversation-store.ts';
import type { MessageSeal } from './message-seal.ts';
import * as store from './message-store.ts';

/** How the attachments of messages are found; by message id. */
export type FindAttachments = (db: Sql | Transaction, messageIds: readonly string[]) => Promise<ReadonlyMap<string, Attachment[]>>;

/** Up to where a member has things delivered and read, as the others may know it. */
interface Receipt {
  readonly userId: string;
  readonly deliveredSeq: number;
  /** 0 for members who hide reading. */
  readonly readSeq: number;
}

/** A member's receipts as the others may know them. */
export function visibleReceipt({ userId, deliveredSeq, readSeq, showsReading }: MemberView): Receipt {
  return { userId, deliveredSeq, readSeq: showsReading ? readSeq : 0 };
}

/** How far a message has come, seen from all members but its sender: as far as the slowest of them. */
export function statusOf(message: { seq: number; senderId: string }, receipts: readonly Receipt[]): MessageStatus {
  const others = receipts.filter(({ userId }) => userId !== message.senderId);
  if (others.length === 0) return 'sent';
  if (others.every(({ readSeq }) => readSeq >= message.seq)) return 'read';
  return others.every(({ deliveredSeq }) => deliveredSeq >= message.seq) ? 'delivered' : 'sent';
}

/** Reactions by emoji, in the order in which each was first made. */
export function groupReactions(reactions: readonly { userId: string; emoji: string }[]): Reaction[] {
  const byEmoji = Map.groupBy(reactions, ({ emoji }) => emoji);
  return [...byEmoji].map(([emoji, all]) => ({ emoji, count: all.length, userIds: all.map(({ userId }) => userId) }));
}

export type MessageViews = ReturnType<typeof createMessageViews>;

/** Turns rows into messages as the wire shows them, in as few queries as there are kinds of things beside them. */
export function createMessageViews({ seal, findAttachments }: { seal: MessageSeal; findAttachments: FindAttachments }) {
  const toReplied = (row: store.MessageRow): NonNullable<Message['replyTo']> => ({
    messageId: row.messageId,
    seq: row.seq,
    senderId: row.senderId,
    type: row.type,
    content: seal.open(row),
  });

  /** Rows of any conversations, in the same order. */
  async function toMessages(db: Sql | Transaction, rows: readonly store.MessageRow[]): Promise<Message[]> {
    if (rows.length === 0) return [];
    const ids = rows.map(({ messageId }) => messageId);
    const repliedIds = [...new Set(rows.flatMap(({ replyToId }) => (replyToId === null ? [] : [replyToId])))];
    const conversationIds = [...new Set(rows.map(({ conversationId }) => conversationId))];
    const [reactions, attachments, repliedRows, members] = await Promise.all([
      store.listReactions(db, ids),
      findAttachments(db, ids),
      store.findMessages(db, repliedIds),
      conversationStore.listMembers(db, conversationIds),
    ]);
    const reactionsOf = Map.groupBy(reactions, ({ messageId }) => messageId);
    const repliedById = new Map(repliedRows.map((row) => [row.messageId, row]));
    const membersOf = Map.groupBy(members, ({ conversationId }) => conversationId);
    return rows.map((row) => {
      const replied = row.replyToId === null ? undefined : repliedById.get(row.replyToId);
      return assemble(row, {
        content: seal.open(row),
        attachments: attachments.get(row.messageId) ?? [],
        status: statusOf(row, (membersOf.get(row.conversationId) ?? []).map(visibleReceipt)),
        reactions: groupReactions(reactionsOf.get(row.messageId) ?? []),
        ...(replied && { replyTo: toReplied(replied) }),
      });
    });
  }

  return { toMessages, toReplied };
}

/** Puts a message together from its row and what stands beside it. */
export function assemble(
  row: Omit<store.MessageRow, 'keyId' | 'sealed' | 'searchTokens' | 'ordinal' | 'senderOrdinal'>,
  beside: Pick<Message, 'content' | 'attachments' | 'status' | 'reactions' | 'replyTo'>,
): Message {
  return {
    messageId: row.messageId,
    conversationId: row.conversationId,
    seq: row.seq,
    senderId: row.senderId,
    type: row.type,
    mentions: row.mentions,
    clientId: row.clientId,
    sentAt: row.sentAt.toISOString(),
    ...(row.callId !== null && { callId: row.callId }),
    ...(row.editedAt && { editedAt: row.editedAt.toISOString() }),
    ...(row.deletedAt && { deletedAt: row.deletedAt.toISOString() }),
    ...beside,
  };
}
