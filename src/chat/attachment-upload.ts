import { randomBytes } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import type { Database } from '../db/database.ts';
import { addJobIn, removeJobIn } from '../jobs/job-queue.ts';
import type { Logger } from '../log.ts';
import { AppError } from '../protocol/errors.ts';
import { BlobError } from '../storage/blob-store.ts';
import type { SealedBlob, SealedStore } from '../storage/sealed.ts';
import { cleanImage, maxImageBytes } from './attachment-image.ts';
import { type FileKind, headBytes, sniffKind } from './attachment-kind.ts';
import { safeFileName } from './attachment-name.ts';
import type { AttachmentRow } from './attachment-store.ts';
import { gather, limited, onlyText, peek, watchCompoundFile } from './attachment-streams.ts';
import type { VirusScanner } from './virus-scan.ts';

/** How long after an upload began it is looked at whether its server died in the middle. */
const sweepAfterMs = 24 * 60 * 60_000;

/** A file as it comes in. */
export interface IncomingFile {
  readonly name: string;
  readonly bytes: AsyncIterable<Buffer>;
}

/** A file whose bytes are stored and that nobody knows of yet: all columns that follow from its bytes. */
export type StoredFile = Pick<
  AttachmentRow,
  'attachmentId' | 'name' | 'kind' | 'mediaType' | 'bytes' | 'width' | 'height' | 'sha256' | 'blobKey' | 'thumbnailBlobKey'
>;

/** The way of a file into the blob store. */
export interface Uploader {
  /**
   * Stores a file: told by its bytes what it is, scanned, pictures encoded anew, sealed, at the pace of the slowest. Nothing is left when it fails.
   * Errors: `protocol.too_large`, `protocol.invalid_payload` for an empty one, `chat.unsupported_file`, `chat.infected_file`,
   * `chat.scan_unavailable`, `chat.storage_full`, `chat.storage_unavailable`.
   */
  store(file: IncomingFile): Promise<StoredFile>;
  /** The file is written down: its blobs stay. In the transaction that writes it. */
  keep(tx: Parameters<typeof removeJobIn>[0], stored: Pick<StoredFile, 'attachmentId'>): Promise<void>;
  /** The file will not be written down: its blobs go. */
  discard(stored: StoredFile): Promise<void>;
}

/** Makes the way of files into the blob store. `maxBytes` 0: any size. */
export function createUploader(parts: {
  db: Database;
  blobs: SealedStore;
  scanner: VirusScanner | undefined;
  maxBytes: number;
  log: Logger;
}): Uploader {
  const { db, blobs, scanner, maxBytes, log } = parts;

  async function storeBytes({ name, bytes }: IncomingFile, keys: readonly [string, string]): Promise<Omit<StoredFile, 'attachmentId'>> {
    const peeked = await peek(limited(bytes, maxBytes), headBytes);
    try {
      if (peeked.head.length === 0)
        throw new AppError('protocol.invalid_payload', { message: 'The file is empty.', details: { field: 'file' } });
      const kind = await sniffKind(peeked.head, name);
      if (!kind) throw new AppError('chat.unsupported_file');
      const source = scanner ? scanner.scanned(peeked.whole) : peeked.whole;
      return kind.treatment === 'image' ? await storeImage(name, source, keys) : await storeAsIs(name, kind, source, keys[0]);
    } finally {
      await peeked.end();
    }
  }

  async function storeAsIs(name: string, sniffed: FileKind, source: AsyncGenerator<Buffer>, blobKey: string) {
    let kind = sniffed;
    let stored: SealedBlob;
    if (kind.treatment === 'compound_file') {
      const watched = watchCompoundFile(source);
      stored = await blobs.put(blobKey, watched.bytes);
      kind = watched.found();
    } else {
      stored = await blobs.put(blobKey, kind.treatment === 'as_is' ? source : onlyText(source, kind.treatment));
    }
    const { bytes, sha256 } = stored;
    const { mediaType, extensions } = kind;
    return {
      name: safeFileName(name, extensions),
      kind: kind.kind,
      mediaType,
      bytes,
      sha256,
      width: null,
      height: null,
      blobKey,
      thumbnailBlobKey: null,
    };
  }

  async function storeImage(name: string, source: AsyncGenerator<Buffer>, [blobKey, thumbnailBlobKey]: readonly [string, string]) {
    const image = await cleanImage(await gather(limited(source, maxImageBytes)));
    const { bytes, sha256 } = await blobs.put(blobKey, one(image.bytes));
    await blobs.put(thumbnailBlobKey, one(image.thumbnail));
    const { mediaType, extensions, width, height } = image;
    return {
      name: safeFileName(name, extensions),
      kind: 'image' as const,
      mediaType,
      bytes,
      sha256,
      width,
      height,
      blobKey,
      thumbnailBlobKey,
    };
  }

  async function remove(blobKeys: readonly string[], attachmentId: string): Promise<void> {
    try {
      for (const key of blobKeys) await blobs.delete(key);
      await removeJobIn(db.sql, sweepKey(attachmentId));
    } catch (error) {
      // The sweep that was planned when the upload began does it later.
      log.warn({ err: error, attachmentId }, 'blobs of a failed upload are left for the sweep');
    }
  }

  return {
    async store(file) {
      const attachmentId = uuidv7();
      const keys = [newKey(), newKey()] as const;
      const runAt = new Date(Date.now() + sweepAfterMs);
      await addJobIn(db.sql, 'attachments:sweepUpload', { attachmentId, blobKeys: [...keys] }, { key: sweepKey(attachmentId), runAt });
      try {
        return { attachmentId, ...(await storeBytes(file, keys)) };
      } catch (error) {
        await remove(keys, attachmentId);
        throw toAppError(error);
      }
    },
    keep: (tx, { attachmentId }) => removeJobIn(tx, sweepKey(attachmentId)),
    discard: ({ attachmentId, blobKey, thumbnailBlobKey }) =>
      remove(thumbnailBlobKey === null ? [blobKey] : [blobKey, thumbnailBlobKey], attachmentId),
  };
}

const newKey = () => randomBytes(16).toString('hex');
const sweepKey = (attachmentId: string) => `attachments:sweepUpload:${attachmentId}`;

async function* one(bytes: Buffer) {
  yield bytes;
}

/** What goes wrong with blobs, in the words of chat. */
export function toAppError(error: unknown): unknown {
  if (!(error instanceof BlobError)) return error;
  return new AppError(error.reason === 'full' ? 'chat.storage_full' : 'chat.storage_unavailable', { cause: error });
}
