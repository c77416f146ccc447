import type { Identity } from '../auth/token.ts';
import { type Actor, audit } from '../db/audit-log.ts';
import type { Database } from '../db/database.ts';
import type { Facts } from '../facts.ts';
import { AppError } from '../protocol/errors.ts';
import type { Role } from '../protocol/ids.ts';
import type { UpdateUserBody, User } from '../protocol/user.ts';
import * as store from './user-store.ts';

/** The user's name as everybody sees it: chosen here, else the token's. */
export function displayNameOf(row: store.UserRow): string {
  return row.chosenName ?? row.tokenName;
}

function actorOf({ userId, role, address }: Requester): Actor {
  return { userId, role, address };
}

function toUser(row: store.UserRow): User {
  return {
    userId: row.userId,
    displayName: displayNameOf(row),
    role: row.role,
    locale: row.locale,
    privacy: row.privacy,
    createdAt: row.createdAt.toISOString(),
  };
}

/** Who asks over REST, with what their token allows. */
export interface Requester extends Actor {
  readonly identity: Pick<Identity, 'grants'>;
}

/** Users are no business of a token for one room. Errors: `auth.forbidden`. */
function assertNotForOneRoom({ identity }: Requester): void {
  if (identity.grants) throw new AppError('auth.forbidden');
}

export type UserService = ReturnType<typeof createUserService>;

/** Rules about users: who they are to Parley, what they may change, and suspension. */
export function createUserService({ db, facts }: { db: Database; facts: Facts }) {
  /**
   * Keeps what the token says of its user and refuses the suspended; the role answered is the token's. A token for one room speaks of its
   * bearer in that room only, a name that is but the id is none, and no address says nothing: they do not go before what is known. Errors: `auth.suspended`.
   */
  async function admit({ userId, displayName, role, email, grants }: Identity): Promise<User> {
    let row = await store.findUser(db.sql, userId);
    const tokenEmail = (grants ? undefined : email) ?? row?.tokenEmail ?? null;
    const said = row && (grants ? row : { tokenName: displayName === userId ? row.tokenName : displayName, role });
    if (!row || row.tokenName !== said?.tokenName || row.role !== said.role || row.tokenEmail !== tokenEmail) {
      row = await store.upsertUser(db.sql, { userId, tokenName: said?.tokenName ?? displayName, role: said?.role ?? role, tokenEmail });
    }
    if (row.suspendedAt) throw new AppError('auth.suspended');
    return { ...toUser(row), role };
  }

  return {
    admit,

    /** A user's role, or undefined for somebody who has never signed in. */
    findRole: async (userId: string): Promise<Role | undefined> => (await store.findUser(db.sql, userId))?.role,

    /** Whether a user lets others see that they type. */
    showsTyping: async (userId: string): Promise<boolean> => (await store.findUser(db.sql, userId))?.privacy.showTyping ?? true,

    /** Admits the user and writes the sign-in down. Errors: `auth.suspended`. */
    async signIn(identity: Identity, address: string): Promise<User> {
      const user = await admit(identity);
      await audit(db.sql, { actor: { userId: user.userId, role: user.role, address }, action: 'session.started' });
      return user;
    },

    /** Those of these users who are suspended. */
    findSuspended: (userIds: readonly string[]): Promise<string[]> => store.findSuspended(db.sql, userIds),

    /** Changes one's own name, locale or privacy. Errors: `auth.forbidden` with a token for one room. */
    async update(requester: Requester, changes: UpdateUserBody): Promise<User> {
      assertNotForOneRoom(requester);
      const actor = actorOf(requester);
      const user = await db.transaction(async (tx) => {
        const before = await store.findUser(tx, actor.userId);
        if (!before) throw new AppError('user.not_found');
        const given = Object.entries(changes.privacy ?? {}).filter(([, value]) => value !== undefined);
        const row = await store.updateUser(tx, actor.userId, {
          chosenName: changes.displayName ?? before.chosenName,
          locale: changes.locale ?? before.locale,
          privacy: { ...before.privacy, ...Object.fromEntries(given) },
        });
        if (!row) throw new AppError('user.not_found');
        await audit(tx, { actor, action: 'user.updated', subject: actor.userId, details: { fields: Object.keys(changes) } });
        return toUser(row);
      });
      if (changes.privacy?.showLastSeen !== undefined) facts.emit('presence.changed', { userIds: [actor.userId] });
      return user;
    },

    /** Ends a user's sessions at once and refuses their tokens from now on. Errors: `auth.forbidden` for anybody but an admin, and for oneself. */
    async suspend(requester: Requester, userId: string, reason?: string): Promise<{ userId: string; suspendedAt: string }> {
      assertNotForOneRoom(requester);
      const actor = actorOf(requester);
      if (actor.role !== 'admin' || actor.userId === userId) throw new AppError('auth.forbidden');
      const suspendedAt = await db.transaction(async (tx) => {
        const since = await store.suspendUser(tx, userId);
        await audit(tx, { actor, action: 'user.suspended', subject: userId, details: reason === undefined ? {} : { reason } });
        return since;
      });
      facts.emit('user.suspended', { userId });
      return { userId, suspendedAt: suspendedAt.toISOString() };
    },

    /** Lifts a suspension. Errors: `auth.forbidden`, `user.not_found` when the user is not suspended. */
    async unsuspend(requester: Requester, userId: string): Promise<void> {
      assertNotForOneRoom(requester);
      const actor = actorOf(requester);
      if (actor.role !== 'admin') throw new AppError('auth.forbidden');
      await db.transaction(async (tx) => {
        if (!(await store.unsuspendUser(tx, userId))) throw new AppError('user.not_found');
        await audit(tx, { actor, action: 'user.unsuspended', subject: userId });
      });
    },
  };
}
