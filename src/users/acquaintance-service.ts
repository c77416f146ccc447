import { mayMeet, maySee } from '../auth/access.ts';
import type { Database } from '../db/database.ts';
import { AppError } from '../protocol/errors.ts';
import type { Role } from '../protocol/ids.ts';
import * as store from './acquaintance-store.ts';

/** Who wants to reach or see others. */
export interface Seeker {
  readonly userId: string;
  readonly role: string;
}

export type AcquaintanceService = ReturnType<typeof createAcquaintanceService>;

/** The one place that knows whom somebody may reach: chat, calls, contacts and presence ask here. */
export function createAcquaintanceService({ db, accessPolicy }: { db: Database; accessPolicy: 'appointment' | 'open' }) {
  return {
    /** Whether one may chat with and ring all of these. Errors: `auth.forbidden`, for strangers and for users who do not exist alike. */
    async assertMayReach({ userId, role }: Seeker, otherIds: readonly string[]): Promise<void> {
      for (const other of await store.listAcquaintances(db.sql, userId, otherIds)) {
        if (!mayMeet(accessPolicy, role as Role, other.role, other.ties)) throw new AppError('auth.forbidden');
      }
    },

    /**
     * Those among some users whose presence one may see, oneself included. `byRoleAlone` are those whom only being an admin lets one see:
     * seeing them is written down.
     */
    async listVisible({ userId, role }: Seeker, otherIds: readonly string[]): Promise<{ visible: Set<string>; byRoleAlone: string[] }> {
      // Nothing to look up where everybody sees everybody.
      if (accessPolicy === 'open') return { visible: new Set(otherIds), byRoleAlone: [] };
      const visible = new Set(otherIds.filter((otherId) => otherId === userId));
      const byRoleAlone: string[] = [];
      const others = otherIds.filter((otherId) => otherId !== userId);
      if (others.length === 0) return { visible, byRoleAlone };
      for (const other of await store.listAcquaintances(db.sql, userId, others)) {
        if (!maySee(accessPolicy, role as Role, other.role, other.ties)) continue;
        visible.add(other.userId);
        if (role === 'admin' && other.role !== undefined && !maySee(accessPolicy, 'provider', other.role, other.ties)) {
          byRoleAlone.push(other.userId);
        }
      }
      return { visible, byRoleAlone };
    },
  };
}
