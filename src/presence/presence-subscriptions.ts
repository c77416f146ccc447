import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from '../log.ts';
import type { Notifier } from '../notifier.ts';
import { AppError } from '../protocol/errors.ts';
import type { Presence } from '../protocol/presence.ts';

/** How many users one session may hear of. */
const maxSubjects = 1_000;
/** Changes of so long a time are told together. */
const gatherMs = 250;
/** After a round of telling, its own time is left to others that many times over. */
const restFactor = 4;
/** When what could not be read is tried again. */
const retryMs = 2_000;
/** For so long it holds that a session may see those whom it hears of. */
const seeableMs = 30_000;
/** Sessions that are told in one go. */
const turnSize = 50;

/** A session that hears of others. */
export interface Subscriber {
  readonly sessionId: string;
  readonly userId: string;
  readonly role: string;
}

interface Subscription {
  subscriber: Subscriber;
  /** What the session was told last of each user; undefined while its first answer is being made. */
  readonly told: Map<string, string | undefined>;
  isConnected: boolean;
  checkedAtMs: number;
}

export type PresenceSubscriptions = ReturnType<typeof createPresenceSubscriptions>;

/** Which sessions of this server hear of whom, and telling them: one notice a session for all that changed together, nothing twice. */
export function createPresenceSubscriptions(parts: {
  notifier: Notifier;
  log: Logger;
  /** How some users stand; those of whom it can't be said now are left out. */
  read: (userIds: readonly string[]) => Promise<Map<string, Presence>>;
  /** Those whom somebody may see. */
  listVisible: (subscriber: Subscriber, userIds: readonly string[]) => Promise<ReadonlySet<string>>;
}) {
  const { notifier, log, read, listVisible } = parts;
  const subscriptions = new Map<string, Subscription>();
  /** The other way round: the subscriptions to each user. */
  const subscribed = new Map<string, Set<Subscription>>();
  /** How each of those was last told, so that equal ones are the same string. */
  const latest = new Map<string, string>();
  let changed = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  let isRunning = false;
  let isClosed = false;

  function soon(inMs = gatherMs): void {
    if (isClosed || isRunning || timer || changed.size === 0) return;
    timer = setTimeout(() => {
      timer = undefined;
      running = round();
    }, inMs);
  }

  async function round(): Promise<void> {
    isRunning = true;
    const beganMs = performance.now();
    const batch = changed;
    changed = new Set();
    let isRead = true;
    try {
      await tell([...batch].filter((userId) => subscribed.has(userId)));
    } catch (error) {
      isRead = false;
      log.warn({ err: error, users: batch.size }, 'changes of presence were not told; it is tried again');
      for (const userId of batch) changed.add(userId);
    }
    isRunning = false;
    soon(isRead ? Math.max(gatherMs, (performance.now() - beganMs) * restFactor) : retryMs);
  }

  async function tell(userIds: readonly string[]): Promise<void> {
    if (userIds.length === 0) return;
    const presences = await read(userIds);
    const unknown = userIds.filter((userId) => !presences.has(userId));
    const affected = new Set<Subscription>();
    for (const userId of userIds) for (const subscription of subscribed.get(userId) ?? []) affected.add(subscription);
    const news = new Map([...presences].map(([userId, presence]) => [userId, { presence, key: intern(presence) }]));
    let count = 0;
    for (const subscription of affected) {
      await recheck(subscription);
      tellOne(subscription, news);
      count += 1;
      if (count % turnSize === 0) await nextTurn();
    }
    // Looked at again when other servers can be asked.
    if (unknown.length > 0) setAside(unknown);
  }

  /** Tells one session what is news to it. */
  function tellOne(subscription: Subscription, read: ReadonlyMap<string, { presence: Presence; key: string }>): void {
    const { subscriber, told, isConnected } = subscription;
    const { sessionId } = subscriber;
    if (!isConnected || subscriptions.get(sessionId) !== subscription) return;
    const presences: Presence[] = [];
    const smaller = told.size < read.size ? told : read;
    for (const userId of smaller.keys()) {
      const news = read.get(userId);
      if (!news || !told.has(userId)) continue;
      const before = told.get(userId);
      if (before === news.key) continue;
      if (before === undefined) {
        // Its first answer, read earlier, is still to come.
        changed.add(userId);
        continue;
      }
      told.set(userId, news.key);
      presences.push(news.presence);
    }
    if (presences.length > 0) notifier.notify({ to: { sessionId } }, 'presence:changed', { presences });
  }

  const asides = new Set<NodeJS.Timeout>();
  function setAside(userIds: readonly string[]): void {
    if (isClosed) return;
    const later = setTimeout(() => {
      asides.delete(later);
      for (const userId of userIds) changed.add(userId);
      soon();
    }, retryMs);
    asides.add(later);
  }

  function intern(presence: Presence): string {
    const key = keyOf(presence);
    const known = latest.get(presence.userId);
    if (known === key) return known;
    if (subscribed.has(presence.userId)) latest.set(presence.userId, key);
    return key;
  }

  /** Ties end: an appointment is removed, a conversation left. */
  async function recheck(subscription: Subscription): Promise<void> {
    const { subscriber, told, checkedAtMs } = subscription;
    if (Date.now() - checkedAtMs < seeableMs) return;
    const visible = await listVisible(subscriber, [...told.keys()]);
    subscription.checkedAtMs = Date.now();
    drop(
      subscription,
      [...told.keys()].filter((userId) => !visible.has(userId)),
    );
  }

  function drop(subscription: Subscription, userIds: readonly string[]): void {
    for (const userId of userIds) {
      if (!subscription.told.delete(userId)) continue;
      const of = subscribed.get(userId);
      of?.delete(subscription);
      if (of?.size !== 0) continue;
      subscribed.delete(userId);
      latest.delete(userId);
    }
    if (subscription.told.size > 0) return;
    const { sessionId } = subscription.subscriber;
    if (subscriptions.get(sessionId) === subscription) subscriptions.delete(sessionId);
  }

  return {
    /**
     * From now on the session hears of these users, whom it may see; answers how they stand. `isOpen` says whether the session still lives.
     * Errors: `protocol.invalid_payload` when it would hear of more than 1,000.
     */
    async subscribe(subscriber: Subscriber, userIds: readonly string[], isOpen: () => boolean): Promise<Map<string, Presence>> {
      const known = subscriptions.get(subscriber.sessionId);
      const fresh = userIds.filter((userId) => !known?.told.has(userId));
      if ((known?.told.size ?? 0) + fresh.length > maxSubjects) {
        throw new AppError('protocol.invalid_payload', {
          message: `No more than ${maxSubjects} users at a time.`,
          details: { field: 'userIds', limit: maxSubjects },
        });
      }
      const subscription = known ?? { subscriber, told: new Map(), isConnected: true, checkedAtMs: Date.now() };
      subscription.subscriber = subscriber;
      if (isOpen() && !isClosed && userIds.length > 0) {
        subscriptions.set(subscriber.sessionId, subscription);
        for (const userId of userIds) {
          // Not told of a change before the answer that it would make old.
          subscription.told.set(userId, undefined);
          const of = subscribed.get(userId) ?? new Set();
          subscribed.set(userId, of.add(subscription));
        }
      }
      let presences: Map<string, Presence>;
      try {
        presences = await read(userIds);
      } catch (error) {
        drop(subscription, fresh);
        // Of those it heard of before it is told anew.
        for (const userId of userIds) if (subscription.told.has(userId)) subscription.told.set(userId, '');
        throw error;
      }
      for (const userId of userIds) {
        if (!subscription.told.has(userId)) continue;
        const presence = presences.get(userId);
        subscription.told.set(userId, presence ? intern(presence) : '');
        if (!presence) changed.add(userId);
      }
      soon();
      return presences;
    },

    /** The session hears no more of these users. */
    unsubscribe(sessionId: string, userIds: readonly string[]): void {
      const subscription = subscriptions.get(sessionId);
      if (subscription) drop(subscription, userIds);
    },

    /** A session has ended. */
    endOf(sessionId: string): void {
      const subscription = subscriptions.get(sessionId);
      if (subscription) drop(subscription, [...subscription.told.keys()]);
    },

    /** A session has no socket: nothing is told to it. */
    lost(sessionId: string): void {
      const subscription = subscriptions.get(sessionId);
      if (subscription) subscription.isConnected = false;
    },

    /** A session has its socket back: it may have missed anything, and is told everything anew. */
    resumed(sessionId: string): void {
      const subscription = subscriptions.get(sessionId);
      if (!subscription) return;
      subscription.isConnected = true;
      for (const [userId, before] of subscription.told) {
        if (before !== undefined) subscription.told.set(userId, '');
        changed.add(userId);
      }
      soon();
    },

    /** These users may stand otherwise than before. */
    changed(userIds: readonly string[]): void {
      for (const userId of userIds) if (subscribed.has(userId)) changed.add(userId);
      soon();
    },

    /** What other servers said may have been missed: everybody is looked at again. */
    missed(): void {
      for (const userId of subscribed.keys()) changed.add(userId);
      soon();
    },

    /** Tells nothing more; waits for what is being told. */
    async close(): Promise<void> {
      isClosed = true;
      clearTimeout(timer);
      for (const later of asides) clearTimeout(later);
      await running;
    },
  };
}

/** What makes two presences the same to whoever looks; a device that is put in the place of another like it is no news. */
function keyOf({ devices, ...presence }: Presence): string {
  return JSON.stringify([Object.values(presence), devices.map(({ kind, status }) => `${kind} ${status}`).sort()]);
}
