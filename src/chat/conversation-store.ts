import { and, desc, eq, inArray, isNotNull, isNull, lt, or, type SQL, sql } from 'drizzle-orm';
import type { Sql, Transaction } from '../db/database.ts';
import { appointmentParticipants, conversationMembers, conversations, users } from '../db/tables.ts';
import type { ConversationStatus, ConversationType, MemberRole } from '../protocol/chat.ts';
import { AppError } from '../protocol/errors.ts';

export type ConversationRow = typeof conversations.$inferSelect;
export type MemberRow = typeof conversationMembers.$inferSelect;
/** A conversation beside one user's membership of it. */
export interface Membership {
  readonly conversation: ConversationRow;
  readonly member: MemberRow;
}
/** A member with what others see of them. */
export interface MemberView extends MemberRow {
  readonly displayName: string;
  readonly showsReading: boolean;
}
type Db = Sql | Transaction;

/** Inserts a conversation; undefined when one with that direct key is there already. */
export async function insertConversation(tx: Transaction, row: typeof conversations.$inferInsert): Promise<ConversationRow | undefined> {
  const [inserted] = await tx.insert(conversations).values(row).onConflictDoNothing().returning();
  return inserted;
}

/** A direct conversation by its key. */
export async function findByDirectKey(db: Db, directKey: string): Promise<ConversationRow | undefined> {
  const [row] = await db.select().from(conversations).where(eq(conversations.directKey, directKey));
  return row;
}

/** One conversation, or undefined. */
export async function findConversation(db: Db, conversationId: string): Promise<ConversationRow | undefined> {
  const [row] = await db.select().from(conversations).where(eq(conversations.conversationId, conversationId));
  return row;
}

/** The conversation of a room. */
export async function findByRoom(db: Db, roomId: string): Promise<ConversationRow | undefined> {
  const [row] = await db.select().from(conversations).where(eq(conversations.roomId, roomId));
  return row;
}

/** A user's membership of a conversation, or undefined for strangers. */
export async function findMembership(db: Db, conversationId: string, userId: string): Promise<Membership | undefined> {
  const [row] = await db
    .select({ conversation: conversations, member: conversationMembers })
    .from(conversationMembers)
    .innerJoin(conversations, eq(conversations.conversationId, conversationMembers.conversationId))
    .where(and(eq(conversationMembers.conversationId, conversationId), eq(conversationMembers.userId, userId)));
  return row;
}

/** A conversation as it looks to somebody who reads it without being a member: with nothing unread. */
export async function visitOf(db: Db, conversationId: string, userId: string): Promise<Membership> {
  const conversation = await findConversation(db, conversationId);
  if (!conversation) throw new AppError('chat.conversation_not_found');
  const { lastSeq, messageCount, createdAt } = conversation;
  const member: MemberRow = {
    conversationId,
    userId,
    role: 'member',
    joinedAt: createdAt,
    archivedAt: null,
    mutedUntil: null,
    deliveredSeq: lastSeq,
    readSeq: lastSeq,
    readCount: messageCount,
    ownCount: 0,
    readOwnCount: 0,
  };
  return { conversation, member };
}

/** All memberships of a conversation, or those of some users. */
export function listMembershipsOf(db: Db, conversationId: string, userIds?: readonly string[]): Promise<Membership[]> {
  return db
    .select({ conversation: conversations, member: conversationMembers })
    .from(conversationMembers)
    .innerJoin(conversations, eq(conversations.conversationId, conversationMembers.conversationId))
    .where(and(eq(conversationMembers.conversationId, conversationId), userIds && inArray(conversationMembers.userId, [...userIds])));
}

/** Locks a conversation, so that its members and its end change one after another. */
export async function lockConversation(tx: Transaction, conversationId: string): Promise<ConversationRow | undefined> {
  const [row] = await tx.select().from(conversations).where(eq(conversations.conversationId, conversationId)).for('no key update');
  return row;
}

/** A page of a user's conversations, the one that was active last first. */
export function listMemberships(
  db: Db,
  options: {
    userId: string;
    status?: ConversationStatus | undefined;
    type?: ConversationType | undefined;
    before?: { at: Date; conversationId: string } | undefined;
    limit: number;
  },
): Promise<Membership[]> {
  const { userId, status, type, before, limit } = options;
  const byStatus: Record<ConversationStatus, SQL | undefined> = {
    active: and(isNull(conversationMembers.archivedAt), isNull(conversations.closedAt)),
    archived: and(isNotNull(conversationMembers.archivedAt), isNull(conversations.closedAt)),
    closed: isNotNull(conversations.closedAt),
  };
  return db
    .select({ conversation: conversations, member: conversationMembers })
    .from(conversationMembers)
    .innerJoin(conversations, eq(conversations.conversationId, conversationMembers.conversationId))
    .where(
      and(
        eq(conversationMembers.userId, userId),
        status && byStatus[status],
        type && eq(conversations.type, type),
        before &&
          or(
            lt(conversations.lastActivityAt, before.at),
            and(eq(conversations.lastActivityAt, before.at), lt(conversations.conversationId, before.conversationId)),
          ),
      ),
    )
    .orderBy(desc(conversations.lastActivityAt), desc(conversations.conversationId))
    .limit(limit);
}

/** Ids of all conversations that a user is in. */
export async function listConversationIds(db: Db, userId: string): Promise<string[]> {
  const rows = await db
    .select({ conversationId: conversationMembers.conversationId })
    .from(conversationMembers)
    .where(eq(conversationMembers.userId, userId));
  return rows.map(({ conversationId }) => conversationId);
}

/** The members of some conversations, the earliest first. */
export async function listMembers(db: Db, conversationIds: readonly string[]): Promise<MemberView[]> {
  if (conversationIds.length === 0) return [];
  const rows = await db
    .select({
      member: conversationMembers,
      displayName: sql<string>`coalesce(${users.chosenName}, ${users.tokenName}, ${conversationMembers.userId})`,
      showsReading: sql<boolean>`coalesce((${users.privacy} ->> 'showReadReceipts')::boolean, true)`,
    })
    .from(conversationMembers)
    .leftJoin(users, eq(users.userId, conversationMembers.userId))
    .where(inArray(conversationMembers.conversationId, [...conversationIds]))
    .orderBy(conversationMembers.joinedAt, conversationMembers.userId);
  return rows.map(({ member, ...view }) => ({ ...member, ...view }));
}

/**
 * Adds members who are not there yet, with everything before them counted as read; answers who is new. Messages they sent in an earlier
 * membership count as their own again.
 */
export async function insertMembers(
  tx: Transaction,
  conversationId: string,
  members: readonly { userId: string; role: MemberRole }[],
): Promise<string[]> {
  if (members.length === 0) return [];
  const own = (userId: string) =>
    sql`coalesce((select sender_ordinal from messages m where m.conversation_id = ${conversationId} and m.sender_id = ${userId} order by m.seq desc limit 1), 0)`;
  const ofConversation = (column: 'last_seq' | 'message_count') =>
    sql`(select ${sql.identifier(column)} from ${conversations} c where c.conversation_id = ${conversationId})`;
  const rows = await tx
    .insert(conversationMembers)
    .values(
      members.map(({ userId, role }) => ({
        conversationId,
        userId,
        role,
        deliveredSeq: ofConversation('last_seq'),
        readSeq: ofConversation('last_seq'),
        readCount: ofConversation('message_count'),
        ownCount: own(userId),
        readOwnCount: own(userId),
      })),
    )
    .onConflictDoNothing()
    .returning({ userId: conversationMembers.userId });
  return rows.map(({ userId }) => userId);
}

/** Changes one member's role, or what the conversation is to them. */
export async function updateMember(
  db: Db,
  conversationId: string,
  userId: string,
  changes: Partial<Pick<MemberRow, 'role' | 'archivedAt' | 'mutedUntil'>>,
): Promise<void> {
  await db
    .update(conversationMembers)
    .set(changes)
    .where(and(eq(conversationMembers.conversationId, conversationId), eq(conversationMembers.userId, userId)));
}

/** Locks some members in the order in which everybody does who locks several. */
export async function lockMembers(tx: Transaction, conversationId: string, userIds: readonly string[]): Promise<void> {
  await tx
    .select({ userId: conversationMembers.userId })
    .from(conversationMembers)
    .where(and(eq(conversationMembers.conversationId, conversationId), inArray(conversationMembers.userId, [...userIds])))
    .orderBy(conversationMembers.conversationId, conversationMembers.userId)
    .for('no key update');
}

/** Takes a member out. */
export async function deleteMember(tx: Transaction, conversationId: string, userId: string): Promise<void> {
  await tx
    .delete(conversationMembers)
    .where(and(eq(conversationMembers.conversationId, conversationId), eq(conversationMembers.userId, userId)));
}

/** Changes the conversation itself. */
export async function updateConversation(
  tx: Transaction,
  conversationId: string,
  changes: Partial<Pick<ConversationRow, 'name' | 'avatarId' | 'closedAt'>>,
): Promise<void> {
  await tx.update(conversations).set(changes).where(eq(conversations.conversationId, conversationId));
}

/** What is unread in a membership; the same work however long the conversation is. */
export const unreadCount = sql<number>`greatest(0,
  (${conversations.messageCount} - ${conversationMembers.readCount}) - (${conversationMembers.ownCount} - ${conversationMembers.readOwnCount}))`;

/** One user's conversations in numbers. */
export async function countConversations(db: Db, userId: string) {
  const [row] = await db
    .select({
      total: sql<number>`count(*)::int`,
      direct: sql<number>`(count(*) filter (where ${conversations.type} = 'direct'))::int`,
      group: sql<number>`(count(*) filter (where ${conversations.type} = 'group'))::int`,
      archived: sql<number>`(count(*) filter (where ${conversationMembers.archivedAt} is not null))::int`,
      unreadConversations: sql<number>`(count(*) filter (where ${unreadCount} > 0))::int`,
      unreadMessages: sql<number>`coalesce(sum(${unreadCount}), 0)::int`,
    })
    .from(conversationMembers)
    .innerJoin(conversations, eq(conversations.conversationId, conversationMembers.conversationId))
    .where(eq(conversationMembers.userId, userId));
  return row ?? { total: 0, direct: 0, group: 0, archived: 0, unreadConversations: 0, unreadMessages: 0 };
}

/** Whether a user takes part in an appointment. */
export async function isInAppointment(db: Db, appointmentId: string, userId: string): Promise<boolean> {
  const rows = await db
    .select({ userId: appointmentParticipants.userId })
    .from(appointmentParticipants)
    .where(and(eq(appointmentParticipants.appointmentId, appointmentId), eq(appointmentParticipants.userId, userId)));
  return rows.length > 0;
}
