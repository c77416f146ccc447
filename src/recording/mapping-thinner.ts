/** Mappings are kept this often, and all of a part's beginning. */
const intervalMs = 5_000;
const allOfFirst = 10;
/** One that is further off what the last let expect is kept, too: the sender's clock has leapt, as it does when a sound card stalls. */
const leapMs = 10;

/** Of the mappings of a part's RTP time to the clock, about one a second, tells which are worth keeping. */
export class MappingThinner {
  readonly #clockRate: number;
  #last: { rtpTime: number; atMs: number } | undefined;
  #keptCount = 0;

  constructor(clockRate: number) {
    this.#clockRate = clockRate;
  }

  /** Whether to keep this one; the next is measured against the last that was kept. */
  isNews(mapping: { rtpTime: number; atMs: number }): boolean {
    if (this.#keptCount >= allOfFirst && this.#last !== undefined) {
      const passedMs = mapping.atMs - this.#last.atMs;
      // RTP times wrap; the difference of two that are near each other does not.
      const mediaMs = (((mapping.rtpTime - this.#last.rtpTime) | 0) * 1_000) / this.#clockRate;
      if (passedMs < intervalMs && Math.abs(passedMs - mediaMs) < leapMs) return false;
    }
    this.#last = mapping;
    this.#keptCount += 1;
    return true;
  }
}
