import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { ConfigError, readConfig } from '../../src/config.ts';

const key = (byte: number, length = 32) => Buffer.alloc(length, byte).toString('base64');

test('[BS11] STORAGE_URL names a folder, absolute or not, or a bucket with a prefix; without it files lie under DATA_DIR', () => {
  const folderOf = (env: Record<string, string>) => {
    const { storage } = readConfig({ DATA_DIR: '/data', ...env });
    return storage.kind === 'local' ? storage.folder : undefined;
  };
  assert.equal(folderOf({}), '/data/blobs');
  assert.equal(folderOf({ STORAGE_URL: 'file:/srv/files' }), '/srv/files');
  assert.equal(folderOf({ STORAGE_URL: 'file:///srv/my%20files' }), '/srv/my files');
  assert.equal(folderOf({ STORAGE_URL: 'file:files' }), path.resolve('files'));
  for (const [url, prefix] of [
    ['s3://clinic', ''],
    ['s3://clinic/', ''],
    ['s3://clinic/parley/files/', 'parley/files/'],
  ] as const) {
    const { storage } = readConfig({
      STORAGE_URL: url,
      S3_ENDPOINT: 'http://minio:9000',
      S3_ACCESS_KEY_ID: 'a',
      S3_SECRET_ACCESS_KEY: 'b',
    });
    const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
    assert.deepEqual(storage, { kind: 's3', bucket: 'clinic', prefix, endpoint: 'http://minio:9000', region: 'us-east-1', credentials });
  }
});

test('[BS12] ENCRYPTION_KEYS are read in order; faults are told by the setting’s name and never show a key', () => {
  const keys = readConfig({ ENCRYPTION_KEYS: `new:${key(1)}, old:${key(2)}` }).encryptionKeys;
  assert.deepEqual(keys, [
    { id: 'new', key: Buffer.alloc(32, 1) },
    { id: 'old', key: Buffer.alloc(32, 2) },
  ]);
  assert.deepEqual(readConfig({}).encryptionKeys, []);
  const faulty: Record<string, string>[] = [
    { ENCRYPTION_KEYS: key(3) },
    { ENCRYPTION_KEYS: `a:${key(3, 16)}` },
    { ENCRYPTION_KEYS: `a b:${key(3)}` },
    { ENCRYPTION_KEYS: `a:${key(3)},a:${key(4)}` },
    { STORAGE_URL: '/srv/files' },
    { STORAGE_URL: 's3://' },
    { STORAGE_URL: 'https://bucket' },
    { S3_ACCESS_KEY_ID: 'a' },
    { CLAMAV_SOCKET: 'clamav' },
    { LIMIT_ATTACHMENT_BYTES: '-1' },
  ];
  for (const env of faulty) {
    const [name = ''] = Object.keys(env);
    assert.throws(
      () => readConfig(env),
      (error: unknown) => error instanceof ConfigError && error.message.includes(name) && !error.message.includes(key(3).slice(0, 12)),
      JSON.stringify(env),
    );
  }
});
