import { createSocket, type Socket } from 'node:dgram';
import { EventEmitter, once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { types } from 'mediasoup';
import { AppError } from '../protocol/errors.ts';
import type { MediaKind } from '../protocol/ids.ts';
import { mediasoupCall } from './media-error.ts';
import { goodbye, readSenderReport, type SenderReport, senderReport } from './rtcp.ts';
import { describeSession } from './tap-session.ts';

const loopback = '127.0.0.1';
/** How long the listener may take to open its ports. */
const listenTimeoutMs = 5_000;
/** How often it is looked whether they are open. */
const listenPollMs = 15;
/** A picture can be entered this often, and a lost one heals so soon. */
const keyFrameIntervalMs = 4_000;
/** A listener that has heard nothing for longer than a few of these may end: whoever fed it is gone. */
const heartbeatIntervalMs = 2_000;
/** How long after the last packet the goodbye is said: readers take it before RTP that waits. */
const goodbyeDelayMs = 40;
/** The RTP time that the listener is told to count from (never zero, which readers take for "none"). */
const originRtpTime = 1;

/** Why a tap is no more. */
export type TapClosedReason = 'closed' | 'producer_closed' | 'transport_closed';

/** What a tap tells its owner. */
export interface RtpTapEvents {
  /** When the media of an RTP time was captured, by this machine's clock in milliseconds since 1970; about once a second while something flows. */
  mapping: [mapping: { rtpTime: number; atMs: number }];
  /** Once, and nothing after it. */
  closed: [reason: TapClosedReason];
}

/** What a room gives a tap. */
export interface RtpTapOptions {
  router: types.Router;
  producerId: string;
  /** The first of {@link portsPerTap} ports that are this tap's alone. */
  basePort: number;
}

/**
 * One producer's RTP, sent to a listener on loopback as it is: the top layers of a picture, one codec, no retransmissions. Made by `MediaRoom.openTap()`;
 * closes with the producer, the router and the worker.
 *
 * The order is that of its methods: the tap is opened, a listener is started with its `sdp`, `flow()` waits for the listener's ports and lets RTP
 * through. No packet passes through this process.
 *
 * RTP times: mediasoup tells in its RTCP sender reports (RFC 3550, section 6.4.1) which moment of capture an RTP time stands for; these reports go to a
 * socket here. The listener gets reports of our own instead, before any RTP: one that makes it count its time from {@link RtpTap.originRtpTime}, again
 * and again as a sign of life, and a goodbye at the end, upon which it finishes by itself.
 */
export class RtpTap extends EventEmitter<RtpTapEvents> {
  readonly producerId: string;
  readonly kind: MediaKind;
  readonly mimeType: string;
  /** In RTP time units a second. */
  readonly clockRate: number;
  /** What a listener must know (RFC 8866). */
  readonly sdp: string;
  readonly originRtpTime = originRtpTime;
  /** Settles after its end, when its ports are in use no more. */
  readonly gone: Promise<void>;
  readonly #basePort: number;
  readonly #transport: types.PlainTransport;
  readonly #consumer: types.Consumer;
  readonly #ssrc: number;
  readonly #socket: Socket;
  #keyFrameTimer: NodeJS.Timeout | undefined;
  #heartbeatTimer: NodeJS.Timeout | undefined;
  #closed = false;

  private constructor(basePort: number, transport: types.PlainTransport, consumer: types.Consumer, socket: Socket) {
    super();
    this.#basePort = basePort;
    this.#transport = transport;
    this.#consumer = consumer;
    this.#socket = socket;
    const [codec] = consumer.rtpParameters.codecs;
    const ssrc = consumer.rtpParameters.encodings?.[0]?.ssrc;
    if (codec === undefined || ssrc === undefined) throw new Error('a consumer without a codec or an SSRC');
    this.producerId = consumer.producerId;
    this.kind = consumer.kind;
    this.mimeType = codec.mimeType;
    this.clockRate = codec.clockRate;
    this.#ssrc = ssrc;
    this.sdp = describeSession({ ip: loopback, port: basePort, kind: consumer.kind, codec });
    this.gone = new Promise((resolve) => socket.once('close', resolve));
    socket.on('message', (packet) => this.#onRtcp(packet));
    // A listener that is gone makes the kernel refuse what is sent to it; whoever started it knows better than this socket.
    socket.on('error', () => undefined);
    consumer.on('producerclose', () => this.#end('producer_closed'));
    consumer.on('transportclose', () => this.#end('transport_closed'));
  }

  /** Opens a tap through which nothing flows yet. `media.unavailable`, `media.producer_not_found`, `media.cannot_consume`. */
  static async open({ router, producerId, basePort }: RtpTapOptions): Promise<RtpTap> {
    const listenInfo = (port: number): types.TransportListenInfo => ({ protocol: 'udp', ip: loopback, port });
    const transport = await mediasoupCall(
      router.createPlainTransport({
        listenInfo: listenInfo(basePort + 2),
        rtcpListenInfo: listenInfo(basePort + 3),
        rtcpMux: false,
        comedia: false,
      }),
      'media.unavailable',
    );
    const socket = createSocket('udp4');
    try {
      socket.bind(basePort + 4, loopback);
      await mediasoupCall(once(socket, 'listening'), 'media.unavailable');
      const rtpCapabilities = listenerCapabilities(router.rtpCapabilities);
      const consuming = transport.consume({ producerId, rtpCapabilities, paused: true });
      const tap = new RtpTap(basePort, transport, await mediasoupCall(consuming, 'media.cannot_consume'), socket);
      if (transport.closed) throw new AppError('media.unavailable');
      return tap;
    } catch (error) {
      socket.close();
      transport.close();
      throw error;
    }
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Waits until somebody listens, then lets RTP through, from a key frame on. `media.unavailable` when nobody comes to listen within five seconds, and when
   * the tap is closed meanwhile.
   */
  async flow(): Promise<void> {
    await this.#waitForListener();
    const ports = { port: this.#basePort, rtcpPort: this.#basePort + 4 };
    await mediasoupCall(this.#transport.connect({ ip: loopback, ...ports }), 'media.unavailable');
    await mediasoupCall(this.#consumer.resume(), 'media.unavailable');
    if (this.#closed) throw new AppError('media.unavailable');
    this.#heartbeatTimer = setInterval(() => this.#send(senderReport(this.#origin())), heartbeatIntervalMs);
    if (this.kind === 'audio') return;
    this.#requestKeyFrame();
    this.#keyFrameTimer = setInterval(() => this.#requestKeyFrame(), keyFrameIntervalMs);
  }

  /** Nothing flows from here on; the listener is told goodbye. */
  close(): void {
    this.#end('closed');
  }

  #end(reason: TapClosedReason): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#keyFrameTimer);
    clearInterval(this.#heartbeatTimer);
    this.#transport.close();
    this.#socket.removeAllListeners('message');
    setTimeout(() => {
      this.#socket.send(goodbye(this.#origin()), this.#basePort + 1, loopback, () => this.#socket.close());
    }, goodbyeDelayMs);
    this.emit('closed', reason);
  }

  /** A datagram to a port that nobody has opened comes back as an error, to a connected socket alone. */
  async #waitForListener(): Promise<void> {
    const rtcpPort = this.#basePort + 1;
    const deadline = performance.now() + listenTimeoutMs;
    const probe = createSocket('udp4');
    let isRefused = false;
    probe.on('error', () => {
      isRefused = true;
    });
    try {
      probe.connect(rtcpPort, loopback);
      await once(probe, 'connect');
      do {
        if (this.#closed || performance.now() > deadline) throw new AppError('media.unavailable');
        isRefused = false;
        probe.send(senderReport(this.#origin()), (error) => {
          if (error) isRefused = true;
        });
        await delay(listenPollMs);
      } while (isRefused);
    } finally {
      probe.close();
    }
  }

  #origin(): SenderReport {
    return { ssrc: this.#ssrc, rtpTime: originRtpTime, atMs: Date.now() };
  }

  #send(packet: Buffer): void {
    this.#socket.send(packet, this.#basePort + 1, loopback);
  }

  #requestKeyFrame(): void {
    if (this.#consumer.producerPaused) return;
    this.#consumer.requestKeyFrame().catch(() => {
      // The consumer is gone: its end is told otherwise.
    });
  }

  #onRtcp(packet: Buffer): void {
    const report = readSenderReport(packet);
    if (report?.ssrc === this.#ssrc) this.emit('mapping', { rtpTime: report.rtpTime, atMs: report.atMs });
  }
}

/** A listener takes every codec, asks for nothing again and knows no header extensions. */
function listenerCapabilities({ codecs = [] }: types.RtpCapabilities): types.RtpCapabilities {
  return {
    codecs: codecs.filter(({ mimeType }) => !mimeType.toLowerCase().endsWith('/rtx')).map((codec) => ({ ...codec, rtcpFeedback: [] })),
    headerExtensions: [],
  };
}
