import type { Logger } from '../log.ts';

/** How often deadlines are looked at, in milliseconds. */
const lookEveryMs = 1_000;

/**
 * Looks for calls whose deadline has passed. Deadlines are rows, so that they outlive any server; every server looks, and the lock on the call
 * makes one of them end it.
 */
export class CallClock {
  readonly #endOverdue: () => Promise<void>;
  readonly #log: Logger;
  readonly #stopping = new AbortController();
  #looking: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor({ endOverdue, log }: { endOverdue: () => Promise<void>; log: Logger }) {
    this.#endOverdue = endOverdue;
    this.#log = log;
    this.#wait();
  }

  #wait(): void {
    if (this.#stopping.signal.aborted) return;
    this.#timer = setTimeout(() => {
      this.#looking = this.#endOverdue()
        .catch((error: unknown) => this.#log.warn({ err: error }, 'deadlines of calls could not be looked at; trying again'))
        .finally(() => this.#wait());
    }, lookEveryMs);
  }

  /** Waits for what is under way; no timer runs after this. Idempotent. */
  async close(): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#timer);
    await this.#looking;
  }
}
