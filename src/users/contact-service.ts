import { z } from 'zod';
import { assertWholeToken } from '../auth/access.ts';
import type { Actor } from '../db/audit-log.ts';
import type { Database } from '../db/database.ts';
import { AppError } from '../protocol/errors.ts';
import type { Role } from '../protocol/ids.ts';
import type { ContactPage, ContactsQuery, Presence } from '../protocol/presence.ts';
import * as store from './acquaintance-store.ts';

/** Appointments that are named for one contact. */
const maxAppointments = 50;

/** Who asks; a token for one room has no contacts. */
interface Requester extends Actor {
  readonly onlyRoomId: string | undefined;
}

export type ContactService = ReturnType<typeof createContactService>;

/** Whom one may reach, as far as they are known here. */
export function createContactService(parts: {
  db: Database;
  accessPolicy: 'appointment' | 'open';
  /** How some users stand, in the order asked. */
  presencesFor: (requester: Requester, userIds: readonly string[]) => Promise<Presence[]>;
}) {
  const { db, accessPolicy, presencesFor } = parts;

  return {
    /** A page of one's contacts, by name. Errors: `auth.forbidden` with a token for one room, `protocol.invalid_payload` for a foreign cursor. */
    async list(requester: Requester, { query = '', limit, cursor }: ContactsQuery): Promise<ContactPage> {
      assertWholeToken(requester);
      const { userId } = requester;
      const rows = await store.listContacts(db.sql, {
        userId,
        ...reachOf(accessPolicy, requester.role as Role),
        query,
        after: cursor === undefined ? undefined : decodeCursor(cursor),
        limit: limit + 1,
      });
      const page = rows.slice(0, limit);
      const userIds = page.map((row) => row.userId);
      const [presences, shared] = await Promise.all([
        userIds.length > 0 ? presencesFor(requester, userIds) : [],
        store.listSharedAppointments(db.sql, userId, userIds, maxAppointments),
      ]);
      const last = page.at(-1);
      return {
        contacts: page.map((row, index) => {
          const presence = presences[index];
          if (!presence) throw new Error('every user asked for has a presence');
          return {
            userId: row.userId,
            displayName: row.displayName,
            role: row.role,
            presence,
            appointmentIds: shared.get(row.userId) ?? [],
          };
        }),
        cursor: rows.length > limit && last ? encodeCursor(last) : null,
      };
    },
  };
}

/** `mayMeet` of auth/access.ts, the other way round: who can be reached by role alone, and who never. A service is nobody to talk to. */
function reachOf(policy: 'appointment' | 'open', role: Role): { everybody: boolean; roles: Role[]; exceptRoles: Role[] } {
  if (role === 'admin' || role === 'service') return { everybody: true, roles: [], exceptRoles: ['service'] };
  return {
    everybody: policy === 'open' && role === 'provider',
    roles: policy === 'open' ? ['provider'] : [],
    exceptRoles: role === 'patient' ? ['patient', 'service'] : ['service'],
  };
}

const cursorShape = z.tuple([z.string(), z.string()]);

/** Opaque to clients. */
function encodeCursor({ sortName, userId }: store.ContactRow): string {
  return Buffer.from(JSON.stringify([sortName, userId])).toString('base64url');
}

function decodeCursor(cursor: string): { sortName: string; userId: string } {
  try {
    const [sortName, userId] = cursorShape.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
    if (sortName.includes('\0') || userId.includes('\0')) throw new Error('NUL');
    return { sortName, userId };
  } catch (error) {
    throw new AppError('protocol.invalid_payload', { details: { field: 'cursor' }, cause: error });
  }
}
