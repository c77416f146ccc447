import { type SQL, sql } from 'drizzle-orm';
import type { Ties } from '../auth/access.ts';
import type { Sql, Transaction } from '../db/database.ts';
import type { Role } from '../protocol/ids.ts';

type Db = Sql | Transaction;

/** Rooms that somebody is invited to, hosts or was in. */
const roomsOf = (who: SQL) => sql`
    select room_id from room_guests where user_id = ${who}
    union select room_id from rooms where host_id = ${who}
    union select room_id from room_participants where user_id = ${who}`;

/** Somebody whom a user may want to meet: their role, if they have been seen, and what the two have in common. */
export interface Acquaintance {
  readonly userId: string;
  readonly role: Role | undefined;
  readonly ties: Ties;
}

/** What a user and each of some others have in common that lets them meet. */
export async function listAcquaintances(db: Db, userId: string, otherIds: readonly string[]): Promise<Acquaintance[]> {
  const { rows } = await db.execute<{
    user_id: string;
    role: Role | null;
    share_appointment: boolean;
    share_room: boolean;
    share_conversation: boolean;
  }>(sql`
    with own_rooms as materialized (${roomsOf(sql`${userId}`)})
    select other.user_id, users.role,
      exists (
        select 1 from appointment_participants x join appointment_participants y using (appointment_id)
        where x.user_id = ${userId} and y.user_id = other.user_id
      ) as share_appointment,
      exists (select 1 from own_rooms join (${roomsOf(sql`other.user_id`)}) theirs using (room_id)) as share_room,
      exists (
        select 1 from conversation_members x join conversation_members y using (conversation_id)
        where x.user_id = ${userId} and y.user_id = other.user_id
      ) as share_conversation
    from unnest(${sql.param(otherIds)}::text[]) as other (user_id)
    left join users on users.user_id = other.user_id`);
  return rows.map((row) => ({
    userId: row.user_id,
    role: row.role ?? undefined,
    ties: { shareAppointment: row.share_appointment, shareRoom: row.share_room, shareConversation: row.share_conversation },
  }));
}

/** Somebody whom one may reach. */
export interface ContactRow {
  readonly userId: string;
  readonly displayName: string;
  readonly role: Role;
  /** By what the list is ordered. */
  readonly sortName: string;
}

/**
 * Users who are not suspended, by name, after a place in that order: `everybody`, those of `roles`, and those with whom one shares an appointment,
 * a room or a conversation, but for `exceptRoles`. `query`: part of the name or the id.
 */
export async function listContacts(
  db: Db,
  options: {
    userId: string;
    everybody: boolean;
    roles: readonly Role[];
    exceptRoles: readonly Role[];
    query: string;
    after: { sortName: string; userId: string } | undefined;
    limit: number;
  },
): Promise<ContactRow[]> {
  const { userId, everybody, roles, exceptRoles, query, after, limit } = options;
  const name = sql`coalesce(u.chosen_name, u.token_name)`;
  const tied = sql`
      select y.user_id from appointment_participants x join appointment_participants y using (appointment_id) where x.user_id = ${userId}
      union select y.user_id from conversation_members x join conversation_members y using (conversation_id) where x.user_id = ${userId}
      union select g.user_id from own_rooms join room_guests g using (room_id)
      union select r.host_id from own_rooms join rooms r using (room_id)
      union select p.user_id from own_rooms join room_participants p using (room_id)`;
  const { rows } = await db.execute<{ user_id: string; display_name: string; role: Role; sort_name: string }>(sql`
    with own_rooms as (${roomsOf(sql`${userId}`)})
    select u.user_id, ${name} as display_name, u.role, lower(${name}) as sort_name
    from users u
    where u.user_id <> ${userId} and u.suspended_at is null and u.role <> all(${sql.param(exceptRoles)}::text[])
      ${everybody ? sql`` : sql`and (u.role = any(${sql.param(roles)}::text[]) or u.user_id in (${tied}))`}
      ${query === '' ? sql`` : sql`and (position(lower(${query}) in lower(${name})) > 0 or position(lower(${query}) in lower(u.user_id)) > 0)`}
      ${after ? sql`and (lower(${name}), u.user_id) > (${after.sortName}, ${after.userId})` : sql``}
    order by sort_name, u.user_id
    limit ${limit}`);
  return rows.map((row) => ({ userId: row.user_id, displayName: row.display_name, role: row.role, sortName: row.sort_name }));
}

/** The appointments that a user shares with each of some others, the latest first and no more than `limit` with each. */
export async function listSharedAppointments(
  db: Db,
  userId: string,
  otherIds: readonly string[],
  limit: number,
): Promise<Map<string, string[]>> {
  if (otherIds.length === 0) return new Map();
  const { rows } = await db.execute<{ user_id: string; appointment_ids: string[] }>(sql`
    select y.user_id, (array_agg(a.appointment_id order by a.scheduled_at desc, a.appointment_id))[1:${sql.raw(String(limit))}] as appointment_ids
    from appointment_participants x
      join appointment_participants y using (appointment_id)
      join appointments a using (appointment_id)
    where x.user_id = ${userId} and y.user_id = any(${sql.param(otherIds)}::text[])
    group by y.user_id`);
  return new Map(rows.map((row) => [row.user_id, row.appointment_ids]));
}
