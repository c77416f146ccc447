import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { BlobError, type BlobErrorReason } from '../../src/storage/blob-store.ts';
import { openLocalStore } from '../../src/storage/local-store.ts';
import { openS3Store } from '../../src/storage/s3-store.ts';
import { waitFor } from '../support/wait-for.ts';
import { expected, generated, readAll, storeKinds, temporaryFolder } from './stores.ts';

const blobError = (reason: BlobErrorReason) => (error: unknown) => error instanceof BlobError && error.reason === reason;
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const filesIn = (folder: string) => globSync('**/*', { cwd: folder, withFileTypes: true }).filter((entry) => entry.isFile());

for (const [kind, openTestStore] of Object.entries(storeKinds)) {
  test(`[BS1] ${kind}: what is put is got, whole and by range, and its size told`, async () => {
    await using parts = await openTestStore();
    const { store } = parts;
    for (const [key, bytes] of [
      ['empty-blob', 0],
      ['one-byte-blob', 1],
      ['parts_of-Blob', 12_000_001],
    ] as const) {
      assert.deepEqual(await store.put(key, generated(bytes)), { bytes });
      assert.equal(await store.size(key), bytes);
      const { stream, size } = await store.get(key);
      assert.equal(size, bytes);
      assert.ok((await readAll(stream)).equals(expected(0, bytes - 1)));
    }
    // Not 0 to 0: s3rver takes an end of 0 for none.
    for (const [start, end, last] of [
      [0, 1, 1],
      [5, 9, 9],
      [11_999_990, 12_000_000, 12_000_000],
      [12_000_000, 99_000_000, 12_000_000],
    ] as const) {
      const { stream, size } = await store.get('parts_of-Blob', { start, end });
      assert.equal(size, 12_000_001);
      assert.ok((await readAll(stream)).equals(expected(start, last)), `${start}-${end}`);
    }
  });

  test(`[BS2] ${kind}: a second put replaces the first`, async () => {
    await using parts = await openTestStore();
    const { store } = parts;
    await store.put('same-key', generated(100));
    await store.put('same-key', generated(7));
    assert.equal((await readAll((await store.get('same-key')).stream)).length, 7);
  });

  test(`[BS3] ${kind}: a missing blob is not found, deleting it is no error, and a range behind the end is out of range`, async () => {
    await using parts = await openTestStore();
    const { store } = parts;
    await assert.rejects(store.get('missing-blob'), blobError('not_found'));
    await assert.rejects(store.size('missing-blob'), blobError('not_found'));
    await store.delete('missing-blob');
    await store.put('short-blob', generated(10));
    await assert.rejects(store.get('short-blob', { start: 10, end: 20 }), blobError('out_of_range'));
    await store.delete('short-blob');
    await assert.rejects(store.get('short-blob'), blobError('not_found'));
  });

  test(`[BS4] ${kind}: a key that is more than a name is refused by every method`, async () => {
    await using parts = await openTestStore();
    const { store } = parts;
    for (const key of [
      '',
      'short',
      '../../etc/passwd',
      'a/../../../b',
      '..%2f..%2fetc',
      'with space',
      'nul\0nul-nul',
      'x'.repeat(129),
      'ключ-ключ',
    ]) {
      await assert.rejects(store.put(key, generated(1)), blobError('invalid_key'), key);
      await assert.rejects(store.get(key), blobError('invalid_key'), key);
      await assert.rejects(store.size(key), blobError('invalid_key'), key);
      await assert.rejects(store.delete(key), blobError('invalid_key'), key);
    }
  });

  test(`[BS5] ${kind}: an upload that is cut, after few bytes or many, throws what cut it and leaves nothing`, async () => {
    await using parts = await openTestStore();
    const { store, folder } = parts;
    const before = filesIn(folder).length;
    const cut = new Error('cut');
    for (const bytes of [0, 1_000, 11_000_000]) {
      async function* source() {
        yield* generated(bytes);
        throw cut;
      }
      await assert.rejects(store.put('cut-upload', source()), cut);
      await assert.rejects(store.get('cut-upload'), blobError('not_found'));
    }
    await waitFor('the parts to be dropped', () => filesIn(folder).length === before);
  });

  test(`[BS6] ${kind}: a cut upload leaves the blob that was there`, async () => {
    await using parts = await openTestStore();
    const { store } = parts;
    await store.put('kept-blob', generated(10));
    async function* source() {
      yield* generated(7_000_000);
      throw new Error('cut');
    }
    await assert.rejects(store.put('kept-blob', source()), /cut/);
    assert.ok((await readAll((await store.get('kept-blob')).stream)).equals(expected(0, 9)));
  });

  test(`[BS7] ${kind}: bytes are asked for at the store's pace, not gathered`, async () => {
    await using parts = await openTestStore();
    const { store } = parts;
    collectGarbage();
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    async function* source() {
      for (let index = 0; index < 960; index += 1) {
        yield Buffer.alloc(65_536, index);
        if (index % 60 !== 59) continue;
        collectGarbage();
        most = Math.max(most, process.memoryUsage().arrayBuffers - before);
      }
    }
    await store.put('large-blob', source());
    assert.equal(await store.size('large-blob'), 960 * 65_536);
    assert.ok(most < 48 * 1024 * 1024, `${most} bytes of 60 MiB were held`);
  });
}

test('[BS10] s3: a store that does not answer is unavailable, and what the source held is let go', async () => {
  const store = openS3Store({
    kind: 's3',
    bucket: 'clinic',
    prefix: '',
    endpoint: 'http://127.0.0.1:1',
    region: 'us-east-1',
    credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
  });
  for (const bytes of [10, 12_000_000]) {
    let isEnded = false;
    async function* source() {
      try {
        yield* generated(bytes);
      } finally {
        isEnded = true;
      }
    }
    await assert.rejects(store.put('some-blob', source()), blobError('unavailable'));
    assert.ok(isEnded);
  }
  await assert.rejects(store.get('some-blob'), blobError('unavailable'));
  await assert.rejects(store.size('some-blob'), blobError('unavailable'));
  await assert.rejects(store.delete('some-blob'), blobError('unavailable'));
  await store.close();
});

test('[BS8] local: a key lies in a folder by its end, readable by the owner alone, and nothing else is there', async () => {
  using temporary = temporaryFolder();
  const store = await openLocalStore(temporary.folder);
  await store.put('abcdef0123456789', generated(3));
  const files = filesIn(temporary.folder);
  assert.deepEqual(
    files.map((entry) => path.relative(temporary.folder, path.join(entry.parentPath, entry.name))),
    [path.join('89', '67', 'abcdef0123456789')],
  );
});

test('[BS9] local: a process killed in mid upload leaves a temporary file that the next start removes, and one that lives keeps its own', async () => {
  using temporary = temporaryFolder();
  const { folder } = temporary;
  const child = spawn(process.execPath, [fileURLToPath(new URL('endless-upload.ts', import.meta.url)), folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  const store = await openLocalStore(folder);
  assert.equal(await store.removeLeftovers(), 0, 'its process lives');
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
  assert.equal(filesIn(folder).length, 1);
  assert.equal(await store.removeLeftovers(), 1);
  assert.equal(filesIn(folder).length, 0);
});
