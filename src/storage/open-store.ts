import type { Config } from '../config.ts';
import type { BlobStore } from './blob-store.ts';
import { openLocalStore } from './local-store.ts';
import { openS3Store } from './s3-store.ts';

/** Opens the configured store. */
export async function openBlobStore(settings: Config['storage']): Promise<BlobStore> {
  return settings.kind === 'local' ? await openLocalStore(settings.folder) : openS3Store(settings);
}
