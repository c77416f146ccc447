import { getTableColumns, inArray, sql } from 'drizzle-orm';
import { type Batcher, type BatchResult, createBatcher } from '../db/batcher.ts';
import type { Database, Transaction } from '../db/database.ts';
import { conversationMembers, conversations, messages } from '../db/tables.ts';
import type { Attachment, MessageType } from '../protocol/chat.ts';
import { AppError } from '../protocol/errors.ts';
import type { Sealed } from '../storage/key-ring.ts';
import type { ConversationRow } from './conversation-store.ts';
import { isWithin } from './membership.ts';
import { findMessages, type MessageRow } from './message-store.ts';

/** Messages that share one transaction at the most. */
const maxBatchSize = 1_000;

/** A message on its way into the database: sealed, indexed, with its id. */
export interface Draft {
  readonly messageId: string;
  readonly conversationId: string;
  readonly senderId: string;
  readonly clientId: string;
  readonly type: MessageType;
  readonly sealed: Sealed | undefined;
  readonly searchTokens: bigint[];
  readonly mentions: string[];
  readonly attachmentIds: readonly string[];
  readonly replyToId: string | null;
  readonly callId: string | null;
  readonly sentAt: Date;
  /** Set for a token of one room: only that room's conversation is there for it. */
  readonly onlyRoomId: string | undefined;
}

/** What was written, and to whom it has to be told. */
export interface Written {
  readonly row: MessageRow;
  readonly attachments: Attachment[];
  readonly replied: MessageRow | undefined;
  readonly memberIds: readonly string[];
  /** The same client id was there already: `row` is that earlier message, and nobody has to be told. */
  readonly isRepeated: boolean;
}

/** Gives uploaded files to a message inside its transaction. Errors: `chat.attachment_not_found`. */
export type ClaimAttachments = (
  tx: Transaction,
  claim: { ownerId: string; conversationId: string; messageId: string; attachmentIds: readonly string[] },
) => Promise<Attachment[]>;

export type MessageWriter = Batcher<Draft, Written>;

/**
 * Writes messages: membership → one row a (conversation, sender, client id) → the next seq → commit. Messages that arrive while a transaction is
 * under way share the next one, because a flush to disk costs more than all else. The lock on the conversation makes seq and counts
 * gapless: whoever writes to it waits in line.
 * Errors: `chat.conversation_not_found` for strangers, `chat.conversation_closed`, `chat.message_not_found` for a reply to nothing, those of
 * `claimAttachments`.
 */
export function createMessageWriter({ db, claimAttachments }: { db: Database; claimAttachments: ClaimAttachments }): MessageWriter {
  return createBatcher<Draft, Written>({
    maxSize: maxBatchSize,
    run: async (drafts) => {
      const results: BatchResult<Written>[] = [];
      // One after another, so that messages are told in the order of their seq.
      for (const part of split(drafts)) {
        try {
          results.push(...(await db.transaction((tx) => write(tx, part, claimAttachments))));
        } catch (error) {
          results.push(...part.map(() => ({ ok: false as const, error })));
        }
      }
      return results;
    },
  });
}

/** Drafts in their order, in as few transactions as can be: a claim that fails takes its own with it, so a message with files has one to itself. */
function split(drafts: readonly Draft[]): Draft[][] {
  const parts: Draft[][] = [];
  for (const draft of drafts) {
    const last = parts.at(-1);
    const isShared = draft.attachmentIds.length === 0 && last?.[0]?.attachmentIds.length === 0;
    if (last && isShared) last.push(draft);
    else parts.push([draft]);
  }
  return parts;
}

async function write(tx: Transaction, drafts: readonly Draft[], claimAttachments: ClaimAttachments): Promise<BatchResult<Written>[]> {
  const books = await openBooks(tx, drafts);
  const results: BatchResult<Written>[] = [];
  const fresh: { row: MessageRow; draft: Draft; index: number }[] = [];
  for (const draft of drafts) {
    const result = books.enter(draft);
    if (result.ok && !result.value.isRepeated) fresh.push({ row: result.value.row, draft, index: results.length });
    results.push(result);
  }
  if (fresh.length === 0) return results;
  await Promise.all([
    insertMessages(
      tx,
      fresh.map(({ row }) => row),
    ),
    ...books.close(tx),
  ]);
  for (const { draft, index } of fresh) {
    const result = results[index];
    if (draft.attachmentIds.length === 0 || !result?.ok) continue;
    const { senderId: ownerId, conversationId, messageId, attachmentIds } = draft;
    const attachments = await claimAttachments(tx, { ownerId, conversationId, messageId, attachmentIds });
    results[index] = { ok: true, value: { ...result.value, attachments } };
  }
  return results;
}

/** Locks the conversations of a batch, always in the same order, and counts its messages into them. */
async function openBooks(tx: Transaction, drafts: readonly Draft[]) {
  const conversationIds = [...new Set(drafts.map(({ conversationId }) => conversationId))];
  const replyIds = [...new Set(drafts.flatMap(({ replyToId }) => (replyToId === null ? [] : [replyToId])))];
  // Sent at once, run one after the other: what comes behind the lock sees what the others before it have written.
  const [locked, members, earlier, replied] = await Promise.all([
    tx
      .select()
      .from(conversations)
      .where(inArray(conversations.conversationId, conversationIds))
      .orderBy(conversations.conversationId)
      .for('no key update'),
    tx
      .select({
        conversationId: conversationMembers.conversationId,
        userId: conversationMembers.userId,
        ownCount: conversationMembers.ownCount,
      })
      .from(conversationMembers)
      .where(inArray(conversationMembers.conversationId, conversationIds)),
    findEarlier(tx, drafts),
    findMessages(tx, replyIds),
  ]);

  const byId = new Map<string, ConversationRow>(locked.map((row) => [row.conversationId, { ...row }]));
  const memberIdsOf = new Map<string, string[]>();
  const ownCounts = new Map<string, { conversationId: string; userId: string; count: number; isChanged: boolean }>();
  for (const { conversationId, userId, ownCount } of members) {
    memberIdsOf.set(conversationId, [...(memberIdsOf.get(conversationId) ?? []), userId]);
    ownCounts.set(`${conversationId} ${userId}`, { conversationId, userId, count: ownCount, isChanged: false });
  }
  const repliedById = new Map(replied.map((row) => [row.messageId, row]));
  const known = new Map(earlier.map((row) => [clientKey(row), row]));
  const changed = new Set<ConversationRow>();

  function enter(draft: Draft): BatchResult<Written> {
    const conversation = byId.get(draft.conversationId);
    const own = ownCounts.get(`${draft.conversationId} ${draft.senderId}`);
    const isSystem = draft.type === 'system';
    if (!conversation || (!own && !isSystem) || !isWithin(draft, conversation)) return refuse('chat.conversation_not_found');
    const memberIds = memberIdsOf.get(draft.conversationId) ?? [];
    const before = known.get(clientKey(draft));
    if (before) return { ok: true, value: { row: before, attachments: [], replied: undefined, memberIds, isRepeated: true } };
    if (conversation.closedAt && !isSystem) return refuse('chat.conversation_closed');
    const repliedRow = draft.replyToId === null ? undefined : repliedById.get(draft.replyToId);
    if (draft.replyToId !== null && repliedRow?.conversationId !== draft.conversationId) return refuse('chat.message_not_found');

    conversation.lastSeq += 1;
    conversation.lastMessageId = draft.messageId;
    conversation.lastActivityAt = draft.sentAt;
    if (!isSystem) conversation.messageCount += 1;
    if (own && !isSystem) {
      own.count += 1;
      own.isChanged = true;
    }
    changed.add(conversation);
    const row: MessageRow = {
      messageId: draft.messageId,
      conversationId: draft.conversationId,
      seq: conversation.lastSeq,
      ordinal: conversation.messageCount,
      senderOrdinal: own?.count ?? 0,
      senderId: draft.senderId,
      clientId: draft.clientId,
      type: draft.type,
      keyId: draft.sealed?.keyId ?? null,
      sealed: draft.sealed?.bytes ?? null,
      searchTokens: draft.searchTokens,
      mentions: draft.mentions.filter((userId) => memberIds.includes(userId)),
      replyToId: draft.replyToId,
      callId: draft.callId,
      sentAt: draft.sentAt,
      editedAt: null,
      deletedAt: null,
    };
    known.set(clientKey(draft), row);
    return { ok: true, value: { row, attachments: [], replied: repliedRow, memberIds, isRepeated: false } };
  }

  /** Writes down what has changed. */
  function close(transaction: Transaction): Promise<unknown>[] {
    const rows = [...changed];
    const conversationsWritten = transaction.execute(sql`
      update conversations c
      set last_seq = v.last_seq, message_count = v.message_count, last_message_id = v.last_message_id, last_activity_at = v.last_activity_at
      from unnest(
        ${sql.param(rows.map((row) => row.conversationId))}::uuid[],
        ${sql.param(rows.map((row) => row.lastSeq))}::bigint[],
        ${sql.param(rows.map((row) => row.messageCount))}::bigint[],
        ${sql.param(rows.map((row) => row.lastMessageId))}::uuid[],
        ${sql.param(rows.map((row) => row.lastActivityAt.toISOString()))}::timestamptz[]
      ) as v (conversation_id, last_seq, message_count, last_message_id, last_activity_at)
      where c.conversation_id = v.conversation_id`);
    const senders = [...ownCounts.values()].filter(({ isChanged }) => isChanged);
    if (senders.length === 0) return [conversationsWritten];
    const membersWritten = transaction.execute(sql`
      with locked as (
        -- In one order with whoever else locks members, or two transactions could wait for one another.
        select m.conversation_id, m.user_id, v.own_count
        from conversation_members m
        join unnest(
          ${sql.param(senders.map((sender) => sender.conversationId))}::uuid[],
          ${sql.param(senders.map((sender) => sender.userId))}::text[],
          ${sql.param(senders.map((sender) => sender.count))}::bigint[]
        ) as v (conversation_id, user_id, own_count) using (conversation_id, user_id)
        order by m.conversation_id, m.user_id
        for no key update of m
      )
      update conversation_members m set own_count = l.own_count from locked l
      where m.conversation_id = l.conversation_id and m.user_id = l.user_id`);
    return [conversationsWritten, membersWritten];
  }

  return { enter, close };
}

/** Inserts messages as one JSON document, which takes the server a fraction of what a parameter for each value of each row does. */
function insertMessages(tx: Transaction, rows: readonly MessageRow[]): Promise<unknown> {
  const records = rows.map((row) =>
    Object.fromEntries(Object.entries(getTableColumns(messages)).map(([key, { name }]) => [name, toJson(row[key as keyof MessageRow])])),
  );
  return tx.execute(sql`insert into messages select * from json_populate_recordset(null::messages, ${JSON.stringify(records)}::json)`);
}

/** A value as PostgreSQL reads it out of JSON: bytes as hex, integers beyond JavaScript's as text. */
function toJson(value: MessageRow[keyof MessageRow]): unknown {
  if (value instanceof Buffer) return `\\x${value.toString('hex')}`;
  return Array.isArray(value) ? value.map(String) : value;
}

/** Messages that are there already under the client ids of a batch. */
function findEarlier(tx: Transaction, drafts: readonly Draft[]): Promise<MessageRow[]> {
  const wanted = sql`select * from unnest(
    ${sql.param(drafts.map((draft) => draft.conversationId))}::uuid[],
    ${sql.param(drafts.map((draft) => draft.senderId))}::text[],
    ${sql.param(drafts.map((draft) => draft.clientId))}::text[])`;
  return tx.select().from(messages).where(sql`(${messages.conversationId}, ${messages.senderId}, ${messages.clientId}) in (${wanted})`);
}

const clientKey = (of: { conversationId: string; senderId: string; clientId: string }) =>
  JSON.stringify([of.conversationId, of.senderId, of.clientId]);

function refuse(code: 'chat.conversation_not_found' | 'chat.conversation_closed' | 'chat.message_not_found'): BatchResult<never> {
  return { ok: false, error: new AppError(code) };
}
