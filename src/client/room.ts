import type { Source } from '../protocol/ids.ts';
import type { NoticeName, NoticePayload, RequestInput } from '../protocol/index.ts';
import type { RoomSnapshot } from '../protocol/room.ts';
import type { Connection } from './connection.ts';
import type { DeviceLoader } from './device-loader.ts';
import { Emitter, type Unsubscribe } from './emitter.ts';
import { ParleyError } from './parley-error.ts';
import { Playback } from './playback.ts';
import type { Publication } from './publication.ts';
import type { PublishCameraOptions, PublishMicrophoneOptions, PublishScreenOptions } from './publications.ts';
import { type EnteredMedia, RoomEntry } from './room-entry.ts';
import type { RoomCloseReason, RoomEvents, RoomStatus, RoomView } from './room-events.ts';
import { RoomMedia } from './room-media.ts';
import { handleNotices } from './room-notices.ts';
import { afterNotice, emptyRoomState, fromSnapshot, type RoomState } from './room-state.ts';
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

/** What a room needs of its client. */
export interface RoomOptions extends JoinOptions {
  readonly connection: Connection;
  readonly devices: DeviceLoader;
  readonly roomId: string;
  readonly deviceInfo?: RequestInput<'room:join'>['device'];
}

/** A room that one is in, or in whose lobby one waits. It comes back by itself from lost sockets and lost media, until it is closed. */
export class Room {
  readonly roomId: string;
  readonly #connection: Connection;
  readonly #events = new Emitter<RoomEvents>();
  readonly #entry: RoomEntry;
  readonly #media: RoomMedia;
  readonly #playback = new Playback((isBlocked) => {
    if (isBlocked) this.#events.emit('playbackBlocked', undefined);
    this.#changed();
  });
  readonly #off: Unsubscribe[] = [];
  readonly #audioLevels = new Map<string, number>();
  readonly #entered = Promise.withResolvers<void>();
  #state: RoomState = emptyRoomState;
  #status: RoomStatus = 'joining';
  #closeReason: RoomCloseReason | undefined;
  #lostAtMs: number | undefined;
  #view: RoomView | undefined;
  #isTelling = false;

  /** Made by `client.joinRoom()`. */
  constructor(options: RoomOptions) {
    const { connection, devices, roomId, token, deviceInfo, autoSubscribe = true, adaptiveLayers = true } = options;
    this.roomId = roomId;
    this.#connection = connection;
    const onChanged = (): void => this.#changed();
    const onError = (error: ParleyError): void => this.#events.emit('error', { error });
    this.#media = new RoomMedia({
      connection,
      publications: { mayUnmute: (source) => this.#mayUnmute(source), onChanged, onError, onEnded: (source) => this.#events.emit('publicationEnded', { source }) },
      subscriptions: {
        isAutomatic: autoSubscribe,
        isAdaptive: adaptiveLayers,
        onChanged,
        onPlaybackBlocked: (element) => this.#playback.block(element),
        onSubscribed: (subscription) => this.#tell('subscribed', { subscription }),
        onUnsubscribed: (subscription) => this.#tell('unsubscribed', { subscription }),
      },
      onData: (message) => this.#events.emit('dataReceived', message),
      onLost: () => void this.#renewTransports(),
    });
    this.#entry = new RoomEntry({
      connection,
      devices,
      payload: { roomId, ...(token !== undefined && { token }), ...(deviceInfo && { device: deviceInfo }) },
      onSnapshot: (snapshot) => this.#onSnapshot(snapshot),
      onWaiting: (me) => {
        this.#state = { ...this.#state, me };
        this.#setStatus('waiting');
        this.#events.emit('waiting', undefined);
        this.#entered.resolve();
      },
      onMedia: (media) => this.#onMedia(media),
      onRefused: (error) => this.#onRefused(error),
    });
    this.#entered.promise.catch(() => undefined);
    this.#listen();
  }

  /** The room as it is now; the same object until something changes. */
  get view(): RoomView {
    this.#view ??= this.#makeView();
    return this.#view;
  }

  /** Calls `listener` after each change of `view`, several changes at once being one. Bound, as React's `useSyncExternalStore` takes it. */
  readonly subscribe = (listener: () => void): Unsubscribe => this.#events.on('changed', () => listener());

  /** Listens until the answered function is called. */
  on<E extends keyof RoomEvents>(event: E, listener: (payload: RoomEvents[E]) => void): Unsubscribe {
    return this.#events.on(event, listener);
  }

  /**
   * Enters; resolves when joined or in the lobby. The client calls it.
   *
   * @throws {ParleyError} the server's `room.*`, `auth.*` and `media.*` codes, `client.unsupported`, `client.closed`
   */
  enter(): Promise<void> {
    this.#entry.ask('media');
    return this.#entered.promise;
  }

  /**
   * Publishes a microphone, with echo cancellation, in mono, safe against lost packets and silent in pauses.
   *
   * @throws {ParleyError} `client.device_*`, `client.already_published`, `auth.forbidden`, `media.muted`
   */
  async publishMicrophone(options: PublishMicrophoneOptions = {}): Promise<Publication> {
    return this.#media.publications.publishMicrophone(options);
  }

  /** Publishes a camera in three sizes. Throws as {@link Room.publishMicrophone}. */
  async publishCamera(options: PublishCameraOptions = {}): Promise<Publication> {
    return this.#media.publications.publishCamera(options);
  }

  /** Lets the user share a screen, window or tab, with its sound when wanted; the sound is a publication of its own. Throws as {@link Room.publishMicrophone}. */
  async publishScreen(options: PublishScreenOptions = {}): Promise<Publication> {
    return this.#media.publications.publishScreen(options);
  }

  /** Stops publishing a source and lets go of its device. */
  async unpublish(source: Source): Promise<void> {
    await this.#media.publications.unpublish(source);
  }

  /** Silences one's own source at once; a camera is switched off. */
  async mute(source: Source): Promise<void> {
    await this.#media.publications.get(source).mute();
  }

  /**
   * Lets it be heard or seen again.
   *
   * @throws {ParleyError} `media.muted` when a moderator forbids it, `client.device_*`
   */
  async unmute(source: Source): Promise<void> {
    await this.#media.publications.get(source).unmute();
  }

  /** Goes over to another device without negotiating anew. Throws `client.device_*`. */
  async switchDevice(source: 'microphone' | 'camera', deviceId: string): Promise<void> {
    await this.#media.publications.get(source).switchDevice(deviceId);
  }

  /** Raises one's hand, or takes it down. */
  async raiseHand(raised: boolean): Promise<void> {
    await this.#connection.request('room:raiseHand', { raised });
  }

  /** Moderators: lets somebody in from the lobby. */
  async admit(participantId: string): Promise<void> {
    await this.#connection.request('room:admit', { participantId });
    this.#forgetWaiting(participantId);
  }

  /** Moderators: turns somebody in the lobby away. */
  async deny(participantId: string): Promise<void> {
    await this.#connection.request('room:deny', { participantId });
    this.#forgetWaiting(participantId);
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
    if (this.#status === 'closed') return;
    // Without a connection it is said when that comes back, and nobody waits for it.
    const goodbye = this.#connection.request('room:leave', {}).catch(() => undefined);
    const { isConnected } = this.#connection;
    this.#close('left');
    if (isConnected) await goodbye;
  }

  /** Closes at once: no track, transport, timer or listener of it is left. The server hears it as a leave. */
  close(): void {
    void this.leave();
  }

  /** Closes with a reason of the client's own; the client calls it. */
  closeFor(reason: RoomCloseReason): void {
    this.#close(reason);
  }

  /**
   * Sends to everybody else over the data channel with this label, in order; it is opened on first use.
   *
   * @throws {ParleyError} `client.disconnected` while the media is coming back, `client.unsupported`, `auth.forbidden`
   */
  async sendData(label: string, data: string | Uint8Array): Promise<void> {
    await this.#media.sendData(label, data);
  }

  /** What one receives of a producer, if anything. */
  getSubscription(producerId: string): Subscription | undefined {
    return this.#media.subscriptions.find(producerId);
  }

  /** Receives a producer, for those who joined with `autoSubscribe: false`. Throws `media.producer_not_found`. */
  async subscribeTo(producerId: string): Promise<Subscription> {
    return this.#media.subscriptions.add(producerId);
  }

  /** No longer receives a producer, until asked to again. */
  async unsubscribeFrom(producerId: string): Promise<void> {
    this.#media.subscriptions.remove(producerId);
  }

  /** Plays what the browser has kept from playing; to be called from a click. */
  async startPlayback(): Promise<void> {
    await this.#playback.start();
  }

  #listen(): void {
    const connection = this.#connection;
    const on = <N extends NoticeName>(name: N, follow: (payload: NoticePayload<N>) => void): void => {
      this.#off.push(
        connection.onNotice(name, (payload) => {
          this.#setState(afterNotice(this.#state, name, payload));
          follow(payload);
        }),
      );
    };
    handleNotices(on, {
      tell: (event, payload) => this.#events.emit(event, payload),
      media: this.#media,
      audioLevels: this.#audioLevels,
      onAdmitted: () => this.#entry.ask('media'),
      onMediaLost: () => {
        this.#loseMedia();
        this.#entry.ask('media');
      },
      close: (reason) => this.#close(reason),
      isMe: (participantId) => participantId === this.#state.me?.participantId,
    });
    this.#off.push(
      connection.on('ready', ({ recovered }) => this.#onReady(recovered)),
      connection.on('stateChanged', ({ status }) => {
        if (status === 'failed') this.#close('connection_failed');
        else if (status === 'closed') this.#close('client_closed');
      }),
    );
  }

  #onReady(recovered: boolean): void {
    if (this.#status === 'joining') return this.#entry.resume();
    if (this.#status === 'waiting') return this.#entry.ask('media');
    if (!recovered) {
      this.#loseMedia();
      this.#entry.ask('media');
    } else {
      this.#entry.ask('snapshot');
      this.#media.recover();
    }
  }

  /** The server has lost it: only a new join brings it back. */
  #loseMedia(): void {
    this.#lostAtMs ??= performance.now();
    this.#media.stop();
    if (this.#status === 'joined') this.#setStatus('rejoining');
  }

  /** It is lost on this side alone: new transports beside the old ones. */
  async #renewTransports(): Promise<void> {
    this.#lostAtMs ??= performance.now();
    if (this.#status === 'joined') this.#setStatus('rejoining');
    this.#events.emit('mediaLost', { reason: 'transport_failed' });
    await this.#media.release();
    if (this.#status !== 'closed') this.#entry.ask('transports');
  }

  #onSnapshot(snapshot: RoomSnapshot): void {
    this.#setState(fromSnapshot(this.#state, snapshot));
  }

  #onMedia(media: EnteredMedia): void {
    if (this.#status === 'closed') return;
    this.#media.start(media, this.#state);
    const isFirst = this.#status === 'joining' || this.#status === 'waiting';
    this.#setStatus('joined');
    if (this.#lostAtMs !== undefined) this.#events.emit('mediaRecovered', { afterMs: performance.now() - this.#lostAtMs });
    this.#lostAtMs = undefined;
    this.#connection.releaseWaiting();
    this.#events.emit('joined', { recovered: !isFirst });
    this.#entered.resolve();
  }

  #onRefused(error: ParleyError): void {
    this.#entered.reject(error);
    if (this.#status !== 'joining') this.#events.emit('error', { error });
    const reasons: Partial<Record<typeof error.code, RoomCloseReason>> = { 'room.ended': 'ended', 'room.banned': 'banned' };
    this.#close(reasons[error.code] ?? 'error');
  }

  #mayUnmute(source: Source): boolean {
    return !this.#state.forbidden.has(source);
  }

  #forgetWaiting(participantId: string): void {
    const waiting = new Map(this.#state.waiting);
    if (waiting.delete(participantId)) this.#setState({ ...this.#state, waiting });
  }

  #setState(state: RoomState): void {
    if (state === this.#state || this.#status === 'closed') return;
    const { producers, dataProducers } = this.#state;
    this.#state = state;
    if (this.#media.isRunning && (state.producers !== producers || state.dataProducers !== dataProducers)) this.#media.update(state);
    this.#changed();
  }

  #setStatus(status: RoomStatus): void {
    this.#status = status;
    this.#changed();
  }

  #close(reason: RoomCloseReason): void {
    if (this.#status === 'closed') return;
    this.#setStatus('closed');
    this.#closeReason = reason;
    for (const off of this.#off) off();
    this.#entry.close();
    this.#media.close();
    this.#playback.clear();
    this.#entered.reject(new ParleyError('client.closed'));
    this.#view = undefined;
    this.#events.emit('changed', this.view);
    this.#events.emit('closed', { reason });
    this.#events.clear();
  }

  #tell<E extends keyof RoomEvents>(event: E, payload: RoomEvents[E]): void {
    this.#changed();
    this.#events.emit(event, payload);
  }

  /** Makes the view anew when it is next asked for, and tells once about everything that changes now. */
  #changed(): void {
    this.#view = undefined;
    if (this.#isTelling) return;
    this.#isTelling = true;
    queueMicrotask(() => {
      this.#isTelling = false;
      if (this.#status !== 'closed') this.#events.emit('changed', this.view);
    });
  }

  #makeView(): RoomView {
    const { info, me, participants, waiting, producers, activeSpeakerId, conversationId, secondsLeft } = this.#state;
    const others = [...participants.values()].filter(({ participantId }) => participantId !== me?.participantId);
    return {
      status: this.#status,
      closeReason: this.#closeReason,
      info,
      me,
      participants: me === undefined || !participants.has(me.participantId) ? others : [me, ...others],
      waiting: [...waiting.values()],
      publications: this.#media.publications.all.map(({ source, producerId, track, muted, deviceId }) => ({
        source,
        producerId,
        track,
        muted,
        mayUnmute: this.#mayUnmute(source),
        deviceId,
      })),
      subscriptions: this.#media.subscriptions.all,
      producers: [...producers.values()],
      activeSpeakerId,
      audioLevels: this.#audioLevels,
      conversationId,
      secondsLeft,
      playbackBlocked: this.#playback.isBlocked,
    };
  }
}
