import type { Readable } from 'node:stream';

/** Bytes `start` to `end` of a blob, both included, counted from 0. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** A blob that is being read. */
export interface OpenBlob {
  /** The asked bytes. Destroy it when they are not read to the end. */
  readonly stream: Readable;
  /** Of the whole blob, in bytes. */
  readonly size: number;
}

/**
 * Keeps blobs by key: whole or not at all. A key is 8 to 128 of `A-Z a-z 0-9 _ -`, so that none can leave the folder or the prefix.
 * Every method throws {@link BlobError}.
 */
export interface BlobStore {
  /**
   * Stores everything that `source` yields, at its own pace and never all in memory; replaces what the key had. When the source fails or the
   * store does, the error is thrown and nothing is left behind. Errors: `full`, `unavailable`, and whatever the source throws.
   */
  put(key: string, source: AsyncIterable<Buffer>): Promise<{ bytes: number }>;
  /** Opens a blob or a range of it; an `end` beyond the last byte means the last byte. Errors: `not_found`, `out_of_range`, `unavailable`. */
  get(key: string, range?: ByteRange): Promise<OpenBlob>;
  /** Bytes of a blob. Errors: `not_found`, `unavailable`. */
  size(key: string): Promise<number>;
  /** Deletes a blob; one that isn't there is deleted already. Errors: `unavailable`. */
  delete(key: string): Promise<void>;
  /** Removes what uploads of servers that died in the middle have left; answers how many. */
  removeLeftovers(): Promise<number>;
  /** Lets go of connections; idempotent. */
  close(): Promise<void>;
}

/** `full`: no room left; `damaged`: the bytes are not those that were sealed. */
export type BlobErrorReason = 'not_found' | 'invalid_key' | 'out_of_range' | 'full' | 'unavailable' | 'damaged';

/** What goes wrong with blobs. */
export class BlobError extends Error {
  override readonly name = 'BlobError';
  readonly reason: BlobErrorReason;

  constructor(reason: BlobErrorReason, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.reason = reason;
  }
}

const keyPattern = /^[A-Za-z0-9_-]{8,128}$/;

/** Throws `invalid_key` for anything that could mean more than a name. */
export function assertBlobKey(key: string): void {
  if (!keyPattern.test(key)) throw new BlobError('invalid_key', 'a blob key is 8 to 128 of A-Z a-z 0-9 _ -');
}
