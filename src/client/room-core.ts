import type { Source } from '../protocol/ids.ts';
import type { NoticeName, NoticePayload, RequestInput } from '../protocol/index.ts';
import type { RoomSnapshot } from '../protocol/room.ts';
import type { DeviceLoader } from './device-loader.ts';
import { Emitter, type Unsubscribe } from './emitter.ts';
import { ParleyError } from './parley-error.ts';
import { Playback } from './playback.ts';
import { type EnteredMedia, RoomEntry } from './room-entry.ts';
import type { RoomCloseReason, RoomEvents, RoomStatus, RoomView } from './room-events.ts';
import type { RoomLink } from './room-link.ts';
import { RoomMedia } from './room-media.ts';
import { handleNotices } from './room-notices.ts';
import { afterNotice, emptyRoomState, fromSnapshot, type RoomState } from './room-state.ts';
import { makeView } from './room-view.ts';

/** What a room needs of its client, and how it is joined. */
export interface RoomCoreOptions {
  /** The room's own; it closes with the room. */
  readonly connection: RoomLink;
  readonly devices: DeviceLoader;
  readonly roomId: string;
  readonly token?: string;
  readonly autoSubscribe?: boolean;
  readonly adaptiveLayers?: boolean;
  readonly deviceInfo?: RequestInput<'room:join'>['device'];
}

/**
 * A room's life: it enters, follows the notices, comes back from lost sockets and lost media, and closes. What an app asks of a room is in room.ts.
 */
export class RoomCore {
  readonly #connection: RoomLink;
  readonly events = new Emitter<RoomEvents>();
  readonly #entry: RoomEntry;
  readonly media: RoomMedia;
  readonly playback = new Playback((isBlocked) => {
    if (isBlocked) this.events.emit('playbackBlocked', undefined);
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

  constructor(options: RoomCoreOptions) {
    const { connection, devices, roomId, token, deviceInfo, autoSubscribe = true, adaptiveLayers = true } = options;
    this.#connection = connection;
    const onChanged = (): void => this.#changed();
    const onError = (error: ParleyError): void => this.events.emit('error', { error });
    this.media = new RoomMedia({
      connection,
      publications: {
        mayUnmute: (source) => this.#mayUnmute(source),
        onChanged,
        onError,
        onEnded: (source) => this.events.emit('publicationEnded', { source }),
      },
      subscriptions: {
        isAutomatic: autoSubscribe,
        isAdaptive: adaptiveLayers,
        onChanged,
        onPlaybackBlocked: (element) => this.playback.block(element),
        onSubscribed: (subscription) => this.#tell('subscribed', { subscription }),
        onUnsubscribed: (subscription) => this.#tell('unsubscribed', { subscription }),
      },
      onData: (message) => this.events.emit('dataReceived', message),
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
        this.events.emit('waiting', undefined);
        this.#entered.resolve();
      },
      onMedia: (media) => this.#onMedia(media),
      onRefused: (error) => this.#onRefused(error),
    });
    this.#entered.promise.catch(() => undefined);
    this.#listen();
  }

  get view(): RoomView {
    this.#view ??= this.#makeView();
    return this.#view;
  }

  get isClosed(): boolean {
    return this.#status === 'closed';
  }

  /** Resolves when joined or in the lobby; throws the server's codes. */
  enter(): Promise<void> {
    this.#entry.ask('media');
    return this.#entered.promise;
  }

  /** Somebody in the lobby was admitted or denied; the server tells moderators of it only when they come in. */
  forgetWaiting(participantId: string): void {
    const waiting = new Map(this.#state.waiting);
    if (waiting.delete(participantId)) this.#setState({ ...this.#state, waiting });
  }

  /** Ends it, once: no track, transport, timer or listener is left. */
  close(reason: RoomCloseReason): void {
    if (this.#status === 'closed') return;
    this.#setStatus('closed');
    this.#closeReason = reason;
    for (const off of this.#off) off();
    this.#entry.close();
    this.media.close();
    this.playback.clear();
    this.#connection.close();
    this.#entered.reject(new ParleyError('client.closed'));
    this.#view = undefined;
    this.events.emit('changed', this.view);
    this.events.emit('closed', { reason });
    this.events.clear();
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
      tell: (event, payload) => this.events.emit(event, payload),
      media: this.media,
      audioLevels: this.#audioLevels,
      onAdmitted: () => this.#entry.ask('media'),
      onMediaLost: () => {
        this.#loseMedia();
        this.#entry.ask('media');
      },
      close: (reason) => this.close(reason),
      isMe: (participantId) => participantId === this.#state.me?.participantId,
      isHere: (roomId) => this.#state.info === undefined || roomId === this.#state.info.roomId,
    });
    this.#off.push(
      connection.on('ready', ({ recovered }) => this.#onReady(recovered)),
      connection.on('stateChanged', ({ status }) => {
        if (status === 'failed') this.close('connection_failed');
        else if (status === 'closed') this.close('client_closed');
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
      this.media.recover();
    }
  }

  /** The server has lost it: only a new join brings it back. */
  #loseMedia(): void {
    this.#lostAtMs ??= performance.now();
    this.media.stop();
    if (this.#status === 'joined') this.#setStatus('rejoining');
  }

  /** It is lost on this side alone: new transports beside the old ones. */
  async #renewTransports(): Promise<void> {
    this.#lostAtMs ??= performance.now();
    if (this.#status === 'joined') this.#setStatus('rejoining');
    this.events.emit('mediaLost', { reason: 'transport_failed' });
    await this.media.release();
    if (this.#status !== 'closed') this.#entry.ask('transports');
  }

  #onSnapshot(snapshot: RoomSnapshot): void {
    this.#setState(fromSnapshot(this.#state, snapshot));
    // The media may have been lost while the socket was away, and nobody could say so: then what one publishes is missing.
    const published = new Set(snapshot.producers.map(({ producerId }) => producerId));
    const isLost = this.media.publications.all.some(({ producerId }) => producerId !== undefined && !published.has(producerId));
    if (!isLost) return;
    this.events.emit('mediaLost', { reason: 'while_disconnected' });
    this.#loseMedia();
    this.#entry.ask('media');
  }

  #onMedia(media: EnteredMedia): void {
    if (this.#status === 'closed') return;
    this.media.start(media, this.#state);
    const isFirst = this.#status === 'joining' || this.#status === 'waiting';
    this.#setStatus('joined');
    if (this.#lostAtMs !== undefined) this.events.emit('mediaRecovered', { afterMs: performance.now() - this.#lostAtMs });
    this.#lostAtMs = undefined;
    this.#connection.releaseWaiting();
    this.events.emit('joined', { recovered: !isFirst });
    this.#entered.resolve();
  }

  #onRefused(error: ParleyError): void {
    this.#entered.reject(error);
    if (this.#status !== 'joining') this.events.emit('error', { error });
    const reasons: Partial<Record<typeof error.code, RoomCloseReason>> = { 'room.ended': 'ended', 'room.banned': 'banned' };
    this.close(reasons[error.code] ?? 'error');
  }

  #mayUnmute(source: Source): boolean {
    return !this.#state.forbidden.has(source);
  }

  #setState(state: RoomState): void {
    if (state === this.#state || this.#status === 'closed') return;
    const { producers, dataProducers } = this.#state;
    this.#state = state;
    if (this.media.isRunning && (state.producers !== producers || state.dataProducers !== dataProducers)) this.media.update(state);
    this.#changed();
  }

  #setStatus(status: RoomStatus): void {
    this.#status = status;
    this.#changed();
  }

  #tell<E extends keyof RoomEvents>(event: E, payload: RoomEvents[E]): void {
    this.#changed();
    this.events.emit(event, payload);
  }

  /** Makes the view anew when it is next asked for, and tells once about everything that changes now. */
  #changed(): void {
    this.#view = undefined;
    if (this.#isTelling) return;
    this.#isTelling = true;
    queueMicrotask(() => {
      this.#isTelling = false;
      if (this.#status !== 'closed') this.events.emit('changed', this.view);
    });
  }

  #makeView(): RoomView {
    return makeView(this.#state, this.media, {
      status: this.#status,
      closeReason: this.#closeReason,
      audioLevels: this.#audioLevels,
      playbackBlocked: this.playback.isBlocked,
    });
  }
}
