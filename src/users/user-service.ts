import { type Actor, audit } from '../db/audit-log.ts';
import type { Identity } from '../auth/token.ts';
import type { Database } from '../db/database.ts';
import type { Facts } from '../facts.ts';
import { AppError } from '../protocol/errors.ts';
import type { UpdateUserBody, User } from '../protocol/user.ts';
import * as store from './user-store.ts';

/** The user's name as everybody sees it: chosen here, else the token's. */
export function displayNameOf(row: store.UserRow): string {
  return row.chosenName ?? row.tokenName;
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

export type UserService = ReturnType<typeof createUserService>;

/** Rules about users: who they are to Parley, what they may change, and suspension. */
export function createUserService({ db, facts }: { db: Database; facts: Facts }) {
  /** Keeps what the token says of its user and refuses the suspended. Errors: `auth.suspended`. */
  async function admit(identity: Identity): Promise<User> {
    let row = await store.findUser(db.sql, identity.userId);
    if (!row || row.tokenName !== identity.displayName || row.role !== identity.role) {
      row = await store.upsertUser(db.sql, { userId: identity.userId, tokenName: identity.displayName, role: identity.role });
    }
    if (row.suspendedAt) throw new AppError('auth.suspended');
    return toUser(row);
  }

  return {
    admit,

    /** Admits the user and writes the sign-in down. Errors: `auth.suspended`. */
    async signIn(identity: Identity, address: string): Promise<User> {
      const user = await admit(identity);
      await audit(db.sql, { actor: { userId: user.userId, role: user.role, address }, action: 'session.started' });
      return user;
    },

    /** Changes one's own name, locale or privacy. */
    update(actor: Actor, changes: UpdateUserBody): Promise<User> {
      return db.transaction(async (tx) => {
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
    },

    /** Ends a user's sessions at once and refuses their tokens from now on. Errors: `auth.forbidden` for anybody but an admin, and for oneself. */
    async suspend(actor: Actor, userId: string, reason?: string): Promise<{ userId: string; suspendedAt: string }> {
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
    unsuspend(actor: Actor, userId: string): Promise<void> {
      if (actor.role !== 'admin') throw new AppError('auth.forbidden');
      return db.transaction(async (tx) => {
        if (!(await store.unsuspendUser(tx, userId))) throw new AppError('user.not_found');
        await audit(tx, { actor, action: 'user.unsuspended', subject: userId });
      });
    },
  };
}
