import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { BlobError, type BlobErrorReason, type BlobStore } from '../../src/storage/blob-store.ts';
import { createKeyRing } from '../../src/storage/key-ring.ts';
import { createSealedStore } from '../../src/storage/sealed.ts';
import { chunkBytes, maxHeaderBytes, sealedChunkBytes } from '../../src/storage/sealed-format.ts';
import { expected, generated, readAll, storeKinds } from './stores.ts';

const blobError = (reason: BlobErrorReason) => (error: unknown) => error instanceof BlobError && error.reason === reason;
const ringOf = (...ids: string[]) => createKeyRing(ids.map((id) => ({ id, key: createHash('sha256').update(id).digest() })));
const key = 'a-blob-of-a-test';

async function sealedTestStore(bytes: number) {
  await using parts = new AsyncDisposableStack();
  const { store } = parts.use(await storeKinds.local());
  const sealed = createSealedStore(store, ringOf('k1'));
  await sealed.put(key, generated(bytes));
  const raw = await readAll((await store.get(key)).stream);
  const headerBytes = raw.length - bytes - Math.max(1, Math.ceil(bytes / chunkBytes)) * 16;
  const overwrite = (changed: Buffer) => store.put(key, Readable.from([changed], { objectMode: false }));
  const read = async (options?: Parameters<typeof sealed.open>[1]) => readAll((await sealed.open(key, options)).stream);
  const all = parts.move();
  return { store, sealed, raw, headerBytes, overwrite, read, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

for (const [kind, openTestStore] of Object.entries(storeKinds)) {
  test(`[SB1] ${kind}: what is sealed comes back, with its length and SHA-256, and lies there encrypted`, async () => {
    await using parts = await openTestStore();
    const sealed = createSealedStore(parts.store, ringOf('k1'));
    for (const bytes of [0, 1, chunkBytes - 1, chunkBytes, chunkBytes + 1, 3 * chunkBytes, 200_001]) {
      const stored = await sealed.put(key, generated(bytes, 10_007));
      const plain = expected(0, bytes - 1);
      assert.equal(stored.bytes, bytes);
      assert.equal(stored.sha256, createHash('sha256').update(plain).digest('hex'));
      assert.equal(stored.sealedBytes, await parts.store.size(key));
      const { stream, size } = await sealed.open(key, { expectedBytes: bytes });
      assert.equal(size, bytes);
      assert.ok((await readAll(stream)).equals(plain), `${bytes}`);
      if (bytes > 100) assert.equal((await readAll((await parts.store.get(key)).stream)).indexOf(plain.subarray(0, 32)), -1);
    }
  });

  test(`[SB2] ${kind}: every range at a chunk's edge is exactly that range`, async () => {
    await using parts = await openTestStore();
    const sealed = createSealedStore(parts.store, ringOf('k1'));
    const bytes = 3 * chunkBytes + 100;
    await sealed.put(key, generated(bytes));
    const places = [0, 1, chunkBytes - 1, chunkBytes, chunkBytes + 1, 2 * chunkBytes - 1, 3 * chunkBytes - 1, 3 * chunkBytes, bytes - 1];
    for (const start of places) {
      for (const end of [...places, bytes, bytes + 1_000_000].filter((place) => place >= start)) {
        const { stream, size } = await sealed.open(key, { range: { start, end } });
        assert.equal(size, bytes);
        assert.ok((await readAll(stream)).equals(expected(start, Math.min(end, bytes - 1))), `${start}-${end}`);
      }
    }
    await assert.rejects(sealed.open(key, { range: { start: bytes, end: bytes } }), blobError('out_of_range'));
  });
}

test('[SB3] a range reads only the chunks it lies in', async () => {
  await using parts = await sealedTestStore(40 * chunkBytes);
  const asked: number[] = [];
  const watching: BlobStore = {
    ...parts.store,
    get: (blobKey, range) => {
      asked.push(range ? range.end - range.start + 1 : Number.POSITIVE_INFINITY);
      return parts.store.get(blobKey, range);
    },
  };
  const { stream } = await createSealedStore(watching, ringOf('k1')).open(key, {
    range: { start: 5 * chunkBytes - 1, end: 5 * chunkBytes },
  });
  assert.equal((await readAll(stream)).length, 2);
  assert.deepEqual(asked, [maxHeaderBytes, 2 * sealedChunkBytes]);
});

test('[SB4] a flipped bit anywhere is noticed: in header, key, chunk and tag', async () => {
  await using parts = await sealedTestStore(chunkBytes + 50);
  const { raw, headerBytes } = parts;
  const header = Array.from({ length: headerBytes }, (_, place) => place);
  const second = headerBytes + sealedChunkBytes;
  for (const place of [
    ...header,
    headerBytes,
    headerBytes + 1_000,
    second - 16,
    second - 1,
    second,
    second + 49,
    raw.length - 16,
    raw.length - 1,
  ]) {
    const changed = Buffer.from(raw);
    changed[place]! ^= 1 << (place % 8);
    await parts.overwrite(changed);
    await assert.rejects(parts.read(), (error: unknown) => error instanceof BlobError, `at ${place}`);
  }
  await parts.overwrite(raw);
  assert.equal((await parts.read()).length, chunkBytes + 50);
});

test('[SB5] a cut or lengthened file is noticed, at a chunk’s edge too', async () => {
  await using parts = await sealedTestStore(3 * chunkBytes);
  const { raw, headerBytes } = parts;
  const lengths = [
    0,
    3,
    headerBytes - 1,
    headerBytes,
    headerBytes + 15,
    headerBytes + 16,
    headerBytes + sealedChunkBytes,
    headerBytes + 2 * sealedChunkBytes,
  ];
  for (const length of [...lengths, raw.length - 1, raw.length - 16]) {
    await parts.overwrite(raw.subarray(0, length));
    await assert.rejects(parts.read(), blobError('damaged'), `cut to ${length}`);
  }
  for (const more of [Buffer.alloc(1), Buffer.alloc(16), raw.subarray(headerBytes, headerBytes + sealedChunkBytes)]) {
    await parts.overwrite(Buffer.concat([raw, more]));
    await assert.rejects(parts.read(), blobError('damaged'), `${more.length} more`);
  }
  await parts.overwrite(raw.subarray(0, headerBytes + 2 * sealedChunkBytes));
  const early = { range: { start: 0, end: 9 } };
  await assert.rejects(
    parts.read({ ...early, expectedBytes: 3 * chunkBytes }),
    blobError('damaged'),
    'a range before the cut, when the length is known',
  );
});

test('[SB6] chunks in another order, one twice, and the last one moved are noticed', async () => {
  await using parts = await sealedTestStore(4 * chunkBytes);
  const { raw, headerBytes } = parts;
  const header = raw.subarray(0, headerBytes);
  const chunks = [0, 1, 2, 3].map((index) =>
    raw.subarray(headerBytes + index * sealedChunkBytes, headerBytes + (index + 1) * sealedChunkBytes),
  );
  for (const order of [[1, 0, 2, 3], [0, 2, 1, 3], [0, 0, 2, 3], [0, 1, 3, 2], [3, 1, 2, 0], [0, 1, 3], [3]]) {
    await parts.overwrite(Buffer.concat([header, ...order.map((index) => chunks[index]!)]));
    await assert.rejects(parts.read(), blobError('damaged'), order.join());
  }
});

test('[SB7] a chunk of another file, another file’s header, and a whole other file are noticed', async () => {
  await using parts = await sealedTestStore(2 * chunkBytes);
  const { raw, headerBytes, store, sealed } = parts;
  await sealed.put('another-blob', generated(2 * chunkBytes));
  const other = await readAll((await store.get('another-blob')).stream);
  const edge = headerBytes + sealedChunkBytes;
  for (const mixed of [
    Buffer.concat([raw.subarray(0, edge), other.subarray(edge)]),
    Buffer.concat([raw.subarray(0, headerBytes), other.subarray(headerBytes)]),
    Buffer.concat([other.subarray(0, headerBytes), raw.subarray(headerBytes)]),
    other,
  ]) {
    await parts.overwrite(mixed);
    await assert.rejects(parts.read(), blobError('damaged'));
  }
});

test('[SB8] damage behind the first chunk ends the stream with an error, and nothing damaged is handed out', async () => {
  await using parts = await sealedTestStore(3 * chunkBytes);
  const changed = Buffer.from(parts.raw);
  changed[parts.headerBytes + sealedChunkBytes + 5]! ^= 1;
  await parts.overwrite(changed);
  const { stream } = await parts.sealed.open(key);
  let received = 0;
  await assert.rejects(async () => {
    for await (const piece of stream as AsyncIterable<Buffer>) received += piece.length;
  }, blobError('damaged'));
  assert.equal(received, chunkBytes);
});

test('[SB9] a missing blob is not found, and a missing key of the ring makes it unavailable', async () => {
  await using parts = await sealedTestStore(10);
  await assert.rejects(parts.sealed.open('missing-blob'), blobError('not_found'));
  await assert.rejects(createSealedStore(parts.store, ringOf('k2')).open(key), blobError('unavailable'));
});

test('[SB10] after another key has become the first, old blobs open, and are wrapped anew without being encrypted anew', async () => {
  await using parts = await sealedTestStore(chunkBytes + 1);
  const rotated = createSealedStore(parts.store, ringOf('second-key', 'k1'));
  assert.equal((await readAll((await rotated.open(key)).stream)).length, chunkBytes + 1);
  assert.equal(await rotated.rewrap(key), true);
  assert.equal(await rotated.rewrap(key), false);
  const withoutOld = createSealedStore(parts.store, ringOf('second-key'));
  assert.ok((await readAll((await withoutOld.open(key)).stream)).equals(expected(0, chunkBytes)));
  const raw = await readAll((await parts.store.get(key)).stream);
  assert.ok(raw.subarray(-sealedChunkBytes).equals(parts.raw.subarray(-sealedChunkBytes)), 'the chunks are the same');
});

test('[SB11] two files of the same bytes have nothing in common', async () => {
  await using parts = await sealedTestStore(chunkBytes);
  await parts.sealed.put(key, generated(chunkBytes));
  const again = await readAll((await parts.store.get(key)).stream);
  assert.notDeepEqual(again.subarray(-64), parts.raw.subarray(-64));
});

test('[SB12] bytes are sealed and opened at the reader’s pace: a slow reader holds a few chunks in memory', async () => {
  await using parts = await storeKinds.local();
  const sealed = createSealedStore(parts.store, ringOf('k1'));
  let made = 0;
  let written = 0;
  let ahead = 0;
  const counting: BlobStore = {
    ...parts.store,
    put: (blobKey, source) =>
      parts.store.put(
        blobKey,
        (async function* () {
          for await (const piece of source) {
            ahead = Math.max(ahead, made - written);
            yield piece;
            written += piece.length;
          }
        })(),
      ),
  };
  async function* source() {
    for (let index = 0; index < 1_616; index += 1) {
      made += chunkBytes;
      yield randomBytes(chunkBytes);
    }
  }
  await createSealedStore(counting, ringOf('k1')).put(key, source());
  assert.ok(ahead <= 3 * chunkBytes, `${ahead} bytes were taken ahead of the store`);

  let read = 0;
  const lazy: BlobStore = {
    ...parts.store,
    get: async (blobKey, range) => {
      const { stream, size } = await parts.store.get(blobKey, range);
      return { size, stream: stream.on('data', (piece: Buffer) => (read += piece.length)).pause() };
    },
  };
  const { stream } = await createSealedStore(lazy, ringOf('k1')).open(key);
  await once(stream, 'readable');
  assert.ok(read < 2 * 1024 * 1024, `${read} bytes were read for a reader that took none`);
  stream.destroy();
  await once(stream, 'close');
  assert.equal((await readAll((await sealed.open(key, { range: { start: 0, end: 9 } })).stream)).length, 10);
});
