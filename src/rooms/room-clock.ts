/** Seconds before a room's time limit at which everybody is warned. */
const warningsAtSeconds = [300, 60];
/** How late a warning may come, for a server that takes up a running room. */
const latestWarningMs = 1_000;
/** setTimeout's own limit. */
const maxTimerMs = 2 ** 31 - 1;

/** Counts a room's time down: warnings, then the end. */
export class RoomClock {
  readonly #timers = new Set<NodeJS.Timeout>();
  #started = false;

  /** Starts it once. A warning whose time has passed is left out; an end that is overdue comes at once. */
  start(options: { startedAt: Date; limitMinutes: number; onWarning: (secondsLeft: number) => void; onEnd: () => void }): void {
    if (this.#started) return;
    this.#started = true;
    const { startedAt, limitMinutes, onWarning, onEnd } = options;
    const limitMs = limitMinutes * 60_000;
    const endsAtMs = startedAt.getTime() + limitMs;
    for (const secondsLeft of warningsAtSeconds) {
      const atMs = endsAtMs - secondsLeft * 1_000;
      if (secondsLeft * 1_000 <= limitMs && atMs >= Date.now() - latestWarningMs) this.#at(atMs, () => onWarning(secondsLeft));
    }
    this.#at(endsAtMs, onEnd);
  }

  /** No timer runs after this. */
  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#started = true;
  }

  #at(timeMs: number, action: () => void): void {
    const delayMs = Math.max(timeMs - Date.now(), 0);
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        if (delayMs > maxTimerMs) this.#at(timeMs, action);
        else action();
      },
      Math.min(delayMs, maxTimerMs),
    );
    this.#timers.add(timer);
  }
}
