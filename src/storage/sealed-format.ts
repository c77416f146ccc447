import { createCipheriv, createDecipheriv } from 'node:crypto';
import { BlobError } from './blob-store.ts';
import type { KeyRing } from './key-ring.ts';

/** Plain bytes of every chunk but the last, which has 0 to as many. */
export const chunkBytes = 64 * 1024;
const tagBytes = 16;
/** What a full chunk takes when sealed. */
export const sealedChunkBytes = chunkBytes + tagBytes;

const magic = Buffer.from('PRLY');
const version = 1;
const fixedBytes = magic.length + 2;
const wrappedBytes = 12 + 32 + tagBytes;
const maxKeyIdBytes = 64;
/** As long as the longest header. */
export const maxHeaderBytes = fixedBytes + maxKeyIdBytes + wrappedBytes;

/**
 * A header: magic `PRLY`, version (1 byte), length of the key id (1 byte), key id, and the file's own data key, wrapped by the key ring. The blob's
 * key is authenticated with the data key, so a file put in another's place does not open.
 */
export function sealHeader(keyRing: KeyRing, blobKey: string, dataKey: Buffer): Buffer {
  const { keyId, bytes } = keyRing.seal(dataKey, contextOf(blobKey));
  const id = Buffer.from(keyId);
  if (id.length > maxKeyIdBytes) throw new Error(`a key id is at most ${maxKeyIdBytes} bytes long`);
  return Buffer.concat([magic, Buffer.from([version, id.length]), id, bytes]);
}

/** What a header says. */
export interface Header {
  readonly keyId: string;
  readonly dataKey: Buffer;
  /** Where the first chunk begins. */
  readonly length: number;
}

/** Reads a header from a blob's first {@link maxHeaderBytes}. Errors: `damaged`; a missing key of the ring throws as the ring does. */
export function openHeader(keyRing: KeyRing, blobKey: string, bytes: Buffer): Header {
  const idBytes = bytes[magic.length + 1] ?? 0;
  const length = fixedBytes + idBytes + wrappedBytes;
  if (bytes.length < length || !bytes.subarray(0, magic.length).equals(magic) || bytes[magic.length] !== version) throw damaged();
  const keyId = bytes.toString('utf8', fixedBytes, fixedBytes + idBytes);
  if (!keyRing.has(keyId)) throw new BlobError('unavailable', `encryption key ${keyId} is missing`);
  try {
    return { keyId, dataKey: keyRing.open({ keyId, bytes: bytes.subarray(fixedBytes + idBytes, length) }, contextOf(blobKey)), length };
  } catch (cause) {
    throw damaged(cause);
  }
}

const contextOf = (blobKey: string) => `blob:${blobKey}`;

/** Seals one chunk of a file. */
export function sealChunk(dataKey: Buffer, index: number, isLast: boolean, plain: Buffer): Buffer {
  const cipher = createCipheriv('aes-256-gcm', dataKey, nonceOf(index, isLast));
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** Opens one chunk. Errors: `damaged` when it is not this file's chunk at this place, or is the last one where none should be, or the reverse. */
export function openChunk(dataKey: Buffer, index: number, isLast: boolean, sealed: Buffer): Buffer {
  if (sealed.length < tagBytes) throw damaged();
  const end = sealed.length - tagBytes;
  const decipher = createDecipheriv('aes-256-gcm', dataKey, nonceOf(index, isLast), { authTagLength: tagBytes });
  decipher.setAuthTag(sealed.subarray(end));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(0, end)), decipher.final()]);
  } catch (cause) {
    throw damaged(cause);
  }
}

/**
 * STREAM's nonce: the chunk's index in 11 bytes, big-endian, and one byte that says whether it is the last. A data key serves one file, so no nonce
 * comes twice with a key.
 */
function nonceOf(index: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(index, 5, 6);
  nonce[11] = isLast ? 1 : 0;
  return nonce;
}

/** How many chunks sealed bytes (without the header) are, and how many plain bytes are in them. Errors: `damaged` for a length that none have. */
export function measureChunks(sealedBytes: number): { chunks: number; plainBytes: number } {
  const chunks = Math.ceil(sealedBytes / sealedChunkBytes);
  const plainBytes = sealedBytes - chunks * tagBytes;
  const inLast = plainBytes - (chunks - 1) * chunkBytes;
  // An empty last chunk is right in an empty file only.
  if (chunks < 1 || inLast < 0 || (inLast === 0 && chunks > 1)) throw damaged();
  return { chunks, plainBytes };
}

/** The error for bytes that are not those that were sealed. */
export function damaged(cause?: unknown): BlobError {
  return new BlobError('damaged', 'the blob is not what was sealed', { cause });
}
