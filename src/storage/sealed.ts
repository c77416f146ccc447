import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { BlobError, type BlobStore, type ByteRange } from './blob-store.ts';
import type { KeyRing } from './key-ring.ts';
import {
  chunkBytes,
  damaged,
  type Header,
  maxHeaderBytes,
  measureChunks,
  openChunk,
  openHeader,
  sealChunk,
  sealedChunkBytes,
  sealHeader,
} from './sealed-format.ts';

/** What was stored. `sha256` (hex) is of the plain bytes. */
export interface SealedBlob {
  readonly bytes: number;
  readonly sha256: string;
  readonly sealedBytes: number;
}

/** A sealed blob that is being read. */
export interface OpenSealedBlob {
  /** The asked plain bytes. Destroy it when they are not read to the end. */
  readonly stream: Readable;
  /** Plain bytes of the whole blob. */
  readonly size: number;
}

/** Blobs that are encrypted wherever they are kept. */
export interface SealedStore {
  /** Encrypts while storing, a chunk at a time. Errors: those of {@link BlobStore.put}. */
  put(key: string, source: AsyncIterable<Buffer>): Promise<SealedBlob>;
  /**
   * Opens a blob, or exactly the asked plain range of it, reading only the chunks it lies in; an `end` beyond the last byte means the last byte.
   * With `expectedBytes` (plain) a blob of another length is damaged, so that one cut at a chunk's edge shows in every range of it.
   * Errors, of the first chunk before it resolves and of later ones on the stream: `not_found`, `damaged`, `out_of_range`, `unavailable`.
   */
  open(key: string, options?: { range?: ByteRange; expectedBytes?: number }): Promise<OpenSealedBlob>;
  /** Deletes a blob; one that isn't there is deleted already. Errors: `unavailable`. */
  delete(key: string): Promise<void>;
  /**
   * Wraps a blob's data key by the ring's current key, once another one has become that; the chunks are copied as they are. Answers whether there was
   * anything to do. Errors: those of {@link BlobStore.put} and {@link SealedStore.open}.
   */
  rewrap(key: string): Promise<boolean>;
}

/**
 * Encryption at rest over any store: AES-256-GCM (NIST SP 800-38D) per 64 KiB chunk under a random key of each file's own. Nonces carry the chunk's
 * index and whether it is the last: the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár, "Online Authenticated-Encryption and its
 * Nonce-Reuse Misuse-Resistance" (CRYPTO 2015). So a flipped bit, a cut file, chunks in another order and chunks of another file are all noticed, and
 * any range can be read alone.
 */
export function createSealedStore(store: BlobStore, keyRing: KeyRing): SealedStore {
  async function readHeader(key: string): Promise<{ header: Header; size: number }> {
    const { stream, size } = await store.get(key, { start: 0, end: maxHeaderBytes - 1 }).catch((error: unknown) => {
      throw error instanceof BlobError && error.reason === 'out_of_range' ? damaged(error) : error;
    });
    return { header: openHeader(keyRing, key, await readWhole(stream)), size };
  }

  return {
    async put(key, source) {
      const dataKey = randomBytes(32);
      const hash = createHash('sha256');
      let bytes = 0;
      async function* sealed() {
        yield sealHeader(keyRing, key, dataKey);
        let index = 0;
        let held: Buffer | undefined;
        // Whether a chunk is the last is known once the next one comes.
        for await (const chunk of inChunks(source, chunkBytes)) {
          if (held) yield sealChunk(dataKey, index++, false, held);
          hash.update(chunk);
          bytes += chunk.length;
          held = chunk;
        }
        yield sealChunk(dataKey, index, true, held ?? Buffer.alloc(0));
      }
      const { bytes: sealedBytes } = await store.put(key, sealed());
      return { bytes, sha256: hash.digest('hex'), sealedBytes };
    },

    async open(key, { range, expectedBytes } = {}) {
      const { header, size: sealedSize } = await readHeader(key);
      const { chunks, plainBytes } = measureChunks(sealedSize - header.length);
      if (expectedBytes !== undefined && plainBytes !== expectedBytes) throw damaged();
      const { start, end } = range ? { start: range.start, end: Math.min(range.end, plainBytes - 1) } : { start: 0, end: plainBytes - 1 };
      if (range && (start < 0 || start > end)) throw new BlobError('out_of_range', 'the range begins behind the last byte');
      const first = Math.floor(start / chunkBytes);
      const last = Math.max(0, Math.floor(end / chunkBytes));
      const source = await store.get(key, {
        start: header.length + first * sealedChunkBytes,
        end: Math.min(header.length + (last + 1) * sealedChunkBytes, sealedSize) - 1,
      });

      async function* plain() {
        let index = first;
        for await (const chunk of inChunks(source.stream, sealedChunkBytes)) {
          const opened = openChunk(header.dataKey, index, index === chunks - 1, chunk);
          const offset = index * chunkBytes;
          yield opened.subarray(Math.max(0, start - offset), Math.max(0, end + 1 - offset));
          index += 1;
        }
        if (index <= last) throw damaged();
      }
      const pieces = plain();
      const head = await pieces.next();
      const stream = Readable.from(prefixed(head, pieces), { objectMode: false, highWaterMark: chunkBytes });
      // A reader that goes away before its first byte never starts the generators, whose end would do it.
      stream.once('close', () => source.stream.destroy());
      return { stream, size: plainBytes };
    },

    delete: (key) => store.delete(key),

    async rewrap(key) {
      const { header } = await readHeader(key);
      if (header.keyId === keyRing.currentKeyId) return false;
      const { stream } = await store.get(key);
      async function* rewrapped() {
        yield sealHeader(keyRing, key, header.dataKey);
        let toSkip = header.length;
        for await (const piece of stream as AsyncIterable<Buffer>) {
          const skipped = Math.min(toSkip, piece.length);
          toSkip -= skipped;
          if (skipped < piece.length) yield piece.subarray(skipped);
        }
      }
      await store.put(key, rewrapped());
      return true;
    },
  };
}

async function* prefixed(head: IteratorResult<Buffer, void>, rest: AsyncGenerator<Buffer, void>) {
  if (!head.done && head.value.length > 0) yield head.value;
  yield* rest;
}

/** Cuts a stream into pieces of exactly `length` bytes and a shorter last one, at the reader's pace. */
async function* inChunks(source: AsyncIterable<Buffer>, length: number): AsyncGenerator<Buffer, void> {
  let pieces: Buffer[] = [];
  let held = 0;
  for await (const piece of source) {
    let rest = piece;
    while (held + rest.length >= length) {
      const taken = rest.subarray(0, length - held);
      yield pieces.length === 0 ? taken : Buffer.concat([...pieces, taken]);
      rest = rest.subarray(taken.length);
      pieces = [];
      held = 0;
    }
    if (rest.length > 0) {
      pieces.push(rest);
      held += rest.length;
    }
  }
  if (held > 0) yield Buffer.concat(pieces);
}

async function readWhole(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}
