import type { Database } from '../db/database.ts';
import { addJobIn, type JobHandlers, type JobMap } from '../jobs/job-queue.ts';
import type { Logger } from '../log.ts';
import type { PushMessage } from '../protocol/notification.ts';
import { expiryOf, planDelivery, quietEndFor } from './delivery-plan.ts';
import { composeMail, type Mailer } from './email.ts';
import type { NotificationContent, NotificationSeal } from './notification-seal.ts';
import * as store from './notification-store.ts';
import { deleteGone, findSubscription, listSubscriptions } from './push-store.ts';
import { textsFor } from './texts.ts';
import type { WebPush } from './web-push.ts';

/** How much of a message is shown outside the page. */
const maxExcerptCharacters = 200;

/** A notification on its way out of the page. */
interface Parcel {
  readonly row: store.NotificationRow;
  readonly content: NotificationContent;
  readonly recipient: store.Recipient;
}

const pushKey = ({ notificationId, subscriptionId }: JobMap['notifications:push']) => `push:${notificationId}:${subscriptionId}`;
const mailKey = ({ notificationId }: JobMap['notifications:email']) => `email:${notificationId}`;

export type DeliveryJobs = Pick<JobHandlers, 'notifications:deliver' | 'notifications:push' | 'notifications:email'>;

/**
 * Tells users outside the page: one job a notification and channel, tried again until it is done, the notification is read, or it is too late. What
 * quiet hours hold back is looked at anew at their end.
 */
export function createDeliveryJobs(parts: {
  db: Database;
  log: Logger;
  seal: NotificationSeal;
  webPush: WebPush;
  /** undefined: no e-mail is sent. */
  mailer: Mailer | undefined;
  /** What a message says. */
  textOfMessage: (messageId: string) => Promise<string | undefined>;
  /** Where browsers reach the server. */
  publicUrl: () => string;
}): DeliveryJobs {
  const { db, log, seal, webPush, mailer, textOfMessage, publicUrl } = parts;

  /** The notification, if it is still worth telling: unread, in time, by a channel that its user wants, which is not suspended. */
  async function find(notificationId: string, channel: 'push' | 'email'): Promise<Parcel | undefined> {
    const [row] = await store.findNotifications(db.sql, [notificationId]);
    if (!row || row.readAt || expiryOf(row) <= new Date()) return undefined;
    const recipient = (await store.findRecipients(db.sql, [row.userId])).get(row.userId);
    const content = seal.tryOpen(row);
    if (!recipient?.settings[channel] || recipient.isSuspended || !content) return undefined;
    return { row, content, recipient };
  }

  /** What a message says, where its reader allows it to be shown; else what the notification says. */
  async function bodyFor({ row, content, recipient }: Parcel): Promise<string | null> {
    const { messageId } = content.data;
    if (row.type !== 'message.received' || typeof messageId !== 'string' || !recipient.settings.showContent) return content.body;
    const text = await textOfMessage(messageId);
    if (text === undefined || text.length <= maxExcerptCharacters) return text ?? content.body;
    return `${text.slice(0, maxExcerptCharacters - 1).toWellFormed()}…`;
  }

  return {
    'notifications:deliver': async ({ notificationIds, isUpdate }) => {
      const now = new Date();
      const rows = (await store.findNotifications(db.sql, notificationIds)).filter(({ readAt }) => !readAt);
      const userIds = [...new Set(rows.map(({ userId }) => userId))];
      const [recipients, subscriptions] = await Promise.all([
        store.findRecipients(db.sql, userIds),
        listSubscriptions(db.sql, userIds).then((all) => Map.groupBy(all, ({ userId }) => userId)),
      ]);
      await db.transaction(async (tx) => {
        for (const row of rows) {
          const { notificationId, userId } = row;
          const recipient = recipients.get(userId);
          if (!recipient || recipient.isSuspended) continue;
          const { pushAt, mailAt } = planDelivery(row, recipient.settings, now);
          for (const { subscriptionId } of pushAt ? (subscriptions.get(userId) ?? []) : []) {
            const payload = { notificationId, subscriptionId };
            await addJobIn(tx, 'notifications:push', payload, { key: pushKey(payload), ...(pushAt && { runAt: pushAt }) });
          }
          // One that has grown is mailed as the first one was to be: once.
          if (mailAt && mailer && recipient.mailAddress !== null && !isUpdate) {
            await addJobIn(tx, 'notifications:email', { notificationId }, { key: mailKey({ notificationId }), runAt: mailAt });
          }
        }
      });
    },

    'notifications:push': async (payload) => {
      const [parcel, subscription] = await Promise.all([
        find(payload.notificationId, 'push'),
        findSubscription(db.sql, payload.subscriptionId),
      ]);
      // The browser may have passed to somebody else.
      if (!parcel || subscription?.userId !== parcel.row.userId) return;
      const { row, content, recipient } = parcel;
      const quietEnd = quietEndFor(row, recipient.settings, new Date());
      if (quietEnd) return await addJobIn(db.sql, 'notifications:push', payload, { key: pushKey(payload), runAt: quietEnd });
      const message: PushMessage = {
        type: row.type,
        tag: tagOf(parcel),
        notificationId: row.notificationId,
        priority: row.priority,
        title: content.title,
        body: await bodyFor(parcel),
        data: content.data,
        path: pathOf(parcel),
        createdAt: row.createdAt.toISOString(),
        expiresAt: expiryOf(row).toISOString(),
      };
      const outcome = await webPush.send(subscription, message);
      if (outcome === 'gone') await deleteGone(db.sql, subscription);
      if (outcome !== 'sent') log.info({ subscriptionId: subscription.subscriptionId, outcome }, 'push was not taken');
    },

    'notifications:email': async (payload) => {
      const parcel = await find(payload.notificationId, 'email');
      const address = parcel?.recipient.mailAddress;
      if (!mailer || !parcel || address == null) return;
      const { row, content, recipient } = parcel;
      const quietEnd = quietEndFor(row, recipient.settings, new Date());
      if (quietEnd) return await addJobIn(db.sql, 'notifications:email', payload, { key: mailKey(payload), runAt: quietEnd });
      const texts = textsFor(recipient.locale);
      const outcome = await mailer.send({
        ...composeMail({
          language: texts.language,
          title: content.title,
          body: await bodyFor(parcel),
          link: new URL(pathOf(parcel), publicUrl()).href,
          linkText: texts.openPage,
          footer: texts.whyMailed,
        }),
        to: address,
        messageId: `<${row.notificationId}@${new URL(publicUrl()).hostname}>`,
      });
      if (outcome !== 'sent') log.info({ notificationId: row.notificationId, outcome }, 'e-mail was not taken');
    },
  };
}

/** What a later message of the same tag takes the place of in the browser. */
function tagOf({ row, content: { data } }: Parcel): string {
  if (row.type === 'call.missed' && typeof data['callId'] === 'string') return callTag(data['callId']);
  return row.notificationId;
}

/** The tag of everything that is pushed of one call. */
export const callTag = (callId: string) => `call:${callId}`;

function pathOf({ row, content: { data } }: Parcel): string {
  const { conversationId } = data;
  return row.type === 'message.received' && typeof conversationId === 'string' ? `/c/${conversationId}` : '/';
}
