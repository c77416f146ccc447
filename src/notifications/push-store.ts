import { and, desc, eq, inArray, sql } from 'drizzle-orm';
import type { Sql, Transaction } from '../db/database.ts';
import { callParties, pushSubscriptions } from '../db/tables.ts';
import type { PartyState } from '../protocol/call.ts';
import type { PushSubscriptionRow } from './notification-store.ts';

type Db = Sql | Transaction;

/**
 * Keeps a browser's subscription and answers its id: the same for the same user, another one when the browser has passed to somebody else.
 */
export async function putSubscription(tx: Transaction, row: Omit<PushSubscriptionRow, 'createdAt'>): Promise<string> {
  const { subscriptionId, userId, p256dh, auth } = row;
  const [kept] = await tx
    .insert(pushSubscriptions)
    .values(row)
    .onConflictDoUpdate({
      target: pushSubscriptions.endpoint,
      set: {
        subscriptionId: sql`case when ${pushSubscriptions.userId} = ${userId} then ${pushSubscriptions.subscriptionId} else ${subscriptionId}::uuid end`,
        userId,
        p256dh,
        auth,
      },
    })
    .returning({ subscriptionId: pushSubscriptions.subscriptionId });
  if (!kept) throw new Error('upsert returned no row');
  return kept.subscriptionId;
}

/** Keeps a user's newest subscriptions. */
export async function keepNewestSubscriptions(tx: Transaction, userId: string, keep: number): Promise<void> {
  const beyond = tx
    .select({ subscriptionId: pushSubscriptions.subscriptionId })
    .from(pushSubscriptions)
    .where(eq(pushSubscriptions.userId, userId))
    .orderBy(desc(pushSubscriptions.createdAt), desc(pushSubscriptions.subscriptionId))
    .offset(keep);
  await tx.delete(pushSubscriptions).where(inArray(pushSubscriptions.subscriptionId, beyond));
}

/** Removes a user's subscription; answers whether there was one. */
export async function deleteSubscriptionOf(db: Db, userId: string, subscriptionId: string): Promise<boolean> {
  const { rowCount } = await db
    .delete(pushSubscriptions)
    .where(and(eq(pushSubscriptions.userId, userId), eq(pushSubscriptions.subscriptionId, subscriptionId)));
  return (rowCount ?? 0) > 0;
}

/** Removes a subscription that its push service knows no more, unless the browser has subscribed anew meanwhile. */
export async function deleteGone(db: Db, { subscriptionId, endpoint, p256dh }: PushSubscriptionRow): Promise<void> {
  await db
    .delete(pushSubscriptions)
    .where(
      and(
        eq(pushSubscriptions.subscriptionId, subscriptionId),
        eq(pushSubscriptions.endpoint, endpoint),
        eq(pushSubscriptions.p256dh, p256dh),
      ),
    );
}

/** One subscription, or undefined. */
export async function findSubscription(db: Db, subscriptionId: string): Promise<PushSubscriptionRow | undefined> {
  const [row] = await db.select().from(pushSubscriptions).where(eq(pushSubscriptions.subscriptionId, subscriptionId));
  return row;
}

/** All subscriptions of some users. */
export function listSubscriptions(db: Db, userIds: readonly string[]): Promise<PushSubscriptionRow[]> {
  return db
    .select()
    .from(pushSubscriptions)
    .where(sql`${pushSubscriptions.userId} = any (${sql.param(userIds)}::text[])`);
}

/**
 * Brings forward the jobs that tell a call's parties that it rings no more, of all whom it does not ring and who have not missed it: they are told
 * by another notification. `keyPrefix` is what the jobs' keys begin with, before the user's id.
 */
export async function bringForwardEndOfRinging(db: Db, callId: string, keyPrefix: string): Promise<void> {
  await db.execute(sql`
    select graphile_worker.reschedule_jobs(array(
      select j.id from ${callParties} p
      join graphile_worker.jobs j on j.key = ${keyPrefix} || p.user_id
      where p.call_id = ${callId}::uuid and p.state not in ('ringing', 'missed', 'busy') and j.locked_at is null
    ), run_at => now())`);
}

/** How somebody stands to a call; undefined when they have nothing to do with it. */
export async function findPartyState(db: Db, callId: string, userId: string): Promise<PartyState | undefined> {
  const [party] = await db
    .select({ state: callParties.state })
    .from(callParties)
    .where(and(eq(callParties.callId, callId), eq(callParties.userId, userId)));
  return party?.state;
}
