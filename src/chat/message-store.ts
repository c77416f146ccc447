import { and, asc, desc, eq, gt, inArray, isNotNull, lt, notExists, sql } from 'drizzle-orm';
import type { Sql, Transaction } from '../db/database.ts';
import { conversationMembers, conversations, messageHidden, messageReactions, messages, messageVersions } from '../db/tables.ts';
import type { Sealed } from '../storage/key-ring.ts';

export type MessageRow = typeof messages.$inferSelect;
type Db = Sql | Transaction;

/** One message that a user may see: a member's, not deleted for themselves, of one room's conversation if that is given. */
export async function findMessageFor(db: Db, userId: string, messageId: string, onlyRoomId?: string): Promise<MessageRow | undefined> {
  const [row] = await db
    .select({ message: messages })
    .from(messages)
    .innerJoin(
      conversationMembers,
      and(eq(conversationMembers.conversationId, messages.conversationId), eq(conversationMembers.userId, userId)),
    )
    .innerJoin(conversations, eq(conversations.conversationId, messages.conversationId))
    .where(
      and(
        eq(messages.messageId, messageId),
        onlyRoomId === undefined ? undefined : eq(conversations.roomId, onlyRoomId),
        notHiddenFor(db, userId),
      ),
    );
  return row?.message;
}

/** Messages by id, in no order. */
export function findMessages(db: Db, messageIds: readonly string[]): Promise<MessageRow[]> {
  if (messageIds.length === 0) return Promise.resolve([]);
  return db
    .select()
    .from(messages)
    .where(inArray(messages.messageId, [...messageIds]));
}

/** A stretch of a conversation without what the user deleted for themselves: after a seq the earliest, else the latest first. */
export function listMessages(
  db: Db,
  options: { conversationId: string; userId: string; afterSeq?: number | undefined; beforeSeq?: number | undefined; limit: number },
): Promise<MessageRow[]> {
  const { conversationId, userId, afterSeq, beforeSeq, limit } = options;
  return db
    .select()
    .from(messages)
    .where(
      and(
        eq(messages.conversationId, conversationId),
        afterSeq === undefined ? undefined : gt(messages.seq, afterSeq),
        beforeSeq === undefined ? undefined : lt(messages.seq, beforeSeq),
        notHiddenFor(db, userId),
      ),
    )
    .orderBy(afterSeq === undefined ? desc(messages.seq) : asc(messages.seq))
    .limit(limit);
}

function notHiddenFor(db: Db, userId: string) {
  return notExists(
    db
      .select({ one: sql`1` })
      .from(messageHidden)
      .where(and(eq(messageHidden.userId, userId), eq(messageHidden.messageId, messages.messageId))),
  );
}

/** Which of some messages some users have deleted for themselves. */
export function listHidden(db: Db, messageIds: readonly string[], userIds: readonly string[]) {
  if (messageIds.length === 0) return Promise.resolve([]);
  return db
    .select()
    .from(messageHidden)
    .where(and(inArray(messageHidden.userId, [...userIds]), inArray(messageHidden.messageId, [...messageIds])));
}

/** Locks a message for a change. */
export async function lockMessage(tx: Transaction, messageId: string): Promise<MessageRow | undefined> {
  const [row] = await tx.select().from(messages).where(eq(messages.messageId, messageId)).for('update');
  return row;
}

/** Replaces a message's content and keeps the former one. */
export async function replaceContent(
  tx: Transaction,
  before: MessageRow,
  content: { keyId: string; sealed: Buffer; searchTokens: bigint[] },
): Promise<MessageRow> {
  if (before.keyId !== null && before.sealed !== null) {
    const { messageId, keyId, sealed } = before;
    const version = sql`(select count(*) from ${messageVersions} v where v.message_id = ${messageId})`;
    await tx.insert(messageVersions).values({ messageId, version, keyId, sealed });
  }
  const [row] = await tx
    .update(messages)
    .set({ ...content, editedAt: sql`now()` })
    .where(eq(messages.messageId, before.messageId))
    .returning();
  if (!row) throw new Error('update returned no row');
  return row;
}

/** Destroys what a message said, its former versions, words and reactions; the shell with its seq stays. */
export async function destroyMessage(tx: Transaction, messageId: string): Promise<MessageRow> {
  await tx.delete(messageVersions).where(eq(messageVersions.messageId, messageId));
  await tx.delete(messageReactions).where(eq(messageReactions.messageId, messageId));
  const [row] = await tx
    .update(messages)
    .set({ keyId: null, sealed: null, searchTokens: [], mentions: [], deletedAt: sql`now()` })
    .where(eq(messages.messageId, messageId))
    .returning();
  if (!row) throw new Error('update returned no row');
  return row;
}

/** Hides a message from one user. */
export async function hideMessage(db: Db, messageId: string, userId: string): Promise<void> {
  await db.insert(messageHidden).values({ messageId, userId }).onConflictDoNothing();
}

/** Adds or takes away a reaction; answers whether that changed anything. */
export async function setReaction(db: Db, reaction: { messageId: string; userId: string; emoji: string }, isOn: boolean): Promise<boolean> {
  const { messageId, userId, emoji } = reaction;
  const { rowCount } = isOn
    ? await db.insert(messageReactions).values(reaction).onConflictDoNothing()
    : await db
        .delete(messageReactions)
        .where(and(eq(messageReactions.messageId, messageId), eq(messageReactions.userId, userId), eq(messageReactions.emoji, emoji)));
  return (rowCount ?? 0) > 0;
}

/** All reactions to some messages, in the order in which they were made. */
export function listReactions(db: Db, messageIds: readonly string[]) {
  if (messageIds.length === 0) return Promise.resolve([]);
  return db
    .select({ messageId: messageReactions.messageId, userId: messageReactions.userId, emoji: messageReactions.emoji })
    .from(messageReactions)
    .where(inArray(messageReactions.messageId, [...messageIds]))
    .orderBy(messageReactions.reactedAt);
}

/** How many messages a conversation has, by type and by sender; system messages aside. */
export async function countMessages(db: Db, conversationId: string) {
  const rows = await db
    .select({
      type: messages.type,
      senderId: messages.senderId,
      count: sql<number>`count(*)::int`,
      firstAt: sql<Date>`min(${messages.sentAt})`.mapWith(messages.sentAt),
      lastAt: sql<Date>`max(${messages.sentAt})`.mapWith(messages.sentAt),
    })
    .from(messages)
    .where(and(eq(messages.conversationId, conversationId), sql`${messages.type} <> 'system'`))
    .groupBy(messages.type, messages.senderId);
  return rows;
}

/** Messages whose content is sealed by one of some keys, but for those of `exceptIds`. */
export function listSealedBy(
  tx: Transaction,
  keyIds: readonly string[],
  exceptIds: readonly string[],
  limit: number,
): Promise<MessageRow[]> {
  return tx
    .select()
    .from(messages)
    .where(and(inArray(messages.keyId, [...keyIds]), isNotNull(messages.sealed), isNoneOf(messages.messageId, exceptIds)))
    .limit(limit)
    .for('update');
}

/** Former contents of messages that are sealed by one of some keys, but for those of the messages of `exceptIds`. */
export function listVersionsSealedBy(tx: Transaction, keyIds: readonly string[], exceptIds: readonly string[], limit: number) {
  return tx
    .select({ version: messageVersions, conversationId: messages.conversationId })
    .from(messageVersions)
    .innerJoin(messages, eq(messages.messageId, messageVersions.messageId))
    .where(and(inArray(messageVersions.keyId, [...keyIds]), isNoneOf(messageVersions.messageId, exceptIds)))
    .limit(limit)
    .for('update', { of: messageVersions });
}

const isNoneOf = (column: typeof messages.messageId | typeof messageVersions.messageId, ids: readonly string[]) =>
  sql`${column} <> all (${sql.param(ids)}::uuid[])`;

/** Replaces a former content's seal by one of another key. */
export async function resealVersion(tx: Transaction, of: { messageId: string; version: number }, { keyId, bytes }: Sealed): Promise<void> {
  await tx
    .update(messageVersions)
    .set({ keyId, sealed: bytes })
    .where(and(eq(messageVersions.messageId, of.messageId), eq(messageVersions.version, of.version)));
}

/** Replaces a message's seal by one of another key. */
export async function resealMessage(tx: Transaction, messageId: string, { keyId, bytes }: Sealed): Promise<void> {
  await tx.update(messages).set({ keyId, sealed: bytes }).where(eq(messages.messageId, messageId));
}
