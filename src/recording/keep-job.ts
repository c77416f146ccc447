import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Database } from '../db/database.ts';
import { addJobIn } from '../jobs/job-queue.ts';
import type { Logger } from '../log.ts';
import type { ReadTimeline } from './capture.ts';
import * as fileStore from './recording-file-store.ts';
import { type RecordingFiles, withoutErased } from './recording-files.ts';
import type { RecordingFolders } from './recording-folders.ts';
import type { RecordingOutcome } from './recording-outcome.ts';
import * as store from './recording-store.ts';
import type { RecordedTrack } from './timeline.ts';

/** The job that brings what a capture has left in this server's data folder into the store. */
export function createKeepJob(parts: {
  db: Database;
  log: Logger;
  files: RecordingFiles;
  folders: RecordingFolders;
  outcome: RecordingOutcome;
  readTimeline: ReadTimeline;
}): (payload: { recordingId: string }) => Promise<void> {
  const { db, log, files, folders, outcome, readTimeline } = parts;
  const { current, fail } = outcome;

  async function keepTrack(record: store.RecordingRecord, folder: string, track: RecordedTrack): Promise<void> {
    const { trackId, userId, source, kind, codec, parts: trackParts } = track;
    const { recordingId } = record;
    const first = trackParts[0];
    const last = trackParts.at(-1);
    if (!first || !last) return;
    const times = { startedAt: new Date(first.fromMs), endedAt: new Date(last.toMs) };
    await db.transaction((tx) => fileStore.putTrack(tx, { trackId, recordingId, userId, source, kind, codec, ...times }));
    for (const [part, { file, fromMs, toMs }] of trackParts.entries()) {
      const name = path.basename(file);
      // Kept by a try before this one.
      if (record.files.some((known) => known.kind === 'part' && known.trackId === trackId && known.part === part)) continue;
      const at = { startedAt: new Date(fromMs), endedAt: new Date(toMs) };
      await files.keep(await current(recordingId), path.join(folder, file), {
        kind: 'part',
        trackId,
        part,
        name,
        mediaType: mediaTypeOf(name, kind),
        ...at,
      });
    }
  }

  /** Brings tracks and timeline into the store; the local copy goes last. */
  async function keepAll(record: store.RecordingRecord, folder: string): Promise<void> {
    const { recordingId } = record;
    const found = await readTimeline(folder);
    const timeline = found && withoutErased(found, record);
    if (!timeline?.tracks.some((track) => track.parts.length > 0)) {
      await fail(recordingId, 'nothing_recorded');
      return await folders.remove(folder);
    }
    for (const track of timeline.tracks) await keepTrack(record, folder, track);
    const timelineFile = path.join(folder, 'timeline.kept.json');
    await writeFile(timelineFile, JSON.stringify(timeline), { mode: 0o600 });
    const about = { kind: 'timeline', name: 'timeline.json', mediaType: 'application/json' } as const;
    // The composition is asked for in the transaction after which the local copy is not needed any more.
    await files.keep(await current(recordingId), timelineFile, about, (tx) =>
      addJobIn(tx, 'recordings:compose', { recordingId }, { key: `recordings:compose:${recordingId}` }),
    );
    await folders.remove(folder);
    log.info({ recordingId, tracks: timeline.tracks.length }, 'the tracks of a recording are in the store');
  }

  return async ({ recordingId }) => {
    const record = await store.findRecording(db.sql, recordingId);
    const folder = folders.folderOf(recordingId);
    if (record?.status === 'processing') await keepAll(record, folder).catch((error: unknown) => outcome.onRefusal(error, record));
    // A recording that has failed may be tried again.
    else if (record?.status !== 'failed') await folders.remove(folder);
  };
}

/** WebM and Matroska hold sound and pictures alike. */
function mediaTypeOf(name: string, kind: 'audio' | 'video'): string {
  const container = { '.webm': 'webm', '.mkv': 'matroska', '.mka': 'matroska', '.ogg': 'ogg' }[path.extname(name)];
  return container === undefined ? 'application/octet-stream' : `${kind}/${container}`;
}
