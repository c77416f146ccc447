import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import S3rver from 's3rver';
import type { Config } from '../../src/config.ts';
import type { BlobStore } from '../../src/storage/blob-store.ts';
import { openBlobStore } from '../../src/storage/open-store.ts';

type StorageSettings = Config['storage'];

/** A folder that is gone at the end. */
export function temporaryFolder(): { folder: string } & Disposable {
  const folder = mkdtempSync(path.join(tmpdir(), 'parley-storage-'));
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

/** A real S3-speaking server with one empty bucket; `folder` is where it keeps its files. */
export async function startS3(): Promise<{ settings: Extract<StorageSettings, { kind: 's3' }>; folder: string } & AsyncDisposable> {
  await using parts = new AsyncDisposableStack();
  const { folder } = parts.use(temporaryFolder());
  const server = new S3rver({
    address: '127.0.0.1',
    port: 0,
    silent: true,
    directory: folder,
    configureBuckets: [{ name: 'clinic', configs: [] }],
  });
  const { port } = (await server.run()) as AddressInfo;
  parts.defer(() => server.close());
  const all = parts.move();
  return {
    folder,
    settings: {
      kind: 's3',
      bucket: 'clinic',
      prefix: 'files/',
      endpoint: `http://127.0.0.1:${port}`,
      region: 'us-east-1',
      credentials: { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' },
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** A store of a test and the folder its bytes end up in. */
export type TestStore = { store: BlobStore; folder: string } & AsyncDisposable;

async function openTestStore(parts: AsyncDisposableStack, settings: StorageSettings, folder: string): Promise<TestStore> {
  const store = parts.adopt(await openBlobStore(settings), (opened) => opened.close());
  const all = parts.move();
  return { store, folder, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** Both kinds of store, for one suite over them. */
export const storeKinds: Record<'local' | 's3', () => Promise<TestStore>> = {
  async local() {
    await using parts = new AsyncDisposableStack();
    const { folder } = parts.use(temporaryFolder());
    return await openTestStore(parts, { kind: 'local', folder }, folder);
  },
  async s3() {
    await using parts = new AsyncDisposableStack();
    const { settings, folder } = parts.use(await startS3());
    return await openTestStore(parts, settings, folder);
  },
};

/** `bytes` bytes in pieces of `pieceBytes`, different at every place and the same at every call. */
export async function* generated(bytes: number, pieceBytes = 16_384): AsyncGenerator<Buffer> {
  for (let offset = 0; offset < bytes; offset += pieceBytes) {
    const piece = Buffer.alloc(Math.min(pieceBytes, bytes - offset));
    for (let index = 0; index < piece.length; index += 1) piece[index] = byteAt(offset + index);
    yield piece;
  }
}

/** The byte that `generated` yields at a place. */
export const byteAt = (place: number) => (place * 31 + (place >>> 8) * 7 + (place >>> 16)) & 0xff;

/** Bytes `start` to `end` (both included) of `generated`. */
export const expected = (start: number, end: number) =>
  Buffer.from(Array.from({ length: end - start + 1 }, (_, index) => byteAt(start + index)));

export async function readAll(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}
