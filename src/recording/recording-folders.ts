import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { rm, statfs } from 'node:fs/promises';
import path from 'node:path';
import { validate as isUuid } from 'uuid';

/** Where recordings lie until they are in the store: below the data folder of one server. */
export interface RecordingFolders {
  /** The folder's own id, which stays: its server takes up what it had left. */
  readonly folderId: string;
  /** Where the capture of a recording is written. */
  folderOf(recordingId: string): string;
  /** A new folder's path for a composition. */
  workFolderOf(recordingId: string): string;
  remove(folder: string): Promise<void>;
  /** Bytes that are free for others than root. */
  freeBytes(): Promise<number>;
}

/** Opens, or makes, the folder for recordings below a data folder. */
export function openRecordingFolders(dataDir: string): RecordingFolders {
  const root = path.join(dataDir, 'recordings');
  // What compositions of a killed server have left is not encrypted.
  rmSync(path.join(root, 'work'), { recursive: true, force: true });
  mkdirSync(path.join(root, 'work'), { recursive: true, mode: 0o700 });
  const idFile = path.join(root, 'folder-id');
  if (!existsSync(idFile)) writeFileSync(idFile, randomUUID(), { mode: 0o600 });
  const folderId = readFileSync(idFile, 'utf8').trim();
  if (!isUuid(folderId)) throw new Error(`${idFile} does not hold the folder's id`);
  return {
    folderId,
    folderOf: (recordingId) => path.join(root, recordingId),
    workFolderOf: (recordingId) => path.join(root, 'work', `${recordingId}-${randomUUID()}`),
    remove: (folder) => rm(folder, { recursive: true, force: true }),
    async freeBytes() {
      const { bavail, bsize } = await statfs(root);
      return bavail * bsize;
    },
  };
}
