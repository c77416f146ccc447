import { and, eq, inArray, ne } from 'drizzle-orm';
import type { Transaction } from '../db/database.ts';
import { recordingFiles, recordingTracks } from '../db/tables.ts';
import type { FileRow, TrackRow } from './recording-store.ts';

/** Writes down a file, in the place of another one of its kind unless it is a part. Answers the blobs that nothing refers to any more. */
export async function putFile(tx: Transaction, file: typeof recordingFiles.$inferInsert): Promise<string[]> {
  const same = and(
    eq(recordingFiles.recordingId, file.recordingId),
    eq(recordingFiles.kind, file.kind),
    ...(file.kind === 'part' && file.trackId ? [eq(recordingFiles.trackId, file.trackId), eq(recordingFiles.part, file.part ?? 0)] : []),
  );
  const gone = await tx
    .delete(recordingFiles)
    .where(and(same, ne(recordingFiles.blobKey, file.blobKey)))
    .returning({ blobKey: recordingFiles.blobKey });
  await tx.insert(recordingFiles).values(file);
  return gone.map(({ blobKey }) => blobKey);
}

export async function putTrack(tx: Transaction, track: TrackRow): Promise<void> {
  const { startedAt, endedAt } = track;
  await tx.insert(recordingTracks).values(track).onConflictDoUpdate({ target: recordingTracks.trackId, set: { startedAt, endedAt } });
}

/** Forgets the tracks of one user, or of a whole recording with all its files; answers the blobs that nothing refers to any more. */
export async function deleteTracks(tx: Transaction, recordingId: string, userId?: string): Promise<string[]> {
  const tracks = tx
    .select({ trackId: recordingTracks.trackId })
    .from(recordingTracks)
    .where(and(eq(recordingTracks.recordingId, recordingId), userId === undefined ? undefined : eq(recordingTracks.userId, userId)));
  const gone = await tx
    .delete(recordingFiles)
    .where(and(eq(recordingFiles.recordingId, recordingId), userId === undefined ? undefined : inArray(recordingFiles.trackId, tracks)))
    .returning({ blobKey: recordingFiles.blobKey });
  await tx
    .delete(recordingTracks)
    .where(and(eq(recordingTracks.recordingId, recordingId), userId === undefined ? undefined : eq(recordingTracks.userId, userId)));
  return gone.map(({ blobKey }) => blobKey);
}

/** Forgets files of some kinds; answers their blobs. */
export async function deleteFiles(tx: Transaction, recordingId: string, kinds: readonly FileRow['kind'][]): Promise<string[]> {
  const gone = await tx
    .delete(recordingFiles)
    .where(and(eq(recordingFiles.recordingId, recordingId), inArray(recordingFiles.kind, [...kinds])))
    .returning({ blobKey: recordingFiles.blobKey });
  return gone.map(({ blobKey }) => blobKey);
}
