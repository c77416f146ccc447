import { connect as connectSocket, createServer, type Socket } from 'node:net';
import wrtc from '@roamhq/wrtc';
import {
  createParleyClient,
  type JoinOptions,
  type ParleyClient,
  type Room,
  type Source,
  type Subscription,
} from '../../src/client/index.ts';
import type { Role } from '../../src/protocol/ids.ts';
import type { TestApp } from '../support/test-app.ts';
// Puts wrtc's classes among the globals, where mediasoup-client looks for a browser's.
import '../support/webrtc-client.ts';

const { RTCAudioSink, RTCAudioSource, RTCVideoSink, RTCVideoSource } = wrtc.nonstandard;

/** A socket's way to the server that a test can cut. */
export class Line {
  readonly #ends = new Set<Socket>();
  readonly #server = createServer((near) => this.#join(near));
  #port = 0;
  #isCut = false;
  #target = new URL('http://localhost');

  static async to(url: string): Promise<Line> {
    const line = new Line();
    line.#target = new URL(url);
    await new Promise<void>((resolve) => line.#server.listen(0, '127.0.0.1', resolve));
    const address = line.#server.address();
    if (typeof address !== 'object' || address === null) throw new Error('the line has no port');
    line.#port = address.port;
    return line;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Ends every connection without a goodbye and lets none through. */
  cut(): void {
    this.#isCut = true;
    for (const end of [...this.#ends]) end.destroy();
  }

  /** Lets new connections through again. */
  mend(): void {
    this.#isCut = false;
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #join(near: Socket): void {
    if (this.#isCut) return void near.destroy();
    const far = connectSocket(Number(this.#target.port), this.#target.hostname);
    near.pipe(far).pipe(near);
    for (const end of [near, far]) {
      this.#ends.add(end);
      end.on('error', () => undefined);
      end.on('close', () => {
        this.#ends.delete(end);
        near.destroy();
        far.destroy();
      });
    }
  }
}

/** One person with the SDK, in Node, with synthetic devices. */
export class Person {
  readonly client: ParleyClient;
  readonly #line: Line;
  readonly #closers: (() => void)[] = [];

  private constructor(client: ParleyClient, line: Line) {
    this.client = client;
    this.#line = line;
  }

  /** `url`: the server that they knock at, by default the app. */
  static async create(app: TestApp, userId: string, role: Role = 'provider', url = app.url): Promise<Person> {
    // wrtc's finalizers run in the wrong order when Node takes its environment down, and crash; leaving by process.exit() skips them.
    process.off('exit', exitWithoutFinalizers).on('exit', exitWithoutFinalizers);
    const line = await Line.to(url);
    const client = createParleyClient({
      url: line.url,
      getToken: () => app.tokenFor(userId, role),
      mediaDevice: { handlerName: 'Chrome111' },
    });
    return new Person(client, line);
  }

  /** The room that this person is in. */
  get room(): Room {
    const { room } = this.client;
    if (room === undefined) throw new Error('in no room');
    return room;
  }

  join(roomId: string, options: JoinOptions = {}): Promise<Room> {
    return this.client.joinRoom(roomId, options);
  }

  /** Publishes a moving picture. */
  async showCamera(): Promise<void> {
    const [width, height] = [320, 180];
    const source = new RTCVideoSource();
    const track = source.createTrack();
    const data = new Uint8Array(width * height * 1.5).fill(128);
    let frame = 0;
    const timer = setInterval(() => {
      data.fill(frame++ & 0xff, 0, width * 90);
      source.onFrame({ width, height, data });
    }, 40);
    this.#closers.push(() => {
      clearInterval(timer);
      track.stop();
    });
    await this.room.publishCamera({ track, simulcast: false });
  }

  /** Publishes a tone; answers its track. */
  async speak(): Promise<MediaStreamTrack> {
    const source = new RTCAudioSource();
    const track = source.createTrack();
    let sent = 0;
    const timer = setInterval(() => {
      const samples = Int16Array.from({ length: 480 }, () => Math.round(Math.sin((2 * Math.PI * 440 * sent++) / 48_000) * 16_000));
      source.onData({ samples, sampleRate: 48_000, bitsPerSample: 16, channelCount: 1, numberOfFrames: 480 });
    }, 10);
    this.#closers.push(() => {
      clearInterval(timer);
      track.stop();
    });
    await this.room.publishMicrophone({ track });
    return track;
  }

  /** Resolves with the subscription to a source, now or as soon as there is one. */
  async receives(source: Source): Promise<Subscription> {
    const { room } = this;
    const find = () => room.view.subscriptions.find((subscription) => subscription.source === source && subscription.isLive);
    return find() ?? (await until(room, find));
  }

  /** Loses the socket without a goodbye; it does not come back before {@link Person.mend}. */
  cut(): void {
    this.#line.cut();
  }

  /** Lets the socket come back. */
  mend(): void {
    this.#line.mend();
  }

  close(): void {
    this.client.close();
    for (const close of this.#closers.splice(0)) close();
    this.#line.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Resolves with what `find` finds in a room's view, as soon as it does. */
export function until<T>(room: Room, find: () => T | undefined): Promise<T> {
  return new Promise((resolve) => {
    const look = (): void => {
      const found = find();
      if (found === undefined) return;
      off();
      resolve(found);
    };
    const off = room.subscribe(look);
    look();
  });
}

/** Resolves when so many frames of a track, or 10 ms of sound that is not silence, have been decoded. */
export function frames(track: MediaStreamTrack, count: number): Promise<void> {
  return new Promise((resolve) => {
    let seen = 0;
    const see = (): void => {
      if (++seen < count) return;
      sink.stop();
      resolve();
    };
    const sink = track.kind === 'video' ? new RTCVideoSink(track) : new RTCAudioSink(track);
    if (sink instanceof RTCVideoSink) sink.onframe = see;
    else {
      sink.ondata = ({ samples }: { samples: Int16Array }) => {
        if (samples.some((sample) => Math.abs(sample) > 500)) see();
      };
    }
  });
}

function exitWithoutFinalizers(code: number): void {
  process.exit(code);
}
