import type { Config } from '../config.ts';
import type { Database } from '../db/database.ts';
import type { Facts } from '../facts.ts';
import type { Logger } from '../log.ts';
import type { Notifier } from '../notifier.ts';
import type { InTurn } from '../rooms/in-turn.ts';
import type { LiveRooms } from '../rooms/live-rooms.ts';
import type { PortBlocks } from '../sfu/port-blocks.ts';
import type { BlobStore } from '../storage/blob-store.ts';
import { createAdmission } from './admission.ts';
import { createConsentTexts } from './consent-texts.ts';
import type { Ffmpeg } from './ffmpeg.ts';
import { openRecordingFolders } from './recording-folders.ts';
import { createRecordingJobs } from './recording-jobs.ts';
import { createRecordingLibrary } from './recording-library.ts';
import { createRecordingLinks } from './recording-links.ts';
import { createRecordingNotices } from './recording-notices.ts';
import { createRecordingService } from './recording-service.ts';
import { createRecordingVault } from './recording-vault.ts';
import { RecordingWatch } from './recording-watch.ts';
import { createCaptureMachine, findTimeline } from './room-capture.ts';
import { createRunningRecordings } from './running-recordings.ts';

const dayMs = 24 * 60 * 60_000;

/** Everything of recording. */
export type Recording = Awaited<ReturnType<typeof createRecording>>;

/** Builds everything of recording. */
export async function createRecording(parts: {
  db: Database;
  facts: Facts;
  log: Logger;
  notifier: Notifier;
  rooms: LiveRooms;
  inTurn: InTurn;
  store: BlobStore;
  /** Reads, or makes, a key by name. */
  dataKey: (name: string) => Promise<Buffer>;
  /** Without one recording is off. */
  ffmpeg: Ffmpeg;
  ports: PortBlocks;
  settings: Config['recording'];
  dataDir: string;
  linkMinutes: number;
  publicUrl: () => string;
  /** In the place of the disk's own word, for tests. */
  freeBytes?: (() => Promise<number>) | undefined;
}) {
  const { db, facts, log, notifier, rooms, inTurn, store, dataKey, ffmpeg, ports, settings, dataDir } = parts;
  const { policy, participantAccess, retention, minFreeBytes, maxLoad } = settings;
  const folders = openRecordingFolders(dataDir);
  const notices = createRecordingNotices({ notifier, rooms });
  const texts = createConsentTexts({ db });
  const vault = createRecordingVault({ store, dataKey });
  const links = createRecordingLinks({ db, dataKey, limitMinutes: parts.linkMinutes, publicUrl: parts.publicUrl });
  const library = createRecordingLibrary({ db, log, vault, links, texts, participantAccess, publicUrl: parts.publicUrl });
  function deleteAtOf(purpose: string): Date | null {
    const days = retention.byPurpose.get(purpose.toLowerCase()) ?? retention.days;
    return days > 0 ? new Date(Date.now() + days * dayMs) : null;
  }
  const machine = ffmpeg.isAvailable ? createCaptureMachine({ ffmpeg, ports, log }) : undefined;
  const running = createRunningRecordings({ db, facts, log, rooms, notices, texts, folders, machine, deleteAtOf });
  const admission = createAdmission({ freeBytes: parts.freeBytes ?? folders.freeBytes, minFreeBytes, maxLoad });
  const service = createRecordingService({
    ...{ db, rooms, running, notices, texts, admission, inTurn, policy },
    isOn: ffmpeg.isAvailable,
    eraseLater: library.eraseOf,
  });
  const stopping = new AbortController();
  const jobs = createRecordingJobs({
    ...{ db, facts, log, vault, folders, notices, ffmpeg },
    readTimeline: findTimeline,
    remove: library.removeExpired,
    stopping: stopping.signal,
  });
  await running.recover();
  const watch = new RecordingWatch({ recordings: service, running, facts, log });
  return {
    service,
    library,
    texts,
    jobs,
    /** Which jobs are this server's alone. */
    folderId: folders.folderId,
    /** Compositions are broken off; they begin anew at the next start. */
    stopJobs: () => stopping.abort(new Error('the server closes')),
    /** Ends what is being recorded; idempotent. */
    async close(): Promise<void> {
      await watch.close();
      // What could not be written down is taken up from the data folder at the next start.
      await service.close().catch((error: unknown) => log.warn({ err: error }, 'recordings did not end well'));
    },
  };
}
