import { EventEmitter, once } from 'node:events';
import wrtc from '@roamhq/wrtc';
import { Device, type types } from 'mediasoup-client';
import type { MediaKind, Source } from '../../src/protocol/ids.ts';
import type {
  Direction,
  DtlsParameters,
  IceParameters,
  RtpCapabilities,
  RtpParameters,
  SctpStreamParameters,
  TransportInfo,
} from '../../src/protocol/media.ts';

const { nonstandard, ...browserGlobals } = wrtc;
const { RTCAudioSink, RTCAudioSource, RTCVideoSink, RTCVideoSource } = nonstandard;
// mediasoup-client looks for a browser's classes among the globals.
for (const [name, value] of Object.entries(browserGlobals))
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });

/** The socket's media requests as functions: what a client says to a server, however it gets there. */
export interface MediaSignal {
  createTransport(payload: { direction: Direction }): Promise<TransportInfo>;
  connectTransport(payload: { transportId: string; dtlsParameters: DtlsParameters }): Promise<unknown>;
  restartIce(payload: { transportId: string }): Promise<{ iceParameters: IceParameters }>;
  produce(payload: {
    transportId: string;
    source: Source;
    rtpParameters: RtpParameters;
    paused?: boolean;
  }): Promise<{ producerId: string }>;
  closeProducer(payload: { producerId: string }): Promise<unknown>;
  consume(payload: { producerId: string; rtpCapabilities: RtpCapabilities }): Promise<ConsumeReply>;
  resumeConsumer(payload: { consumerId: string }): Promise<unknown>;
  produceData(payload: {
    transportId: string;
    sctpStreamParameters: SctpStreamParameters;
    label: string;
    protocol?: string;
  }): Promise<{ dataProducerId: string }>;
  consumeData(payload: { dataProducerId: string }): Promise<ConsumeDataReply>;
}

interface ConsumeReply {
  consumerId: string;
  producerId: string;
  kind: MediaKind;
  source: Source;
  rtpParameters: RtpParameters;
}

interface ConsumeDataReply {
  dataConsumerId: string;
  dataProducerId: string;
  sctpStreamParameters: SctpStreamParameters;
  label: string;
  protocol: string;
}

/** What a client starts from: the router's capabilities, and its transports if the join answer carried them. */
export interface WebRtcClientOptions {
  signal: MediaSignal;
  rtpCapabilities: RtpCapabilities;
  transports?: { send: TransportInfo; recv: TransportInfo };
}

/** Flashes and beeps at the same moments: by this machine's clock, each whole multiple of `everyMs` begins one. */
export interface Beat {
  everyMs: number;
  lengthMs: number;
}

const isOn = ({ everyMs, lengthMs }: Beat, atMs: number): boolean => atMs % everyMs < lengthMs;

/** One source being sent. */
export interface Publication {
  producerId: string;
  producer: types.Producer;
  /** A microphone's loudness from 0 to 1; 0 is digital silence. Without effect on video. */
  setVolume(volume: number): void;
  /** The picture's size in pixels from the next frame on. Without effect on sound. */
  setSize(width: number, height: number): void;
}

/** One producer being received. */
export interface Subscription {
  consumerId: string;
  consumer: types.Consumer;
  reply: ConsumeReply;
  /** Tells the server that the browser is ready. */
  resume(): Promise<void>;
  /** Resolves when so many more frames (of video, or of 10 ms of sound that is not silence) have been decoded. */
  frames(count: number): Promise<void>;
  /** Resolves with the next decoded video frame of this width in pixels. */
  frameOfWidth(width: number): Promise<void>;
  readonly frameCount: number;
}

/** A real WebRTC client in Node: mediasoup-client on wrtc's native stack, with synthetic media. Close it, or the process does not end. */
export class WebRtcClient {
  readonly device: Device;
  readonly #signal: MediaSignal;
  readonly #given: Map<Direction, TransportInfo>;
  readonly #transports = new Map<Direction, Promise<types.Transport>>();
  readonly #closers: (() => void)[] = [];
  #closed = false;

  private constructor(device: Device, { signal, transports }: WebRtcClientOptions) {
    this.device = device;
    this.#signal = signal;
    this.#given = new Map(
      transports && [
        ['send', transports.send],
        ['recv', transports.recv],
      ],
    );
  }

  static async create(options: WebRtcClientOptions): Promise<WebRtcClient> {
    // Moved to the end each time, behind the test runner's own listener.
    process.off('exit', exitWithoutFinalizers).on('exit', exitWithoutFinalizers);
    const device = new Device({ handlerName: 'Chrome111' });
    await device.load({ routerRtpCapabilities: retyped(options.rtpCapabilities) });
    return new WebRtcClient(device, options);
  }

  /** What `media:consume` and `room:join` ask for. */
  get rtpCapabilities(): RtpCapabilities {
    return retyped(this.device.recvRtpCapabilities);
  }

  /** The transport of a direction, made when first asked for. */
  transport(direction: Direction): Promise<types.Transport> {
    const existing = this.#transports.get(direction);
    if (existing !== undefined) return existing;
    const made = this.#openTransport(direction);
    this.#transports.set(direction, made);
    return made;
  }

  /** Sends a moving picture. `encodings` of more than one is simulcast. */
  async publishVideo(
    source: 'camera' | 'screen' = 'camera',
    options: {
      encodings?: RTCRtpEncodingParameters[];
      width?: number;
      height?: number;
      paused?: boolean;
      beat?: Beat;
      codec?: string;
    } = {},
  ): Promise<Publication> {
    const video = new SyntheticVideo(options.width ?? 320, options.height ?? 180, options.beat);
    this.#closers.push(() => video.close());
    return this.#publish(source, video.track, { setSize: (width, height) => video.setSize(width, height) }, options);
  }

  /** Sends a tone. */
  async publishAudio(
    source: 'microphone' | 'screenAudio' = 'microphone',
    options: { volume?: number; beat?: Beat } = {},
  ): Promise<Publication> {
    const tone = new SyntheticTone(options.volume ?? 0.5, options.beat);
    this.#closers.push(() => tone.close());
    return this.#publish(source, tone.track, { setVolume: (volume) => tone.setVolume(volume) }, {});
  }

  /** Receives a producer; nothing flows before `resume()`. `reply` is given when the join answer carried it. */
  async subscribe(producerId: string, reply?: ConsumeReply): Promise<Subscription> {
    const transport = await this.transport('recv');
    const answered = reply ?? (await this.#signal.consume({ producerId, rtpCapabilities: this.rtpCapabilities }));
    const { consumerId, kind, rtpParameters } = answered;
    const consumer = await transport.consume({ id: consumerId, producerId, kind, rtpParameters: retyped(rtpParameters) });
    const sink = new FrameSink(consumer.track);
    this.#closers.push(() => sink.close());
    return {
      consumerId,
      consumer,
      reply: answered,
      resume: async () => void (await this.#signal.resumeConsumer({ consumerId })),
      frames: (count) => sink.frames(count),
      frameOfWidth: (width) => sink.frameOfWidth(width),
      get frameCount() {
        return sink.count;
      },
    };
  }

  /** Opens a data channel to the server; resolves when messages can be sent. */
  async publishData(label: string): Promise<{ dataProducerId: string; dataProducer: types.DataProducer }> {
    const transport = await this.transport('send');
    const dataProducer = await transport.produceData({ label, ordered: true });
    if (dataProducer.readyState !== 'open') await new Promise<void>((resolve) => dataProducer.once('open', resolve));
    return { dataProducerId: dataProducer.id, dataProducer };
  }

  /** Opens a data channel from the server; resolves when messages can come. */
  async subscribeData(dataProducerId: string): Promise<types.DataConsumer> {
    const transport = await this.transport('recv');
    const { dataConsumerId, sctpStreamParameters, label, protocol } = await this.#signal.consumeData({ dataProducerId });
    const dataConsumer = await transport.consumeData({
      id: dataConsumerId,
      dataProducerId,
      sctpStreamParameters: retyped(sctpStreamParameters),
      label,
      protocol,
    });
    if (dataConsumer.readyState !== 'open') await new Promise<void>((resolve) => dataConsumer.once('open', resolve));
    return dataConsumer;
  }

  /** Restarts ICE of a direction; resolves when both sides have the new parameters. */
  async restartIce(direction: Direction): Promise<IceParameters> {
    const transport = await this.transport(direction);
    const { iceParameters } = await this.#signal.restartIce({ transportId: transport.id });
    await transport.restartIce({ iceParameters: retyped(iceParameters) });
    return iceParameters;
  }

  /** The browser's statistics of one kind, of one direction. */
  async stats(direction: Direction, type: string): Promise<Record<string, unknown>[]> {
    const report: RTCStatsReport = await (await this.transport(direction)).getStats();
    const found: Record<string, unknown>[] = [];
    report.forEach((entry: Record<string, unknown>) => {
      if (entry['type'] === type) found.push(entry);
    });
    return found;
  }

  /** Stops all media and closes the transports, without a word to the server. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const transports = await Promise.allSettled(this.#transports.values());
    for (const closer of this.#closers.toReversed()) closer();
    for (const transport of transports) if (transport.status === 'fulfilled') transport.value.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #openTransport(direction: Direction): Promise<types.Transport> {
    const { transportId, ...parameters } = this.#given.get(direction) ?? (await this.#signal.createTransport({ direction }));
    const options: types.TransportOptions = retyped({ id: transportId, ...parameters });
    const transport = direction === 'send' ? this.device.createSendTransport(options) : this.device.createRecvTransport(options);
    transport.on('connect', ({ dtlsParameters }, done, failed) => {
      this.#signal.connectTransport({ transportId, dtlsParameters }).then(done, failed);
    });
    transport.on('produce', ({ rtpParameters, appData }, done, failed) => {
      this.#signal
        .produce({ transportId, rtpParameters: retyped(rtpParameters), ...parseAppData(appData) })
        .then(({ producerId }) => done({ id: producerId }), failed);
    });
    transport.on('producedata', ({ sctpStreamParameters, label = '', protocol = '' }, done, failed) => {
      const { streamId, ordered } = sctpStreamParameters;
      if (streamId === undefined) return failed(new Error('a data channel without a stream'));
      this.#signal
        .produceData({ transportId, sctpStreamParameters: { streamId, ...(ordered !== undefined && { ordered }) }, label, protocol })
        .then(({ dataProducerId }) => done({ id: dataProducerId }), failed);
    });
    return transport;
  }

  #findCodec(mimeType: string): types.RtpCodecCapability {
    const found = this.device.recvRtpCapabilities.codecs?.find((codec) => codec.mimeType === mimeType);
    if (found === undefined) throw new Error(`this client knows no ${mimeType}`);
    return found;
  }

  async #publish(
    source: Source,
    track: MediaStreamTrack,
    { setVolume = () => undefined, setSize = () => undefined }: Partial<Pick<Publication, 'setVolume' | 'setSize'>>,
    { encodings, paused = false, codec }: { encodings?: RTCRtpEncodingParameters[]; paused?: boolean; codec?: string },
  ): Promise<Publication> {
    const transport = await this.transport('send');
    const producer = await transport.produce({
      track,
      appData: { source, paused },
      codecOptions: { opusStereo: source === 'screenAudio' },
      ...(encodings && { encodings }),
      ...(codec !== undefined && { codec: this.#findCodec(codec) }),
    });
    return { producerId: producer.id, producer, setVolume, setSize };
  }
}

/** What a client of this kind receives from a router with these capabilities. */
export async function receiveCapabilities(routerRtpCapabilities: RtpCapabilities): Promise<RtpCapabilities> {
  const device = new Device({ handlerName: 'Chrome111' });
  await device.load({ routerRtpCapabilities: retyped(routerRtpCapabilities) });
  return retyped(device.recvRtpCapabilities);
}

/** wrtc's finalizers run in the wrong order when Node takes its environment down, and crash; leaving by `process.exit()` skips them. */
function exitWithoutFinalizers(code: number): void {
  process.exit(code);
}

/** The same value in the types of the protocol or of mediasoup-client, which write the same ORTC dictionaries a little differently. */
function retyped<T>(value: object): T {
  return JSON.parse(JSON.stringify(value));
}

function parseAppData({ source, paused }: types.AppData): { source: Source; paused: boolean } {
  if (source !== 'microphone' && source !== 'camera' && source !== 'screen' && source !== 'screenAudio') throw new Error('no source');
  return { source, paused: paused === true };
}

/** A picture in which everything moves, so that the encoder has something to do; or one that is black and flashes. */
class SyntheticVideo {
  readonly track: MediaStreamTrack;
  readonly #timer: NodeJS.Timeout;
  #size: { width: number; height: number };

  constructor(initialWidth: number, initialHeight: number, beat?: Beat) {
    this.#size = { width: initialWidth, height: initialHeight };
    const source = new RTCVideoSource();
    this.track = source.createTrack();
    let data = new Uint8Array();
    let frame = 0;
    this.#timer = setInterval(() => {
      frame += 1;
      const { width, height } = this.#size;
      if (data.length !== width * height * 1.5) data = new Uint8Array(width * height * 1.5).fill(128);
      if (beat) data.fill(isOn(beat, Date.now()) ? 235 : 16, 0, width * height);
      else for (let y = 0; y < height; y += 1) data.fill((frame * 4 + y * 2) & 0xff, y * width, (y + 1) * width);
      source.onFrame({ width, height, data });
    }, 40);
  }

  setSize(width: number, height: number): void {
    this.#size = { width, height };
  }

  close(): void {
    clearInterval(this.#timer);
    this.track.stop();
  }
}

const sampleRate = 48_000;
const samplesPer10Ms = sampleRate / 100;

/** A tone of 440 Hz, or beeps of it. */
class SyntheticTone {
  readonly track: MediaStreamTrack;
  readonly #timer: NodeJS.Timeout;
  #volume: number;

  constructor(volume: number, beat?: Beat) {
    this.#volume = volume;
    const source = new RTCAudioSource();
    this.track = source.createTrack();
    let sent = 0;
    const startedAt = performance.now();
    const startedAtMs = Date.now();
    this.#timer = setInterval(() => {
      // Timers come late: whatever is due by now goes out, so that sound flows at its true pace. After a long pause it goes on from now;
      // beeps only after three seconds, since what is left out shifts those that follow.
      const due = Math.floor((performance.now() - startedAt) / 10);
      sent = Math.max(sent, due - (beat ? 300 : 10));
      for (; sent < due; sent += 1) {
        const samples = Int16Array.from({ length: samplesPer10Ms }, (_, index) => {
          const seconds = (sent * samplesPer10Ms + index) / sampleRate;
          if (beat && !isOn(beat, startedAtMs + seconds * 1_000)) return 0;
          return Math.round(Math.sin(2 * Math.PI * 440 * seconds) * 0x7fff * this.#volume);
        });
        source.onData({ samples, sampleRate, bitsPerSample: 16, channelCount: 1, numberOfFrames: samplesPer10Ms });
      }
    }, 10);
  }

  setVolume(volume: number): void {
    this.#volume = volume;
  }

  close(): void {
    clearInterval(this.#timer);
    this.track.stop();
  }
}

/** Counts what a track has decoded. wrtc delivers silence from the start, which does not count. */
class FrameSink {
  readonly #events = new EventEmitter<{ frame: [width: number] }>();
  readonly #stop: () => void;
  count = 0;

  constructor(track: MediaStreamTrack) {
    if (track.kind === 'video') {
      const sink = new RTCVideoSink(track);
      sink.onframe = ({ frame }: { frame: { width: number } }) => this.#onFrame(frame.width);
      this.#stop = () => sink.stop();
    } else {
      const sink = new RTCAudioSink(track);
      sink.ondata = ({ samples }: { samples: Int16Array }) => {
        if (samples.some((sample) => Math.abs(sample) > 500)) this.#onFrame(0);
      };
      this.#stop = () => sink.stop();
    }
  }

  async frames(count: number): Promise<void> {
    const target = this.count + count;
    while (this.count < target) await once(this.#events, 'frame');
  }

  async frameOfWidth(width: number): Promise<void> {
    for (;;) {
      const [decoded] = await once(this.#events, 'frame');
      if (decoded === width) return;
    }
  }

  close(): void {
    this.#stop();
  }

  #onFrame(width: number): void {
    this.count += 1;
    this.#events.emit('frame', width);
  }
}
