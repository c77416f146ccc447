/** Work that must not overlap for the same key. */
export interface InTurn {
  /** Runs work one after another for the same key, side by side for different keys. */
  run<T>(key: string, work: () => Promise<T>): Promise<T>;
  /** Resolves when nothing is left to run; work added meanwhile included. */
  idle(): Promise<void>;
}

/** Keeps the order. A key is forgotten when its last work has ended. */
export function createInTurn(): InTurn {
  const tails = new Map<string, Promise<void>>();
  return {
    run(key, work) {
      const previous = tails.get(key) ?? Promise.resolve();
      const result = previous.then(work);
      const tail = result.then(
        () => undefined,
        () => undefined,
      );
      tails.set(key, tail);
      void tail.then(() => {
        if (tails.get(key) === tail) tails.delete(key);
      });
      return result;
    },
    async idle() {
      while (tails.size > 0) await Promise.all(tails.values());
    },
  };
}
