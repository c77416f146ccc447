import type { Source } from '../protocol/ids.ts';
import type { Reply, RequestInput, RequestName } from '../protocol/index.ts';
import type { Unsubscribe } from './emitter.ts';
import type { Publication } from './publication.ts';
import type { PublishCameraOptions, PublishMicrophoneOptions, PublishScreenOptions } from './publications.ts';
import { RoomCore, type RoomCoreOptions } from './room-core.ts';
import type { RoomCloseReason, RoomEvents, RoomView } from './room-events.ts';
import type { RoomLink } from './room-link.ts';
import type { Subscription } from './subscription.ts';

/** How to join a room. */
export interface JoinOptions {
  /** A host's or guest's token that lends this join its grants. */
  token?: string;
  /** Receives everything that the others publish, true by default. */
  autoSubscribe?: boolean;
  /** Receives video in the size in which it is shown and not at all while it is not visible, true by default. */
  adaptiveLayers?: boolean;
}

/** A room that one is in, or in whose lobby one waits. It comes back by itself from lost sockets and lost media, until it is closed. */
export class Room {
  readonly roomId: string;
  readonly #connection: RoomLink;
  readonly #core: RoomCore;

  /** Made by `client.joinRoom()`. */
  constructor(options: RoomCoreOptions) {
    this.roomId = options.roomId;
    this.#connection = options.connection;
    this.#core = new RoomCore(options);
  }

  /** The room as it is now; the same object until something changes. */
  get view(): RoomView {
    return this.#core.view;
  }

  /** Calls `listener` after each change of `view`, several changes at once being one. Bound, as React's `useSyncExternalStore` takes it. */
  readonly subscribe = (listener: () => void): Unsubscribe => this.#core.events.on('changed', () => listener());

  /** Listens until the answered function is called. */
  on<E extends keyof RoomEvents>(event: E, listener: (payload: RoomEvents[E]) => void): Unsubscribe {
    return this.#core.events.on(event, listener);
  }

  /**
   * Enters; resolves when joined or in the lobby. The client calls it.
   *
   * @throws {ParleyError} the server's `room.*`, `auth.*` and `media.*` codes, `client.unsupported`, `client.closed`
   */
  enter(): Promise<void> {
    return this.#core.enter();
  }

  /**
   * Publishes a microphone, with echo cancellation, in mono, safe against lost packets and silent in pauses.
   *
   * @throws {ParleyError} `client.device_*`, `client.already_published`, `auth.forbidden`, `media.muted`
   */
  async publishMicrophone(options: PublishMicrophoneOptions = {}): Promise<Publication> {
    return this.#core.media.publications.publishMicrophone(options);
  }

  /** Publishes a camera in three sizes. Throws as {@link Room.publishMicrophone}. */
  async publishCamera(options: PublishCameraOptions = {}): Promise<Publication> {
    return this.#core.media.publications.publishCamera(options);
  }

  /** Lets the user share a screen, window or tab, with its sound when wanted; the sound is a publication of its own. Throws as {@link Room.publishMicrophone}. */
  async publishScreen(options: PublishScreenOptions = {}): Promise<Publication> {
    return this.#core.media.publications.publishScreen(options);
  }

  /** Stops publishing a source and lets go of its device. */
  async unpublish(source: Source): Promise<void> {
    await this.#core.media.publications.unpublish(source);
  }

  /** Silences one's own source at once; a camera is switched off. */
  async mute(source: Source): Promise<void> {
    await this.#core.media.publications.get(source).mute();
  }

  /**
   * Lets it be heard or seen again.
   *
   * @throws {ParleyError} `media.muted` when a moderator forbids it, `client.device_*`
   */
  async unmute(source: Source): Promise<void> {
    await this.#core.media.publications.get(source).unmute();
  }

  /** Goes over to another device without negotiating anew. Throws `client.device_*`. */
  async switchDevice(source: 'microphone' | 'camera', deviceId: string): Promise<void> {
    await this.#core.media.publications.get(source).switchDevice(deviceId);
  }

  /**
   * Sends any request of the contract to the room's own server.
   *
   * @throws {ParleyError} the server's code; `client.disconnected`, `client.timeout`, `client.closed`
   */
  request<N extends RequestName>(name: N, payload: RequestInput<N>): Promise<Reply<N>> {
    return this.#connection.request(name, payload);
  }

  /** Raises one's hand, or takes it down. */
  async raiseHand(raised: boolean): Promise<void> {
    await this.#connection.request('room:raiseHand', { raised });
  }

  /** Moderators: lets somebody in from the lobby. */
  async admit(participantId: string): Promise<void> {
    await this.#connection.request('room:admit', { participantId });
    this.#core.forgetWaiting(participantId);
  }

  /** Moderators: turns somebody in the lobby away. */
  async deny(participantId: string): Promise<void> {
    await this.#connection.request('room:deny', { participantId });
    this.#core.forgetWaiting(participantId);
  }

  /** Moderators: mutes somebody's source; with `allowUnmute: false` it stays so until it is muted again with `true`. */
  async muteParticipant(participantId: string, source: Source, options: { allowUnmute?: boolean } = {}): Promise<void> {
    await this.#connection.request('room:mute', { participantId, source, allowUnmute: options.allowUnmute ?? true });
  }

  /** Moderators: takes somebody out; `ban` keeps them out. */
  async kick(participantId: string, options: { ban?: boolean } = {}): Promise<void> {
    await this.#connection.request('room:kick', { participantId, ...(options.ban !== undefined && { ban: options.ban }) });
  }

  /** Moderators: lets nobody else in. */
  async lock(): Promise<void> {
    await this.#connection.request('room:lock', {});
  }

  /** Moderators: lets people in again. */
  async unlock(): Promise<void> {
    await this.#connection.request('room:unlock', {});
  }

  /** Moderators: ends the room for everybody. */
  async end(): Promise<void> {
    await this.#connection.request('room:end', {});
  }

  /** Says goodbye and closes. */
  async leave(): Promise<void> {
    if (this.#core.isClosed) return;
    // Without a connection it is said when that comes back, and nobody waits for it.
    const goodbye = this.#connection.request('room:leave', {}).catch(() => undefined);
    const { isConnected } = this.#connection;
    this.#core.close('left');
    if (isConnected) await goodbye;
  }

  /** Closes at once: no track, transport, timer or listener of it is left. The server hears it as a leave. */
  close(): void {
    void this.leave();
  }

  /** Closes with a reason of the client's own; the client calls it. */
  closeFor(reason: RoomCloseReason): void {
    this.#core.close(reason);
  }

  /**
   * Sends to everybody else over the data channel with this label, in order; it is opened on first use.
   *
   * @throws {ParleyError} `client.disconnected` while the media is coming back, `client.unsupported`, `auth.forbidden`
   */
  async sendData(label: string, data: string | Uint8Array): Promise<void> {
    await this.#core.media.sendData(label, data);
  }

  /** What one receives of a producer, if anything. */
  getSubscription(producerId: string): Subscription | undefined {
    return this.#core.media.subscriptions.find(producerId);
  }

  /** Receives a producer, for those who joined with `autoSubscribe: false`. Throws `media.producer_not_found`. */
  async subscribeTo(producerId: string): Promise<Subscription> {
    return this.#core.media.subscriptions.add(producerId);
  }

  /** No longer receives a producer, until asked to again. */
  async unsubscribeFrom(producerId: string): Promise<void> {
    this.#core.media.subscriptions.remove(producerId);
  }

  /** Plays what the browser has kept from playing; to be called from a click. */
  async startPlayback(): Promise<void> {
    await this.#core.playback.start();
  }
}
