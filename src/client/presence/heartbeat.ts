import type { Unsubscribe } from '../emitter.ts';
import type { ActivitySource } from './activity.ts';

/** What the contract asks for. */
const everyMs = 30_000;
/** Whoever comes back after that long is told at once; the server has shown them away, or is about to. */
const idleSeconds = 60;

/** A sign of the user every 30 s, and at once when they come back to an idle page. */
export class Heartbeat {
  readonly #send: (idleSeconds: number) => void;
  readonly #activity: ActivitySource;
  readonly #offActive: Unsubscribe;
  #timer: ReturnType<typeof setInterval> | undefined;
  #wasIdle = false;

  constructor(activity: ActivitySource, send: (idleSeconds: number) => void) {
    this.#activity = activity;
    this.#send = send;
    this.#offActive = activity.onActive(() => {
      if (this.#wasIdle && this.#timer !== undefined) this.#beat();
    });
  }

  /** There is a connection: begins at once. */
  start(): void {
    this.stop();
    this.#timer = setInterval(() => this.#beat(), everyMs);
    this.#beat();
  }

  /** There is none. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Ends: no timer or listener is left. */
  close(): void {
    this.stop();
    this.#offActive();
  }

  #beat(): void {
    const idle = this.#activity.idleSeconds();
    this.#wasIdle = idle >= idleSeconds;
    this.#send(idle);
  }
}
