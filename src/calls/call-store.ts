import { and, asc, count, desc, eq, gte, inArray, isNotNull, isNull, lt, ne, sql } from 'drizzle-orm';
import type { PgInsertValue } from 'drizzle-orm/pg-core';
import type { Sql, Transaction } from '../db/database.ts';
import { callParties, calls, roomParticipants, users } from '../db/tables.ts';
import type { CallStatus, CallType, PartyState } from '../protocol/call.ts';
import { runningStatuses } from './call-state.ts';

type Db = Sql | Transaction;
export type CallRow = typeof calls.$inferSelect;

/** One user's part in a call, with the name that everybody sees. */
export interface PartyRow {
  readonly callId: string;
  readonly userId: string;
  readonly displayName: string;
  readonly state: PartyState;
  readonly position: number;
}

/** A call with its parties; the caller is the first. */
export interface CallRecord extends CallRow {
  readonly parties: readonly PartyRow[];
}

/** The database's clock, which all servers share. */
export const now = sql`now()`;
/** A time so many seconds from now; 0: no limit. */
export const inSeconds = (seconds: number) => (seconds > 0 ? sql`now() + make_interval(secs => ${seconds})` : null);

/** Until the transaction ends nobody else begins a call with any of these users. */
export async function lockUsers(tx: Transaction, userIds: readonly string[]): Promise<void> {
  for (const userId of [...userIds].sort())
    await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`calls of ${userId}`}, 0))`);
}

/** What some users have to do with calls that run now. */
export async function findEngaged(tx: Transaction, userIds: readonly string[]) {
  return await tx
    .select({ userId: callParties.userId, state: callParties.state, callId: calls.callId, callerId: calls.callerId, status: calls.status })
    .from(callParties)
    .innerJoin(calls, eq(calls.callId, callParties.callId))
    .where(
      and(
        inArray(callParties.userId, [...userIds]),
        inArray(callParties.state, ['ringing', 'joined']),
        inArray(calls.status, [...runningStatuses]),
      ),
    )
    .orderBy(asc(calls.initiatedAt));
}

/** Inserts a call with its parties. */
export async function insertCall(
  tx: Transaction,
  callId: string,
  call: Omit<PgInsertValue<typeof calls>, 'callId' | 'initiatedAt'>,
  parties: readonly { userId: string; state: PartyState }[],
): Promise<void> {
  await tx.insert(calls).values({ ...call, callId, initiatedAt: now });
  await tx.insert(callParties).values(parties.map((party, position) => ({ callId, position, ...party })));
}

/** Adds somebody to a running call, or rings them again. */
export async function putRungParty(tx: Transaction, callId: string, userId: string, position: number, ringSeconds: number): Promise<void> {
  const ringing = { state: 'ringing' as const, deadlineAt: inSeconds(ringSeconds) };
  await tx
    .insert(callParties)
    .values({ callId, userId, position, ...ringing })
    .onConflictDoUpdate({ target: [callParties.callId, callParties.userId], set: ringing });
}

async function findParties(db: Db, callIds: readonly string[]): Promise<PartyRow[]> {
  if (callIds.length === 0) return [];
  return await db
    .select({
      callId: callParties.callId,
      userId: callParties.userId,
      displayName: sql<string>`coalesce(${users.chosenName}, ${users.tokenName}, ${callParties.userId})`,
      state: callParties.state,
      position: callParties.position,
    })
    .from(callParties)
    .leftJoin(users, eq(users.userId, callParties.userId))
    .where(inArray(callParties.callId, [...callIds]))
    .orderBy(callParties.position, callParties.userId);
}

async function withParties(db: Db, rows: readonly CallRow[]): Promise<CallRecord[]> {
  const parties = Map.groupBy(
    await findParties(
      db,
      rows.map(({ callId }) => callId),
    ),
    ({ callId }) => callId,
  );
  return rows.map((row) => ({ ...row, parties: parties.get(row.callId) ?? [] }));
}

/** One call, or undefined. */
export async function findCall(db: Db, callId: string): Promise<CallRecord | undefined> {
  const [call] = await withParties(db, await db.select().from(calls).where(eq(calls.callId, callId)));
  return call;
}

/** One call, held until the transaction ends: what happens to it happens one after another, whichever server it comes to. */
export async function lockCall(tx: Transaction, callId: string): Promise<CallRecord | undefined> {
  const [call] = await withParties(tx, await tx.select().from(calls).where(eq(calls.callId, callId)).for('update'));
  return call;
}

/** Changes a call that still has the status it was read with; answers whether it had. */
export async function changeCall(
  tx: Transaction,
  callId: string,
  from: CallStatus,
  changes: Parameters<ReturnType<typeof tx.update<typeof calls>>['set']>[0],
): Promise<boolean> {
  const { rowCount } = await tx
    .update(calls)
    .set(changes)
    .where(and(eq(calls.callId, callId), eq(calls.status, from)));
  return rowCount === 1;
}

/** Gives a call another conversation. */
export async function setConversation(tx: Transaction, callId: string, conversationId: string): Promise<void> {
  await tx.update(calls).set({ conversationId }).where(eq(calls.callId, callId));
}

/** Notes a wish for video, or its answer. */
export async function setVideo(
  tx: Transaction,
  callId: string,
  changes: { videoRequestedBy: string | null; type?: 'video' },
): Promise<void> {
  await tx.update(calls).set(changes).where(eq(calls.callId, callId));
}

/** Changes how some of a call's users stand to it; their own deadlines are done with. */
export async function changeParties(tx: Transaction, callId: string, userIds: readonly string[], state: PartyState): Promise<void> {
  if (userIds.length === 0) return;
  await tx
    .update(callParties)
    .set({ state, deadlineAt: null })
    .where(and(eq(callParties.callId, callId), inArray(callParties.userId, [...userIds])));
}

/** Users of a call who were rung into it while it ran, and did not answer in time. */
export async function findOverdueParties(tx: Transaction, callId: string): Promise<string[]> {
  const rows = await tx
    .select({ userId: callParties.userId })
    .from(callParties)
    .where(and(eq(callParties.callId, callId), eq(callParties.state, 'ringing'), sql`${callParties.deadlineAt} <= now()`));
  return rows.map(({ userId }) => userId);
}

/** Whether a call's own deadline has passed. */
export async function isOverdue(tx: Transaction, callId: string): Promise<boolean> {
  const [row] = await tx
    .select({ callId: calls.callId })
    .from(calls)
    .where(and(eq(calls.callId, callId), sql`${calls.deadlineAt} <= now()`));
  return row !== undefined;
}

/** Calls that wait for something that should have come by now. */
export async function findOverdueCalls(db: Db, limit: number): Promise<string[]> {
  const { rows } = await db.execute<{ call_id: string }>(sql`
    (select ${calls.callId} from ${calls} where ${calls.deadlineAt} <= now() order by ${calls.deadlineAt} limit ${limit})
    union
    (select ${callParties.callId} from ${callParties} where ${callParties.deadlineAt} <= now() order by ${callParties.deadlineAt} limit ${limit})`);
  return rows.map((row) => row.call_id);
}

/** The running call of a room. */
export async function findRunningCallOfRoom(db: Db, roomId: string): Promise<CallRow | undefined> {
  const [row] = await db
    .select()
    .from(calls)
    .where(and(eq(calls.roomId, roomId), inArray(calls.status, [...runningStatuses])));
  return row;
}

/** Users who are in a call: they have begun or accepted it, and not left. */
export async function findUsersIn(db: Db, callId: string): Promise<string[]> {
  const rows = await db
    .select({ userId: callParties.userId })
    .from(callParties)
    .where(and(eq(callParties.callId, callId), eq(callParties.state, 'joined')));
  return rows.map(({ userId }) => userId);
}

/** Calls that ring a user now. */
export async function findCallsRinging(db: Db, userId: string): Promise<CallRecord[]> {
  const rows = await db
    .select({ call: calls })
    .from(callParties)
    .innerJoin(calls, eq(calls.callId, callParties.callId))
    .where(and(eq(callParties.userId, userId), eq(callParties.state, 'ringing'), inArray(calls.status, [...runningStatuses])))
    .orderBy(asc(calls.initiatedAt));
  return await withParties(
    db,
    rows.map(({ call }) => call),
  );
}

/** Connected calls in whose rooms nobody is get a deadline, and lose it when somebody is there; of one room, or of all. */
export async function watchOccupancy(db: Db, idleSeconds: number, roomId?: string): Promise<void> {
  const isOccupied = sql`exists (select 1 from ${roomParticipants} p where p.room_id = ${calls.roomId} and p.left_at is null)`;
  const ofRoom = roomId === undefined ? undefined : eq(calls.roomId, roomId);
  const connected = and(eq(calls.status, 'connected'), ofRoom);
  await db
    .update(calls)
    .set({ deadlineAt: inSeconds(idleSeconds) })
    .where(and(connected, isNull(calls.deadlineAt), sql`not ${isOccupied}`));
  await db
    .update(calls)
    .set({ deadlineAt: null })
    .where(and(connected, isNotNull(calls.deadlineAt), isOccupied));
}

/** What a list of calls is narrowed to. */
export interface CallFilter {
  readonly userId: string;
  readonly type?: CallType | undefined;
  readonly status?: CallStatus | undefined;
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
}

function matching(db: Db, { userId, type, status, from, to }: CallFilter) {
  const own = db.select({ callId: callParties.callId }).from(callParties).where(eq(callParties.userId, userId));
  return and(
    inArray(calls.callId, own),
    type && eq(calls.type, type),
    status && eq(calls.status, status),
    from && gte(calls.initiatedAt, from),
    to && lt(calls.initiatedAt, to),
  );
}

/** A page of a user's calls, newest first. */
export async function listCalls(db: Db, filter: CallFilter, page: { offset: number; limit: number }): Promise<CallRecord[]> {
  const rows = await db
    .select()
    .from(calls)
    .where(matching(db, filter))
    .orderBy(desc(calls.initiatedAt), desc(calls.callId))
    .limit(page.limit)
    .offset(page.offset);
  return await withParties(db, rows);
}

export async function countCalls(db: Db, filter: CallFilter): Promise<number> {
  const [row] = await db.select({ count: count() }).from(calls).where(matching(db, filter));
  return row?.count ?? 0;
}

/** A user's calls since a time in numbers, those that run left out. */
export async function summarise(db: Db, userId: string, since: Date) {
  const of = (status: CallStatus) => sql<number>`count(*) filter (where ${calls.status} = ${status})`.mapWith(Number);
  const ofType = (type: CallType) => sql<number>`count(*) filter (where ${calls.type} = ${type})`.mapWith(Number);
  const average = (from: typeof calls.acceptedAt | typeof calls.connectedAt, to: typeof calls.connectedAt | typeof calls.endedAt) =>
    sql<number | null>`avg(extract(epoch from ${to} - ${from}))`.mapWith((value) => (value === null ? null : Number(value)));
  const [row] = await db
    .select({
      total: count(),
      completed: sql<number>`count(*) filter (where ${calls.status} = 'ended' and ${calls.connectedAt} is not null)`.mapWith(Number),
      missed: of('missed'),
      declined: of('declined'),
      cancelled: of('cancelled'),
      busy: of('busy'),
      failed:
        sql<number>`count(*) filter (where ${calls.status} = 'failed' or (${calls.status} = 'ended' and ${calls.connectedAt} is null))`.mapWith(
          Number,
        ),
      video: ofType('video'),
      voice: ofType('voice'),
      durationSeconds: average(calls.connectedAt, calls.endedAt),
      setupSeconds: average(calls.acceptedAt, calls.connectedAt),
    })
    .from(calls)
    .where(and(matching(db, { userId, from: since }), isNotNull(calls.endedAt), ne(calls.status, 'connected')));
  if (!row) throw new Error('an aggregate answers one row');
  return row;
}
