import { AppError } from '../protocol/errors.ts';

/** Counts things against a limit. A place is taken before the thing is made, so that requests that race cannot pass the limit together. */
export class Quota {
  readonly #name: string;
  readonly #max: number;
  #taken = 0;

  constructor(name: string, max: number) {
    this.#name = name;
    this.#max = max;
  }

  /** Whether no place is left. */
  get isFull(): boolean {
    return this.#taken >= this.#max;
  }

  /** Takes a place; `media.limit_reached` when there is none. */
  take(): void {
    if (this.isFull) throw new AppError('media.limit_reached', { details: { limit: this.#name, max: this.#max } });
    this.#taken += 1;
  }

  /** Gives one place back. */
  release(): void {
    this.#taken -= 1;
  }
}
