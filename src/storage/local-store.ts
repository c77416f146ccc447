import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { assertBlobKey, BlobError, type BlobStore } from './blob-store.ts';

/** A temporary file of a server that can't be asked is given up after this time without a write. */
const leftoverMs = 60 * 60_000;
const readBytes = 256 * 1024;
const host = hostname().replaceAll(/[^A-Za-z0-9-]/g, '') || 'host';
const temporaryName = /^([A-Za-z0-9-]+)~(\d+)~[0-9a-f-]+$/;

/**
 * Blobs as files below one folder, in 65,536 folders by the end of their keys. A blob is written to `incoming`, flushed to disk and then renamed, so
 * that a file under a key is whole whatever happens, and what a dead server left is found without looking through all blobs.
 */
export async function openLocalStore(folder: string): Promise<BlobStore> {
  const incoming = path.join(folder, 'incoming');
  await mkdir(incoming, { recursive: true, mode: 0o700 });

  const folderOf = (key: string) => {
    assertBlobKey(key);
    return path.join(folder, key.slice(-2), key.slice(-4, -2));
  };
  const fileOf = (key: string) => path.join(folderOf(key), key);

  return {
    async put(key, source) {
      const shard = folderOf(key);
      const temporary = path.join(incoming, `${host}~${process.pid}~${randomUUID()}`);
      let file: FileHandle | undefined;
      try {
        file = await open(temporary, 'wx', 0o600);
        const bytes = await writeAll(file, source);
        await file.sync();
        await file.close();
        await mkdir(shard, { recursive: true, mode: 0o700 });
        await rename(temporary, fileOf(key));
        await syncFolder(shard);
        return { bytes };
      } catch (error) {
        await file?.close().catch(() => undefined);
        await unlink(temporary).catch(() => undefined);
        throw toBlobError(error);
      }
    },

    async get(key, range) {
      const file = await open(fileOf(key), 'r').catch((error: unknown) => {
        throw toBlobError(error);
      });
      try {
        const { size } = await file.stat();
        if (range && range.start >= size) throw new BlobError('out_of_range', 'the range begins behind the last byte');
        const stream = file.createReadStream({
          highWaterMark: readBytes,
          ...(range && { start: range.start, end: Math.min(range.end, size - 1) }),
        });
        return { stream, size };
      } catch (error) {
        await file.close();
        throw toBlobError(error);
      }
    },

    async size(key) {
      try {
        return (await stat(fileOf(key))).size;
      } catch (error) {
        throw toBlobError(error);
      }
    },

    async delete(key) {
      try {
        await unlink(fileOf(key));
      } catch (error) {
        const blobError = toBlobError(error);
        if (!(blobError instanceof BlobError && blobError.reason === 'not_found')) throw blobError;
      }
    },

    async removeLeftovers() {
      let removed = 0;
      for (const name of await readdir(incoming)) {
        const temporary = path.join(incoming, name);
        if (!(await isLeftover(temporary))) continue;
        await unlink(temporary).catch(() => undefined);
        removed += 1;
      }
      return removed;
    },

    close: async () => undefined,
  };
}

async function writeAll(file: FileHandle, source: AsyncIterable<Buffer>): Promise<number> {
  let bytes = 0;
  for await (const piece of source) {
    for (let offset = 0; offset < piece.length; ) {
      const { bytesWritten } = await file.write(piece, offset, piece.length - offset);
      offset += bytesWritten;
    }
    bytes += piece.length;
  }
  return bytes;
}

/** A rename lasts once its folder is on disk too. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Whether a file is the unfinished upload of a process that is gone. A process id may have been given anew, so age counts too. */
async function isLeftover(file: string): Promise<boolean> {
  const match = temporaryName.exec(path.basename(file));
  if (!match) return false;
  const changedAt = await stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => undefined,
  );
  if (changedAt === undefined) return false;
  if (Date.now() - changedAt > leftoverMs) return true;
  const [, itsHost, pid] = match;
  if (itsHost !== host) return false;
  return Number(pid) === process.pid ? changedAt < performance.timeOrigin : !isAlive(Number(pid));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Errors of the file system become blob errors; what the source threw stays what it is. */
function toBlobError(error: unknown): unknown {
  const { code, syscall } = error as Partial<NodeJS.ErrnoException>;
  if (error instanceof BlobError || syscall === undefined) return error;
  if (code === 'ENOENT') return new BlobError('not_found', 'there is no such blob', { cause: error });
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') return new BlobError('full', 'the blob folder is full', { cause: error });
  return new BlobError('unavailable', 'the blob folder does not work', { cause: error });
}
