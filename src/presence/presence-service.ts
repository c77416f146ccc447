import { assertWholeToken } from '../auth/access.ts';
import { type Actor, audit } from '../db/audit-log.ts';
import type { Database } from '../db/database.ts';
import { addJobIn, removeJobIn } from '../jobs/job-queue.ts';
import { AppError } from '../protocol/errors.ts';
import type { RequestPayload } from '../protocol/index.ts';
import type { Presence, SetPresencePayload } from '../protocol/presence.ts';
import type { AcquaintanceService } from '../users/acquaintance-service.ts';
import type { Announcer } from './announcer.ts';
import type { OwnDevices } from './own-devices.ts';
import { type PresenceReader, unseen } from './presence-reader.ts';
import * as store from './presence-store.ts';
import type { PresenceSubscriptions } from './presence-subscriptions.ts';

/** Who asks. */
export interface Watcher extends Actor {
  /** Set for a token of one room: its holder is nobody's contact. */
  readonly onlyRoomId?: string | undefined;
}

/** Who asks over the socket. */
export interface WatchingSession extends Watcher {
  readonly sessionId: string;
  /** Whether the session still lives. */
  readonly isOpen: () => boolean;
}

export type PresenceService = ReturnType<typeof createPresenceService>;

/** The job that ends what somebody says of themselves. */
const endKey = (userId: string) => `presence:end:${userId}`;

/** Rules of presence: who sees whom, what one may say of oneself, and hearing of others. */
export function createPresenceService(parts: {
  db: Database;
  acquaintances: AcquaintanceService;
  reader: PresenceReader;
  subscriptions: PresenceSubscriptions;
  own: OwnDevices;
  announcer: Announcer;
}) {
  const { db, acquaintances, reader, subscriptions, own, announcer } = parts;

  /** Those among some users whom somebody may see. That an admin looks at people they have nothing in common with is written down. */
  async function listVisible(watcher: Watcher, userIds: readonly string[]): Promise<Set<string>> {
    assertWholeToken(watcher);
    const { visible, byRoleAlone } = await acquaintances.listVisible(watcher, userIds);
    if (byRoleAlone.length > 0) {
      await audit(db.sql, { actor: watcher, action: 'presence.read_by_staff', details: { userIds: byRoleAlone } });
    }
    return visible;
  }

  return {
    /** How some users stand, in the order asked. Whom one may not see looks like somebody who does not exist: offline. Errors: `auth.forbidden`. */
    async get(watcher: Watcher, userIds: readonly string[]): Promise<Presence[]> {
      const asked = [...new Set(userIds)];
      const visible = await listVisible(watcher, asked);
      const presences = await reader.read([...visible]);
      return asked.map((userId) => presences.get(userId) ?? unseen(userId));
    },

    /**
     * Says how one stands, with a note, until a time or until it is said otherwise; `online` takes back what was said. Answers how one stands now.
     * Errors: `auth.forbidden` for a token of one room, `protocol.invalid_payload` for an end that has passed.
     */
    async set(watcher: Watcher, { status, note, until }: SetPresencePayload): Promise<Presence> {
      assertWholeToken(watcher);
      const { userId } = watcher;
      const said = { status: status === 'online' ? null : status, note: note === undefined || note === '' ? null : note };
      const isAnything = said.status !== null || said.note !== null;
      const end = until === undefined ? undefined : new Date(until);
      if (end && end.getTime() <= Date.now()) {
        throw new AppError('protocol.invalid_payload', { message: 'The end has passed.', details: { field: 'until' } });
      }
      const endsAt = (isAnything && end) || null;
      await db.transaction(async (tx) => {
        await store.putSaid(tx, userId, { ...said, endsAt });
        if (endsAt) await addJobIn(tx, 'presence:end', { userId }, { key: endKey(userId), runAt: endsAt });
        else await removeJobIn(tx, endKey(userId));
      });
      announcer.changed(userId);
      return (await reader.read([userId])).get(userId) ?? unseen(userId);
    },

    /**
     * The session hears of these users from now on, as far as it may see them; answers what `get` does. Errors: `auth.forbidden` for a token of one
     * room, `protocol.invalid_payload` beyond 1,000 users.
     */
    async subscribe(session: WatchingSession, { userIds }: RequestPayload<'presence:subscribe'>): Promise<Presence[]> {
      const asked = [...new Set(userIds)];
      const visible = await listVisible(session, asked);
      const { sessionId, userId, role } = session;
      const presences = await subscriptions.subscribe({ sessionId, userId, role }, [...visible], session.isOpen);
      return asked.map((other) => presences.get(other) ?? unseen(other));
    },

    /** The session hears no more of these users. */
    unsubscribe({ sessionId }: Pick<WatchingSession, 'sessionId'>, { userIds }: RequestPayload<'presence:unsubscribe'>): void {
      subscriptions.unsubscribe(sessionId, userIds);
    },

    /** A sign of the user; one without `idleSeconds` says that they are there now. Means nothing in a session for one room. */
    heartbeat(session: WatchingSession, { device }: RequestPayload<'presence:heartbeat'>): void {
      if (session.onlyRoomId !== undefined) return;
      const { kind, idleSeconds = 0 } = typeof device === 'object' ? device : { kind: device };
      // Its token may have been for one room alone when it began.
      if (session.isOpen()) own.opened(session.sessionId, session.userId);
      own.heard(session.sessionId, { kind, idleSeconds });
    },

    /** Those among some users who do not want to be disturbed, though they may show as being in a call. */
    isDoNotDisturb: (userIds: readonly string[]): Promise<Set<string>> => store.findUndisturbed(db.sql, userIds),

    /** Those among some users who have a device on any server. */
    findOnline: reader.findOnline,

    /** Those among some users who look at a device now, on any server. */
    findAttentive: reader.findAttentive,

    jobs: {
      /** What somebody said of themselves has ended. */
      'presence:end': async ({ userId }: { userId: string }): Promise<void> => {
        if (await store.endSaid(db.sql, userId)) announcer.changed(userId);
      },
    },
  };
}
