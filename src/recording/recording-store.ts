import { and, asc, desc, eq, gte, inArray, isNotNull, isNull, lt, or, type SQL, sql } from 'drizzle-orm';
import { validate as isUuid } from 'uuid';
import type { Sql, Transaction } from '../db/database.ts';
import { calls, recordingConsents, recordingFiles, recordingGaps, recordings, recordingTracks, rooms, users } from '../db/tables.ts';
import type { ConsentState, PauseReason, RecordingStatus } from '../protocol/recording.ts';
import { liveStatuses } from './recording-state.ts';

type Db = Sql | Transaction;
export type RecordingRow = typeof recordings.$inferSelect;
export type ConsentRow = typeof recordingConsents.$inferSelect & { readonly displayName: string };
export type FileRow = typeof recordingFiles.$inferSelect;
export type TrackRow = typeof recordingTracks.$inferSelect;
type Changes = Parameters<ReturnType<Transaction['update']>['set']>[0];

/** A recording with all that is told of it. */
export interface RecordingRecord extends RecordingRow {
  readonly gaps: readonly (typeof recordingGaps.$inferSelect)[];
  /** In the order in which people were asked; the asker is the first. */
  readonly consents: readonly ConsentRow[];
  readonly tracks: readonly TrackRow[];
  readonly files: readonly FileRow[];
}

/** The database's clock, which all servers share, to the moment. */
export const now = sql`clock_timestamp()`;

export async function insertRecording(tx: Transaction, row: typeof recordings.$inferInsert): Promise<void> {
  await tx.insert(recordings).values(row);
}

async function withParts(db: Db, rows: readonly RecordingRow[]): Promise<RecordingRecord[]> {
  const ids = rows.map(({ recordingId }) => recordingId);
  if (ids.length === 0) return [];
  const [gaps, consents, tracks, files] = await Promise.all([
    db.select().from(recordingGaps).where(inArray(recordingGaps.recordingId, ids)).orderBy(asc(recordingGaps.startedAt)),
    db
      .select({
        consent: recordingConsents,
        displayName: sql<string>`coalesce(${users.chosenName}, ${users.tokenName}, ${recordingConsents.userId})`,
      })
      .from(recordingConsents)
      .leftJoin(users, eq(users.userId, recordingConsents.userId))
      .where(inArray(recordingConsents.recordingId, ids))
      .orderBy(asc(recordingConsents.receiptId)),
    db.select().from(recordingTracks).where(inArray(recordingTracks.recordingId, ids)).orderBy(asc(recordingTracks.startedAt)),
    db.select().from(recordingFiles).where(inArray(recordingFiles.recordingId, ids)).orderBy(asc(recordingFiles.part)),
  ]);
  return rows.map((row) => {
    const own = <T extends { recordingId: string }>(all: readonly T[]) => all.filter(({ recordingId }) => recordingId === row.recordingId);
    return {
      ...row,
      gaps: own(gaps),
      consents: own(consents.map(({ consent, displayName }) => ({ ...consent, displayName }))),
      tracks: own(tracks),
      files: own(files),
    };
  });
}

/** One recording, or undefined; deleted ones are not there. */
export async function findRecording(db: Db, recordingId: string): Promise<RecordingRecord | undefined> {
  if (!isUuid(recordingId)) return undefined;
  const rows = await db
    .select()
    .from(recordings)
    .where(and(eq(recordings.recordingId, recordingId), isNull(recordings.deletedAt)));
  return (await withParts(db, rows))[0];
}

/** One recording, held until the transaction ends: what happens to it happens one after another, whichever server it comes to. */
export async function lockRecording(tx: Transaction, recordingId: string): Promise<RecordingRecord | undefined> {
  if (!isUuid(recordingId)) return undefined;
  const rows = await tx
    .select()
    .from(recordings)
    .where(and(eq(recordings.recordingId, recordingId), isNull(recordings.deletedAt)))
    .for('update');
  return (await withParts(tx, rows))[0];
}

/** Changes a recording that still has the status it was read with; answers whether it had. */
export async function changeRecording(tx: Db, recordingId: string, from: RecordingStatus, changes: Changes): Promise<boolean> {
  const { rowCount } = await tx
    .update(recordings)
    .set(changes)
    .where(and(eq(recordings.recordingId, recordingId), eq(recordings.status, from)));
  return rowCount === 1;
}

/** Changes what does not depend on the status. */
export async function setRecording(tx: Db, recordingId: string, changes: Changes): Promise<void> {
  await tx.update(recordings).set(changes).where(eq(recordings.recordingId, recordingId));
}

/** Notes how far a composition is, while it is not done. */
export async function setProgress(db: Db, recordingId: string, progress: number): Promise<void> {
  await db
    .update(recordings)
    .set({ progress })
    .where(and(eq(recordings.recordingId, recordingId), isNotNull(recordings.progress)));
}

/** The recording for which people of a room are asked or recorded now. */
export async function findLiveOfRoom(db: Db, roomId: string): Promise<RecordingRow | undefined> {
  const [row] = await db
    .select()
    .from(recordings)
    .where(and(eq(recordings.roomId, roomId), inArray(recordings.status, [...liveStatuses])));
  return row;
}

/** A room's latest recording that is, or will be, to be had. */
export async function findLastOfRoom(db: Db, roomId: string): Promise<RecordingRow | undefined> {
  const [row] = await db
    .select()
    .from(recordings)
    .where(
      and(
        eq(recordings.roomId, roomId),
        isNull(recordings.deletedAt),
        inArray(recordings.status, ['recording', 'paused', 'processing', 'ready']),
      ),
    )
    .orderBy(desc(recordings.recordingId))
    .limit(1);
  return row;
}

/** Recordings of a folder for which people are asked or recorded, as the row says, and that were not seen for so long. */
export async function findLeftIn(db: Db, folderId: string, unseenSeconds: number): Promise<RecordingRow[]> {
  return await db
    .select()
    .from(recordings)
    .where(
      and(
        eq(recordings.folderId, folderId),
        inArray(recordings.status, [...liveStatuses]),
        lt(recordings.seenAt, sql`clock_timestamp() - make_interval(secs => ${unseenSeconds})`),
      ),
    );
}

/** Recordings of other servers that nobody has been seen at for so long. */
export async function findLost(db: Db, afterSeconds: number): Promise<RecordingRow[]> {
  return await db
    .select()
    .from(recordings)
    .where(and(inArray(recordings.status, [...liveStatuses]), lt(recordings.seenAt, sql`now() - make_interval(secs => ${afterSeconds})`)));
}

/** The server is here. */
export async function markSeen(db: Db, recordingIds: readonly string[]): Promise<void> {
  if (recordingIds.length === 0) return;
  await db
    .update(recordings)
    .set({ seenAt: now })
    .where(inArray(recordings.recordingId, [...recordingIds]));
}

/** Until the transaction ends nobody else begins a recording of the room. */
export async function lockRoom(tx: Transaction, roomId: string): Promise<void> {
  await tx.select({ roomId: rooms.roomId }).from(rooms).where(eq(rooms.roomId, roomId)).for('update');
}

/** Recordings whose tracks did not get into the store for so long: the server that has them is gone. */
export async function findStuck(db: Db, afterSeconds: number): Promise<{ recordingId: string }[]> {
  return await db
    .select({ recordingId: recordings.recordingId })
    .from(recordings)
    .where(
      and(
        eq(recordings.status, 'processing'),
        lt(recordings.processingAt, sql`now() - make_interval(secs => ${afterSeconds})`),
        sql`not exists (select 1 from ${recordingFiles} f where f.recording_id = ${recordings.recordingId} and f.kind = 'timeline')`,
      ),
    );
}

/** Whether a room is there and goes on. */
export async function findRoomEnd(db: Db, roomId: string): Promise<{ endedAt: Date | null } | undefined> {
  if (!isUuid(roomId)) return undefined;
  const [row] = await db.select({ endedAt: rooms.endedAt }).from(rooms).where(eq(rooms.roomId, roomId));
  return row;
}

/** The call that runs in a room. */
export async function findCallOfRoom(db: Db, roomId: string): Promise<string | undefined> {
  const [row] = await db
    .select({ callId: calls.callId })
    .from(calls)
    .where(and(eq(calls.roomId, roomId), isNull(calls.endedAt)))
    .limit(1);
  return row?.callId;
}

/** The language that each of some users reads. */
export async function findLocales(db: Db, userIds: readonly string[]): Promise<Map<string, string>> {
  if (userIds.length === 0) return new Map();
  const rows = await db
    .select({ userId: users.userId, locale: users.locale })
    .from(users)
    .where(inArray(users.userId, [...userIds]));
  return new Map(rows.map(({ userId, locale }) => [userId, locale]));
}

export async function insertConsents(tx: Transaction, rows: readonly (typeof recordingConsents.$inferInsert)[]): Promise<void> {
  if (rows.length > 0)
    await tx
      .insert(recordingConsents)
      .values([...rows])
      .onConflictDoNothing();
}

/** Notes what somebody has answered, or taken back. */
export async function changeConsent(
  tx: Transaction,
  recordingId: string,
  userId: string,
  state: ConsentState,
  more: { readonly language?: string; readonly textVersion?: number } = {},
): Promise<void> {
  const at = state === 'withdrawn' ? { withdrawnAt: now } : { answeredAt: now };
  await tx
    .update(recordingConsents)
    .set({ state, ...at, ...more })
    .where(and(eq(recordingConsents.recordingId, recordingId), eq(recordingConsents.userId, userId)));
}

/** What was written of somebody is gone. */
export async function markErased(tx: Db, recordingId: string, userId: string): Promise<void> {
  await tx
    .update(recordingConsents)
    .set({ erasedAt: now })
    .where(and(eq(recordingConsents.recordingId, recordingId), eq(recordingConsents.userId, userId)));
}

/** The recording stands still from now on. */
export async function openGap(tx: Transaction, recordingId: string, reason: PauseReason): Promise<void> {
  await tx.insert(recordingGaps).values({ recordingId, startedAt: now, reason });
}

/** The recording goes on, or is over. */
export async function closeGaps(tx: Transaction, recordingId: string): Promise<void> {
  await tx
    .update(recordingGaps)
    .set({ endedAt: now })
    .where(and(eq(recordingGaps.recordingId, recordingId), isNull(recordingGaps.endedAt)));
}

/** What a list of recordings is narrowed to. */
export interface RecordingFilter {
  readonly roomId?: string | undefined;
  readonly status?: RecordingStatus | undefined;
  /** Somebody who was asked. */
  readonly userId?: string | undefined;
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
  /** Who may see them: all, or those that a user asked for; with `orConsented` also those that they agreed to. */
  readonly visibleTo?: { readonly userId: string; readonly orConsented: boolean } | undefined;
  /** The last one of the page before. */
  readonly before?: string | undefined;
}

const ofUser = (userId: string, condition?: SQL) =>
  sql`exists (select 1 from ${recordingConsents} c where c.recording_id = ${recordings.recordingId} and c.user_id = ${userId}${condition ? sql` and ${condition}` : sql``})`;

/** A page of recordings, newest first. */
export async function listRecordings(db: Db, filter: RecordingFilter, limit: number): Promise<RecordingRecord[]> {
  const { roomId, status, userId, from, to, visibleTo, before } = filter;
  if (roomId !== undefined && !isUuid(roomId)) return [];
  const rows = await db
    .select()
    .from(recordings)
    .where(
      and(
        isNull(recordings.deletedAt),
        roomId === undefined ? undefined : eq(recordings.roomId, roomId),
        status && eq(recordings.status, status),
        userId === undefined ? undefined : ofUser(userId),
        from && gte(recordings.requestedAt, from),
        to && lt(recordings.requestedAt, to),
        visibleTo &&
          or(
            eq(recordings.requestedBy, visibleTo.userId),
            visibleTo.orConsented ? ofUser(visibleTo.userId, sql`c.state = 'granted'`) : undefined,
          ),
        before === undefined ? undefined : lt(recordings.recordingId, before),
      ),
    )
    .orderBy(desc(recordings.recordingId))
    .limit(limit);
  return await withParts(db, rows);
}

/** Recordings whose time is over and that nothing holds. */
export async function findExpired(db: Db, limit: number): Promise<string[]> {
  const rows = await db
    .select({ recordingId: recordings.recordingId })
    .from(recordings)
    .where(
      and(
        lt(recordings.deleteAt, sql`now()`),
        isNull(recordings.deletedAt),
        isNull(recordings.heldAt),
        inArray(recordings.status, ['ready', 'failed', 'refused']),
      ),
    )
    .limit(limit);
  return rows.map(({ recordingId }) => recordingId);
}
