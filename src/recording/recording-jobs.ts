import type { Database } from '../db/database.ts';
import type { Facts } from '../facts.ts';
import type { JobHandlers } from '../jobs/job-queue.ts';
import type { Logger } from '../log.ts';
import type { ReadTimeline } from './capture.ts';
import { createComposeJob } from './compose-job.ts';
import type { Ffmpeg } from './ffmpeg.ts';
import { createKeepJob } from './keep-job.ts';
import { createRecordingFiles } from './recording-files.ts';
import type { RecordingFolders } from './recording-folders.ts';
import type { RecordingNotices } from './recording-notices.ts';
import { createRecordingOutcome } from './recording-outcome.ts';
import * as store from './recording-store.ts';
import type { RecordingVault } from './recording-vault.ts';

/** Recordings whose server has not been seen for so long are given up. */
const lostAfterSeconds = 60 * 60;
/** And those whose tracks their server has not brought into the store for so long. */
const stuckAfterSeconds = 6 * 60 * 60;
/** Recordings that one run of the nightly job takes at a time. */
const batch = 100;

export type RecordingJobs = Pick<JobHandlers, Extract<keyof JobHandlers, `recordings:${string}`>>;

/** What is done with a recording once nobody is recorded any more: it is brought into the store, put together, and in the end deleted. */
export function createRecordingJobs(parts: {
  db: Database;
  facts: Facts;
  log: Logger;
  vault: RecordingVault;
  folders: RecordingFolders;
  notices: RecordingNotices;
  readTimeline: ReadTimeline;
  ffmpeg: Ffmpeg;
  /** Deletes a recording whose time is over. */
  remove: (recordingId: string) => Promise<void>;
  stopping: AbortSignal;
}): RecordingJobs {
  const { db, facts, log, vault, folders, notices, readTimeline, ffmpeg, remove, stopping } = parts;
  const outcome = createRecordingOutcome({ db, facts, log, notices });
  const files = createRecordingFiles({ db, vault });

  return {
    'recordings:keep': createKeepJob({ db, log, files, folders, outcome, readTimeline }),
    'recordings:compose': createComposeJob({ db, log, vault, files, folders, notices, outcome, ffmpeg, stopping }),

    'recordings:deleteBlobs': async ({ blobKeys }) => {
      const results = await Promise.allSettled(blobKeys.map((key) => vault.deleteBlob(key)));
      const failed = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
      if (failed.length > 0) throw new AggregateError(failed, `${failed.length} of ${blobKeys.length} blobs were not deleted`);
    },

    'recordings:failLost': async () => {
      const lost = await store.findLost(db.sql, lostAfterSeconds);
      const stuck = await store.findStuck(db.sql, stuckAfterSeconds);
      for (const { recordingId } of [...lost, ...stuck]) await outcome.fail(recordingId, 'server_lost');
    },

    'recordings:removeOld': async () => {
      for (;;) {
        const expired = await store.findExpired(db.sql, batch);
        for (const recordingId of expired) await remove(recordingId);
        if (expired.length < batch) return;
      }
    },
  };
}
