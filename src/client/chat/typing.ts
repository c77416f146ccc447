/** The server forgets typing after 10 s; it is told again well before. */
const sayAgainMs = 4000;
/** Whoever has not typed for that long has stopped. */
const idleMs = 6000;
/** Others' typing ends here when the server's word for it got lost. */
const expiryMs = 12_000;

/** Tells the others that one types: at most every four seconds, and that one has stopped once. */
export class TypingSender {
  readonly #send: (typing: boolean) => void;
  #idleTimer: ReturnType<typeof setTimeout> | undefined;
  #saidAtMs: number | undefined;

  constructor(send: (typing: boolean) => void) {
    this.#send = send;
  }

  /** A key was pressed. */
  typed(nowMs = Date.now()): void {
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => this.stopped(), idleMs);
    if (this.#saidAtMs !== undefined && nowMs - this.#saidAtMs < sayAgainMs) return;
    this.#saidAtMs = nowMs;
    this.#send(true);
  }

  /** The text was sent or cleared, or its field left. */
  stopped(): void {
    clearTimeout(this.#idleTimer);
    if (this.#saidAtMs === undefined) return;
    this.#saidAtMs = undefined;
    this.#send(false);
  }

  /** A message takes the others' sign away by itself; so does a lost connection. */
  forget(): void {
    clearTimeout(this.#idleTimer);
    this.#saidAtMs = undefined;
  }
}

/** Who types right now; each ends by itself. */
export class TypingWatch {
  readonly #onChanged: () => void;
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(onChanged: () => void) {
    this.#onChanged = onChanged;
  }

  /** In the order in which they began. */
  get userIds(): readonly string[] {
    return [...this.#timers.keys()];
  }

  set(userId: string, typing: boolean): void {
    const before = this.#timers.get(userId);
    clearTimeout(before);
    if (typing) {
      this.#timers.set(
        userId,
        setTimeout(() => this.set(userId, false), expiryMs),
      );
    } else this.#timers.delete(userId);
    if (typing !== (before !== undefined)) this.#onChanged();
  }

  /** Nobody types any more, as far as one can know; no timer is left. */
  clear(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    const had = this.#timers.size > 0;
    this.#timers.clear();
    if (had) this.#onChanged();
  }
}
