import { and, count, desc, eq, gt, inArray, isNull, lt, or, type SQL, sql } from 'drizzle-orm';
import type { Sql, Transaction } from '../db/database.ts';
import {
  conversationMembers,
  messages,
  notificationSettings,
  notifications,
  notificationTopics,
  type pushSubscriptions,
  users,
} from '../db/tables.ts';
import type { NotificationSettings } from '../protocol/notification.ts';
import type { Sealed } from '../storage/key-ring.ts';

type Db = Sql | Transaction;
export type NotificationRow = typeof notifications.$inferSelect;
export type PushSubscriptionRow = typeof pushSubscriptions.$inferSelect;

/** Rows that go into one statement; PostgreSQL takes 65,535 values. */
const batch = 1_000;

/** Keys of notifications of which there is one only as long as it is unread begin so. */
export const untilReadPrefix = 'unread:';

/** What remains of a deduplicating key when its notification is read. */
const keyAfterReading = sql`case when starts_with(${notifications.dedupeKey}, ${untilReadPrefix}) then null else ${notifications.dedupeKey} end`;

/** Inserts what is not there under its deduplicating key; answers the ids of what it inserted. */
export async function insertNotifications(tx: Transaction, rows: readonly (typeof notifications.$inferInsert)[]): Promise<Set<string>> {
  const inserted = new Set<string>();
  for (let from = 0; from < rows.length; from += batch) {
    const some = rows.slice(from, from + batch);
    const ids = await tx
      .insert(notifications)
      .values([...some])
      .onConflictDoNothing()
      .returning({ notificationId: notifications.notificationId });
    for (const { notificationId } of ids) inserted.add(notificationId);
  }
  return inserted;
}

/** A user's notification under a deduplicating key, locked for a change. */
export async function lockByDedupeKey(tx: Transaction, userId: string, dedupeKey: string): Promise<NotificationRow | undefined> {
  const [row] = await tx
    .select()
    .from(notifications)
    .where(and(eq(notifications.userId, userId), eq(notifications.dedupeKey, dedupeKey)))
    .for('update');
  return row;
}

/** Gives a notification another content, as if it were new. */
export async function renewNotification(tx: Transaction, notificationId: string, { keyId, bytes }: Sealed, createdAt: Date): Promise<void> {
  await tx.update(notifications).set({ keyId, sealed: bytes, createdAt }).where(eq(notifications.notificationId, notificationId));
}

/** Notifications by id, in no order. */
export function findNotifications(db: Db, notificationIds: readonly string[]): Promise<NotificationRow[]> {
  return db
    .select()
    .from(notifications)
    .where(inArray(notifications.notificationId, [...notificationIds]));
}

/** A user's notifications, newest first. */
export function listNotifications(
  db: Db,
  options: { userId: string; unreadOnly: boolean; before: { at: Date; id: string } | undefined; limit: number },
): Promise<NotificationRow[]> {
  const { userId, unreadOnly, before, limit } = options;
  const isBefore =
    before &&
    or(lt(notifications.createdAt, before.at), and(eq(notifications.createdAt, before.at), lt(notifications.notificationId, before.id)));
  return db
    .select()
    .from(notifications)
    .where(and(eq(notifications.userId, userId), unreadOnly ? isNull(notifications.readAt) : undefined, isBefore))
    .orderBy(desc(notifications.createdAt), desc(notifications.notificationId))
    .limit(limit);
}

/** One notification of a user's. */
export async function findNotificationOf(db: Db, userId: string, notificationId: string): Promise<NotificationRow | undefined> {
  const [row] = await db
    .select()
    .from(notifications)
    .where(and(eq(notifications.userId, userId), eq(notifications.notificationId, notificationId)));
  return row;
}

/** Marks one of a user's notifications as read; undefined when there is none that is unread. */
export async function markRead(db: Db, userId: string, notificationId: string, readAt: Date): Promise<NotificationRow | undefined> {
  const [row] = await db
    .update(notifications)
    .set({ readAt, dedupeKey: keyAfterReading })
    .where(and(eq(notifications.userId, userId), eq(notifications.notificationId, notificationId), isNull(notifications.readAt)))
    .returning();
  return row;
}

/** Marks all of a user's notifications as read; answers how many were not. */
export async function markAllRead(db: Db, userId: string, readAt: Date): Promise<number> {
  const unread = sql`n.user_id = ${userId} and n.read_at is null`;
  return (await markReadWhere(db, sql`notifications n where ${unread}`, readAt)).length;
}

/** Marks as read what stands under some users' deduplicating keys. */
export function markReadByKeys(
  db: Db,
  keys: readonly { userId: string; dedupeKey: string }[],
  readAt: Date,
): Promise<{ userId: string; notificationId: string }[]> {
  const [userIds, dedupeKeys] = [keys.map(({ userId }) => userId), keys.map(({ dedupeKey }) => dedupeKey)];
  const given = sql`unnest(${sql.param(userIds)}::text[], ${sql.param(dedupeKeys)}::text[]) as k (user_id, dedupe_key)`;
  return markReadWhere(db, sql`notifications n join ${given} using (user_id, dedupe_key) where n.read_at is null`, readAt);
}

async function markReadWhere(db: Db, fromWhere: SQL, readAt: Date): Promise<{ userId: string; notificationId: string }[]> {
  const { rows } = await db.execute<{ user_id: string; notification_id: string }>(sql`
    with locked as (
      select n.notification_id from ${fromWhere}
      -- In the order in which they are written, or two transactions could wait for one another.
      order by n.user_id collate "C", n.dedupe_key collate "C"
      for update of n
    )
    update notifications m set read_at = ${readAt.toISOString()}::timestamptz,
      dedupe_key = case when starts_with(m.dedupe_key, ${untilReadPrefix}) then null else m.dedupe_key end
    from locked where m.notification_id = locked.notification_id
    returning m.user_id, m.notification_id`);
  return rows.map((row) => ({ userId: row.user_id, notificationId: row.notification_id }));
}

/** How many notifications some users have not read. */
export async function countUnread(db: Db, userIds: readonly string[]): Promise<Map<string, number>> {
  const rows = await db
    .select({ userId: notifications.userId, unread: count() })
    .from(notifications)
    .where(and(sql`${notifications.userId} = any (${sql.param(userIds)}::text[])`, isNull(notifications.readAt)))
    .groupBy(notifications.userId);
  return new Map(rows.map(({ userId, unread }) => [userId, unread]));
}

/** Removes what is older, and of each user's what is beyond `keep`: what was read first, the oldest first. Answers how many. */
export async function removeOld(db: Db, { before, keep }: { before: Date; keep: number }): Promise<number> {
  const old = await db.delete(notifications).where(lt(notifications.createdAt, before));
  const beyond = await db.execute(sql`
    delete from notifications where notification_id in (
      select notification_id from (
        select notification_id, row_number() over (partition by user_id order by (read_at is null) desc, created_at desc) as place
        from notifications where user_id in (select user_id from notifications group by user_id having count(*) > ${keep})
      ) ranked where place > ${keep})`);
  return (old.rowCount ?? 0) + (beyond.rowCount ?? 0);
}

/** Notifications that are sealed by one of some keys, locked for a change; those after an id, in its order. */
export function listSealedBy(tx: Transaction, keyIds: readonly string[], after: string | undefined, limit: number) {
  return tx
    .select()
    .from(notifications)
    .where(and(inArray(notifications.keyId, [...keyIds]), after === undefined ? undefined : gt(notifications.notificationId, after)))
    .orderBy(notifications.notificationId)
    .limit(limit)
    .for('update');
}

/** Replaces a notification's seal by one of another key. */
export async function resealNotification(tx: Transaction, notificationId: string, { keyId, bytes }: Sealed): Promise<void> {
  await tx.update(notifications).set({ keyId, sealed: bytes }).where(eq(notifications.notificationId, notificationId));
}

/** The topics that a user is subscribed to, in alphabetical order. */
export async function listTopics(db: Db, userId: string): Promise<string[]> {
  const rows = await db
    .select({ topic: notificationTopics.topic })
    .from(notificationTopics)
    .where(eq(notificationTopics.userId, userId))
    .orderBy(notificationTopics.topic);
  return rows.map(({ topic }) => topic);
}

export async function addTopics(tx: Transaction, userId: string, topics: readonly string[]): Promise<void> {
  await tx
    .insert(notificationTopics)
    .values(topics.map((topic) => ({ topic, userId })))
    .onConflictDoNothing();
}

export async function removeTopics(tx: Transaction, userId: string, topics: readonly string[]): Promise<void> {
  await tx.delete(notificationTopics).where(and(eq(notificationTopics.userId, userId), inArray(notificationTopics.topic, [...topics])));
}

/** Who is subscribed to a topic. */
export async function listSubscribers(db: Db, topic: string): Promise<string[]> {
  const rows = await db
    .select({ userId: notificationTopics.userId })
    .from(notificationTopics)
    .where(eq(notificationTopics.topic, topic))
    .orderBy(notificationTopics.userId);
  return rows.map(({ userId }) => userId);
}

/** Who is to be told, and how they want it. */
export interface Recipient {
  readonly userId: string;
  readonly displayName: string;
  readonly locale: string;
  readonly isSuspended: boolean;
  /** The address in the settings, else the token's. */
  readonly mailAddress: string | null;
  readonly settings: NotificationSettings;
}

/** What somebody has who has set nothing. */
export const defaultSettings: NotificationSettings = { push: true, email: true, emailAddress: null, showContent: false, quietHours: null };

/** What is known of some users; those who never were here have the defaults. */
export async function findRecipients(db: Db, userIds: readonly string[]): Promise<Map<string, Recipient>> {
  const [known, chosen] = await Promise.all([
    db
      .select()
      .from(users)
      .where(sql`${users.userId} = any (${sql.param(userIds)}::text[])`),
    db
      .select()
      .from(notificationSettings)
      .where(sql`${notificationSettings.userId} = any (${sql.param(userIds)}::text[])`),
  ]);
  const userOf = new Map(known.map((row) => [row.userId, row]));
  const settingsOf = new Map(chosen.map((row) => [row.userId, toSettings(row)]));
  return new Map(
    userIds.map((userId) => {
      const user = userOf.get(userId);
      const settings = settingsOf.get(userId) ?? defaultSettings;
      return [
        userId,
        {
          userId,
          displayName: user?.chosenName ?? user?.tokenName ?? userId,
          locale: user?.locale ?? 'en',
          isSuspended: user?.suspendedAt != null,
          mailAddress: settings.emailAddress ?? user?.tokenEmail ?? null,
          settings,
        },
      ];
    }),
  );
}

/** What a user has set, locked for a change. */
export async function lockSettings(tx: Transaction, userId: string): Promise<NotificationSettings> {
  await tx.insert(notificationSettings).values({ userId }).onConflictDoNothing();
  const [row] = await tx.select().from(notificationSettings).where(eq(notificationSettings.userId, userId)).for('update');
  if (!row) throw new Error('settings were not kept');
  return toSettings(row);
}

export async function putSettings(tx: Transaction, userId: string, settings: NotificationSettings): Promise<void> {
  const { quietHours, ...rest } = settings;
  const row = {
    ...rest,
    quietFrom: quietHours?.from ?? null,
    quietTo: quietHours?.to ?? null,
    quietTimeZone: quietHours?.timeZone ?? null,
  };
  await tx.update(notificationSettings).set(row).where(eq(notificationSettings.userId, userId));
}

function toSettings(row: typeof notificationSettings.$inferSelect): NotificationSettings {
  const { push, email, emailAddress, showContent, quietFrom, quietTo, quietTimeZone } = row;
  const quietHours =
    quietFrom === null || quietTo === null || quietTimeZone === null ? null : { from: quietFrom, to: quietTo, timeZone: quietTimeZone };
  return { push, email, emailAddress, showContent, quietHours };
}

/** Of some members of conversations, each with a message, those who want to hear of it: they have not muted the conversation, nor read so far. */
export async function findConcerned(
  db: Db,
  members: readonly { conversationId: string; userId: string; messageId: string }[],
  now: Date,
): Promise<{ conversationId: string; userId: string }[]> {
  const { rows } = await db.execute<{ conversation_id: string; user_id: string }>(sql`
    select m.conversation_id, m.user_id
    from unnest(
      ${sql.param(members.map((one) => one.conversationId))}::uuid[],
      ${sql.param(members.map((one) => one.userId))}::text[],
      ${sql.param(members.map((one) => one.messageId))}::uuid[]
    ) as w (conversation_id, user_id, message_id)
    join ${conversationMembers} m using (conversation_id, user_id)
    join ${messages} x on x.message_id = w.message_id
    where x.seq > m.read_seq and (m.muted_until is null or m.muted_until <= ${now.toISOString()}::timestamptz)`);
  return rows.map((row) => ({ conversationId: row.conversation_id, userId: row.user_id }));
}
