import { randomBytes } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import type { Database, Transaction } from '../db/database.ts';
import { addJobIn, removeJobIn } from '../jobs/job-queue.ts';
import * as fileStore from './recording-file-store.ts';
import * as store from './recording-store.ts';
import type { RecordingVault } from './recording-vault.ts';
import type { Timeline } from './timeline.ts';

/** When it is looked at whether the server that stored a blob died in the middle. */
const sweepAfterMs = 24 * 60 * 60_000;

export type RecordingFiles = ReturnType<typeof createRecordingFiles>;

/** The way of a recording's files into the store and into its books. */
export function createRecordingFiles({ db, vault }: { db: Database; vault: RecordingVault }) {
  return {
    /** Brings one file into the store and writes it down, together with what `within` does; answers false when nobody wants it any more. */
    async keep(
      record: store.RecordingRecord,
      file: string,
      about: Pick<store.FileRow, 'kind' | 'name' | 'mediaType'> &
        Partial<Pick<store.FileRow, 'trackId' | 'part' | 'startedAt' | 'endedAt'>>,
      within?: (tx: Transaction) => Promise<void> | undefined,
    ): Promise<boolean> {
      const { recordingId } = record;
      const blobKey = randomBytes(16).toString('hex');
      const sweep = `recordings:sweep:${blobKey}`;
      // Should this server die before the file is written down, its blob goes all the same.
      await addJobIn(db.sql, 'recordings:deleteBlobs', { blobKeys: [blobKey] }, { key: sweep, runAt: new Date(Date.now() + sweepAfterMs) });
      const kept = await vault.keep(recordingId, blobKey, file);
      return await db.transaction(async (tx) => {
        await removeJobIn(tx, sweep);
        // Somebody may have had themselves erased, or all of it be deleted, meanwhile.
        const now = await store.lockRecording(tx, recordingId);
        const isWanted = now !== undefined && isStillWanted(record, now, about);
        const gone = isWanted ? await fileStore.putFile(tx, { fileId: uuidv7(), recordingId, ...kept, ...about }) : [kept.blobKey];
        if (isWanted) await within?.(tx);
        // Deleted with its key, which this file has made anew.
        if (!now) await vault.destroyKey(tx, recordingId);
        if (gone.length > 0) await addJobIn(tx, 'recordings:deleteBlobs', { blobKeys: gone });
        return isWanted;
      });
    },
  };
}

/** Whether a file may be kept that was begun when the recording stood as `before`. */
function isStillWanted(before: store.RecordingRecord, now: store.RecordingRecord, { kind, trackId }: Partial<store.FileRow>): boolean {
  if (kind === 'timeline') return true;
  // What is put together anew, in another layout or without somebody, is another job's.
  if (kind !== 'part') return before.processingAt?.getTime() === now.processingAt?.getTime();
  const track = now.tracks.find((candidate) => candidate.trackId === trackId);
  return track !== undefined && !now.consents.some(({ userId, erasedAt }) => userId === track.userId && erasedAt !== null);
}

/** The timeline without those who had themselves erased, or who never agreed. */
export function withoutErased(timeline: Timeline, { consents }: store.RecordingRecord): Timeline {
  const isKept = new Set(
    consents.filter(({ state, erasedAt }) => (state === 'granted' || state === 'withdrawn') && !erasedAt).map(({ userId }) => userId),
  );
  const own = <T extends { readonly userId: string }>(all: readonly T[]) => all.filter(({ userId }) => isKept.has(userId));
  return {
    ...timeline,
    people: own(timeline.people),
    presences: own(timeline.presences),
    speakers: timeline.speakers.map(({ atMs, userId }) => ({ atMs, userId: userId !== null && isKept.has(userId) ? userId : null })),
    tracks: own(timeline.tracks),
  };
}
