import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBatcher } from '../../src/db/batcher.ts';

/** A batcher whose batches end when they are told to. */
function held(maxSize = 100) {
  const batches: { items: readonly number[]; end: (error?: Error) => void }[] = [];
  const batcher = createBatcher<number, number>({
    maxSize,
    run: (items) => {
      const { promise, resolve, reject } = Promise.withResolvers<{ ok: true; value: number }[]>();
      const end = (error?: Error) => (error ? reject(error) : resolve(items.map((value) => ({ ok: true, value: value * 10 }))));
      batches.push({ items, end });
      return promise;
    },
  });
  return { batcher, batches };
}
const turn = () => new Promise((resolve) => setImmediate(resolve));

test('[CH40] what is added in one turn is one batch; what comes while it runs is the next one', async () => {
  const { batcher, batches } = held();
  const first = [batcher.add(1), batcher.add(2)];
  await turn();
  const second = [batcher.add(3), batcher.add(4)];
  await turn();
  assert.deepEqual(
    batches.map(({ items }) => items),
    [[1, 2]],
  );
  batches[0]?.end();
  assert.deepEqual(await Promise.all(first), [10, 20]);
  await turn();
  batches[1]?.end();
  assert.deepEqual(await Promise.all(second), [30, 40]);
  await batcher.idle();
});

test('[CH40] a batch has no more than its greatest size, and the order is kept', async () => {
  const seen: number[][] = [];
  const batcher = createBatcher<number, number>({
    maxSize: 3,
    run: async (items) => {
      seen.push([...items]);
      return items.map((value) => ({ ok: true, value }));
    },
  });
  assert.deepEqual(await Promise.all([1, 2, 3, 4, 5, 6, 7].map((item) => batcher.add(item))), [1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual(seen, [[1, 2, 3], [4, 5, 6], [7]]);
});

test('[CH40] an item fails for itself; a batch that throws fails for all of its items and for no other', async () => {
  const batcher = createBatcher<number, number>({
    maxSize: 10,
    run: async (items) => {
      if (items.includes(0)) throw new Error('zero');
      return items.map((value) => (value < 0 ? { ok: false, error: new Error('negative') } : { ok: true, value }));
    },
  });
  assert.deepEqual(
    (await Promise.allSettled([1, -1, 2].map((item) => batcher.add(item)))).map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  await assert.rejects(Promise.all([batcher.add(3), batcher.add(0)]), { message: 'zero' });
  assert.equal(await batcher.add(4), 4);
});

test('[CH40] whoever adds the next item as soon as the last one is done is not forgotten', async () => {
  const batcher = createBatcher<number, number>({ maxSize: 10, run: async (items) => items.map((value) => ({ ok: true, value })) });
  for (let item = 0; item < 100; item += 1) assert.equal(await batcher.add(item), item);
  await batcher.idle();
});
