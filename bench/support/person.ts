import wrtc from '@roamhq/wrtc';
import { createParleyClient, type ParleyClient, type Room } from '../../src/client/index.ts';
// Gives Node a browser's WebRTC globals.
import '../../test/support/webrtc-client.ts';
import type { ServerProcess } from './server-process.ts';

const frameIntervalMs = 40;

/** Somebody in a room, by the browser SDK on libwebrtc: sends a camera, and watches whatever comes. */
export class Person {
  readonly #client: ParleyClient;
  readonly #room: Room;
  readonly #sinks = new Map<string, { stop: () => void }>();
  readonly #camera = new MovingPicture();
  readonly #firstPicture = Promise.withResolvers<void>();
  #onNewPicture: ((at: number) => void) | undefined;

  static async join(server: ServerProcess, roomId: string): Promise<Person> {
    const token = await server.signIn('Person', 'patient');
    const client = createParleyClient({ url: server.url, getToken: () => token, mediaDevice: { handlerName: 'Chrome111' } });
    const room = await client.joinRoom(roomId, { adaptiveLayers: false });
    const person = new Person(client, room);
    await room.publishCamera({ track: person.#camera.track, simulcast: false });
    return person;
  }

  private constructor(client: ParleyClient, room: Room) {
    this.#client = client;
    this.#room = room;
    room.subscribe(() => this.#watchAll());
    this.#watchAll();
  }

  /** Resolves once anything has been seen. */
  get firstPicture(): Promise<void> {
    return this.#firstPicture.promise;
  }

  /** When the first frame of a track that does not run yet is decoded. */
  nextNewPicture(): Promise<number> {
    return new Promise((resolve) => {
      this.#onNewPicture = resolve;
    });
  }

  close(): void {
    this.#camera.close();
    for (const sink of this.#sinks.values()) sink.stop();
    this.#client.close();
  }

  #watchAll(): void {
    for (const { producerId } of this.#room.view.producers) {
      const track = this.#room.getSubscription(producerId)?.track;
      if (track === undefined || track.kind !== 'video' || this.#sinks.has(track.id)) continue;
      const sink = new wrtc.nonstandard.RTCVideoSink(track);
      this.#sinks.set(track.id, sink);
      let hasFrames = false;
      sink.onframe = () => {
        if (hasFrames) return;
        hasFrames = true;
        this.#firstPicture.resolve();
        this.#onNewPicture?.(performance.now());
      };
    }
  }
}

/** A small picture that changes all the time. */
class MovingPicture {
  readonly track: MediaStreamTrack;
  readonly #timer: NodeJS.Timeout;

  constructor() {
    const source = new wrtc.nonstandard.RTCVideoSource();
    this.track = source.createTrack();
    const [width, height] = [320, 180];
    const data = new Uint8Array(width * height * 1.5).fill(128);
    let frame = 0;
    this.#timer = setInterval(() => {
      frame += 1;
      for (let y = 0; y < height; y += 1) data.fill((frame * 4 + y * 2) & 0xff, y * width, (y + 1) * width);
      source.onFrame({ width, height, data });
    }, frameIntervalMs);
  }

  close(): void {
    clearInterval(this.#timer);
    this.track.stop();
  }
}
