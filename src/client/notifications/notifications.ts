import type { NoticePayload } from '../../protocol/index.ts';
import type { NotificationSettings, Notification as ParleyNotification } from '../../protocol/notification.ts';
import type { Connection } from '../connection.ts';
import { Emitter, type Unsubscribe } from '../emitter.ts';
import { ParleyError } from '../parley-error.ts';
import type { Rest } from '../rest.ts';
import type { NotificationsEvents, NotificationsView } from './notification-events.ts';
import { type NotificationList, withFirstPage, withRead, withTold } from './notification-list.ts';
import { disablePush, enablePush, isPushEnabled, type PushRegistration } from './web-push.ts';

/** What one was told while away, and how one wants to be told. Made by `client.notifications`; ends with `client.close()`. */
export class Notifications {
  readonly #connection: Connection;
  readonly #rest: Rest;
  readonly #events = new Emitter<NotificationsEvents>();
  readonly #off: Unsubscribe[] = [];
  #topics: readonly string[] = [];
  #list: NotificationList = [];
  #status: NotificationsView['status'] = 'idle';
  #cursor: string | null = null;
  #unreadCount = 0;
  #view: NotificationsView | undefined;
  #isClosed = false;

  constructor({ connection, rest }: { connection: Connection; rest: Rest }) {
    this.#connection = connection;
    this.#rest = rest;
    this.#off.push(
      connection.onNotice('notification:new', (told) => this.#onNew(told)),
      connection.onNotice('notification:read', (told) => this.#onRead(told)),
      connection.on('ready', () => void this.#catchUp()),
      connection.onNotice('session:resync', () => void this.#catchUp()),
    );
    if (connection.isConnected) void this.#catchUp();
  }

  /** The notifications as they are now; the same object until something changes. */
  get view(): NotificationsView {
    this.#view ??= {
      status: this.#status,
      notifications: this.#list,
      hasMore: this.#cursor !== null,
      unreadCount: this.#unreadCount,
    };
    return this.#view;
  }

  /** Topics that one is subscribed to, as far as this client has been told: by the answers to `subscribeTo` and `unsubscribeFrom`. */
  get topics(): readonly string[] {
    return this.#topics;
  }

  /** Calls `listener` after each change of `view`. Bound, as React's `useSyncExternalStore` takes it. */
  readonly subscribe = (listener: () => void): Unsubscribe => this.#events.on('changed', () => listener());

  /** Listens until the answered function is called. */
  on<E extends keyof NotificationsEvents>(event: E, listener: (payload: NotificationsEvents[E]) => void): Unsubscribe {
    return this.#events.on(event, listener);
  }

  /** Reads the newest ones, and from then on keeps them current; called again it reads older ones. Throws `client.*`. */
  async load(): Promise<void> {
    if (this.#status === 'loading' || (this.#status === 'ready' && this.#cursor === null)) return;
    const isFirst = this.#status === 'idle';
    const cursor = this.#cursor;
    this.#setStatus('loading');
    try {
      const page = await this.#connection.request('notification:list', cursor === null ? {} : { cursor });
      this.#cursor = page.cursor;
      this.#list = withTold(this.#list, page.notifications);
      this.#setStatus('ready');
    } catch (error) {
      this.#setStatus(isFirst ? 'idle' : 'ready');
      throw error;
    }
  }

  /** Marks one as read, on all of one's devices. Throws `notification.not_found`, `client.*`. */
  async read(notificationId: string): Promise<void> {
    const { notification } = await this.#connection.request('notification:read', { notificationId });
    const known = this.#list.find((one) => one.notificationId === notificationId);
    if (known?.readAt !== null || notification.readAt === null) return;
    this.#list = withRead(this.#list, notificationId, notification.readAt);
    this.#unreadCount = Math.max(0, this.#unreadCount - 1);
    this.#changed();
  }

  /** Marks all as read, on all of one's devices. Throws `client.*`. */
  async readAll(): Promise<void> {
    await this.#connection.request('notification:readAll', {});
    this.#onRead({ notificationId: null, readAt: new Date().toISOString(), unreadCount: 0 });
  }

  /** Hears of these topics, on all devices, until it says otherwise; answers all that one is subscribed to. Throws `protocol.invalid_payload`, `client.*`. */
  async subscribeTo(topics: readonly string[]): Promise<readonly string[]> {
    const all = await this.#connection.request('notification:subscribe', { topics: [...topics] });
    this.#topics = all.topics;
    return this.#topics;
  }

  /** Hears of them no more. Throws as {@link Notifications.subscribeTo}. */
  async unsubscribeFrom(topics: readonly string[]): Promise<readonly string[]> {
    const rest = await this.#connection.request('notification:unsubscribe', { topics: [...topics] });
    this.#topics = rest.topics;
    return this.#topics;
  }

  /** How one is told while away. Throws `client.*`. */
  settings(): Promise<NotificationSettings> {
    return this.#rest.json<NotificationSettings>('GET', '/notifications/settings');
  }

  /** Changes what is given, and answers all. Throws `protocol.invalid_payload`, `client.*`. */
  updateSettings(change: Partial<NotificationSettings>): Promise<NotificationSettings> {
    return this.#rest.json<NotificationSettings>('PATCH', '/notifications/settings', change);
  }

  /** See {@link enablePush}. */
  enablePush(registration: PushRegistration): Promise<void> {
    return enablePush(this.#rest, registration);
  }

  /** See {@link disablePush}. */
  disablePush(registration: PushRegistration): Promise<void> {
    return disablePush(this.#rest, registration);
  }

  /** Whether this browser is subscribed to Web Push. */
  isPushEnabled(registration: PushRegistration): Promise<boolean> {
    return isPushEnabled(registration);
  }

  /** Ends; the client calls it. */
  close(): void {
    this.#isClosed = true;
    for (const off of this.#off.splice(0)) off();
    this.#events.clear();
  }

  #onNew({ notification, unreadCount }: NoticePayload<'notification:new'>): void {
    this.#unreadCount = unreadCount;
    if (this.#status !== 'idle') this.#list = withTold(this.#list, [notification]);
    this.#changed();
    this.#events.emit('received', { notification });
  }

  #onRead({ notificationId, readAt, unreadCount }: NoticePayload<'notification:read'>): void {
    this.#list = withRead(this.#list, notificationId, readAt);
    this.#unreadCount = unreadCount;
    this.#changed();
  }

  /** What has come and was read unheard. */
  async #catchUp(): Promise<void> {
    try {
      const [{ count }, page] = await Promise.all([
        this.#connection.request('notification:unreadCount', {}),
        this.#status === 'ready' ? this.#connection.request('notification:list', {}) : undefined,
      ]);
      if (this.#isClosed) return;
      this.#unreadCount = count;
      if (page !== undefined) this.#onFirstPage(page.notifications, page.cursor);
      this.#changed();
    } catch (thrown) {
      const error = ParleyError.from(thrown, 'internal');
      // The next connection asks again.
      if (this.#isClosed || error.code === 'client.disconnected') return;
      this.#events.emit('error', { error });
    }
  }

  #onFirstPage(page: readonly ParleyNotification[], cursor: string | null): void {
    const before = this.#list;
    this.#list = withFirstPage(before, page, cursor === null);
    // Where the page does not reach what was known, what lies between is read by the next load().
    const oldest = page.at(-1)?.notificationId;
    const reaches = before.length === 0 || before.some(({ notificationId }) => oldest !== undefined && notificationId >= oldest);
    if (reaches && cursor !== null && before.length > 0) return;
    this.#list = page;
    this.#cursor = cursor;
  }

  #setStatus(status: NotificationsView['status']): void {
    this.#status = status;
    this.#changed();
  }

  #changed(): void {
    this.#view = undefined;
    if (!this.#isClosed) this.#events.emit('changed', this.view);
  }
}
