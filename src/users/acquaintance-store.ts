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
