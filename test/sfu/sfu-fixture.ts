import assert from 'node:assert/strict';
import type { EventEmitter } from 'node:events';
import { pino } from 'pino';
import { AppError, type ErrorCode } from '../../src/protocol/errors.ts';
import type { RtpParameters } from '../../src/protocol/media.ts';
import type { PeerLimits } from '../../src/sfu/codecs.ts';
import type { MediaRoom, MediaRoomEvents } from '../../src/sfu/media-room.ts';
import type { Peer } from '../../src/sfu/peer.ts';
import type { PeerEvents } from '../../src/sfu/peer-events.ts';
import { WorkerPool, type WorkerPoolEvents } from '../../src/sfu/worker-pool.ts';
import { type MediaSignal, WebRtcClient } from '../support/webrtc-client.ts';

/** Real workers on loopback, on ports that are free. */
export function startPool(options: { workerCount?: number; basePort?: number; limits?: Partial<PeerLimits> } = {}): Promise<WorkerPool> {
  const { workerCount = 1, basePort = 0, limits } = options;
  return WorkerPool.create({ workerCount, basePort, limits, listenIp: '127.0.0.1', log: pino({ enabled: false }) });
}

/** One worker with one room. At its end everything is closed, and it fails when the worker still holds anything. */
export class SfuWorld {
  readonly pool: WorkerPool;
  readonly room: MediaRoom;
  readonly #clients: WebRtcClient[] = [];

  private constructor(pool: WorkerPool, room: MediaRoom) {
    this.pool = pool;
    this.room = room;
  }

  static async start(options: { limits?: Partial<PeerLimits> } = {}): Promise<SfuWorld> {
    const pool = await startPool(options);
    return new SfuWorld(pool, await pool.createRoom());
  }

  /** A peer with a real client behind it. */
  async enter(peerId: string, options: { bundled?: boolean } = {}): Promise<{ peer: Peer; client: WebRtcClient }> {
    const entered = await enterRoom(this.room, peerId, options);
    this.#clients.push(entered.client);
    return entered;
  }

  /** A peer with both transports but nobody behind them. */
  async addPeer(peerId: string): Promise<{ peer: Peer; sendId: string; recvId: string }> {
    const peer = this.room.addPeer(peerId);
    const { send, recv } = await peer.ensureTransports();
    return { peer, sendId: send.transportId, recvId: recv.transportId };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    this.room.close();
    for (const { routerIds, transportIds } of await this.pool.dump())
      assert.deepEqual({ routerIds, transportIds }, { routerIds: [], transportIds: [] });
    await this.pool.close();
  }
}

/** A peer of a room with a real client behind it, which the caller closes. `bundled`: with transports from the start, as after joining. */
export async function enterRoom(
  room: MediaRoom,
  peerId: string,
  { bundled = false }: { bundled?: boolean } = {},
): Promise<{ peer: Peer; client: WebRtcClient }> {
  const peer = room.addPeer(peerId);
  const { rtpCapabilities } = room;
  const transports = bundled && { transports: await peer.ensureTransports() };
  const client = await WebRtcClient.create({ signal: signalOf(peer), rtpCapabilities, ...transports });
  return { peer, client };
}

/** A peer's methods, as a client calls them over a socket. */
function signalOf(peer: Peer): MediaSignal {
  return {
    createTransport: ({ direction }) => peer.createTransport(direction),
    connectTransport: (payload) => peer.connectTransport(payload),
    restartIce: (payload) => peer.restartIce(payload),
    produce: (payload) => peer.produce(payload),
    closeProducer: async ({ producerId }) => peer.closeProducer(producerId),
    consume: (payload) => peer.consume(payload),
    resumeConsumer: ({ consumerId }) => peer.resumeConsumer(consumerId),
    produceData: (payload) => peer.produceData(payload),
    consumeData: (payload) => peer.consumeData(payload),
  };
}

type EventsOf<E> = E extends Peer ? PeerEvents : E extends MediaRoom ? MediaRoomEvents : WorkerPoolEvents;
type PayloadOf<E, Name extends keyof EventsOf<E>> = EventsOf<E>[Name] extends infer Payload extends unknown[] ? Payload : never;

/** The first event, from now on, whose payload `matches`. */
export function nextEvent<E extends Peer | MediaRoom | WorkerPool, Name extends keyof EventsOf<E> & string>(
  emitter: E,
  name: Name,
  matches: (...payload: PayloadOf<E, Name>) => boolean = () => true,
): Promise<PayloadOf<E, Name>> {
  const { promise, resolve } = Promise.withResolvers<PayloadOf<E, Name>>();
  const untyped: EventEmitter = emitter;
  const listener = (...payload: PayloadOf<E, Name>): void => {
    if (!matches(...payload)) return;
    untyped.off(name, listener);
    resolve(payload);
  };
  untyped.on(name, listener);
  return promise;
}

/** Asserts that something fails with one of the codes, and not with a bare error. */
export async function assertCode(codes: ErrorCode | ErrorCode[], action: () => unknown): Promise<void> {
  await assert.rejects(
    async () => action(),
    (error) => {
      assert.ok(error instanceof AppError, `a bare error: ${String(error)}`);
      assert.ok([codes].flat().includes(error.code), error.code);
      return true;
    },
  );
}

/** What a browser might say of a microphone. */
export function opusParameters(ssrc: number, parameters: Record<string, string | number> = {}): RtpParameters {
  return {
    mid: String(ssrc),
    codecs: [{ mimeType: 'audio/opus', payloadType: 111, clockRate: 48_000, channels: 2, parameters }],
    encodings: [{ ssrc }],
    rtcp: { cname: 'test' },
  };
}

/** What a browser might say of a camera. */
export function vp8Parameters(ssrc: number): RtpParameters {
  return {
    mid: String(ssrc),
    codecs: [{ mimeType: 'video/VP8', payloadType: 96, clockRate: 90_000 }],
    encodings: [{ ssrc }],
    rtcp: { cname: 'test' },
  };
}

/** What a browser might say of its certificate. */
export const someDtlsParameters = {
  role: 'client' as const,
  fingerprints: [{ algorithm: 'sha-256' as const, value: Array(32).fill('A1').join(':') }],
};
