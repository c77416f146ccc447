import { assertWholeToken } from '../auth/access.ts';
import { type Actor, audit } from '../db/audit-log.ts';
import { decodeCursor, encodeCursor } from '../db/cursor.ts';
import type { Database } from '../db/database.ts';
import type { Notifier } from '../notifier.ts';
import { AppError } from '../protocol/errors.ts';
import type {
  CreateNotificationBody,
  ListNotificationsPayload,
  Notification,
  NotificationPriority,
  OwnNotificationType,
} from '../protocol/notification.ts';
import type { NotificationContent, NotificationSeal } from './notification-seal.ts';
import * as store from './notification-store.ts';
import { type NotificationWriter, toNotification } from './notification-writer.ts';
import { type Texts, textsFor } from './texts.ts';

/** Topics that one user may be subscribed to. */
const maxTopics = 200;
const dayMs = 24 * 60 * 60_000;
/** How long notifications are kept, and how many of one user. */
const keptMs = 90 * dayMs;
const keptOfUser = 1_000;
/** Notifications that are sealed anew in one transaction. */
const resealBatch = 200;

/** Who asks; with a token for one room there are no notifications. */
export interface Notified extends Actor {
  readonly onlyRoomId?: string | undefined;
}

export type NotificationService = ReturnType<typeof createNotificationService>;

/** Rules of notifications: making, listing, reading, topics. */
export function createNotificationService(parts: { db: Database; notifier: Notifier; seal: NotificationSeal; writer: NotificationWriter }) {
  const { db, notifier, seal, writer } = parts;

  /** Tells all devices of a user that one notification, or all of them (null), were read. */
  async function tellRead(userId: string, notificationId: string | null, readAt: Date): Promise<void> {
    const unreadCount = (await store.countUnread(db.sql, [userId])).get(userId) ?? 0;
    notifier.notify({ to: { userIds: [userId] } }, 'notification:read', { notificationId, readAt: readAt.toISOString(), unreadCount });
  }

  async function changeTopics(actor: Notified, change: typeof store.addTopics, topics: readonly string[]) {
    assertWholeToken(actor);
    return await db.transaction(async (tx) => {
      await change(tx, actor.userId, topics);
      const all = await store.listTopics(tx, actor.userId);
      if (all.length > maxTopics) {
        throw new AppError('protocol.invalid_payload', {
          message: `One may be subscribed to ${maxTopics} topics.`,
          details: { field: 'topics' },
        });
      }
      return { topics: all };
    });
  }

  return {
    /**
     * Makes a notification for each of some users, in their language. With a `dedupeKey` a user has one under that key; asking again changes
     * nothing. Answers the ids of those that were made.
     */
    async create(options: {
      userIds: readonly string[];
      type: OwnNotificationType;
      priority: NotificationPriority;
      dedupeKey?: string;
      content: (texts: Texts) => NotificationContent;
    }): Promise<string[]> {
      const { userIds, type, priority, dedupeKey, content } = options;
      const recipients = await store.findRecipients(db.sql, userIds);
      const drafts = [...recipients.values()].map(({ userId, locale }) => ({
        userId,
        type,
        priority,
        ...(dedupeKey !== undefined && { dedupe: { key: dedupeKey } }),
        content: content(textsFor(locale)),
      }));
      const written = await db.transaction((tx) => writer.write(tx, drafts));
      await writer.tell(written);
      return written.map(({ row }) => row.notificationId);
    },

    /** The host application's word to some users or to whoever is subscribed to a topic. Errors: `auth.forbidden` but for services and admins. */
    async post(actor: Notified, body: CreateNotificationBody): Promise<{ notificationIds: string[] }> {
      assertWholeToken(actor);
      if (actor.role !== 'service' && actor.role !== 'admin') throw new AppError('auth.forbidden');
      const { userIds, topic, type, priority, title, body: text = null, data = {} } = body;
      const written = await db.transaction(async (tx) => {
        const addressees = userIds ?? (topic === undefined ? [] : await store.listSubscribers(tx, topic));
        const drafts = [...new Set(addressees)].map((userId) => ({ userId, type, priority, topic, content: { title, body: text, data } }));
        await audit(tx, {
          actor,
          action: 'notification.created',
          details: { type, count: drafts.length, ...(topic !== undefined && { topic }) },
        });
        return await writer.write(tx, drafts);
      });
      await writer.tell(written);
      return { notificationIds: written.map(({ row }) => row.notificationId) };
    },

    /** One's notifications, newest first. Errors: `auth.forbidden`, `protocol.invalid_payload` for a made-up cursor. */
    async list(actor: Notified, { unreadOnly, limit, cursor }: ListNotificationsPayload) {
      assertWholeToken(actor);
      const before = cursor === undefined ? undefined : decodeCursor(cursor);
      const rows = await store.listNotifications(db.sql, { userId: actor.userId, unreadOnly, before, limit: limit + 1 });
      const page = rows.slice(0, limit);
      const last = rows.length > limit ? page.at(-1) : undefined;
      return {
        notifications: page.map((row) => toNotification(row, seal.tryOpen(row))),
        cursor: last ? encodeCursor({ at: last.createdAt, id: last.notificationId }) : null,
      };
    },

    /** Marks one as read, on all devices; a second time changes nothing. Errors: `auth.forbidden`, `notification.not_found`, also for strangers. */
    async read(actor: Notified, notificationId: string): Promise<Notification> {
      assertWholeToken(actor);
      const readAt = new Date();
      const changed = await store.markRead(db.sql, actor.userId, notificationId, readAt);
      const row = changed ?? (await store.findNotificationOf(db.sql, actor.userId, notificationId));
      if (!row) throw new AppError('notification.not_found');
      if (changed) await tellRead(actor.userId, notificationId, readAt);
      return toNotification(row, seal.tryOpen(row));
    },

    /** Marks all as read, on all devices; answers how many were not. Errors: `auth.forbidden`. */
    async readAll(actor: Notified): Promise<{ count: number }> {
      assertWholeToken(actor);
      const readAt = new Date();
      const count = await store.markAllRead(db.sql, actor.userId, readAt);
      if (count > 0) await tellRead(actor.userId, null, readAt);
      return { count };
    },

    /** Marks as read what stands under some users' deduplicating keys: they have seen on their own what it tells of. */
    async readByKeys(keys: readonly { userId: string; dedupeKey: string }[]): Promise<void> {
      const readAt = new Date();
      const read = await store.markReadByKeys(db.sql, keys, readAt);
      for (const { userId, notificationId } of read) await tellRead(userId, notificationId, readAt);
    },

    /** Errors: `auth.forbidden`. */
    async unreadCount(actor: Notified): Promise<{ count: number }> {
      assertWholeToken(actor);
      return { count: (await store.countUnread(db.sql, [actor.userId])).get(actor.userId) ?? 0 };
    },

    /** Subscribes to topics; answers all that one is subscribed to. Errors: `auth.forbidden`, `protocol.invalid_payload` when they become too many. */
    subscribe: (actor: Notified, topics: readonly string[]) => changeTopics(actor, store.addTopics, topics),
    unsubscribe: (actor: Notified, topics: readonly string[]) => changeTopics(actor, store.removeTopics, topics),

    /** Removes notifications older than 90 days, and of each user all beyond 1,000; answers how many. */
    removeOld: () => store.removeOld(db.sql, { before: new Date(Date.now() - keptMs), keep: keptOfUser }),

    /** Seals anew whatever one of some former keys has sealed; what can't be opened is left as it is. */
    async reseal(formerKeyIds: readonly string[]): Promise<number> {
      let total = 0;
      for (let after: string | undefined, rows = resealBatch; rows === resealBatch; ) {
        const page = await db.transaction(async (tx) => {
          const sealed = await store.listSealedBy(tx, formerKeyIds, after, resealBatch);
          for (const row of sealed) {
            const content = seal.tryOpen(row);
            if (content) await store.resealNotification(tx, row.notificationId, seal.seal(row.notificationId, content));
          }
          return sealed;
        });
        after = page.at(-1)?.notificationId;
        rows = page.length;
        total += rows;
      }
      return total;
    },
  };
}
