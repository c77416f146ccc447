import type { NoticeName, NoticePayload, Reply, RequestInput, RequestName } from '../protocol/index.ts';
import { BreakableDelay } from './breakable-delay.ts';
import type { Connection, ConnectionEvents } from './connection.ts';
import { Emitter, type Unsubscribe } from './emitter.ts';
import { ParleyError } from './parley-error.ts';
import type { RequestOptions } from './request-book.ts';

/** How a room finds its server. */
export interface RoomLinkOptions {
  /** The client's own connection; it is asked first, and is not the link's to close. */
  readonly home: Connection;
  /** Where `home` leads. */
  readonly homeUrl: string;
  /** Makes a connection to another server, for the same user. */
  readonly open: (url: string) => Connection;
  readonly limits?: Partial<RoomLinkLimits>;
}

/** How long a room link waits, milliseconds. */
export interface RoomLinkLimits {
  /** As long as a room is looked for: a dead server's hold on it ends within 10 s, its successor needs a moment. */
  readonly searchMs: number;
  /** As long as another server may take to open a socket. */
  readonly reachMs: number;
  /** As long as a lost connection to another server may take to come back while our own stands. */
  readonly patienceMs: number;
}

const defaultLimits: RoomLinkLimits = { searchMs: 30_000, reachMs: 5000, patienceMs: 5000 };
/** So many servers are asked in a row before there is a pause. */
const quickHops = 2;

/** Milliseconds before the first server is asked again. */
export function searchDelayMs(failures: number): number {
  return Math.min(500 * 2 ** (failures - 1), 4000);
}

/**
 * A room's way to the server that holds it. Most rooms are on the client's own server; one that is `room.elsewhere` gets a connection of its own,
 * for its requests and notices alone. When that server is lost the first one is asked again, until it names another or lets in itself.
 */
export class RoomLink {
  readonly #options: RoomLinkOptions;
  readonly #limits: RoomLinkLimits;
  readonly #events = new Emitter<ConnectionEvents>();
  readonly #bindings = new Set<Binding>();
  readonly #offHome: readonly Unsubscribe[];
  #offAway: readonly Unsubscribe[] = [];
  #current: Connection;
  /** Where `current` leads while the room is away. */
  #awayUrl = '';
  /** Where the room was entered last. */
  #joinedOn: Connection | undefined;
  /** A server that is just being tried. */
  #reaching: Connection | undefined;
  #patienceTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #delay = new BreakableDelay();
  #isClosed = false;

  constructor(options: RoomLinkOptions) {
    const { home } = options;
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#current = home;
    this.#offHome = [
      home.on('ready', ({ recovered }) => this.#onHomeReady(recovered)),
      home.on('stateChanged', (state) => {
        // Losing home does not harm a room that is elsewhere; the client's end does.
        if (!this.isAway || state.status === 'closed') this.#events.emit('stateChanged', state);
      }),
    ];
  }

  /** Whether the room is on another server. */
  get isAway(): boolean {
    return this.#current !== this.#options.home;
  }

  get isConnected(): boolean {
    return !this.#isClosed && this.#current.isConnected;
  }

  /** Listens to the connection to the room's server, whichever that is. `ready` says `recovered: false` whenever that has become another one. */
  on<E extends keyof ConnectionEvents>(event: E, listener: (payload: ConnectionEvents[E]) => void): Unsubscribe {
    return this.#events.on(event, listener);
  }

  /** Listens to a notice of the room's server. */
  onNotice<N extends NoticeName>(name: N, listener: (payload: NoticePayload<N>) => void): Unsubscribe {
    const bind = (connection: Connection): Unsubscribe => connection.onNotice(name, listener);
    const binding: Binding = { bind, off: bind(this.#current) };
    this.#bindings.add(binding);
    return () => {
      binding.off();
      this.#bindings.delete(binding);
    };
  }

  /** Sends a request to the room's server. Throws as {@link Connection.request}. */
  async request<N extends RequestName>(name: N, payload: RequestInput<N>, options?: RequestOptions<N>): Promise<Reply<N>> {
    const asked = this.#current;
    try {
      return await asked.request(name, payload, options);
    } catch (error) {
      // Its connection was given up for another one; to whoever asked that is a loss like any other.
      if (asked !== this.#current && isCode(error, 'client.closed')) throw new ParleyError('client.disconnected', { cause: error });
      throw error;
    }
  }

  /** Sends what waited for the room to be joined. */
  releaseWaiting(): void {
    this.#current.releaseWaiting();
  }

  /**
   * Joins on whatever server the room is, following `room.elsewhere` for up to 30 s.
   *
   * @throws {ParleyError} the server's code; `room.elsewhere` when it leads nowhere; `client.disconnected`, `client.timeout`, `client.closed`
   */
  async join(payload: RequestInput<'room:join'>, options: RequestOptions<'room:join'>): Promise<Reply<'room:join'>> {
    const endsAtMs = performance.now() + this.#limits.searchMs;
    let failures = 0;
    let hops = 0;
    for (;;) {
      const asked = this.#current;
      let problem: unknown;
      try {
        const reply = await asked.request('room:join', payload, options);
        this.#onJoined(asked, payload);
        return reply;
      } catch (error) {
        problem = error;
      }
      if (this.#isClosed) throw new ParleyError('client.closed');
      const url = elsewhereOf(problem);
      if (url === undefined && (asked === this.#options.home || !isLoss(problem))) throw problem;
      if (performance.now() > endsAtMs) throw problem;
      const isThere = url !== undefined && (await this.#goTo(url, asked));
      if (this.#isClosed) throw new ParleyError('client.closed');
      if (!isThere) this.#use(this.#options.home);
      if (isThere && ++hops <= quickHops) continue;
      await this.#delay.wait(searchDelayMs(++failures));
      if (this.#isClosed) throw new ParleyError('client.closed');
    }
  }

  /** Lets go: the connection to another server says goodbye. No timer, listener or socket of it is left. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#patienceTimer);
    for (const off of [...this.#offHome, ...this.#offAway]) off();
    for (const { off } of this.#bindings) off();
    this.#bindings.clear();
    this.#events.clear();
    this.#reaching?.close();
    if (this.isAway) this.#current.close();
    this.#delay.end();
  }

  /** Answers whether the server at `url` can be asked now. It is never the one that has just sent us there. */
  async #goTo(url: string, asked: Connection): Promise<boolean> {
    const { home, homeUrl } = this.#options;
    if (isSameServer(url, asked === home ? homeUrl : this.#awayUrl)) return false;
    if (isSameServer(url, homeUrl)) {
      this.#use(home);
      return home.isConnected;
    }
    const away = await this.#reach(url);
    if (away === undefined) return false;
    this.#awayUrl = url;
    this.#use(away);
    return true;
  }

  /** A connection that stands, or undefined after its first failure: whoever sent us there may know better by now. */
  async #reach(url: string): Promise<Connection | undefined> {
    const away = this.#options.open(url);
    this.#reaching = away;
    const tried = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => tried.resolve(false), this.#limits.reachMs);
    const off = away.on('stateChanged', ({ status }) => {
      if (status !== 'connecting') tried.resolve(status === 'connected');
    });
    // Its own state says how it went, also when it is closed.
    away.connect().then(
      () => tried.resolve(true),
      () => tried.resolve(false),
    );
    const isThere = await tried.promise;
    clearTimeout(timer);
    off();
    this.#reaching = undefined;
    if (isThere && !this.#isClosed) return away;
    away.close();
    return undefined;
  }

  #onJoined(asked: Connection, payload: RequestInput<'room:join'>): void {
    if (this.#isClosed) throw new ParleyError('client.closed');
    const before = this.#joinedOn;
    this.#joinedOn = asked;
    // It was asked for a snapshot alone, and the room has moved: what was sent and received there is gone.
    if (before !== undefined && before !== asked && payload.rtpCapabilities === undefined) {
      queueMicrotask(() => this.#events.emit('ready', { recovered: false }));
    }
  }

  #use(connection: Connection): void {
    const before = this.#current;
    if (before === connection || this.#isClosed) return;
    clearTimeout(this.#patienceTimer);
    this.#patienceTimer = undefined;
    for (const off of this.#offAway) off();
    this.#offAway = [];
    this.#current = connection;
    for (const binding of this.#bindings) {
      binding.off();
      binding.off = binding.bind(connection);
    }
    if (this.isAway) this.#followAway(connection);
    if (before !== this.#options.home) before.close();
  }

  #followAway(away: Connection): void {
    this.#offAway = [
      away.on('ready', ({ recovered }) => this.#events.emit('ready', { recovered: recovered && this.#joinedOn === away })),
      away.on('stateChanged', ({ status }) => {
        if (status === 'failed') this.#comeHome();
        else if (status === 'reconnecting') this.#losePatience();
      }),
    ];
  }

  #onHomeReady(recovered: boolean): void {
    const { home } = this.#options;
    if (!this.isAway) return this.#events.emit('ready', { recovered: recovered && this.#joinedOn === home });
    // What waits at home waits for no room.
    if (!recovered) home.releaseWaiting();
    if (!this.#current.isConnected) this.#losePatience();
  }

  #losePatience(): void {
    this.#patienceTimer ??= setTimeout(() => {
      this.#patienceTimer = undefined;
      // Without our own connection it is our network that is gone, not that server.
      if (!this.#current.isConnected && this.#options.home.isConnected) this.#comeHome();
    }, this.#limits.patienceMs);
  }

  /** The other server is lost: the first one is asked where the room is now. */
  #comeHome(): void {
    const { home } = this.#options;
    this.#use(home);
    if (home.isConnected) this.#events.emit('ready', { recovered: false });
    else this.#events.emit('stateChanged', home.state);
  }
}

interface Binding {
  readonly bind: (connection: Connection) => Unsubscribe;
  off: Unsubscribe;
}

/** Where `room.elsewhere` leads; undefined for other errors and for what is no address of a server. */
export function elsewhereOf(error: unknown): string | undefined {
  if (!(error instanceof ParleyError) || error.code !== 'room.elsewhere') return undefined;
  const { url } = error.details ?? {};
  if (typeof url !== 'string' || !URL.canParse(url)) return undefined;
  const { protocol } = new URL(url);
  return protocol === 'http:' || protocol === 'https:' ? url : undefined;
}

function isSameServer(a: string, b: string): boolean {
  return URL.canParse(a) && URL.canParse(b) && new URL(a).origin === new URL(b).origin;
}

function isCode(error: unknown, code: ParleyError['code']): boolean {
  return error instanceof ParleyError && error.code === code;
}

/** The server that was asked is gone, or going. */
function isLoss(error: unknown): boolean {
  return (['client.disconnected', 'client.closed', 'client.timeout', 'server.shutting_down'] as const).some((code) => isCode(error, code));
}
