import type { Source } from '../protocol/ids.ts';
import type { Connection } from './connection.ts';
import { type OpenDeviceOptions, openCamera, openMicrophone, openScreen } from './devices.ts';
import type { MediaSession } from './media-session.ts';
import { ParleyError } from './parley-error.ts';
import { Publication, type PublicationHost, type PublicationOptions } from './publication.ts';

/** What the publications of a room need of it. */
export interface PublicationsHost {
  readonly connection: Pick<Connection, 'request'>;
  mayUnmute(source: Source): boolean;
  onChanged(): void;
  /** The browser has ended one: nobody here asked for it. */
  onEnded(source: Source): void;
  /** Something in the background has given up. */
  onError(error: ParleyError): void;
}

/** How to publish a microphone. */
export interface PublishMicrophoneOptions extends OpenDeviceOptions {
  /** Instead of opening a device; from now on the room stops it. */
  track?: MediaStreamTrack;
  muted?: boolean;
}

/** How to publish a camera. */
export interface PublishCameraOptions extends PublishMicrophoneOptions {
  /** Three sizes at once, true by default. */
  simulcast?: boolean;
}

/** How to publish a screen. */
export interface PublishScreenOptions {
  track?: MediaStreamTrack;
  audioTrack?: MediaStreamTrack;
  /** Whether to offer the sound as well, true by default. */
  audio?: boolean;
  constraints?: DisplayMediaStreamOptions;
}

/** Everything that one publishes in a room, one of each source; carried over from one media session to the next. */
export class Publications {
  readonly #host: PublicationsHost;
  readonly #publicationHost: PublicationHost;
  readonly #all = new Map<Source, Publication>();
  /** Sources whose device is being opened. */
  readonly #opening = new Set<Source>();
  #session: MediaSession | undefined;
  #closed = false;

  constructor(host: PublicationsHost) {
    this.#host = host;
    this.#publicationHost = {
      connection: host.connection,
      mayUnmute: (source) => host.mayUnmute(source),
      onChanged: () => host.onChanged(),
      onTrackEnded: (publication) => this.#onTrackEnded(publication),
    };
  }

  get all(): readonly Publication[] {
    return [...this.#all.values()];
  }

  /** @throws {ParleyError} `client.closed` when it is not published */
  get(source: Source): Publication {
    const publication = this.#all.get(source);
    if (publication === undefined)
      throw new ParleyError('client.closed', { message: 'This source is not published.', details: { source } });
    return publication;
  }

  find(source: Source): Publication | undefined {
    return this.#all.get(source);
  }

  publishMicrophone(options: PublishMicrophoneOptions): Promise<Publication> {
    return this.#publishDevice('microphone', openMicrophone, options);
  }

  publishCamera(options: PublishCameraOptions): Promise<Publication> {
    return this.#publishDevice('camera', openCamera, options);
  }

  async publishScreen(options: PublishScreenOptions): Promise<Publication> {
    return this.#opened('screen', async () => {
      const { video, audio } =
        options.track === undefined
          ? await openScreen({
              ...(options.audio !== undefined && { audio: options.audio }),
              ...(options.constraints && { constraints: options.constraints }),
            })
          : { video: options.track, audio: options.audioTrack };
      if (this.#closed) {
        video.stop();
        audio?.stop();
        throw new ParleyError('client.closed');
      }
      const screen = await this.#publish({ source: 'screen', track: video }).catch((error: unknown) => {
        audio?.stop();
        throw error;
      });
      // A room may allow the picture and not the sound: the picture then stands alone.
      if (audio !== undefined) {
        await this.#publish({ source: 'screenAudio', track: audio }).catch((error: unknown) =>
          this.#host.onError(ParleyError.from(error, 'internal')),
        );
      }
      return screen;
    });
  }

  /** Stops publishing; nothing happens to a source that is not published. A screen takes its sound along. */
  async unpublish(source: Source): Promise<void> {
    const publication = this.#all.get(source);
    if (publication === undefined) return;
    this.#all.delete(source);
    const { producerId } = publication;
    publication.close();
    this.#host.onChanged();
    const rest = source === 'screen' ? this.unpublish('screenAudio') : undefined;
    if (producerId !== undefined && this.#session !== undefined) {
      await this.#host.connection.request('media:closeProducer', { producerId }).catch((error: unknown) => {
        if (!(error instanceof ParleyError) || !isGone(error)) throw error;
      });
    }
    await rest;
  }

  /** Sends everything over a new session. */
  start(session: MediaSession): void {
    this.#session = session;
    for (const publication of this.#all.values()) void this.#carryOver(publication, session);
  }

  /** Tries again what failed for want of a connection. */
  retry(): void {
    const session = this.#session;
    if (session === undefined) return;
    for (const publication of this.#all.values()) if (!publication.isSettled) void this.#carryOver(publication, session);
  }

  /** The session is gone: everything waits for the next one. Tracks keep running. */
  stop(): void {
    this.#session = undefined;
    for (const publication of this.#all.values()) publication.detach();
  }

  /** Stops publishing and lets go of every device. */
  close(): void {
    this.#closed = true;
    this.#session = undefined;
    for (const publication of this.#all.values()) publication.close();
    this.#all.clear();
  }

  #publishDevice(
    source: 'microphone' | 'camera',
    open: (options: OpenDeviceOptions) => Promise<MediaStreamTrack>,
    options: PublishCameraOptions,
  ): Promise<Publication> {
    return this.#opened(source, async () => {
      const { deviceId, constraints, muted = false, simulcast } = options;
      const device: OpenDeviceOptions = { ...(deviceId !== undefined && { deviceId }), ...(constraints && { constraints }) };
      const handedIn = options.track?.getSettings?.().deviceId;
      if (device.deviceId === undefined && handedIn) device.deviceId = handedIn;
      const track = options.track ?? (muted ? undefined : await open(device));
      if (this.#closed) {
        track?.stop();
        throw new ParleyError('client.closed');
      }
      return this.#publish({ source, open, device, muted, ...(track && { track }), ...(simulcast !== undefined && { simulcast }) });
    });
  }

  async #opened(source: Source, publish: () => Promise<Publication>): Promise<Publication> {
    if (this.#closed) throw new ParleyError('client.closed');
    if (this.#all.has(source) || this.#opening.has(source)) throw new ParleyError('client.already_published', { details: { source } });
    this.#opening.add(source);
    try {
      return await publish();
    } finally {
      this.#opening.delete(source);
    }
  }

  async #publish(options: PublicationOptions): Promise<Publication> {
    const publication = new Publication(this.#publicationHost, options);
    this.#all.set(publication.source, publication);
    this.#host.onChanged();
    const session = this.#session;
    if (session === undefined) return publication;
    try {
      await publication.carryOver(session);
    } catch (error) {
      // The session went away under it: the next one carries it.
      if (session !== this.#session && !this.#closed) return publication;
      if (error instanceof ParleyError && error.code === 'client.disconnected' && !this.#closed) return publication;
      if (this.#all.get(publication.source) === publication) this.#all.delete(publication.source);
      publication.close();
      this.#host.onChanged();
      throw ParleyError.from(error, 'client.unsupported');
    }
    return publication;
  }

  async #carryOver(publication: Publication, session: MediaSession): Promise<void> {
    try {
      await publication.carryOver(session).catch(async (error: unknown) => {
        // A moderator has muted it while it was away.
        if (!(error instanceof ParleyError) || error.code !== 'media.muted') throw error;
        await publication.mute();
        await publication.carryOver(session);
      });
    } catch (error) {
      if (session !== this.#session || publication.closed) return;
      if (error instanceof ParleyError && error.code === 'client.disconnected') return;
      this.#host.onError(ParleyError.from(error, 'internal'));
    }
  }

  #onTrackEnded(publication: Publication): void {
    const { source } = publication;
    const follow = source === 'screen' || source === 'screenAudio' ? this.unpublish(source) : publication.mute();
    follow.catch(() => undefined);
    this.#host.onEnded(source);
  }
}

/** The producer is gone already, or will be with the session. */
function isGone({ code }: ParleyError): boolean {
  return code === 'media.producer_not_found' || code === 'room.not_joined' || code === 'client.disconnected' || code === 'client.closed';
}
