import type { types } from 'mediasoup-client';

/** `disconnected` often heals by itself: so long it is let be, milliseconds. */
const patienceMs = 2000;
/** How long a restarted transport has to connect, milliseconds, and how many restarts there are before the media is set up anew. */
const restartTimeoutMs = 5000;
const maxRestarts = 4;

/** The part of mediasoup-client's transport that matters here. */
export type WatchedTransport = Pick<types.Transport, 'connectionState' | 'closed' | 'on' | 'off'>;

/** Restarts a transport's ICE when its path is lost: after a short wait on `disconnected`, at once on `failed`. */
export class IceRestarter {
  readonly #transport: WatchedTransport;
  readonly #restart: () => Promise<void>;
  readonly #onGivenUp: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #restarts = 0;
  #closed = false;

  /**
   * @param restart asks the server for new ICE parameters and applies them; when it throws it is tried again
   * @param onGivenUp called once: this transport will not come back
   */
  constructor(transport: WatchedTransport, restart: () => Promise<void>, onGivenUp: () => void) {
    this.#transport = transport;
    this.#restart = restart;
    this.#onGivenUp = onGivenUp;
    transport.on('connectionstatechange', this.#onState);
  }

  /** Restarts now if the path is lost: for when the socket is back. */
  retryNow(): void {
    if (this.#isLost()) this.#schedule(0);
  }

  /** Stops watching. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#transport.off('connectionstatechange', this.#onState);
  }

  readonly #onState = (state: types.ConnectionState): void => {
    if (state === 'connected') {
      clearTimeout(this.#timer);
      this.#restarts = 0;
    } else if (state === 'disconnected') this.#schedule(patienceMs);
    else if (state === 'failed') this.#schedule(0);
  };

  #isLost(): boolean {
    const { connectionState, closed } = this.#transport;
    return !closed && (connectionState === 'disconnected' || connectionState === 'failed');
  }

  #schedule(delayMs: number): void {
    clearTimeout(this.#timer);
    if (!this.#closed) this.#timer = setTimeout(() => void this.#attempt(), delayMs);
  }

  async #attempt(): Promise<void> {
    if (this.#closed || !this.#isLost()) return;
    if (++this.#restarts > maxRestarts) {
      this.close();
      this.#onGivenUp();
      return;
    }
    // A restart that fails, for want of a socket most often, counts as one that did not connect.
    await this.#restart().catch(() => undefined);
    if (!this.#closed && this.#transport.connectionState !== 'connected') this.#schedule(restartTimeoutMs);
  }
}
