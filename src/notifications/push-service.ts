import { v7 as uuidv7 } from 'uuid';
import { assertWholeToken } from '../auth/access.ts';
import type { Database } from '../db/database.ts';
import { AppError } from '../protocol/errors.ts';
import type { PushSubscriptionBody } from '../protocol/notification.ts';
import type { Notified } from './notification-service.ts';
import type { PushOutlet } from './push-address.ts';
import * as store from './push-store.ts';
import { findKeyFault } from './web-push.ts';

/** Browsers of one user that are pushed to; of more, the newest. */
const maxSubscriptions = 20;

export type PushService = ReturnType<typeof createPushService>;

/** Which browsers take Web Push for whom. */
export function createPushService({ db, publicKey, outlet }: { db: Database; publicKey: string; outlet: PushOutlet }) {
  return {
    /** What a browser subscribes with (`applicationServerKey`). */
    publicKey,

    /**
     * Pushes to a browser from now on. Errors: `auth.forbidden`, `notification.push_address_refused` for an inner address, which is never fetched,
     * `protocol.invalid_payload` for keys that are none.
     */
    async subscribe(actor: Notified, { endpoint, keys }: PushSubscriptionBody): Promise<{ subscriptionId: string }> {
      assertWholeToken(actor);
      const fault = findKeyFault(keys);
      if (fault !== undefined) throw new AppError('protocol.invalid_payload', { details: { field: `keys.${fault}` } });
      const url = new URL(endpoint);
      if (await outlet.isRefused(url)) throw new AppError('notification.push_address_refused');
      const { userId } = actor;
      // As the standard writes them, without what some browsers add.
      const [p256dh, auth] = [keys.p256dh, keys.auth].map((key) => Buffer.from(key, 'base64url').toString('base64url')) as [string, string];
      const subscriptionId = await db.transaction(async (tx) => {
        const kept = await store.putSubscription(tx, { subscriptionId: uuidv7(), userId, endpoint: url.href, p256dh, auth });
        await store.keepNewestSubscriptions(tx, userId, maxSubscriptions);
        return kept;
      });
      return { subscriptionId };
    },

    /** Pushes to it no more. Errors: `auth.forbidden`, `notification.not_found`, also for strangers. */
    async unsubscribe(actor: Notified, subscriptionId: string): Promise<void> {
      assertWholeToken(actor);
      if (!(await store.deleteSubscriptionOf(db.sql, actor.userId, subscriptionId))) throw new AppError('notification.not_found');
    },
  };
}
