import { and, asc, eq, gt, inArray, isNull, sql } from 'drizzle-orm';
import type { Sql, Transaction } from '../db/database.ts';
import { attachments, conversationMembers, conversations } from '../db/tables.ts';

export type AttachmentRow = typeof attachments.$inferSelect;
type Db = Sql | Transaction;

export async function insertAttachment(db: Db, row: typeof attachments.$inferInsert): Promise<AttachmentRow> {
  const [inserted] = await db.insert(attachments).values(row).returning();
  if (!inserted) throw new Error('insert returned no row');
  return inserted;
}

/** One attachment, unless it has expired. */
export async function findAttachment(db: Db, attachmentId: string): Promise<AttachmentRow | undefined> {
  const [row] = await db
    .select()
    .from(attachments)
    .where(and(eq(attachments.attachmentId, attachmentId), isCurrent));
  return row;
}

/** Those of several ids that are there and have not expired, locked until the transaction ends when `lock` is set. */
export async function findAttachments(db: Db, attachmentIds: readonly string[], { lock = false } = {}): Promise<AttachmentRow[]> {
  const query = db
    .select()
    .from(attachments)
    .where(and(inArray(attachments.attachmentId, [...attachmentIds]), isCurrent))
    // In one order, so that two who want the same do not wait for each other.
    .orderBy(asc(attachments.attachmentId));
  return lock ? await query.for('update') : await query;
}

/** Those of several ids that are there, expired ones too. */
export async function findAnyAttachments(db: Db, attachmentIds: readonly string[]): Promise<AttachmentRow[]> {
  return await db
    .select()
    .from(attachments)
    .where(inArray(attachments.attachmentId, [...attachmentIds]));
}

/** Makes attachments a message's, in this order. */
export async function attachToMessage(
  db: Db,
  { messageId, conversationId, attachmentIds }: { messageId: string; conversationId: string; attachmentIds: readonly string[] },
): Promise<void> {
  const order = sql`array[${sql.join(
    attachmentIds.map((id) => sql`${id}::uuid`),
    sql`, `,
  )}]`;
  await db
    .update(attachments)
    .set({
      messageId,
      conversationId,
      access: sql`case when ${attachments.access} = 'private' then 'conversation' else ${attachments.access} end`,
      position: sql`array_position(${order}, ${attachments.attachmentId}) - 1`,
    })
    .where(inArray(attachments.attachmentId, [...attachmentIds]));
}

/** The attachments of messages, each message's in order; those that have expired are left out. */
export async function findAttachmentsOf(db: Db, messageIds: readonly string[]): Promise<AttachmentRow[]> {
  if (messageIds.length === 0) return [];
  return await db
    .select()
    .from(attachments)
    .where(and(inArray(attachments.messageId, [...messageIds]), isCurrent))
    .orderBy(asc(attachments.messageId), asc(attachments.position));
}

/** Removes the rows of messages' attachments; answers the keys of their blobs. */
export async function deleteAttachmentsOf(db: Db, messageIds: readonly string[]): Promise<string[]> {
  if (messageIds.length === 0) return [];
  const rows = await db
    .delete(attachments)
    .where(inArray(attachments.messageId, [...messageIds]))
    .returning();
  return rows.flatMap(blobKeysOf);
}

/** Removes an attachment that was not sent; answers its row, or undefined when it was sent or is gone. */
export async function deleteUnsent(db: Db, attachmentId: string): Promise<AttachmentRow | undefined> {
  const [row] = await db
    .delete(attachments)
    .where(and(eq(attachments.attachmentId, attachmentId), isNull(attachments.messageId)))
    .returning();
  return row;
}

/** Removes up to `limit` rows that were never sent since `before` and are no conversation's picture, or have expired; answers the keys of their blobs. */
export async function deleteOld(db: Db, { before, limit }: { before: Date; limit: number }): Promise<{ rows: number; blobKeys: string[] }> {
  const old = sql`select attachment_id from ${attachments} a
    where (a.message_id is null and a.created_at < ${before.toISOString()}::timestamptz
        and not exists (select 1 from ${conversations} c where c.avatar_id = a.attachment_id))
      or a.expires_at <= now()
    limit ${limit} for update skip locked`;
  const rows = await db.delete(attachments).where(sql`${attachments.attachmentId} in (${old})`).returning();
  return { rows: rows.length, blobKeys: rows.flatMap(blobKeysOf) };
}

/** A page of all attachments by id. */
export async function pageAttachments(db: Db, { after, limit }: { after: string | undefined; limit: number }): Promise<AttachmentRow[]> {
  return await db
    .select()
    .from(attachments)
    .where(after === undefined ? undefined : gt(attachments.attachmentId, after))
    .orderBy(asc(attachments.attachmentId))
    .limit(limit);
}

/** Whether an attachment is the picture of a conversation that a user is in. */
export async function isPictureFor(db: Db, attachmentId: string, userId: string): Promise<boolean> {
  const rows = await db
    .select({ conversationId: conversations.conversationId })
    .from(conversationMembers)
    .innerJoin(conversations, eq(conversations.conversationId, conversationMembers.conversationId))
    .where(and(eq(conversationMembers.userId, userId), eq(conversations.avatarId, attachmentId)))
    .limit(1);
  return rows.length > 0;
}

/** The keys of an attachment's blobs. */
export function blobKeysOf({ blobKey, thumbnailBlobKey }: Pick<AttachmentRow, 'blobKey' | 'thumbnailBlobKey'>): string[] {
  return thumbnailBlobKey === null ? [blobKey] : [blobKey, thumbnailBlobKey];
}

const isCurrent = sql`(${attachments.expiresAt} is null or ${attachments.expiresAt} > now())`;
