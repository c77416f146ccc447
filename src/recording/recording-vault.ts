import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { eq } from 'drizzle-orm';
import type { Transaction } from '../db/database.ts';
import { dataKeys } from '../db/tables.ts';
import { BlobError, type BlobStore, type ByteRange } from '../storage/blob-store.ts';
import { createKeyRing, type KeyRing } from '../storage/key-ring.ts';
import { createSealedStore, type OpenSealedBlob, type SealedStore } from '../storage/sealed.ts';

/** A file in the vault. `sha256` (hex) is of the plain bytes. */
export interface KeptFile {
  readonly blobKey: string;
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * Where recordings are kept. Each recording has a data key of its own, which is kept wrapped by the key ring and opens its files' own keys: once it is
 * destroyed every copy of them is worthless, wherever it lies.
 */
export interface RecordingVault {
  /**
   * Seals a file into the store and reads it back: it resolves once the store has given back every byte. Errors: those of {@link BlobStore.put};
   * `damaged` when what came back is something else.
   */
  keep(recordingId: string, blobKey: string, file: string): Promise<KeptFile>;
  /** Opens a kept file, or a range of it. Errors: those of {@link SealedStore.open}. */
  open(recordingId: string, kept: Pick<KeptFile, 'blobKey' | 'bytes'>, range?: ByteRange): Promise<OpenSealedBlob>;
  /** Writes a kept file to disk. Errors: those of `open`. */
  fetch(recordingId: string, kept: Pick<KeptFile, 'blobKey' | 'bytes'>, target: string): Promise<void>;
  /** From here on nothing of the recording can be read any more. */
  destroyKey(tx: Transaction, recordingId: string): Promise<void>;
  deleteBlob(blobKey: string): Promise<void>;
}

const keyName = (recordingId: string) => `recording:${recordingId}`;

/** `dataKey` reads, or makes, a key by name; keys are wrapped by the key ring. */
export function createRecordingVault({ store, dataKey }: { store: BlobStore; dataKey: (name: string) => Promise<Buffer> }): RecordingVault {
  /** Blobs under one recording's key. */
  async function sealedFor(recordingId: string): Promise<SealedStore> {
    const ring: KeyRing = createKeyRing([{ id: 'recording', key: await dataKey(keyName(recordingId)) }]);
    return createSealedStore(store, ring);
  }

  async function open(recordingId: string, { blobKey, bytes }: Pick<KeptFile, 'blobKey' | 'bytes'>, range?: ByteRange) {
    const sealed = await sealedFor(recordingId);
    return await sealed.open(blobKey, { expectedBytes: bytes, ...(range && { range }) });
  }

  return {
    open,

    async keep(recordingId, blobKey, file) {
      const sealed = await sealedFor(recordingId);
      const { bytes, sha256, sealedBytes } = await sealed.put(blobKey, createReadStream(file));
      const isWhole = (await store.size(blobKey)) === sealedBytes;
      if (!isWhole || (await sha256Of(sealed, blobKey)) !== sha256) throw new BlobError('damaged', 'the store keeps something else');
      return { blobKey, bytes, sha256 };
    },

    async fetch(recordingId, kept, target) {
      const { stream } = await open(recordingId, kept);
      await pipeline(stream, createWriteStream(target, { mode: 0o600 }));
    },

    async destroyKey(tx, recordingId) {
      await tx.delete(dataKeys).where(eq(dataKeys.name, keyName(recordingId)));
    },

    deleteBlob: (blobKey) => store.delete(blobKey),
  };
}

async function sha256Of(sealed: SealedStore, blobKey: string): Promise<string> {
  const hash = createHash('sha256');
  const { stream } = await sealed.open(blobKey);
  for await (const piece of stream) hash.update(piece);
  return hash.digest('hex');
}
