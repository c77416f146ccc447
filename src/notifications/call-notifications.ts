import type { Database } from '../db/database.ts';
import type { FactMap } from '../facts.ts';
import { addJobIn, type JobHandlers, removeJobIn } from '../jobs/job-queue.ts';
import type { Logger } from '../log.ts';
import type { CallStatus } from '../protocol/call.ts';
import type { PushMessage } from '../protocol/notification.ts';
import { callTag } from './delivery-jobs.ts';
import { quietEndFor } from './delivery-plan.ts';
import type { NotificationService } from './notification-service.ts';
import { findRecipients } from './notification-store.ts';
import { bringForwardEndOfRinging, deleteGone, findPartyState, listSubscriptions } from './push-store.ts';
import { textsFor } from './texts.ts';
import type { WebPush } from './web-push.ts';

/** Time for a call that nobody has answered to be written down as missed. */
const endDelayMs = 10_000;
/** How long ringing is pushed where it has no limit of its own, and how long it may be told that it is over. */
const defaultRingMs = 60_000;

const ringKey = (callId: string, userId: string) => `ring:${callId}:${userId}`;
const endKeyPrefix = (callId: string) => `ringOver:${callId}:`;
const endKey = (callId: string, userId: string) => `${endKeyPrefix(callId)}${userId}`;

export type CallJobs = Pick<JobHandlers, 'notifications:ring' | 'notifications:missedCall'>;

/**
 * Calls: ringing is pushed at once and stored nowhere; that it rings no more takes its place in the browser, a missed call does so as a notification.
 * The job that says so is there from the start, so that no browser rings for ever, whatever happens to the server.
 */
export function createCallNotifications(parts: {
  db: Database;
  log: Logger;
  notifications: NotificationService;
  webPush: WebPush;
  ringSeconds: number;
}) {
  const { db, log, notifications, webPush, ringSeconds } = parts;
  const ringMs = ringSeconds > 0 ? ringSeconds * 1000 : defaultRingMs;

  const jobs: CallJobs = {
    'notifications:ring': async ({ callId, callerId, type, userId, until, isOver }) => {
      const now = new Date();
      if (now >= new Date(until)) return;
      const state = await findPartyState(db.sql, callId, userId);
      // Answered before it was pushed, or before it was tried again.
      if (!isOver && state !== 'ringing') return;
      // The missed call says so itself.
      if (isOver && (state === 'missed' || state === 'busy')) return;
      const recipients = await findRecipients(db.sql, [userId, callerId]);
      const recipient = recipients.get(userId);
      if (!recipient?.settings.push || recipient.isSuspended) return;
      if (quietEndFor({ priority: 'high' }, recipient.settings, now)) return;
      const texts = textsFor(recipient.locale);
      const message: PushMessage = {
        type: isOver ? 'call.over' : 'call.incoming',
        tag: callTag(callId),
        notificationId: null,
        priority: 'high',
        title: isOver ? texts.callOver : texts.callIncoming(recipients.get(callerId)?.displayName ?? callerId),
        body: texts.callType[type],
        data: { callId, callerId, callType: type },
        path: '/',
        createdAt: now.toISOString(),
        expiresAt: until,
      };
      // The same tag once more does no harm, so that all are tried again when one could not be reached.
      const results = await Promise.allSettled(
        (await listSubscriptions(db.sql, [userId])).map(async (subscription) => {
          if ((await webPush.send(subscription, message)) === 'gone') await deleteGone(db.sql, subscription);
        }),
      );
      const failed = results.find((result) => result.status === 'rejected');
      if (failed) throw failed.reason;
    },

    'notifications:missedCall': async ({ callId, callerId, type, userIds }) => {
      for (const userId of userIds) {
        await removeJobIn(db.sql, ringKey(callId, userId));
        await removeJobIn(db.sql, endKey(callId, userId));
      }
      const caller = (await findRecipients(db.sql, [callerId])).get(callerId)?.displayName ?? callerId;
      await notifications.create({
        userIds,
        type: 'call.missed',
        priority: 'high',
        dedupeKey: callTag(callId),
        content: (texts) => ({
          title: texts.callMissed(caller),
          body: texts.callType[type],
          data: { callId, callerId, callerName: caller, callType: type },
        }),
      });
    },
  };

  return {
    jobs,

    async rang({ callId, callerId, type, userIds }: FactMap['call.rang'][0]): Promise<void> {
      const withBrowser = new Set((await listSubscriptions(db.sql, userIds)).map(({ userId }) => userId));
      const endsAt = new Date(Date.now() + ringMs);
      for (const userId of withBrowser) {
        const one = { callId, callerId, type, userId };
        const overUntil = new Date(endsAt.getTime() + defaultRingMs).toISOString();
        await addJobIn(
          db.sql,
          'notifications:ring',
          { ...one, until: overUntil, isOver: true },
          { key: endKey(callId, userId), runAt: new Date(endsAt.getTime() + endDelayMs) },
        );
        await addJobIn(
          db.sql,
          'notifications:ring',
          { ...one, until: endsAt.toISOString(), isOver: false },
          { key: ringKey(callId, userId), isUrgent: true },
        );
      }
      log.debug({ callId, users: withBrowser.size }, 'ringing is pushed');
    },

    async changed({ callId, status }: { callId: string; status: CallStatus }): Promise<void> {
      if (status !== 'initiated' && status !== 'ringing') await bringForwardEndOfRinging(db.sql, callId, endKeyPrefix(callId));
    },
  };
}
