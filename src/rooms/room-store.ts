import { and, count, desc, eq, gte, inArray, isNull, lt, or, sql } from 'drizzle-orm';
import { validate as isUuid } from 'uuid';
import type { Sql, Transaction } from '../db/database.ts';
import {
  appointmentParticipants,
  appointments,
  callParties,
  calls,
  roomBans,
  roomGuests,
  roomParticipants,
  rooms,
  users,
} from '../db/tables.ts';
import type { LeaveReason, RoomEndReason } from '../protocol/room.ts';
import type { Relation } from './room-access.ts';

export type RoomRow = typeof rooms.$inferSelect;
type Db = Sql | Transaction;

/** Inserts a room with its guest list. */
export async function insertRoom(tx: Transaction, room: typeof rooms.$inferInsert, guestIds: readonly string[]): Promise<RoomRow> {
  const [row] = await tx.insert(rooms).values(room).returning();
  if (!row) throw new Error('insert returned no row');
  if (guestIds.length > 0) await tx.insert(roomGuests).values(guestIds.map((userId) => ({ roomId: row.roomId, userId })));
  return row;
}

/** The first of some users who is a provider or an admin, in their order. */
export async function findFirstOfStaff(tx: Transaction, userIds: readonly string[]): Promise<string | undefined> {
  const staff = await tx
    .select({ userId: users.userId })
    .from(users)
    .where(and(inArray(users.userId, [...userIds]), inArray(users.role, ['provider', 'admin'])));
  const ids = new Set(staff.map(({ userId }) => userId));
  return userIds.find((userId) => ids.has(userId));
}

/** Adds somebody to a room's guest list; answers the room, held until the transaction ends. */
export async function addGuest(tx: Transaction, roomId: string, userId: string): Promise<RoomRow | undefined> {
  const [row] = await tx.select().from(rooms).where(eq(rooms.roomId, roomId)).for('update');
  if (row) await tx.insert(roomGuests).values({ roomId, userId }).onConflictDoNothing();
  return row;
}

/** From now on a room's messages go to a conversation of its own. */
export async function giveOwnConversation(tx: Transaction, roomId: string): Promise<void> {
  await tx.update(rooms).set({ conversationId: null }).where(eq(rooms.roomId, roomId));
}

/** One room, or undefined. */
export async function findRoom(db: Db, roomId: string): Promise<RoomRow | undefined> {
  if (!isUuid(roomId)) return undefined;
  const [row] = await db.select().from(rooms).where(eq(rooms.roomId, roomId));
  return row;
}

/** Whether a user takes part in the appointment of a room; in that of a call's room only who was rung. */
const takesPart = (userId: string) => sql<boolean>`(
  exists (select 1 from ${appointmentParticipants} p where p.appointment_id = rooms.appointment_id and p.user_id = ${userId})
  and (
    not exists (select 1 from ${calls} c where c.room_id = rooms.room_id)
    or exists (select 1 from ${roomGuests} g where g.room_id = rooms.room_id and g.user_id = ${userId})
  )
)`;

/** Whether a user is invited to a room, whether banned from it, and how they stand to its appointment. */
export async function findRelation(db: Db, roomId: string, userId: string): Promise<Relation> {
  const [row] = await db
    .select({
      isInvited: sql<boolean>`exists (select 1 from ${roomGuests} g where g.room_id = ${roomId} and g.user_id = ${userId})`,
      isBanned: sql<boolean>`exists (select 1 from ${roomBans} b where b.room_id = ${roomId} and b.user_id = ${userId})`,
      scheduledAt: appointments.scheduledAt,
      isParticipant: takesPart(userId),
      isCallRunning: sql<boolean>`exists (select 1 from ${calls} c where c.room_id = ${roomId} and c.ended_at is null)`,
      isInCall: sql<boolean>`exists (
        select 1 from ${calls} c join ${callParties} p using (call_id)
        where c.room_id = ${roomId} and c.ended_at is null and p.user_id = ${userId} and p.state = 'joined'
      )`,
    })
    .from(rooms)
    .leftJoin(appointments, eq(appointments.appointmentId, rooms.appointmentId))
    .where(eq(rooms.roomId, roomId));
  if (!row) return { isInvited: false, isBanned: false, call: undefined, appointment: undefined };
  const { isInvited, isBanned, scheduledAt, isParticipant, isCallRunning, isInCall } = row;
  return {
    isInvited,
    isBanned,
    call: isCallRunning ? { isIn: isInCall } : undefined,
    appointment: scheduledAt === null ? undefined : { scheduledAt, isParticipant },
  };
}

/** Those among some rooms in whose appointments a user takes part. */
export async function listRoomsOfAppointments(db: Db, userId: string, roomIds: readonly string[]): Promise<Set<string>> {
  if (roomIds.length === 0) return new Set();
  const found = await db
    .select({ roomId: rooms.roomId })
    .from(rooms)
    .where(and(inArray(rooms.roomId, [...roomIds]), takesPart(userId)));
  return new Set(found.map(({ roomId }) => roomId));
}

/** Rooms that a user hosts, made, is invited to, by name or by an appointment, or was in, newest first, before `beforeId`. */
export function listRooms(
  db: Db,
  options: { userId: string; isAdmin: boolean; beforeId?: string | undefined; limit: number },
): Promise<RoomRow[]> {
  const { userId, isAdmin, beforeId, limit } = options;
  const isGuest = sql`exists (select 1 from ${roomGuests} g where g.room_id = ${rooms.roomId} and g.user_id = ${userId})`;
  const wasThere = sql`exists (select 1 from ${roomParticipants} p where p.room_id = ${rooms.roomId} and p.user_id = ${userId})`;
  return db
    .select()
    .from(rooms)
    .where(
      and(
        beforeId === undefined ? undefined : lt(rooms.roomId, beforeId),
        isAdmin ? undefined : or(eq(rooms.hostId, userId), eq(rooms.createdBy, userId), isGuest, wasThere, takesPart(userId)),
      ),
    )
    .orderBy(desc(rooms.roomId))
    .limit(limit);
}

/** How many rooms a user has made since a time, those of calls left out. Until the transaction ends, nobody else counts for the same user. */
export async function countRoomsSince(tx: Transaction, createdBy: string, since: Date): Promise<number> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`rooms of ${createdBy}`}, 0))`);
  const [row] = await tx
    .select({ count: count() })
    .from(rooms)
    .where(
      and(
        eq(rooms.createdBy, createdBy),
        gte(rooms.createdAt, since),
        sql`not exists (select 1 from ${calls} c where c.room_id = ${rooms.roomId})`,
      ),
    );
  return row?.count ?? 0;
}

/** Changes a room's own settings. */
export async function updateRoom(
  tx: Transaction,
  roomId: string,
  changes: Partial<Pick<RoomRow, 'name' | 'notes' | 'lobby' | 'locked'>>,
): Promise<RoomRow | undefined> {
  const [row] = await tx.update(rooms).set(changes).where(eq(rooms.roomId, roomId)).returning();
  return row;
}

/** Marks a waiting room as in progress; answers the row, and whether this call did it. Undefined once the room has ended. */
export async function startRoom(tx: Transaction, roomId: string): Promise<{ row: RoomRow; started: boolean } | undefined> {
  const [started] = await tx
    .update(rooms)
    .set({ status: 'in_progress', startedAt: sql`now()` })
    .where(and(eq(rooms.roomId, roomId), eq(rooms.status, 'waiting')))
    .returning();
  if (started) return { row: started, started: true };
  // A shared lock holds off the end of the room until the joining transaction is through.
  const [row] = await tx.select().from(rooms).where(eq(rooms.roomId, roomId)).for('share');
  return row?.status === 'in_progress' ? { row, started: false } : undefined;
}

/** Ends a room that has not ended; undefined when it had. A room that nobody entered is cancelled. */
export async function endRoom(tx: Transaction, roomId: string, reason: RoomEndReason): Promise<RoomRow | undefined> {
  const [row] = await tx
    .update(rooms)
    .set({
      status: sql`case when ${rooms.status} = 'waiting' then 'cancelled' else 'ended' end`,
      endReason: sql`case when ${rooms.status} = 'waiting' then 'cancelled' else ${reason} end`,
      endedAt: sql`now()`,
    })
    .where(and(eq(rooms.roomId, roomId), inArray(rooms.status, ['waiting', 'in_progress'])))
    .returning();
  return row;
}

/** Ids of rooms that have been in progress for longer than the limit. */
export async function findOverdueRooms(db: Db, limitMinutes: number): Promise<string[]> {
  const rows = await db
    .select({ roomId: rooms.roomId })
    .from(rooms)
    .where(and(eq(rooms.status, 'in_progress'), lt(rooms.startedAt, sql`now() - make_interval(secs => ${limitMinutes * 60})`)));
  return rows.map((row) => row.roomId);
}

/** Bans a user from a room. */
export async function insertBan(tx: Transaction, ban: typeof roomBans.$inferInsert): Promise<void> {
  await tx.insert(roomBans).values(ban).onConflictDoNothing();
}

/** Notes that somebody is in a room from now on. */
export async function insertParticipant(tx: Transaction, row: typeof roomParticipants.$inferInsert): Promise<void> {
  await tx.insert(roomParticipants).values(row);
}

/** Notes that participants are no longer there; answers for how many that was news. */
export async function markLeft(db: Db, participantIds: readonly string[], reason: LeaveReason): Promise<number> {
  if (participantIds.length === 0) return 0;
  const { rowCount } = await db
    .update(roomParticipants)
    .set({ leftAt: sql`now()`, leaveReason: reason })
    .where(and(inArray(roomParticipants.participantId, [...participantIds]), isNull(roomParticipants.leftAt)));
  return rowCount ?? 0;
}

/** Notes that everybody has left a room. */
export async function markRoomLeft(tx: Transaction, roomId: string, reason: LeaveReason): Promise<void> {
  await tx
    .update(roomParticipants)
    .set({ leftAt: sql`now()`, leaveReason: reason })
    .where(and(eq(roomParticipants.roomId, roomId), isNull(roomParticipants.leftAt)));
}

/** Closes the books on everybody whom dead servers left behind: one server, or every other than one. Answers where they were. */
export function markServerLeft(
  tx: Transaction,
  of: { serverId: string } | { allBut: string },
  reason: LeaveReason,
): Promise<{ serverId: string | null; roomId: string; userId: string }[]> {
  const { serverId, roomId, userId } = roomParticipants;
  const isOfDead = 'serverId' in of ? eq(serverId, of.serverId) : sql`${serverId} is distinct from ${of.allBut}`;
  return tx
    .update(roomParticipants)
    .set({ leftAt: sql`now()`, leaveReason: reason })
    .where(and(isOfDead, isNull(roomParticipants.leftAt)))
    .returning({ serverId, roomId, userId });
}

/** Notes that participants whom another server took for gone with theirs are there after all. */
export async function markBack(db: Db, participantIds: readonly string[], serverId: string): Promise<void> {
  if (participantIds.length === 0) return;
  const isTakenForGone = and(eq(roomParticipants.serverId, serverId), eq(roomParticipants.leaveReason, 'server_restart'));
  await db
    .update(roomParticipants)
    .set({ leftAt: null, leaveReason: null })
    .where(and(inArray(roomParticipants.participantId, [...participantIds]), isTakenForGone));
}

/** Rooms by their ids, in no order. */
export function findRooms(db: Db, roomIds: readonly string[]): Promise<RoomRow[]> {
  return db
    .select()
    .from(rooms)
    .where(inArray(rooms.roomId, [...roomIds]));
}

/** How many are in each of these rooms, on whatever server; rooms without anybody are left out. */
export async function countPresent(db: Db, roomIds: readonly string[]): Promise<Map<string, number>> {
  if (roomIds.length === 0) return new Map();
  const rows = await db
    .select({ roomId: roomParticipants.roomId, present: count() })
    .from(roomParticipants)
    .where(and(inArray(roomParticipants.roomId, [...roomIds]), isNull(roomParticipants.leftAt)))
    .groupBy(roomParticipants.roomId);
  return new Map(rows.map(({ roomId, present }) => [roomId, present]));
}
