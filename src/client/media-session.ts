import type { Device, types } from 'mediasoup-client';
import type { Source } from '../protocol/ids.ts';
import type { ConsumerInfo, TransportInfo } from '../protocol/media.ts';
import type { IceServer } from '../protocol/room.ts';
import type { Connection } from './connection.ts';
import { IceRestarter } from './ice-restarter.ts';
import { ParleyError } from './parley-error.ts';
import { preferredCodec, publishSettings } from './publish-settings.ts';
import { consumerOptionsOf, transportOptionsOf, wireDtlsOf, wireParametersOf } from './wire-media.ts';

/** What a media session needs. */
export interface MediaSessionOptions {
  readonly connection: Pick<Connection, 'request'>;
  readonly device: Device;
  readonly transports: { readonly send: TransportInfo; readonly recv: TransportInfo };
  readonly iceServers: readonly IceServer[];
  /** Called once at most: a transport is lost for good, only a new session helps. */
  readonly onLost: () => void;
}

/** The two transports of one join, with what runs over them. When the server loses a room's media, or a session, the next join makes a new one. */
export class MediaSession {
  readonly #options: MediaSessionOptions;
  readonly #send: types.Transport;
  readonly #recv: types.Transport;
  readonly #restarters: readonly IceRestarter[];
  #closed = false;
  #lost = false;

  constructor(options: MediaSessionOptions) {
    const { device, transports, iceServers } = options;
    this.#options = options;
    this.#send = device.createSendTransport(transportOptionsOf(transports.send, iceServers));
    this.#recv = device.createRecvTransport(transportOptionsOf(transports.recv, iceServers));
    this.#restarters = [this.#send, this.#recv].map((transport) => this.#watch(transport));
    this.#handleProduce();
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Sends a track. The track stays the caller's: closing the producer or the session does not stop it. */
  async produce(source: Source, track: MediaStreamTrack, options: { paused: boolean; simulcast?: boolean }): Promise<types.Producer> {
    const codec = preferredCodec(track.kind === 'audio' ? 'audio' : 'video', this.#options.device.sendRtpCapabilities);
    const producer = await this.#send.produce({
      track,
      ...publishSettings(source, options.simulcast),
      ...(codec && { codec }),
      stopTracks: false,
      appData: { source, paused: options.paused },
    });
    if (options.paused) producer.pause();
    return producer;
  }

  /** Receives what the server has made ready; it sends nothing before `media:resumeConsumer`. */
  consume(info: ConsumerInfo): Promise<types.Consumer> {
    return this.#recv.consume(consumerOptionsOf(info));
  }

  /** Opens a data channel. */
  produceData(label: string): Promise<types.DataProducer> {
    return this.#send.produceData({ label, ordered: true });
  }

  /** Receives a data channel of somebody else. */
  consumeData(options: types.DataConsumerOptions): Promise<types.DataConsumer> {
    return this.#recv.consumeData(options);
  }

  /** Restarts ICE where the path is lost: for when the socket is back. */
  retryIce(): void {
    for (const restarter of this.#restarters) restarter.retryNow();
  }

  /** Closes both transports and all on them. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const restarter of this.#restarters) restarter.close();
    this.#send.close();
    this.#recv.close();
  }

  #watch(transport: types.Transport): IceRestarter {
    const { connection } = this.#options;
    transport.on('connect', ({ dtlsParameters }, callback, errback) => {
      connection
        .request('media:connectTransport', { transportId: transport.id, dtlsParameters: wireDtlsOf(dtlsParameters) }, { waits: true })
        .catch((error: unknown) => {
          // Sent twice, because the socket was lost before the first answer came.
          if (!(error instanceof ParleyError) || error.code !== 'media.already_connected') throw error;
        })
        .then(callback, (error: unknown) => {
          errback(ParleyError.from(error, 'internal'));
          this.#giveUp();
        });
    });
    const restart = async (): Promise<void> => {
      const { iceParameters } = await connection.request('media:restartIce', { transportId: transport.id }).catch((error: unknown) => {
        if (error instanceof ParleyError && error.code === 'media.transport_not_found') this.#giveUp();
        throw error;
      });
      await transport.restartIce({ iceParameters: iceParameters as types.IceParameters });
    };
    return new IceRestarter(transport, restart, () => this.#giveUp());
  }

  #handleProduce(): void {
    const { connection } = this.#options;
    const transportId = this.#send.id;
    this.#send.on('produce', ({ rtpParameters, appData }, callback, errback) => {
      const { source, paused } = appData as { source: Source; paused: boolean };
      connection
        .request('media:produce', { transportId, source, rtpParameters: wireParametersOf(rtpParameters), paused })
        .then(({ producerId }) => callback({ id: producerId }), errback);
    });
    this.#send.on('producedata', ({ sctpStreamParameters, label, protocol }, callback, errback) => {
      const { streamId = 0, ...parameters } = sctpStreamParameters;
      connection
        .request('media:produceData', {
          transportId,
          sctpStreamParameters: { ...parameters, streamId },
          label: label ?? '',
          ...(protocol && { protocol }),
        })
        .then(({ dataProducerId }) => callback({ id: dataProducerId }), errback);
    });
  }

  #giveUp(): void {
    if (this.#closed || this.#lost) return;
    this.#lost = true;
    this.#options.onLost();
  }
}
