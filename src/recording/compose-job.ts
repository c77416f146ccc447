import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Database, Transaction } from '../db/database.ts';
import type { Logger } from '../log.ts';
import { BlobError } from '../storage/blob-store.ts';
import { composeRecording } from './compose.ts';
import { CompositionError } from './composition-error.ts';
import type { Ffmpeg } from './ffmpeg.ts';
import { type RecordingFiles, withoutErased } from './recording-files.ts';
import type { RecordingFolders } from './recording-folders.ts';
import type { RecordingNotices } from './recording-notices.ts';
import type { RecordingOutcome } from './recording-outcome.ts';
import * as store from './recording-store.ts';
import type { RecordingVault } from './recording-vault.ts';
import type { RecordedTrack, Timeline } from './timeline.ts';

/** How often the progress of a composition is written down and told, in milliseconds. */
const progressEveryMs = 1_000;
/** A composition that has failed so often is given up; a store that is away is waited for longer. */
const maxCompositions = 3;

const composedFiles = {
  composite: { name: 'recording.mp4', mediaType: 'video/mp4' },
  poster: { name: 'poster.jpg', mediaType: 'image/jpeg' },
  speakers: { name: 'speakers.vtt', mediaType: 'text/vtt' },
} as const;

/** The job that puts a recording together from its tracks in the store. */
export function createComposeJob(parts: {
  db: Database;
  log: Logger;
  vault: RecordingVault;
  files: RecordingFiles;
  folders: RecordingFolders;
  notices: RecordingNotices;
  outcome: RecordingOutcome;
  /** Where there is none, compositions wait. */
  ffmpeg: Ffmpeg;
  /** Aborted when the server closes: compositions begin anew later. */
  stopping: AbortSignal;
}): (payload: { recordingId: string }) => Promise<void> {
  const { db, log, vault, files, folders, notices, outcome, ffmpeg, stopping } = parts;
  const { fail } = outcome;
  /** Failures of the composition of a recording, on this server. */
  const failures = new Map<string, number>();

  /** The tracks and the timeline of a recording out of the store, in a folder of their own. */
  async function fetchTracks(record: store.RecordingRecord, folder: string): Promise<Timeline | undefined> {
    const { recordingId } = record;
    const kept = record.files.find(({ kind }) => kind === 'timeline');
    if (!kept) return undefined;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const timelineFile = path.join(folder, 'timeline.json');
    await vault.fetch(recordingId, kept, timelineFile);
    const timeline = withoutErased(JSON.parse(await readFile(timelineFile, 'utf8')) as Timeline, record);
    const tracks: RecordedTrack[] = [];
    for (const track of timeline.tracks) {
      const there: RecordedTrack['parts'][number][] = [];
      for (const [part, value] of track.parts.entries()) {
        const file = record.files.find((one) => one.kind === 'part' && one.trackId === track.trackId && one.part === part);
        if (!file) continue;
        await vault.fetch(recordingId, file, path.join(folder, value.file));
        there.push(value);
      }
      if (there.length > 0) tracks.push({ ...track, parts: there });
    }
    return { ...timeline, tracks };
  }

  /** Tells how far a composition is, now and then. */
  function progressOf(record: store.RecordingRecord): { report: (progress: number) => void; settled: () => Promise<void> } {
    let toldAt = 0;
    let telling: Promise<void> = Promise.resolve();
    return {
      report(progress) {
        const nowMs = Date.now();
        if (nowMs - toldAt < progressEveryMs) return;
        toldAt = nowMs;
        const bounded = Math.min(1, Math.max(0, progress));
        telling = telling
          .then(() => store.setProgress(db.sql, record.recordingId, bounded))
          .then(() => notices.tellProgress(record, bounded))
          .catch((error: unknown) => log.debug({ err: error }, 'progress was not told'));
      },
      settled: () => telling,
    };
  }

  async function composeIn(folder: string, record: store.RecordingRecord): Promise<void> {
    const { recordingId } = record;
    const { timeZone, ...look } = record.composition;
    const timeline = await fetchTracks(record, folder);
    if (!timeline || timeline.tracks.length === 0) return await fail(recordingId, 'nothing_recorded');
    const progress = progressOf(record);
    progress.report(0);
    const { files: composed, durationSeconds } = await composeRecording(ffmpeg, log, {
      ...{ timeline, folder, ...look, signal: stopping },
      ...(timeZone !== undefined && { timeZone }),
      outputFolder: path.join(folder, 'composed'),
      onProgress: progress.report,
    });
    await progress.settled();
    const durationMs = Math.round(durationSeconds * 1_000);
    for (const { kind, path: file } of composed) {
      const about = { kind, ...composedFiles[kind] };
      const within = (tx: Transaction) =>
        kind === 'composite' ? store.setRecording(tx, recordingId, { durationMs, progress: null }) : undefined;
      // Deleted meanwhile, or put together anew without somebody, by another job.
      if (!(await files.keep(record, file, about, within))) return;
    }
    await outcome.complete(recordingId);
  }

  return async ({ recordingId }) => {
    const record = await store.findRecording(db.sql, recordingId);
    if (!record || !(record.status === 'processing' || record.status === 'ready')) return;
    if (!ffmpeg.isAvailable) throw new Error('there is no ffmpeg here to put a recording together');
    const folder = folders.workFolderOf(recordingId);
    try {
      await composeIn(folder, record);
      failures.delete(recordingId);
    } catch (error) {
      stopping.throwIfAborted();
      if (error instanceof BlobError) return await outcome.onRefusal(error, record);
      // The disk may have room again, as the store may.
      if (error instanceof CompositionError && error.code === 'disk_full' && !outcome.isOutOfPatience(record)) throw error;
      const failed = (failures.get(recordingId) ?? 0) + 1;
      failures.set(recordingId, failed);
      const isHopeless = error instanceof CompositionError && ['nothing_recorded', 'no_readable_track'].includes(error.code);
      if (!isHopeless && failed < maxCompositions) throw error;
      failures.delete(recordingId);
      log.error({ err: error, recordingId }, 'a recording can not be put together');
      await store.setRecording(db.sql, recordingId, { progress: null });
      await fail(recordingId, 'composition_failed');
    } finally {
      await folders.remove(folder);
    }
  };
}
