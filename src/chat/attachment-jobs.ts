import type { Database } from '../db/database.ts';
import { addJobIn, type JobHandlers } from '../jobs/job-queue.ts';
import type { Logger } from '../log.ts';
import type { SealedStore } from '../storage/sealed.ts';
import * as store from './attachment-store.ts';

/** How long a file may wait to be sent. */
const orphanMs = 24 * 60 * 60_000;
/** Rows that are removed in one transaction. */
const batch = 500;

export type AttachmentJobs = Pick<JobHandlers, Extract<keyof JobHandlers, `attachments:${string}`>>;

/** What is done with files when nobody is waiting. */
export function createAttachmentJobs({ db, blobs, log }: { db: Database; blobs: SealedStore; log: Logger }): AttachmentJobs {
  /** Deletes all it can, then says that it could not delete the others. */
  async function deleteBlobs(blobKeys: readonly string[]): Promise<void> {
    const results = await Promise.allSettled(blobKeys.map((key) => blobs.delete(key)));
    const failed = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    if (failed.length > 0) throw new AggregateError(failed, `${failed.length} of ${blobKeys.length} blobs were not deleted`);
  }

  return {
    'attachments:removeOld': async () => {
      const before = new Date(Date.now() - orphanMs);
      let removed = 0;
      for (let rows = batch; rows === batch; removed += rows) {
        rows = await db.transaction(async (tx) => {
          const deleted = await store.deleteOld(tx, { before, limit: batch });
          if (deleted.blobKeys.length > 0) await addJobIn(tx, 'attachments:deleteBlobs', { blobKeys: deleted.blobKeys });
          return deleted.rows;
        });
      }
      if (removed > 0) log.info({ removed }, 'files that were never sent or have expired were removed');
    },

    'attachments:deleteBlobs': ({ blobKeys }) => deleteBlobs(blobKeys),

    'attachments:sweepUpload': async ({ attachmentId, blobKeys }) => {
      const [row] = await store.findAnyAttachments(db.sql, [attachmentId]);
      if (!row) await deleteBlobs(blobKeys);
    },

    'attachments:rewrapKeys': async () => {
      let rewrapped = 0;
      let after: string | undefined;
      for (;;) {
        const page = await store.pageAttachments(db.sql, { after, limit: batch });
        for (const row of page) {
          for (const key of store.blobKeysOf(row)) {
            if (await blobs.rewrap(key)) rewrapped += 1;
          }
          // Deleted meanwhile: what was written anew would stay for ever.
          if ((await store.findAnyAttachments(db.sql, [row.attachmentId])).length === 0) await deleteBlobs(store.blobKeysOf(row));
        }
        after = page.at(-1)?.attachmentId;
        if (after === undefined || page.length < batch) break;
      }
      log.info({ rewrapped }, 'files have the current encryption key');
    },
  };
}
