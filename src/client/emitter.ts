/** Takes a listener away again. Calling it twice does nothing. */
export type Unsubscribe = () => void;

/**
 * A typed emitter: `Events` maps each event to what it carries. A listener that throws is reported and keeps nobody else from hearing the event.
 */
export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<(payload: never) => void>>();

  /** Calls `listener` at each `event` until the answered function is called. */
  on<E extends keyof Events>(event: E, listener: (payload: Events[E]) => void): Unsubscribe {
    let listeners = this.#listeners.get(event);
    if (listeners === undefined) {
      listeners = new Set();
      this.#listeners.set(event, listeners);
    }
    // A wrapper of its own, so that the same function given twice is called twice and taken away once.
    const entry = (payload: Events[E]): void => listener(payload);
    listeners.add(entry);
    return () => {
      listeners.delete(entry);
    };
  }

  /** Tells everybody who listens now; those who are added meanwhile hear the next one. */
  emit<E extends keyof Events>(event: E, payload: Events[E]): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) {
      try {
        (listener as (payload: Events[E]) => void)(payload);
      } catch (error) {
        reportListenerError(error);
      }
    }
  }

  /** Forgets every listener. */
  clear(): void {
    for (const listeners of this.#listeners.values()) listeners.clear();
    this.#listeners.clear();
  }

  /** How many listeners there are, of all events. */
  get listenerCount(): number {
    return [...this.#listeners.values()].reduce((sum, listeners) => sum + listeners.size, 0);
  }
}

/** As the browser does with a listener of its own that throws: to the console and `window.onerror`, not to the one who emitted. */
function reportListenerError(error: unknown): void {
  if (typeof globalThis.reportError === 'function') globalThis.reportError(error);
  else console.error('A listener threw', error);
}
