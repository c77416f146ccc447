import type { types } from 'mediasoup-client';
import type { Source } from '../protocol/ids.ts';
import type { Connection } from './connection.ts';
import type { OpenDeviceOptions } from './devices.ts';
import type { MediaSession } from './media-session.ts';
import { ParleyError } from './parley-error.ts';
import { contentHints } from './publish-settings.ts';

/** What a publication needs of its room. */
export interface PublicationHost {
  readonly connection: Pick<Connection, 'request'>;
  /** Whether no moderator forbids unmuting. */
  mayUnmute(source: Source): boolean;
  onChanged(publication: Publication): void;
  /** The browser has ended the track: the screen share was stopped, the device is gone. */
  onTrackEnded(publication: Publication): void;
}

/** How something is published. */
export interface PublicationOptions {
  readonly source: Source;
  /** Opens the device, at first and after a mute that let go of it; undefined when there is none to open. */
  readonly open?: (options: OpenDeviceOptions) => Promise<MediaStreamTrack>;
  readonly device?: OpenDeviceOptions;
  readonly track?: MediaStreamTrack;
  readonly muted?: boolean;
  readonly simulcast?: boolean;
}

/** One source of one's own, for as long as it is published; it outlives the media sessions that carry it. */
export class Publication {
  readonly source: Source;
  readonly #host: PublicationHost;
  readonly #options: PublicationOptions;
  #device: OpenDeviceOptions;
  #track: MediaStreamTrack | undefined;
  #session: MediaSession | undefined;
  #producer: types.Producer | undefined;
  #muted: boolean;
  /** The last wish, which an unmute that is under way looks at before it lets anything be heard. */
  #shallBeMuted: boolean;
  #closed = false;
  /** Everything that changes the producer runs one after the other. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(host: PublicationHost, options: PublicationOptions) {
    this.#host = host;
    this.#options = options;
    this.source = options.source;
    this.#device = options.device ?? {};
    this.#muted = options.muted ?? false;
    this.#shallBeMuted = this.#muted;
    if (options.track !== undefined) {
      this.#hold(options.track);
      if (this.#muted) this.#silence();
    }
  }

  get producerId(): string | undefined {
    return this.#producer?.id;
  }

  /** What is sent; undefined while a muted camera is off. */
  get track(): MediaStreamTrack | undefined {
    return this.#track;
  }

  get muted(): boolean {
    return this.#muted;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** The device in use, or the one that the next unmute opens. */
  get deviceId(): string | undefined {
    return this.#track?.getSettings?.().deviceId ?? this.#device.deviceId;
  }

  /** Whether the present media session carries it, or need not yet. */
  get isSettled(): boolean {
    return this.#producer !== undefined || (this.#muted && this.#track === undefined);
  }

  /** Sends over a new media session; a muted source that holds no track waits for the unmute. */
  carryOver(session: MediaSession): Promise<void> {
    this.#session = session;
    this.#producer = undefined;
    return this.#enqueue(() => this.#produce(this.#muted));
  }

  /** Forgets a media session that is closed. */
  detach(): void {
    this.#session = undefined;
    this.#producer = undefined;
    this.#changed();
  }

  /** Silences at once, then tells the server. A camera's track is stopped, so that its light goes off. */
  mute(): Promise<void> {
    if (this.#closed) return Promise.reject(new ParleyError('client.closed'));
    this.#muted = true;
    this.#shallBeMuted = true;
    this.#silence();
    this.#changed();
    return this.#enqueue(async () => {
      this.#muted = true;
      const producer = this.#producer;
      if (producer === undefined) return;
      producer.pause();
      if (this.#track === undefined) await producer.replaceTrack({ track: null });
      this.#changed();
      await this.#host.connection.request('media:pauseProducer', { producerId: producer.id });
    });
  }

  /**
   * Sends again; opens the device when the mute let go of it.
   *
   * @throws {ParleyError} `media.muted` when a moderator forbids it, `client.device_*`, `client.disconnected`
   */
  unmute(): Promise<void> {
    this.#shallBeMuted = false;
    return this.#enqueue(async () => {
      if (!this.#muted || this.#shallBeMuted) return;
      if (!this.#host.mayUnmute(this.source)) throw new ParleyError('media.muted');
      if (this.#track === undefined) this.#hold(await this.#open(this.#device));
      const producer = this.#producer;
      try {
        if (producer === undefined) await this.#produce(false);
        else {
          await producer.replaceTrack({ track: this.#track ?? null });
          await this.#host.connection.request('media:resumeProducer', { producerId: producer.id });
        }
      } catch (error) {
        this.#silence();
        throw error;
      }
      if (this.#shallBeMuted) return this.#silence();
      this.#muted = false;
      this.#producer?.resume();
      if (this.#track !== undefined) this.#track.enabled = true;
    }).finally(() => this.#changed());
  }

  /**
   * Sends another track in place of the present one, without negotiating anew. The former one is stopped.
   *
   * @throws {ParleyError} `client.closed`
   */
  replaceTrack(track: MediaStreamTrack): Promise<void> {
    return this.#enqueue(async () => {
      await this.#swap(track);
    });
  }

  /**
   * Goes over to another device. While a camera is off the choice is only remembered.
   *
   * @throws {ParleyError} `client.device_*`; the former device then stays in use where it can
   */
  switchDevice(deviceId: string): Promise<void> {
    return this.#enqueue(async () => {
      const device = { ...this.#device, deviceId };
      if (this.#track !== undefined) {
        const opened = await this.#open(device).catch(async (error: unknown) => {
          // Many phones open one camera at a time.
          if (!(error instanceof ParleyError) || error.code !== 'client.device_busy') throw error;
          this.#track?.stop();
          return this.#open(device);
        });
        await this.#swap(opened);
      }
      this.#device = device;
    }).finally(() => this.#changed());
  }

  /** Stops sending and lets go of the device. The server is told by the room. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#producer?.close();
    this.#producer = undefined;
    this.#session = undefined;
    this.#release();
  }

  async #produce(paused: boolean): Promise<void> {
    const session = this.#session;
    const track = this.#track;
    if (session === undefined || session.closed || track === undefined || this.#producer !== undefined) return;
    const { simulcast } = this.#options;
    const producer = await session.produce(this.source, track, { paused, ...(simulcast !== undefined && { simulcast }) });
    // Meanwhile it may have been closed, or carried over to the next session.
    if (this.#closed || session !== this.#session) {
      producer.close();
      if (!session.closed) await this.#host.connection.request('media:closeProducer', { producerId: producer.id });
      return;
    }
    this.#producer = producer;
    this.#changed();
  }

  async #swap(track: MediaStreamTrack): Promise<void> {
    const former = this.#track;
    if (former === track) return;
    await this.#producer?.replaceTrack({ track });
    this.#forget(former);
    former?.stop();
    this.#hold(track);
    if (this.#shallBeMuted) track.enabled = false;
    this.#changed();
  }

  #open(options: OpenDeviceOptions): Promise<MediaStreamTrack> {
    const { open } = this.#options;
    if (open === undefined) return Promise.reject(new ParleyError('client.unsupported'));
    return open(options).then((track) => {
      if (!this.#closed) return track;
      track.stop();
      throw new ParleyError('client.closed');
    });
  }

  #hold(track: MediaStreamTrack): void {
    this.#track = track;
    if ('contentHint' in track) track.contentHint = contentHints[this.source];
    track.addEventListener?.('ended', this.#onEnded);
  }

  #forget(track: MediaStreamTrack | undefined): void {
    track?.removeEventListener?.('ended', this.#onEnded);
  }

  #release(): void {
    this.#forget(this.#track);
    this.#track?.stop();
    this.#track = undefined;
  }

  #silence(): void {
    if (this.#track === undefined) return;
    this.#track.enabled = false;
    if (this.source === 'camera') this.#release();
  }

  readonly #onEnded = (): void => {
    this.#release();
    this.#host.onTrackEnded(this);
  };

  #enqueue(task: () => Promise<void>): Promise<void> {
    const run = this.#queue.then(() => {
      if (this.#closed) throw new ParleyError('client.closed');
      return task();
    });
    this.#queue = run.catch(() => undefined);
    return run;
  }

  #changed(): void {
    if (!this.#closed) this.#host.onChanged(this);
  }
}
