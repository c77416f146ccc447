import { audit, serverActor } from '../db/audit-log.ts';
import type { Database, Transaction } from '../db/database.ts';
import type { Facts } from '../facts.ts';
import type { Logger } from '../log.ts';
import type { RecordingFailure } from '../protocol/recording.ts';
import { BlobError } from '../storage/blob-store.ts';
import type { RecordingNotices } from './recording-notices.ts';
import { next } from './recording-state.ts';
import * as store from './recording-store.ts';

/** How long a store may refuse before a recording is given up; its tracks stay where they are, and it may be tried again. */
const patienceMs = 60 * 60_000;

export type RecordingOutcome = ReturnType<typeof createRecordingOutcome>;

/** What becomes of a recording that jobs work on. */
export function createRecordingOutcome(parts: { db: Database; facts: Facts; log: Logger; notices: RecordingNotices }) {
  const { db, facts, log, notices } = parts;

  /** Moves a recording by the table, under its lock, if the event still fits; answers how it stands then. */
  async function step(
    recordingId: string,
    event: 'complete' | 'fail',
    work: (tx: Transaction, record: store.RecordingRecord) => Promise<Parameters<typeof store.setRecording>[2]>,
  ): Promise<store.RecordingRecord | undefined> {
    return await db.transaction(async (tx) => {
      const record = await store.lockRecording(tx, recordingId);
      const status = record && next(record.status, event);
      if (!record || !status) return undefined;
      await store.changeRecording(tx, recordingId, record.status, { status, progress: null, ...(await work(tx, record)) });
      return await store.findRecording(tx, recordingId);
    });
  }

  async function fail(recordingId: string, failureReason: RecordingFailure): Promise<void> {
    const failed = await step(recordingId, 'fail', async (tx, record) => {
      await store.closeGaps(tx, recordingId);
      await audit(tx, { actor: serverActor, action: 'recording.failed', subject: recordingId, details: { failureReason } });
      return { failureReason, endedAt: record.endedAt ?? store.now };
    });
    if (!failed) return;
    log.warn({ recordingId, failureReason }, 'recording failed');
    notices.tellConcerned('recording:failed', failed);
    facts.emit('recording.failed', { recordingId, roomId: failed.roomId, requestedBy: failed.requestedBy, reason: failureReason });
  }

  const isOutOfPatience = ({ processingAt }: store.RecordingRecord) =>
    processingAt !== null && Date.now() - processingAt.getTime() > patienceMs;

  /** A store that is away comes back, so the queue tries again; one that refuses for good fails the recording. */
  async function onRefusal(error: unknown, record: store.RecordingRecord): Promise<void> {
    if (!(error instanceof BlobError) || !isOutOfPatience(record)) throw error;
    log.error({ err: error, recordingId: record.recordingId }, 'the store takes or gives nothing; a recording is given up');
    await store.setRecording(db.sql, record.recordingId, { progress: null });
    await fail(record.recordingId, 'storage_failed');
  }

  async function current(recordingId: string): Promise<store.RecordingRecord> {
    const record = await store.findRecording(db.sql, recordingId);
    if (!record) throw new Error('the recording was deleted meanwhile');
    return record;
  }

  return {
    /** Gives a recording up, unless it is ready or over anyway. */
    fail,
    onRefusal,
    isOutOfPatience,
    /** Errors: when it is not there any more. */
    current,

    /** It has been put together, at first or anew. */
    async complete(recordingId: string): Promise<void> {
      const ready = await step(recordingId, 'complete', async (tx) => {
        await audit(tx, { actor: serverActor, action: 'recording.ready', subject: recordingId });
        return { failureReason: null };
      });
      // One that was ready before has its new layout now.
      const shown = ready ?? (await current(recordingId));
      log.info({ recordingId }, 'recording is ready');
      notices.tellConcerned('recording:ready', shown);
      facts.emit('recording.ready', { recordingId, roomId: shown.roomId, requestedBy: shown.requestedBy });
    },
  };
}
