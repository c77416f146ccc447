/** Gathers single pieces of work into batches, so that many share one transaction and one flush to disk. */
export interface Batcher<T, R> {
  /** Adds an item; settles with what `run` answers for it. Nothing is waited for when nothing is under way. */
  add(item: T): Promise<R>;
  /** Resolves when nothing is left to run. */
  idle(): Promise<void>;
}

/** What became of one item of a batch. */
export type BatchResult<R> = { ok: true; value: R } | { ok: false; error: unknown };

/**
 * One batch runs at a time; whatever is added meanwhile is the next one (group commit: the busier, the larger the batches).
 * `run` answers a result for each item, in order; when it throws, every item of the batch fails with that.
 */
export function createBatcher<T, R>(options: {
  maxSize: number;
  run: (items: readonly T[]) => Promise<readonly BatchResult<R>[]>;
}): Batcher<T, R> {
  const { maxSize, run } = options;
  const waiting: { item: T; settle: (result: BatchResult<R>) => void }[] = [];
  let running: Promise<void> | undefined;

  async function drain(): Promise<void> {
    // Lets everything that arrives in this turn of the event loop into the first batch.
    await new Promise((resolve) => setImmediate(resolve));
    while (waiting.length > 0) {
      const batch = waiting.splice(0, maxSize);
      let results: readonly BatchResult<R>[];
      try {
        results = await run(batch.map(({ item }) => item));
      } catch (error) {
        results = batch.map(() => ({ ok: false, error }));
      }
      for (const [index, { settle }] of batch.entries())
        settle(results[index] ?? { ok: false, error: new Error('batch answered too little') });
    }
    // In the same tick in which nothing was left: whatever is added from now on starts anew.
    running = undefined;
  }

  return {
    add(item) {
      return new Promise<R>((resolve, reject) => {
        waiting.push({ item, settle: (result) => (result.ok ? resolve(result.value) : reject(result.error)) });
        running ??= drain();
      });
    },
    async idle() {
      while (running) await running;
    },
  };
}
