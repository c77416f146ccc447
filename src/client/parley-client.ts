import type { NoticeName, NoticePayload, Reply, RequestInput, RequestName } from '../protocol/index.ts';
import { Calls } from './calls/calls.ts';
import { Chat } from './chat/chat.ts';
import { Connection } from './connection.ts';
import type { ConnectionState } from './connection-state.ts';
import { DeviceLoader, type MediaDeviceOptions } from './device-loader.ts';
import { Emitter, type Unsubscribe } from './emitter.ts';
import { Notifications } from './notifications/notifications.ts';
import { ParleyError } from './parley-error.ts';
import type { ActivitySource } from './presence/activity.ts';
import { Presence } from './presence/presence.ts';
import { Recordings } from './recordings/recordings.ts';
import type { RequestOptions } from './request-book.ts';
import { Rest } from './rest.ts';
import { type JoinOptions, Room } from './room.ts';
import { RoomLink } from './room-link.ts';

/** How to reach the server, and as whom. */
export interface ParleyClientOptions {
  /** The server's origin, for example `location.origin`. */
  url: string;
  /** Answers a signed-in user's token. Asked at the start, before it expires, and once when the server says that it has expired. */
  getToken: () => string | Promise<string>;
  /** What this device says about itself. */
  deviceInfo?: RequestInput<'room:join'>['device'];
  /** How long an answer may take, milliseconds; 10 s by default. */
  requestTimeoutMs?: number;
  /** mediasoup-client's way to WebRTC; by default it looks at the browser. */
  mediaDevice?: MediaDeviceOptions;
  /** Tells presence whether the user is at the device; by default it looks at the page's pointer, keyboard and visibility. */
  activity?: ActivitySource;
}

/** What a client tells. */
export interface ParleyClientEvents {
  stateChanged: ConnectionState;
  /** Once, last. */
  closed: { reason: 'closed' };
}

/** One signed-in user's connection to the server; in one room at a time. */
export class ParleyClient {
  readonly #options: ParleyClientOptions;
  readonly #connection: Connection;
  readonly #devices: DeviceLoader;
  readonly #events = new Emitter<ParleyClientEvents>();
  readonly #rest: Rest;
  #room: Room | undefined;
  #chat: Chat | undefined;
  #calls: Calls | undefined;
  #presence: Presence | undefined;
  #notifications: Notifications | undefined;
  #recordings: Recordings | undefined;

  /** Made by {@link createParleyClient}. */
  constructor(options: ParleyClientOptions) {
    this.#options = options;
    this.#connection = this.#connectionTo(options.url);
    this.#rest = new Rest({ url: options.url, token: (fresh) => this.#connection.token(fresh) });
    this.#devices = new DeviceLoader(options.mediaDevice);
    this.#connection.on('stateChanged', (state) => this.#events.emit('stateChanged', state));
    this.#connection.on('ready', ({ recovered }) => {
      // With a room the requests that wait for it are sent once it is joined again.
      if (!recovered && this.#room === undefined) this.#connection.releaseWaiting();
    });
    // A page that goes says goodbye, or the others would look at a frozen picture until the server gives up waiting.
    if (typeof globalThis.addEventListener === 'function') globalThis.addEventListener('pagehide', this.#onPageHide);
  }

  /** Where the connection is. */
  get state(): ConnectionState {
    return this.#connection.state;
  }

  /** Who the server says one is; known once connected. */
  get userId(): string | undefined {
    return this.#connection.userId;
  }

  /** The room that one is in, or in whose lobby one waits. */
  get room(): Room | undefined {
    return this.#room;
  }

  /** Conversations, messages and files; begins to listen when it is first used. */
  get chat(): Chat {
    this.#chat ??= this.#part(() => new Chat({ connection: this.#connection, rest: this.#rest }));
    return this.#chat;
  }

  /** Ringing others and being rung; begins to listen when it is first used. */
  get calls(): Calls {
    this.#calls ??= this.#part(() => {
      const joinRoom = (roomId: string, options: JoinOptions): Promise<Room> => this.joinRoom(roomId, options);
      return new Calls({ connection: this.#connection, rest: this.#rest, joinRoom });
    });
    return this.#calls;
  }

  /** Who is there; from its first use on the server hears whether the user is at this device. */
  get presence(): Presence {
    const { activity, deviceInfo } = this.#options;
    const deviceKind = typeof deviceInfo === 'object' ? deviceInfo.kind : deviceInfo;
    this.#presence ??= this.#part(() => new Presence({ connection: this.#connection, rest: this.#rest, activity, deviceKind }));
    return this.#presence;
  }

  /** What one was told while away; begins to listen when it is first used. */
  get notifications(): Notifications {
    this.#notifications ??= this.#part(() => new Notifications({ connection: this.#connection, rest: this.#rest }));
    return this.#notifications;
  }

  /** Recording the room that one is in, and what has been recorded; begins to listen when it is first used. */
  get recordings(): Recordings {
    this.#recordings ??= this.#part(() => {
      const recordings = new Recordings({ connection: this.#connection, rest: this.#rest });
      recordings.follow(this.#room);
      return recordings;
    });
    return this.#recordings;
  }

  /**
   * Connects; resolves when the session is ready. From then on lost connections come back by themselves.
   *
   * @throws {ParleyError} the server's `auth.*` code, `client.disconnected` when it cannot be reached, `client.closed`
   */
  async connect(): Promise<void> {
    await this.#connection.connect();
  }

  /**
   * Joins a room, connecting first when need be; resolves when joined, or when waiting in the lobby (`room.view.status`). A room that one is in is left.
   *
   * @throws {ParleyError} `room.not_found`, `room.full`, `room.locked`, `room.banned`, `room.ended`, `auth.*`, `client.*`
   */
  async joinRoom(roomId: string, options: JoinOptions = {}): Promise<Room> {
    // Asking the browser what it can receive takes a moment; it may do so while the socket opens.
    const capabilities = this.#devices.capabilities();
    capabilities.catch(() => undefined);
    await this.#connection.connect();
    await this.#room?.leave();
    if (this.state.status === 'closed') throw new ParleyError('client.closed');
    const { deviceInfo } = this.#options;
    const connection = new RoomLink({
      home: this.#connection,
      homeUrl: this.#options.url,
      open: (url) => this.#connectionTo(url),
    });
    const room = new Room({ ...options, connection, devices: this.#devices, roomId, ...(deviceInfo && { deviceInfo }) });
    this.#room = room;
    this.#recordings?.follow(room);
    room.on('closed', () => {
      if (this.#room !== room) return;
      this.#room = undefined;
      this.#recordings?.follow(undefined);
      // What waited for it to be joined again waits no more.
      this.#connection.releaseWaiting();
    });
    await room.enter();
    return room;
  }

  /**
   * Sends any request of the contract.
   *
   * @throws {ParleyError} the server's code; `client.disconnected`, `client.timeout`, `client.closed`
   */
  request<N extends RequestName>(
    name: N,
    payload: RequestInput<N>,
    options: Pick<RequestOptions<N>, 'waits' | 'timeoutMs'> = {},
  ): Promise<Reply<N>> {
    return this.#connection.request(name, payload, options);
  }

  /** Listens to any notice of the contract. */
  onNotice<N extends NoticeName>(name: N, listener: (payload: NoticePayload<N>) => void): Unsubscribe {
    return this.#connection.onNotice(name, listener);
  }

  /** Listens until the answered function is called. */
  on<E extends keyof ParleyClientEvents>(event: E, listener: (payload: ParleyClientEvents[E]) => void): Unsubscribe {
    return this.#events.on(event, listener);
  }

  #connectionTo(url: string): Connection {
    const { getToken, requestTimeoutMs = 10_000 } = this.#options;
    return new Connection({ url, getToken, requestTimeoutMs });
  }

  #part<T>(make: () => T): T {
    if (this.state.status === 'closed') throw new ParleyError('client.closed');
    return make();
  }

  readonly #onPageHide = (): void => this.close();

  /** Leaves the room, lets go of its devices and disconnects. Nothing is left: no timer, listener, track or socket. */
  close(): void {
    if (this.state.status === 'closed') return;
    this.#room?.closeFor('client_closed');
    this.#chat?.close();
    this.#calls?.close();
    this.#presence?.close();
    this.#notifications?.close();
    this.#recordings?.close();
    this.#rest.close();
    this.#connection.close();
    this.#events.emit('closed', { reason: 'closed' });
    this.#events.clear();
    if (typeof globalThis.removeEventListener === 'function') globalThis.removeEventListener('pagehide', this.#onPageHide);
  }
}

/** Makes a client; it connects with `connect()` or the first `joinRoom()`. */
export function createParleyClient(options: ParleyClientOptions): ParleyClient {
  return new ParleyClient(options);
}
