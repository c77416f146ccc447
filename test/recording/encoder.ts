import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { observer, type types } from 'mediasoup';

/** The routers made from now on, by their ids. */
export function watchRouters(): Map<string, types.Router> {
  const routers = new Map<string, types.Router>();
  observer.on('newworker', (worker) => worker.observer.on('newrouter', (router) => routers.set(router.id, router)));
  return routers;
}

/** What an encoder sends, by the codec's mime type. */
const codecs = {
  'video/VP8': { options: ['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8'], parameters: {} },
  'video/H264': {
    options: [
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      '-tune',
      'zerolatency',
      '-profile:v',
      'baseline',
      '-pix_fmt',
      'yuv420p',
      '-x264-params',
      'repeat-headers=1',
    ],
    parameters: { 'packetization-mode': 1, 'profile-level-id': '42e01f' },
  },
  'audio/opus': { options: ['-c:a', 'libopus', '-b:a', '32k'], parameters: {} },
} as const;

/** Real encoders (ffmpeg) whose RTP goes into a router as one producer, one stream a layer. */
export class Encoder {
  readonly producer: types.Producer;
  readonly #transport: types.PlainTransport;
  readonly #relay: Socket;
  readonly #mimeType: keyof typeof codecs;
  readonly #layers = new Map<number, ChildProcess>();
  /** How far the packets of a layer's present process are moved, and the last that went out. */
  readonly #moved = new Map<number, { sequence: number; rtpTime: number; lastSequence: number; lastRtpTime: number; isNew: boolean }>();

  private constructor(mimeType: keyof typeof codecs, transport: types.PlainTransport, producer: types.Producer, relay: Socket) {
    this.#mimeType = mimeType;
    this.#transport = transport;
    this.producer = producer;
    this.#relay = relay;
    // mediasoup takes packets from one address only.
    relay.on('message', (packet) => relay.send(this.#goOn(packet), transport.tuple.localPort, '127.0.0.1'));
  }

  static async create(router: types.Router, mimeType: keyof typeof codecs, layerCount = 1): Promise<Encoder> {
    const transport = await router.createPlainTransport({ listenInfo: { protocol: 'udp', ip: '127.0.0.1' }, rtcpMux: true, comedia: true });
    const isAudio = mimeType.startsWith('audio/');
    const producer = await transport.produce({
      kind: isAudio ? 'audio' : 'video',
      rtpParameters: {
        codecs: [
          {
            mimeType,
            payloadType: 101,
            clockRate: isAudio ? 48_000 : 90_000,
            ...(isAudio && { channels: 2 }),
            parameters: codecs[mimeType].parameters,
          },
        ],
        encodings: Array.from({ length: layerCount }, (_, layer) => ({ ssrc: 1_000 + layer })),
        rtcp: { cname: 'encoder' },
      },
    });
    const relay = createSocket('udp4');
    relay.bind(0, '127.0.0.1');
    await once(relay, 'listening');
    return new Encoder(mimeType, transport, producer, relay);
  }

  /** Begins to send a layer; `input` is a filter of ffmpeg's that makes picture or sound. */
  send(input: string, layer = 0): void {
    const { port } = this.#relay.address();
    const { options } = codecs[this.#mimeType];
    const target = [
      '-payload_type',
      '101',
      '-ssrc',
      String(1_000 + layer),
      '-f',
      'rtp',
      `rtp://127.0.0.1:${port}?rtcpport=${port}&pkt_size=1200`,
    ];
    const isAudio = this.#mimeType.startsWith('audio/');
    const args = [
      '-v',
      'error',
      '-re',
      '-f',
      'lavfi',
      '-t',
      '60',
      '-i',
      input,
      ...options,
      ...(isAudio ? [] : ['-g', '25', '-b:v', '500k']),
      ...target,
    ];
    const moved = this.#moved.get(1_000 + layer);
    if (moved) moved.isNew = true;
    this.#layers.set(layer, spawn('ffmpeg', args, { stdio: ['ignore', 'ignore', 'inherit'] }));
  }

  /** Ends a layer, as somebody whose uplink is too narrow for it does. */
  async silence(layer = 0): Promise<void> {
    const process = this.#layers.get(layer);
    this.#layers.delete(layer);
    if (process === undefined || process.exitCode !== null) return;
    process.kill('SIGKILL');
    await once(process, 'exit');
  }

  /** A stream that begins anew goes on with the numbers of the one before, as a browser's does. */
  #goOn(packet: Buffer): Buffer {
    const isReport = packet.readUInt8(1) === 200;
    const ssrc = packet.readUInt32BE(isReport ? 4 : 8);
    const at = isReport ? 16 : 4;
    const rtpTime = packet.readUInt32BE(at);
    const moved = this.#moved.get(ssrc) ?? { sequence: 0, rtpTime: 0, lastSequence: 0, lastRtpTime: 0, isNew: false };
    this.#moved.set(ssrc, moved);
    if (moved.isNew && !isReport) {
      moved.isNew = false;
      moved.sequence = moved.lastSequence + 1 - packet.readUInt16BE(2);
      moved.rtpTime = moved.lastRtpTime + 9_000 - rtpTime;
    }
    packet.writeUInt32BE((rtpTime + moved.rtpTime) >>> 0, at);
    if (isReport) return packet;
    moved.lastSequence = (packet.readUInt16BE(2) + moved.sequence) & 0xffff;
    moved.lastRtpTime = (rtpTime + moved.rtpTime) >>> 0;
    packet.writeUInt16BE(moved.lastSequence, 2);
    return packet;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const layer of [...this.#layers.keys()]) await this.silence(layer);
    this.#relay.close();
    this.#transport.close();
  }
}
