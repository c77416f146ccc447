import { io, type Socket } from 'socket.io-client';
import { type ErrorCode, errorStatus } from '../protocol/errors.ts';
import type { NoticeName, NoticePayload, Reply, RequestInput, RequestName } from '../protocol/index.ts';
import {
  type ConnectionState,
  isSameState,
  type MachineEffect,
  type MachineEvent,
  type MachineState,
  publicState,
  transition,
} from './connection-state.ts';
import { Emitter, type Unsubscribe } from './emitter.ts';
import { ParleyError } from './parley-error.ts';
import { RequestBook, type RequestOptions } from './request-book.ts';
import { isTokenFresh, renewalDelayMs, tokenExpiresAtMs } from './token.ts';

/** What a connection needs. */
export interface ConnectionOptions {
  /** The server's origin. */
  url: string;
  /** Answers a token, with or without `Bearer `; asked at the start, before a token expires and when one was refused as expired. */
  getToken: () => string | Promise<string>;
  /** How long an answer may take, milliseconds. */
  requestTimeoutMs: number;
}

/** What a connection tells. */
export interface ConnectionEvents {
  stateChanged: ConnectionState;
  /** `recovered`: participant, transports, producers and consumers are as they were. */
  ready: { recovered: boolean };
}

type Notices = { [N in NoticeName]: NoticePayload<N> };

/** The first try after a failed renewal of the token, milliseconds. */
const renewalRetryMs = 5000;

/**
 * One socket at a time, driven by the table of connection-state.ts; requests with their answers, and notices.
 * It lives until {@link Connection.close}; lost sockets are replaced and the session on the server is taken up again.
 */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #events = new Emitter<ConnectionEvents>();
  readonly #notices = new Emitter<Notices>();
  readonly #requests: RequestBook;
  #state: MachineState = { status: 'idle' };
  #socket: Socket | undefined;
  /** Rises with each socket, so that a late token or event of an earlier one is recognised. */
  #generation = 0;
  #token: string | undefined;
  #resume: { sessionId: string; resumeKey: string } | undefined;
  #userId: string | undefined;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #openTimer: ReturnType<typeof setTimeout> | undefined;
  #renewTimer: ReturnType<typeof setTimeout> | undefined;
  #stopWatchingNetwork: Unsubscribe | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#requests = new RequestBook(
      (name, payload, acknowledge) => this.#socket?.emit(name, payload, acknowledge),
      options.requestTimeoutMs,
    );
  }

  get state(): ConnectionState {
    return publicState(this.#state);
  }

  get isConnected(): boolean {
    return this.#state.status === 'connected';
  }

  /** Who the server says one is; known after the first `session:ready`. */
  get userId(): string | undefined {
    return this.#userId;
  }

  /** The token in use, or a fresh one; for requests beside the socket. */
  token(isFresh: boolean): Promise<string> {
    return this.#currentToken(isFresh);
  }

  /** Listens to the connection itself. */
  on<E extends keyof ConnectionEvents>(event: E, listener: (payload: ConnectionEvents[E]) => void): Unsubscribe {
    return this.#events.on(event, listener);
  }

  /** Listens to a notice of the server. */
  onNotice<N extends NoticeName>(name: N, listener: (payload: NoticePayload<N>) => void): Unsubscribe {
    return this.#notices.on(name, listener as (payload: Notices[N]) => void);
  }

  /**
   * Connects; resolves when the session is ready, at once when it is.
   *
   * @throws {ParleyError} the server's `auth.*` code, `client.disconnected` after the last retry, `client.closed`
   */
  connect(): Promise<void> {
    if (this.#state.status === 'closed') return Promise.reject(new ParleyError('client.closed'));
    this.#watchNetwork();
    this.#dispatch({ type: 'connectRequested' });
    return new Promise((resolve, reject) => {
      const settle = (state: ConnectionState): boolean => {
        if (state.status === 'connected') resolve();
        else if (state.status === 'failed') reject(new ParleyError(state.code, { message: state.message }));
        else if (state.status === 'closed') reject(new ParleyError('client.closed'));
        else return false;
        return true;
      };
      if (settle(this.state)) return;
      const off = this.#events.on('stateChanged', (state) => {
        if (settle(state)) off();
      });
    });
  }

  /** Sends a request; see {@link RequestBook.request} for what it throws. */
  request<N extends RequestName>(name: N, payload: RequestInput<N>, options?: RequestOptions<N>): Promise<Reply<N>> {
    if (this.#state.status === 'closed') return Promise.reject(new ParleyError('client.closed'));
    return this.#requests.request(this.isConnected, name, payload, options);
  }

  /** Sends the requests that waited for the room to be joined again. */
  releaseWaiting(): void {
    if (this.isConnected) this.#requests.rejoined();
  }

  /** Says goodbye and ends for good: no timer, listener or socket is left. */
  close(): void {
    this.#dispatch({ type: 'closeRequested' });
    this.#stopWatchingNetwork?.();
    this.#stopWatchingNetwork = undefined;
    this.#events.clear();
    this.#notices.clear();
  }

  #dispatch(event: MachineEvent): void {
    const before = this.#state;
    const { state, effects } = transition(before, event);
    this.#state = state;
    for (const effect of effects) this.#run(effect);
    if (this.#state === state && !isSameState(publicState(before), publicState(state)))
      this.#events.emit('stateChanged', publicState(state));
    // After the state, so that a listener finds the connection usable.
    for (const effect of effects) if (effect.type === 'announceReady') this.#announceReady(effect.recovered);
  }

  #run(effect: MachineEffect): void {
    switch (effect.type) {
      case 'openSocket':
        void this.#openSocket(effect.freshToken);
        return;
      case 'closeSocket':
        return this.#closeSocket(effect.goodbye);
      case 'scheduleRetry':
        this.#retryTimer = setTimeout(() => this.#dispatch({ type: 'retryDue' }), effect.delayMs);
        return;
      case 'cancelRetry':
        return clearTimeout(this.#retryTimer);
      case 'settleInFlight':
        return this.#requests.settleInFlight();
      case 'rejectAll':
        return this.#requests.rejectAll(effect.code);
      case 'announceReady':
        return;
    }
  }

  #announceReady(recovered: boolean): void {
    this.#requests.ready(recovered);
    this.#scheduleRenewal();
    this.#events.emit('ready', { recovered });
  }

  async #openSocket(freshToken: boolean): Promise<void> {
    const generation = ++this.#generation;
    let token: string;
    try {
      token = await this.#currentToken(freshToken);
    } catch (error) {
      if (generation === this.#generation) this.#dispatch({ type: 'connectFailed', code: undefined, message: String(error) });
      return;
    }
    if (generation !== this.#generation) return;
    const socket = io(this.#options.url, {
      forceNew: true,
      reconnection: false,
      transports: ['websocket', 'polling'],
      tryAllTransports: true,
      timeout: this.#options.requestTimeoutMs,
      auth: { token, ...(this.#resume && { resume: this.#resume }) },
    });
    this.#socket = socket;
    this.#openTimer = setTimeout(() => {
      this.#dispatch({ type: 'connectFailed', code: undefined, message: 'The server does not answer.' });
    }, this.#options.requestTimeoutMs);
    socket.on('connect_error', (error) => {
      clearTimeout(this.#openTimer);
      this.#dispatch({ type: 'connectFailed', code: codeOf(error), message: error.message });
    });
    socket.on('disconnect', () => {
      clearTimeout(this.#openTimer);
      this.#dispatch({ type: 'socketLost' });
    });
    socket.onAny((name: string, payload: unknown) => this.#hear(name, payload));
  }

  #hear(name: string, payload: unknown): void {
    // The contract is the server's to keep: it answers typed notices, and the browser carries no schemas to check them with.
    if (name === 'session:ready') {
      const session = payload as NoticePayload<'session:ready'>;
      clearTimeout(this.#openTimer);
      this.#userId = session.userId;
      this.#resume = { sessionId: session.sessionId, resumeKey: session.resumeKey };
      this.#dispatch({ type: 'ready', recovered: session.recovered });
    } else if (name === 'session:shutdown') {
      const { reconnectAfterMs } = payload as NoticePayload<'session:shutdown'>;
      this.#dispatch({ type: 'shutdownAnnounced', reconnectAfterMs });
    }
    this.#notices.emit(name as NoticeName, payload as Notices[NoticeName]);
  }

  #closeSocket(goodbye: boolean): void {
    this.#generation++;
    clearTimeout(this.#openTimer);
    clearTimeout(this.#renewTimer);
    const socket = this.#socket;
    this.#socket = undefined;
    if (goodbye) this.#resume = undefined;
    if (socket === undefined) return;
    socket.offAny();
    socket.off();
    // Closing the transport alone is not a leave: the server keeps the session for a while.
    if (!goodbye) socket.io.engine?.close();
    socket.disconnect();
  }

  async #currentToken(fresh: boolean): Promise<string> {
    if (!fresh && this.#token !== undefined && isTokenFresh(this.#token, Date.now())) return this.#token;
    this.#token = await this.#options.getToken();
    return this.#token;
  }

  #scheduleRenewal(delayMs?: number): void {
    clearTimeout(this.#renewTimer);
    const expiresAtMs = this.#token === undefined ? undefined : tokenExpiresAtMs(this.#token);
    if (expiresAtMs === undefined || !this.isConnected) return;
    this.#renewTimer = setTimeout(() => void this.#renew(), delayMs ?? renewalDelayMs(expiresAtMs, Date.now()));
  }

  async #renew(): Promise<void> {
    const generation = this.#generation;
    try {
      const token = await this.#options.getToken();
      if (generation !== this.#generation) return;
      await this.request('auth:renew', { token: token.replace(/^Bearer /i, '') });
      if (generation !== this.#generation) return;
      this.#token = token;
      this.#scheduleRenewal();
    } catch {
      // The present token still serves for a while; when it has expired the server disconnects, and the next handshake asks for a fresh one.
      if (generation === this.#generation) this.#scheduleRenewal(renewalRetryMs);
    }
  }

  #watchNetwork(): void {
    if (this.#stopWatchingNetwork !== undefined || typeof globalThis.addEventListener !== 'function') return;
    const onOnline = (): void => this.#dispatch({ type: 'networkBack' });
    // The browser knows long before a ping is missed.
    const onOffline = (): void => {
      if (this.isConnected) this.#dispatch({ type: 'socketLost' });
    };
    globalThis.addEventListener('online', onOnline);
    globalThis.addEventListener('offline', onOffline);
    this.#stopWatchingNetwork = () => {
      globalThis.removeEventListener('online', onOnline);
      globalThis.removeEventListener('offline', onOffline);
    };
  }
}

function codeOf(error: Error): ErrorCode | undefined {
  const data: unknown = 'data' in error ? error.data : undefined;
  if (typeof data !== 'object' || data === null || !('code' in data) || typeof data.code !== 'string') return undefined;
  return Object.hasOwn(errorStatus, data.code) ? (data.code as ErrorCode) : undefined;
}
