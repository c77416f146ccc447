import { v7 as uuidv7 } from 'uuid';
import type { Database, Transaction } from '../db/database.ts';
import { addJobIn } from '../jobs/job-queue.ts';
import type { Notifier } from '../notifier.ts';
import type { Notification, NotificationPriority } from '../protocol/notification.ts';
import type { NotificationContent, NotificationSeal } from './notification-seal.ts';
import * as store from './notification-store.ts';

/** Notifications whose delivery one job plans. */
const deliverBatch = 200;

/** A notification to be made. */
export interface Draft {
  readonly userId: string;
  readonly type: string;
  readonly priority: NotificationPriority;
  readonly topic?: string | undefined;
  readonly dedupe?: {
    /** Of several with one key a user has one only; with `untilReadPrefix`, one that is unread. */
    readonly key: string;
    /** What it says instead when there is one already; undefined: it stays as it is, and nobody is told. */
    readonly merge?: (previous: NotificationContent | undefined) => NotificationContent;
  };
  readonly content: NotificationContent;
}

/** A notification that was made, or made anew. */
export interface Written {
  readonly row: store.NotificationRow;
  readonly content: NotificationContent;
  readonly isNew: boolean;
}

/** A notification as its user sees it. */
export function toNotification(
  row: Omit<store.NotificationRow, 'keyId' | 'sealed'>,
  content: NotificationContent | undefined,
): Notification {
  const { notificationId, type, priority, topic, createdAt, readAt } = row;
  return {
    notificationId,
    type,
    priority,
    // One that can't be opened is shown without words, so that it does not take its neighbours with it.
    title: content?.title ?? '',
    body: content?.body ?? null,
    data: content?.data ?? {},
    topic,
    createdAt: createdAt.toISOString(),
    readAt: readAt?.toISOString() ?? null,
  };
}

export type NotificationWriter = ReturnType<typeof createNotificationWriter>;

/** Writes notifications down together with the jobs that deliver them, and tells their users. */
export function createNotificationWriter({ db, notifier, seal }: { db: Database; notifier: Notifier; seal: NotificationSeal }) {
  /** Writes what stands already under its key; what was read meanwhile is written as new. */
  async function renew(tx: Transaction, { draft, row }: { draft: Draft; row: store.NotificationRow }): Promise<Written | undefined> {
    const { dedupe } = draft;
    if (!dedupe?.merge) return undefined;
    const standing = await store.lockByDedupeKey(tx, draft.userId, dedupe.key);
    if (!standing) {
      const inserted = await store.insertNotifications(tx, [row]);
      return inserted.size > 0 ? { row, content: draft.content, isNew: true } : undefined;
    }
    const content = dedupe.merge(seal.tryOpen(standing));
    const { createdAt } = row;
    await store.renewNotification(tx, standing.notificationId, seal.seal(standing.notificationId, content), createdAt);
    return { row: { ...standing, createdAt }, content, isNew: false };
  }

  return {
    /** Writes inside a transaction; after its commit `tell` what this answers. */
    async write(tx: Transaction, drafts: readonly Draft[]): Promise<Written[]> {
      const createdAt = new Date();
      const entries = drafts
        // In one order, or two transactions could wait for one another.
        .toSorted((a, b) => compare(a.userId, b.userId) || compare(a.dedupe?.key ?? '', b.dedupe?.key ?? ''))
        .map((draft) => {
          const notificationId = uuidv7();
          const { keyId, bytes } = seal.seal(notificationId, draft.content);
          const { userId, type, priority, topic = null } = draft;
          const dedupeKey = draft.dedupe?.key ?? null;
          return {
            draft,
            row: { notificationId, userId, type, priority, topic, keyId, sealed: bytes, dedupeKey, createdAt, readAt: null },
          };
        });
      const inserted = await store.insertNotifications(
        tx,
        entries.map(({ row }) => row),
      );
      const written: Written[] = [];
      for (const entry of entries) {
        const { row, draft } = entry;
        const one = inserted.has(row.notificationId) ? { row, content: draft.content, isNew: true } : await renew(tx, entry);
        if (one) written.push(one);
      }
      for (const isUpdate of [false, true]) {
        const ids = written.filter(({ isNew }) => isNew !== isUpdate).map(({ row }) => row.notificationId);
        for (let from = 0; from < ids.length; from += deliverBatch) {
          await addJobIn(tx, 'notifications:deliver', { notificationIds: ids.slice(from, from + deliverBatch), isUpdate });
        }
      }
      return written;
    },

    /** Tells users of notifications that were committed. */
    async tell(written: readonly Written[]): Promise<void> {
      if (written.length === 0) return;
      const unread = await store.countUnread(db.sql, [...new Set(written.map(({ row }) => row.userId))]);
      for (const { row, content } of written) {
        notifier.notify({ to: { userIds: [row.userId] } }, 'notification:new', {
          notification: toNotification(row, content),
          unreadCount: unread.get(row.userId) ?? 0,
        });
      }
    },
  };
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
