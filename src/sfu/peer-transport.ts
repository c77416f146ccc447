import { EventEmitter } from 'node:events';
import type { types } from 'mediasoup';
import { AppError } from '../protocol/errors.ts';
import type { Direction, DtlsParameters, IceParameters, TransportInfo } from '../protocol/media.ts';
import { initialOutgoingBitrateBps, maxDataMessageBytes, maxIncomingBitrateBps, maxOutgoingBitrateBps } from './codecs.ts';
import { mediasoupCall } from './media-error.ts';
import { fromWireDtlsParameters } from './rtp-wire.ts';

/** What a transport tells its peer. */
export interface PeerTransportEvents {
  /** Its ICE or DTLS state changed. */
  stateChanged: [];
  /** The other side ended DTLS, or it failed: the transport is of no more use, its owner should close it. */
  ended: [];
}

/** Anything made on a transport. */
interface Closable {
  readonly closed: boolean;
  close(): void;
}

/**
 * One WebRTC transport of a peer. The browser is the DTLS client on both directions, so that the worker chooses the SRTP cipher and takes AES-GCM.
 *
 * Every method answers `media.transport_not_found` once the transport is closed and `media.unavailable` when its worker has died; what was made while
 * the transport closed is closed again.
 */
export class PeerTransport extends EventEmitter<PeerTransportEvents> {
  readonly direction: Direction;
  readonly #transport: types.WebRtcTransport;
  #connectRequested = false;

  private constructor(direction: Direction, transport: types.WebRtcTransport) {
    super();
    this.direction = direction;
    this.#transport = transport;
    transport.on('icestatechange', () => this.#tellState());
    transport.on('dtlsstatechange', (dtlsState) => {
      this.#tellState();
      if (dtlsState === 'closed' || dtlsState === 'failed') this.emit('ended');
    });
  }

  /** Makes a transport on the worker's one UDP and one TCP port, with the bitrate caps of its direction. */
  static async create(direction: Direction, router: types.Router, webRtcServer: types.WebRtcServer): Promise<PeerTransport> {
    const transport = await mediasoupCall(
      router.createWebRtcTransport({
        webRtcServer,
        enableUdp: true,
        enableTcp: true,
        preferUdp: true,
        initialAvailableOutgoingBitrate: initialOutgoingBitrateBps,
        enableSctp: true,
        maxSendMessageSize: maxDataMessageBytes,
        maxReceiveMessageSize: maxDataMessageBytes,
      }),
      'media.unavailable',
    );
    const cap =
      direction === 'send'
        ? transport.setMaxIncomingBitrate(maxIncomingBitrateBps)
        : transport.setMaxOutgoingBitrate(maxOutgoingBitrateBps);
    try {
      await mediasoupCall(cap, 'media.unavailable');
    } catch (error) {
      transport.close();
      throw error;
    }
    return new PeerTransport(direction, transport);
  }

  get id(): string {
    return this.#transport.id;
  }

  get closed(): boolean {
    return this.#transport.closed;
  }

  get iceState(): types.IceState {
    return this.#transport.iceState;
  }

  get dtlsState(): types.DtlsState {
    return this.#transport.dtlsState;
  }

  /** What the browser needs to open its side. The ICE parameters are those of the last restart. */
  get info(): TransportInfo {
    const { id, iceParameters, iceCandidates, dtlsParameters, sctpParameters } = this.#transport;
    return {
      transportId: id,
      iceParameters,
      iceCandidates,
      dtlsParameters: { role: 'server', fingerprints: dtlsParameters.fingerprints },
      ...(sctpParameters && { sctpParameters }),
    };
  }

  /**
   * Takes the browser's DTLS parameters, once: `media.already_connected` after that. `media.invalid_parameters` when the browser wants to be the DTLS
   * server or its fingerprints are malformed.
   */
  async connect(dtlsParameters: DtlsParameters): Promise<void> {
    if (this.#connectRequested) throw new AppError('media.already_connected');
    if (dtlsParameters.role === 'server') {
      throw new AppError('media.invalid_parameters', {
        message: 'The browser must be the DTLS client.',
        details: { field: 'dtlsParameters.role' },
      });
    }
    this.#connectRequested = true;
    try {
      await this.#call(this.#transport.connect({ dtlsParameters: fromWireDtlsParameters(dtlsParameters) }));
    } catch (error) {
      this.#connectRequested = false;
      throw error;
    }
  }

  /** Makes new ICE parameters; the old ones hold until the browser uses the new ones. */
  restartIce(): Promise<IceParameters> {
    return this.#call(this.#transport.restartIce());
  }

  setMaxIncomingBitrate(bitrateBps: number): Promise<void> {
    return this.#call(this.#transport.setMaxIncomingBitrate(bitrateBps));
  }

  setMaxOutgoingBitrate(bitrateBps: number): Promise<void> {
    return this.#call(this.#transport.setMaxOutgoingBitrate(bitrateBps));
  }

  produce(options: types.ProducerOptions): Promise<types.Producer> {
    return this.#make(this.#transport.produce(options));
  }

  consume(options: types.ConsumerOptions): Promise<types.Consumer> {
    return this.#make(this.#transport.consume(options));
  }

  produceData(options: types.DataProducerOptions): Promise<types.DataProducer> {
    return this.#make(this.#transport.produceData(options));
  }

  consumeData(options: types.DataConsumerOptions): Promise<types.DataConsumer> {
    return this.#make(this.#transport.consumeData(options));
  }

  stats(): Promise<types.WebRtcTransportStat[]> {
    return this.#call(this.#transport.getStats());
  }

  /** Closes it with everything on it. Fires nothing. */
  close(): void {
    this.removeAllListeners();
    this.#transport.close();
  }

  /** Fires nothing from here on: the router under it closes it. */
  forget(): void {
    this.removeAllListeners();
  }

  async #call<T>(call: Promise<T>): Promise<T> {
    let result: T;
    try {
      result = await mediasoupCall(call, 'media.invalid_parameters');
    } catch (error) {
      throw this.closed ? this.#closedError(error) : error;
    }
    if (this.closed) throw this.#closedError();
    return result;
  }

  async #make<T extends Closable>(call: Promise<T>): Promise<T> {
    return this.#call(
      call.then((made) => {
        // Nobody would get to know it.
        if (this.closed) made.close();
        return made;
      }),
    );
  }

  #closedError(cause?: unknown): AppError {
    if (cause instanceof AppError && cause.code === 'media.unavailable') return cause;
    return new AppError('media.transport_not_found', { cause });
  }

  #tellState(): void {
    if (!this.closed) this.emit('stateChanged');
  }
}
