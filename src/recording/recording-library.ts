import { type AuditAction, audit, serverActor } from '../db/audit-log.ts';
import type { Database, Transaction } from '../db/database.ts';
import { addJobIn } from '../jobs/job-queue.ts';
import type { Logger } from '../log.ts';
import { AppError } from '../protocol/errors.ts';
import type { CompositionSettings, ConsentReceipt, ListRecordingsQuery, Recording } from '../protocol/recording.ts';
import { BlobError, type ByteRange } from '../storage/blob-store.ts';
import type { OpenSealedBlob } from '../storage/sealed.ts';
import type { ConsentTexts } from './consent-texts.ts';
import * as fileStore from './recording-file-store.ts';
import type { RecordingLinks } from './recording-links.ts';
import { isAdmin, type RecordingRight, rightsOf, type Viewer } from './recording-rights.ts';
import { isLive, next } from './recording-state.ts';
import * as store from './recording-store.ts';
import type { RecordingVault } from './recording-vault.ts';
import { toReceipt, toRecording } from './recording-view.ts';

/** Further requests for parts of a file count as the same look for so long, in milliseconds. */
const sameLookMs = 5 * 60_000;
/** Looks that are remembered; more of them are written down more often. */
const maxLooks = 10_000;

/** A stored file and how to read it. */
export interface RecordingDownload {
  readonly name: string;
  /** Plain bytes of the whole. */
  readonly size: number;
  readonly mediaType: string;
  /** A strong validator of the bytes (RFC 9110, section 8.8.3), in quotes. */
  readonly etag: string;
  /** Opens the bytes, or a range of them. Errors: `recording.storage_unavailable`. */
  open(range?: ByteRange): Promise<OpenSealedBlob>;
}

export type RecordingLibrary = ReturnType<typeof createRecordingLibrary>;

/** Rules of what has been recorded: who may see, play, download, hand out, hold and delete it. Each look is written down. */
export function createRecordingLibrary(parts: {
  db: Database;
  log: Logger;
  vault: RecordingVault;
  links: RecordingLinks;
  texts: ConsentTexts;
  participantAccess: boolean;
  publicUrl: () => string;
}) {
  const { db, log, vault, links, texts, participantAccess, publicUrl } = parts;
  const looks = new Map<string, number>();

  /** Errors: `recording.not_found`, for strangers too; `auth.forbidden` where they may see it but not that. */
  function assertRight(viewer: Viewer, record: store.RecordingRecord | undefined, right: RecordingRight): asserts record {
    const rights = record ? rightsOf(viewer, record, participantAccess) : [];
    if (!rights.includes('read')) throw new AppError('recording.not_found');
    if (!rights.includes(right)) throw new AppError('auth.forbidden');
  }

  async function getFor(viewer: Viewer, recordingId: string, right: RecordingRight): Promise<store.RecordingRecord> {
    const record = await store.findRecording(db.sql, recordingId);
    assertRight(viewer, record, right);
    return record;
  }

  /** Writes a look down; the many requests of one player are one. */
  async function look(viewer: Viewer, action: AuditAction, subject: string, details: Record<string, unknown> = {}): Promise<void> {
    const key = JSON.stringify([viewer.userId, viewer.address, action, subject, details]);
    const nowMs = Date.now();
    if (nowMs - (looks.get(key) ?? 0) < sameLookMs) return;
    await audit(db.sql, { actor: viewer, action, subject, details });
    if (looks.size >= maxLooks) looks.clear();
    looks.set(key, nowMs);
  }

  function download(record: store.RecordingRecord, file: store.FileRow | undefined): RecordingDownload {
    if (!file) throw new AppError(record.status === 'requested' ? 'recording.consent_required' : 'recording.invalid_state');
    const { recordingId } = record;
    const { name, bytes: size, mediaType, sha256 } = file;
    return {
      ...{ name, size, mediaType, etag: `"${sha256}"` },
      open: async (range) => {
        try {
          return await vault.open(recordingId, file, range);
        } catch (error) {
          if (!(error instanceof BlobError)) throw error;
          log.error({ err: error, recordingId, reason: error.reason }, 'a recording cannot be read');
          throw new AppError('recording.storage_unavailable', { cause: error });
        }
      },
    };
  }

  const fileOf = (record: store.RecordingRecord, kind: store.FileRow['kind']) => record.files.find((file) => file.kind === kind);

  /** Destroys the key, so that no copy can be read any more, then the copies; the audit log keeps a certificate. */
  async function destroy(tx: Transaction, record: store.RecordingRecord, actor: Viewer): Promise<void> {
    const { recordingId } = record;
    const files = record.files.map(({ kind, name, bytes, sha256 }) => ({ kind, name, bytes, sha256 }));
    const blobKeys = await fileStore.deleteTracks(tx, recordingId);
    await vault.destroyKey(tx, recordingId);
    await store.setRecording(tx, recordingId, { deletedAt: store.now, progress: null });
    if (blobKeys.length > 0) await addJobIn(tx, 'recordings:deleteBlobs', { blobKeys });
    // Should anything be left in the data folder of the server that recorded it, that goes, too.
    await addJobIn(tx, 'recordings:keep', { recordingId }, { key: `recordings:keep:${recordingId}`, on: record.folderId });
    const { roomId, purpose } = record;
    await audit(tx, { actor, action: 'recording.deleted', subject: recordingId, details: { roomId, purpose, files, keyDestroyed: true } });
  }

  /** Changes a recording that may be, under its lock. Errors: `recording.not_found`, `auth.forbidden`. */
  async function change(
    viewer: Viewer,
    recordingId: string,
    right: RecordingRight,
    work: (tx: Transaction, record: store.RecordingRecord) => Promise<void>,
  ): Promise<Recording> {
    return await db.transaction(async (tx) => {
      const record = await store.lockRecording(tx, recordingId);
      assertRight(viewer, record, right);
      await work(tx, record);
      return toRecording((await store.findRecording(tx, recordingId)) ?? record);
    });
  }

  function assertMayBeDeleted({ status, heldAt }: store.RecordingRow): void {
    if (heldAt) throw new AppError('recording.held');
    if (isLive(status)) throw new AppError('recording.invalid_state');
  }

  return {
    /** A page of the recordings that somebody may see, newest first. Admins see all, others what they asked for, and by setting what they agreed to. */
    async list(viewer: Viewer, query: ListRecordingsQuery): Promise<{ recordings: Recording[]; cursor: string | null }> {
      const { limit, cursor, from, to, roomId, ...filter } = query;
      const { userId, onlyRoomId } = viewer;
      if (onlyRoomId !== undefined && roomId !== undefined && roomId !== onlyRoomId) return { recordings: [], cursor: null };
      const records = await store.listRecordings(
        db.sql,
        {
          ...filter,
          roomId: onlyRoomId ?? roomId,
          from: from === undefined ? undefined : new Date(from),
          to: to === undefined ? undefined : new Date(to),
          visibleTo: isAdmin(viewer) ? undefined : { userId, orConsented: participantAccess },
          before: cursor,
        },
        limit + 1,
      );
      const page = records.slice(0, limit);
      const recordingIds = page.map(({ recordingId }) => recordingId);
      await audit(db.sql, { actor: viewer, action: 'recording.listed', details: { recordingIds } });
      return { recordings: page.map(toRecording), cursor: records.length > limit ? (page.at(-1)?.recordingId ?? null) : null };
    },

    /** Errors: `recording.not_found`. */
    async get(viewer: Viewer, recordingId: string): Promise<Recording> {
      const record = await getFor(viewer, recordingId, 'read');
      await look(viewer, 'recording.read', recordingId);
      return toRecording(record);
    },

    /** The composed recording, its poster or its captions. Errors: `recording.not_found`, `recording.invalid_state` while it is not there. */
    async getContent(viewer: Viewer, recordingId: string, kind: 'composite' | 'poster' | 'speakers'): Promise<RecordingDownload> {
      const record = await getFor(viewer, recordingId, 'play');
      const found = download(record, fileOf(record, kind));
      if (kind === 'composite') await look(viewer, 'recording.played', recordingId);
      return found;
    },

    /** One part of a track. Errors: `recording.not_found`, `auth.forbidden`. */
    async getTrack(viewer: Viewer, recordingId: string, trackId: string, part: number): Promise<RecordingDownload> {
      const record = await getFor(viewer, recordingId, 'download');
      const file = record.files.find((one) => one.kind === 'part' && one.trackId === trackId && one.part === part);
      if (!file) throw new AppError('recording.not_found');
      await look(viewer, 'recording.downloaded', recordingId, { trackId, part });
      return download(record, file);
    },

    /** All tracks and the timeline, to be put into one archive in that order. Errors: `recording.not_found`, `auth.forbidden`, `recording.invalid_state`. */
    async getArchive(viewer: Viewer, recordingId: string): Promise<{ name: string; file: RecordingDownload }[]> {
      const record = await getFor(viewer, recordingId, 'download');
      const timeline = fileOf(record, 'timeline');
      if (!timeline) throw new AppError('recording.invalid_state');
      await look(viewer, 'recording.downloaded', recordingId, { archive: true });
      const tracks = record.files.filter(({ kind }) => kind === 'part');
      return [timeline, ...tracks].map((file) => ({ name: file.name, file: download(record, file) }));
    },

    /** A signed link that opens the recording without a token. Errors: `recording.not_found`, `auth.forbidden`, `recording.invalid_state`. */
    async createLink(viewer: Viewer, recordingId: string, given: { expiresInMinutes?: number | undefined; maxUses?: number | undefined }) {
      const record = await getFor(viewer, recordingId, 'share');
      if (!fileOf(record, 'composite')) throw new AppError('recording.invalid_state');
      return await db.transaction(async (tx) => {
        const { expiresInMinutes, maxUses } = given;
        const { linkId, url, expiresAt } = await links.create(tx, { recordingId, createdBy: viewer.userId, expiresInMinutes, maxUses });
        await audit(tx, { actor: viewer, action: 'recording.link_created', subject: recordingId, details: { linkId, expiresAt, maxUses } });
        return { url, expiresAt };
      });
    },

    /** What a link opens. Errors: those of {@link RecordingLinks.open}. */
    async openLink(token: string, address: string, isContinued: boolean): Promise<RecordingDownload> {
      const { recordingId, linkId, createdBy } = await links.open(token, address, isContinued);
      const record = await store.findRecording(db.sql, recordingId);
      if (!record) throw new AppError('recording.not_found');
      await look({ userId: createdBy, role: 'link', address }, 'recording.played', recordingId, { linkId });
      return download(record, fileOf(record, 'composite'));
    },

    /** Who was asked, in which words, and what they answered. Errors: `recording.not_found`, `auth.forbidden`. */
    async receipts(viewer: Viewer, recordingId: string): Promise<ConsentReceipt[]> {
      const record = await getFor(viewer, recordingId, 'read');
      const isAll = rightsOf(viewer, record, participantAccess).includes('exportConsents') || record.requestedBy === viewer.userId;
      await look(viewer, 'recording.consents_exported', recordingId);
      const own = record.consents.filter(({ userId }) => isAll || userId === viewer.userId);
      return await Promise.all(
        own.map(async (consent) => toReceipt(record, consent, (await texts.find(consent.language, consent.textVersion)).text)),
      );
    },

    /** Whether there is, or will be, a recording of a room, and where. */
    async findOfRoom(roomId: string): Promise<{ available: boolean; url?: string }> {
      const record = await store.findLastOfRoom(db.sql, roomId);
      return record ? { available: true, url: `${publicUrl()}/api/v1/recordings/${record.recordingId}` } : { available: false };
    },

    /** Puts it together again, in another layout; a failed one is tried again. Errors: `recording.not_found`, `auth.forbidden`, `recording.invalid_state`. */
    recompose: (viewer: Viewer, recordingId: string, composition: CompositionSettings): Promise<Recording> =>
      change(viewer, recordingId, 'compose', async (tx, record) => {
        const hasTracks = fileOf(record, 'timeline') !== undefined;
        const status = record.status === 'ready' ? 'ready' : next(record.status, 'retry');
        const mayRetry = hasTracks || record.failureReason === 'storage_failed' || record.failureReason === 'server_lost';
        if (!status || !mayRetry) throw new AppError('recording.invalid_state');
        const again = { status, composition, progress: 0, processingAt: store.now, failureReason: null };
        await store.changeRecording(tx, recordingId, record.status, again);
        await audit(tx, { actor: viewer, action: 'recording.recomposed', subject: recordingId, details: composition });
        if (hasTracks) await addJobIn(tx, 'recordings:compose', { recordingId }, { key: `recordings:compose:${recordingId}` });
        else await addJobIn(tx, 'recordings:keep', { recordingId }, { key: `recordings:keep:${recordingId}`, on: record.folderId });
      }),

    /** A hold keeps it from retention and deletion, until it is lifted. Errors: `recording.not_found`, `auth.forbidden`. */
    setHold: (viewer: Viewer, recordingId: string, isHeld: boolean): Promise<Recording> =>
      change(viewer, recordingId, 'hold', async (tx) => {
        await store.setRecording(tx, recordingId, { heldAt: isHeld ? store.now : null });
        await audit(tx, { actor: viewer, action: isHeld ? 'recording.held' : 'recording.released', subject: recordingId });
      }),

    /** Errors: `recording.not_found`, `auth.forbidden`, `recording.held`, `recording.invalid_state` while it runs. */
    async remove(viewer: Viewer, recordingId: string): Promise<void> {
      await change(viewer, recordingId, 'delete', async (tx, record) => {
        assertMayBeDeleted(record);
        await destroy(tx, record, viewer);
      });
    },

    /** Its time is over. */
    async removeExpired(recordingId: string): Promise<void> {
      await db.transaction(async (tx) => {
        const record = await store.lockRecording(tx, recordingId);
        const isDue = record?.deleteAt && record.deleteAt.getTime() <= Date.now() && !record.heldAt && !isLive(record.status);
        if (record && isDue) await destroy(tx, record, serverActor);
      });
    },

    /**
     * Erases what was written of somebody once nobody is recorded any more: their tracks at once, and what was put together of them; the rest is put
     * together anew. Errors: `recording.not_found`, `recording.invalid_state` without a consent to take back, `recording.held`.
     */
    async eraseOf(actor: Viewer, recordingId: string): Promise<Recording> {
      const { userId } = actor;
      return await db.transaction(async (tx) => {
        const record = await store.lockRecording(tx, recordingId);
        const own = record?.consents.find((consent) => consent.userId === userId);
        if (!record || !own) throw new AppError('recording.not_found');
        const isMine = own.state === 'granted' || (own.state === 'withdrawn' && !own.erasedAt);
        if (!isMine || isLive(record.status)) throw new AppError('recording.invalid_state');
        if (record.heldAt) throw new AppError('recording.held');
        if (own.state === 'granted') await store.changeConsent(tx, recordingId, userId, 'withdrawn');
        await store.markErased(tx, recordingId, userId);
        const isComposed = fileOf(record, 'composite') !== undefined;
        const blobKeys = await fileStore.deleteTracks(tx, recordingId, userId);
        blobKeys.push(...(await fileStore.deleteFiles(tx, recordingId, ['composite', 'poster', 'speakers'])));
        if (blobKeys.length > 0) await addJobIn(tx, 'recordings:deleteBlobs', { blobKeys });
        await audit(tx, { actor, action: 'recording.erased', subject: recordingId, details: { userId } });
        if (isComposed || fileOf(record, 'timeline')) {
          const status = next(record.status, 'retry') ?? record.status;
          await store.setRecording(tx, recordingId, { status, progress: 0, processingAt: store.now, failureReason: null });
          await addJobIn(tx, 'recordings:compose', { recordingId }, { key: `recordings:compose:${recordingId}` });
        }
        return toRecording((await store.findRecording(tx, recordingId)) ?? record);
      });
    },
  };
}
