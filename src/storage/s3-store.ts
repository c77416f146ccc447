import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  S3Client,
  type S3ClientConfig,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import type { Config } from '../config.ts';
import { assertBlobKey, BlobError, type BlobStore } from './blob-store.ts';

/** The smallest that S3 allows; up to `partsAtOnce` of them are in memory for each upload. 10,000 of them make 52 GB. */
const partBytes = 5 * 1024 * 1024;
const partsAtOnce = 2;
const connectMs = 5_000;
const maxSockets = 500;
/** An upload that has not ended a day after it began has lost its server. */
const leftoverMs = 24 * 60 * 60_000;

/** Where an S3-speaking store is and who asks. */
export type S3Settings = Extract<Config['storage'], { kind: 's3' }>;

/**
 * Blobs as objects of one bucket. Uploads go in parts as the bytes come and are aborted when they fail; the SDK repeats what failed for a passing
 * reason, three times in all.
 */
export function openS3Store({ bucket, prefix, endpoint, region, credentials }: S3Settings): BlobStore {
  const options: S3ClientConfig = {
    region,
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
    ...(credentials && { credentials }),
    // A reader that takes its time holds a connection.
    requestHandler: { connectionTimeout: connectMs, httpAgent: { maxSockets }, httpsAgent: { maxSockets } },
    // What S3-speaking stores other than AWS know; the bytes are authenticated by their encryption anyway.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  };
  const client = new S3Client(options);
  const objectOf = (key: string) => {
    assertBlobKey(key);
    return { Bucket: bucket, Key: `${prefix}${key}` };
  };

  return {
    async put(key, source) {
      const object = objectOf(key);
      let bytes = 0;
      let failure: { readonly error: unknown } | undefined;
      const pieces = source[Symbol.asyncIterator]();
      // Only what the source throws is its failure: the SDK, when it gives up, throws into this generator too.
      const nextPiece = () =>
        pieces.next().catch((error: unknown) => {
          failure = { error };
          throw error;
        });
      async function* counted() {
        try {
          for (let next = await nextPiece(); !next.done; next = await nextPiece()) {
            bytes += next.value.length;
            yield next.value;
          }
        } finally {
          await pieces.return?.();
        }
      }
      const body = Readable.from(counted(), { objectMode: false });
      const upload = new Upload({ client, params: { ...object, Body: body }, partSize: partBytes, queueSize: partsAtOnce });
      try {
        await upload.done();
        return { bytes };
      } catch (error) {
        await upload.abort().catch(() => undefined);
        body.destroy();
        throw failure ? failure.error : toBlobError(error);
      }
    },

    async get(key, range) {
      try {
        const answer = await client.send(
          new GetObjectCommand({ ...objectOf(key), ...(range && { Range: `bytes=${range.start}-${range.end}` }) }),
        );
        const size = Number(answer.ContentRange?.split('/')[1] ?? answer.ContentLength);
        if (!answer.Body || !Number.isSafeInteger(size))
          throw new BlobError('unavailable', 'the object store answered without a body or size');
        return { stream: answer.Body as Readable, size };
      } catch (error) {
        throw toBlobError(error);
      }
    },

    async size(key) {
      try {
        const { ContentLength } = await client.send(new HeadObjectCommand(objectOf(key)));
        return ContentLength ?? 0;
      } catch (error) {
        throw toBlobError(error);
      }
    },

    async delete(key) {
      try {
        await client.send(new DeleteObjectCommand(objectOf(key)));
      } catch (error) {
        const blobError = toBlobError(error);
        if (blobError.reason !== 'not_found') throw blobError;
      }
    },

    async removeLeftovers() {
      try {
        const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix }));
        const old = Uploads.filter(({ Initiated }) => Initiated && Date.now() - Initiated.getTime() > leftoverMs);
        for (const { Key, UploadId } of old) await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }));
        return old.length;
      } catch (error) {
        throw toBlobError(error);
      }
    },

    close: async () => client.destroy(),
  };
}

function toBlobError(error: unknown): BlobError {
  if (error instanceof BlobError) return error;
  const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
  if (status === 404) return new BlobError('not_found', 'there is no such blob', { cause: error });
  if (status === 416) return new BlobError('out_of_range', 'the range begins behind the last byte', { cause: error });
  if (status === 507 || (error instanceof Error && /StorageFull|QuotaExceeded/i.test(error.name))) {
    return new BlobError('full', 'the object store is full', { cause: error });
  }
  return new BlobError('unavailable', 'the object store does not answer as it should', { cause: error });
}
