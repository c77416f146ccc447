/** Longer than the server lets anybody ring by default; whatever it lasts, a call that still rings is asked for again. */
const silenceMs = 75_000;

/** Notices when nothing is heard of a call for too long, so that none rings for ever. */
export class SilenceWatch {
  readonly #onSilence: (callId: string) => void;
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(onSilence: (callId: string) => void) {
    this.#onSilence = onSilence;
  }

  /** Something was heard: the time begins anew. */
  heard(callId: string): void {
    this.forget(callId);
    this.#timers.set(
      callId,
      setTimeout(() => {
        this.#timers.delete(callId);
        this.#onSilence(callId);
      }, silenceMs),
    );
  }

  /** Silence means nothing any more. */
  forget(callId: string): void {
    clearTimeout(this.#timers.get(callId));
    this.#timers.delete(callId);
  }

  /** No timer is left. */
  close(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }
}
