import type { BlobStore } from './blob-store.ts';
import { openLocalStore } from './local-store.ts';
import { openS3Store, type S3Settings } from './s3-store.ts';

/** Where blobs are kept. */
export type StorageSettings = { readonly kind: 'local'; readonly folder: string } | ({ readonly kind: 's3' } & S3Settings);

/** Opens the configured store. */
export async function openBlobStore(settings: StorageSettings): Promise<BlobStore> {
  return settings.kind === 'local' ? await openLocalStore(settings.folder) : openS3Store(settings);
}
