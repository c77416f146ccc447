import type { RequestInput } from '../../protocol/index.ts';
import type { Presence as PresenceInfo, SettableStatus } from '../../protocol/presence.ts';
import type { Connection } from '../connection.ts';
import { Emitter, type Unsubscribe } from '../emitter.ts';
import { ParleyError } from '../parley-error.ts';
import { type Rest, withQuery } from '../rest.ts';
import { type ActivitySource, createPageActivity } from './activity.ts';
import { Heartbeat } from './heartbeat.ts';
import type { ContactsPage, ContactsQuery, PresenceEvents, PresenceView, SetPresenceOptions } from './presence-events.ts';
import { WatchList } from './watch-list.ts';

/** What presence needs of its client. */
export interface PresenceOptions {
  readonly connection: Connection;
  readonly rest: Rest;
  /** What kind of device this is. */
  readonly deviceKind?: string | undefined;
  /** By default the page's pointer, keyboard and visibility. */
  readonly activity?: ActivitySource | undefined;
}

/** Who is there, and how oneself is seen. Made by `client.presence`; ends with `client.close()`. */
export class Presence {
  readonly #connection: Connection;
  readonly #rest: Rest;
  readonly #activity: ActivitySource;
  readonly #heartbeat: Heartbeat;
  readonly #watched = new WatchList();
  readonly #events = new Emitter<PresenceEvents>();
  readonly #off: Unsubscribe[] = [];
  #presences: ReadonlyMap<string, PresenceInfo> = new Map();
  #ownId: string | undefined;
  #view: PresenceView | undefined;
  #isFlushing = false;
  #isClosed = false;

  constructor({ connection, rest, deviceKind, activity = createPageActivity() }: PresenceOptions) {
    this.#connection = connection;
    this.#rest = rest;
    this.#activity = activity;
    const kind = deviceKind ?? kindOfDevice();
    this.#heartbeat = new Heartbeat(activity, (idleSeconds) => {
      // One that is lost is followed by the next.
      connection.request('presence:heartbeat', { device: { kind, idleSeconds } }).catch(() => undefined);
    });
    this.#off.push(
      connection.onNotice('presence:changed', ({ presences }) => this.#onTold(presences)),
      connection.on('ready', () => this.#onReady()),
      connection.onNotice('session:resync', () => this.#onReady()),
      connection.on('stateChanged', ({ status }) => {
        if (status !== 'connected') this.#heartbeat.stop();
      }),
    );
    if (connection.isConnected) this.#onReady();
  }

  /** Everybody's presence as it is now; the same object until something changes. */
  get view(): PresenceView {
    this.#view ??= { own: this.#ownId === undefined ? undefined : this.#presences.get(this.#ownId), presences: this.#presences };
    return this.#view;
  }

  /** Calls `listener` after each change of `view`. Bound, as React's `useSyncExternalStore` takes it. */
  readonly subscribe = (listener: () => void): Unsubscribe => this.#events.on('changed', () => listener());

  /** Listens until the answered function is called. */
  on<E extends keyof PresenceEvents>(event: E, listener: (payload: PresenceEvents[E]) => void): Unsubscribe {
    return this.#events.on(event, listener);
  }

  /** How a user stands, once known; of users whom nobody watches nothing is known. */
  get(userId: string): PresenceInfo | undefined {
    return this.#presences.get(userId);
  }

  /**
   * Keeps these users' presence current until the answered function is called. However many watch a user, the server is asked once, for all that are
   * added in one go; and again after a lost connection.
   */
  watch(userIds: readonly string[]): Unsubscribe {
    if (this.#isClosed) throw new ParleyError('client.closed');
    const mine = [...new Set(userIds)];
    this.#watched.add(mine);
    this.#flushSoon();
    let isWatching = true;
    return () => {
      if (!isWatching) return;
      isWatching = false;
      this.#watched.remove(mine);
      this.#flushSoon();
    };
  }

  /**
   * Says how one is seen, on all devices; `online` takes back what was said. Whether one is in a call the server knows by itself.
   *
   * @throws {ParleyError} `protocol.invalid_payload`, `client.*`
   */
  async set(status: SettableStatus, options: SetPresenceOptions = {}): Promise<PresenceInfo> {
    const { presence } = await this.#connection.request('presence:set', { status, ...options });
    this.#onTold([presence]);
    return presence;
  }

  /** Those whom one may reach, in pages. Their presence is that of the moment; `watch` keeps it current. Throws `client.*`. */
  contacts(query: ContactsQuery = {}): Promise<ContactsPage> {
    return this.#rest.json<ContactsPage>('GET', withQuery('/users/contacts', { ...query }));
  }

  /** Ends; the client calls it. */
  close(): void {
    this.#isClosed = true;
    for (const off of this.#off.splice(0)) off();
    this.#heartbeat.close();
    this.#activity.close();
    this.#events.clear();
  }

  #onReady(): void {
    const { userId } = this.#connection;
    if (userId !== undefined && this.#ownId === undefined) {
      this.#ownId = userId;
      this.#watched.add([userId]);
    }
    // A server that has taken up the session may have come back from a crash itself: saying it twice costs little and answers how all stand now.
    this.#watched.reset();
    this.#heartbeat.start();
    this.#flushSoon();
  }

  #flushSoon(): void {
    if (this.#isFlushing || this.#isClosed) return;
    this.#isFlushing = true;
    queueMicrotask(() => {
      this.#isFlushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#isClosed || !this.#connection.isConnected) return;
    const { subscribe, unsubscribe } = this.#watched.take();
    for (const userIds of subscribe) void this.#subscribeTo(userIds);
    for (const userIds of unsubscribe) this.#unsubscribeFrom(userIds);
  }

  async #subscribeTo(userIds: readonly string[]): Promise<void> {
    const options = { onReply: ({ presences }: { presences: readonly PresenceInfo[] }) => this.#onTold(presences) };
    try {
      await this.#connection.request('presence:subscribe', { userIds: [...userIds] }, options);
    } catch (thrown) {
      if (this.#isClosed) return;
      const error = ParleyError.from(thrown, 'internal');
      // The next connection asks for all of them.
      if (error.code === 'client.disconnected') return;
      this.#watched.failed(userIds);
      this.#events.emit('error', { error });
    }
  }

  #unsubscribeFrom(userIds: readonly string[]): void {
    // One that is not heard costs a few notices that nobody looks at.
    const payload: RequestInput<'presence:unsubscribe'> = { userIds: [...userIds] };
    this.#connection.request('presence:unsubscribe', payload).catch(() => undefined);
    const rest = new Map(this.#presences);
    for (const userId of userIds) rest.delete(userId);
    this.#presences = rest;
    this.#changed();
  }

  #onTold(presences: readonly PresenceInfo[]): void {
    const watched = presences.filter(({ userId }) => this.#watched.has(userId));
    if (watched.length === 0 || this.#isClosed) return;
    const all = new Map(this.#presences);
    for (const presence of watched) all.set(presence.userId, presence);
    this.#presences = all;
    this.#changed();
    this.#events.emit('presencesChanged', { presences: watched });
  }

  #changed(): void {
    this.#view = undefined;
    this.#events.emit('changed', this.view);
  }
}

/** What the browser says of its device; a guess that others see as an icon. */
function kindOfDevice(): string {
  const agent = globalThis.navigator?.userAgent ?? '';
  if (/iPad|Tablet|Android(?!.*Mobile)/i.test(agent)) return 'tablet';
  if (/Mobi|iPhone/i.test(agent)) return 'mobile';
  return globalThis.document === undefined ? 'unknown' : 'desktop';
}
