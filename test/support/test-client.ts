import { io, type Socket } from 'socket.io-client';
import type { Acknowledgement } from '../../src/protocol/define.ts';
import { AppError } from '../../src/protocol/errors.ts';
import {
  type NoticeName,
  type NoticePayload,
  notices,
  type Reply,
  type RequestInput,
  type RequestName,
  requests,
} from '../../src/protocol/index.ts';
import type { RoomSnapshot } from '../../src/protocol/room.ts';
import { receiveCapabilities, WebRtcClient } from './webrtc-client.ts';

const timeoutMs = 10_000;

/** A browser's socket as a test sees it. Every reply and notice is checked against the contract. */
export class TestClient {
  readonly socket: Socket;
  readonly #queues = new Map<NoticeName, unknown[]>();
  readonly #waiters = new Set<() => void>();
  readonly #webRtcClients: WebRtcClient[] = [];
  #ready: NoticePayload<'session:ready'> | undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.onAny((name: NoticeName, payload: unknown) => {
      const parsed = notices[name].parse(payload);
      this.#queues.set(name, [...(this.#queues.get(name) ?? []), parsed]);
      for (const wake of [...this.#waiters]) wake();
    });
  }

  /** Connects and waits for `session:ready`; rejects with what `connect_error` says. */
  static async connect(url: string, auth: Record<string, unknown>): Promise<TestClient> {
    const socket = io(url, { auth, transports: ['websocket'], reconnection: false, forceNew: true });
    const client = new TestClient(socket);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.once('connect', resolve);
    socket.once('connect_error', reject);
    try {
      await promise;
    } catch (error) {
      socket.close();
      throw error;
    }
    client.#ready = await client.notice('session:ready');
    return client;
  }

  get ready(): NoticePayload<'session:ready'> {
    if (!this.#ready) throw new Error('not connected');
    return this.#ready;
  }

  get sessionId(): string {
    return this.ready.sessionId;
  }

  /** What a next connection offers to take this session up again. */
  get resume(): { sessionId: string; resumeKey: string } {
    const { sessionId, resumeKey } = this.ready;
    return { sessionId, resumeKey };
  }

  /** Sends a request and answers its data; rejects with an AppError of the answered code. */
  async request<N extends RequestName>(name: N, payload: RequestInput<N>): Promise<Reply<N>> {
    return requests[name].reply.parse(await this.send(name, payload)) as Reply<N>;
  }

  /** Sends anything, well-formed or not. */
  async send(name: string, ...args: unknown[]): Promise<unknown> {
    const answer = (await this.socket.timeout(timeoutMs).emitWithAck(name, ...args)) as Acknowledgement<unknown>;
    if (answer.ok) return answer.data;
    const { code, message, details } = answer.error;
    throw new AppError(code, { message, ...(details && { details }) });
  }

  /** The next notice of a name that fits, already received or still to come. */
  async notice<N extends NoticeName>(name: N, fits: (payload: NoticePayload<N>) => boolean = () => true): Promise<NoticePayload<N>> {
    const { promise, resolve, reject } = Promise.withResolvers<NoticePayload<N>>();
    const timer = setTimeout(() => reject(new Error(`No notice ${name} in time.`)), timeoutMs);
    const look = () => {
      const queue = (this.#queues.get(name) ?? []) as NoticePayload<N>[];
      const index = queue.findIndex(fits);
      const found = queue[index];
      if (found === undefined) return;
      // Several may come in one tick; this one is for one.
      this.#waiters.delete(look);
      this.#queues.set(name, queue.toSpliced(index, 1));
      resolve(found);
    };
    this.#waiters.add(look);
    look();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#waiters.delete(look);
    }
  }

  /** How many notices of a name have come and were not taken by `notice`. */
  pending(name: NoticeName): number {
    return this.#queues.get(name)?.length ?? 0;
  }

  /** Resolves when the server has ended the connection. */
  async disconnected(): Promise<string> {
    if (this.socket.disconnected) return 'already';
    const { promise, resolve } = Promise.withResolvers<string>();
    this.socket.once('disconnect', resolve);
    return await promise;
  }

  /** Loses the connection without a goodbye, as a broken network does. */
  drop(): void {
    this.socket.io.engine.close();
  }

  /** Joins a room and answers the snapshot; fails when it has to wait in the lobby. */
  async join(roomId: string, options: Omit<RequestInput<'room:join'>, 'roomId'> = {}): Promise<RoomSnapshot> {
    const answer = await this.request('room:join', { roomId, ...options });
    if (!('room' in answer)) throw new Error('waiting in the lobby');
    return answer;
  }

  /** Joins a room and starts a real WebRTC client on the answered transports. */
  async joinWithMedia(roomId: string): Promise<{ snapshot: RoomSnapshot; media: WebRtcClient }> {
    const { rtpCapabilities: routerRtpCapabilities } = await this.join(roomId);
    const snapshot = await this.join(roomId, { rtpCapabilities: await receiveCapabilities(routerRtpCapabilities) });
    return { snapshot, media: await this.startMedia(snapshot) };
  }

  /** A real WebRTC client for a room that was joined. */
  async startMedia(snapshot: RoomSnapshot): Promise<WebRtcClient> {
    const media = await WebRtcClient.create({
      rtpCapabilities: snapshot.rtpCapabilities,
      ...(snapshot.transports && { transports: snapshot.transports }),
      signal: {
        createTransport: (payload) => this.request('media:createTransport', payload),
        connectTransport: (payload) => this.request('media:connectTransport', payload),
        restartIce: (payload) => this.request('media:restartIce', payload),
        produce: (payload) => this.request('media:produce', payload),
        closeProducer: (payload) => this.request('media:closeProducer', payload),
        consume: (payload) => this.request('media:consume', payload),
        resumeConsumer: (payload) => this.request('media:resumeConsumer', payload),
        produceData: (payload) => this.request('media:produceData', payload),
        consumeData: (payload) => this.request('media:consumeData', payload),
      },
    });
    this.#webRtcClients.push(media);
    return media;
  }

  /** Says goodbye and leaves nothing behind. */
  async close(): Promise<void> {
    for (const media of this.#webRtcClients.splice(0)) await media.close();
    this.socket.close();
  }
}
