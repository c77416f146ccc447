import type { RtpCapabilities } from '../../src/protocol/media.ts';
import type { RoomSnapshot } from '../../src/protocol/room.ts';
import { TestClient } from '../../test/support/test-client.ts';
import type { IceTarget } from '../receiver/load.ts';
import { ServerProcess } from '../support/server-process.ts';
import { dtlsClient, iceTarget, type MeasuredServer, publisherRtpParameters, subscriberCapabilities } from './subject.ts';

/** The whole of Parley with a database, one media worker, and a socket for every peer; the load does their media. */
export class WholeServer implements MeasuredServer {
  readonly name = 'whole';
  readonly nodePid: number;
  readonly workerPid: number;
  readonly #server: ServerProcess;
  readonly #subscribers = new Map<number, { client: TestClient; consumerId: string }>();
  #publisher: TestClient | undefined;
  #roomId = '';
  #capabilities: RtpCapabilities = {};

  static async start(core: number | undefined): Promise<WholeServer> {
    return new WholeServer(await ServerProcess.start(core, { MEDIA_WORKERS: '1', LIMIT_PARTICIPANTS: '0', LIMIT_ROOMS_PER_DAY: '0' }));
  }

  private constructor(server: ServerProcess) {
    this.#server = server;
    this.nodePid = server.pid;
    this.workerPid = server.mediaWorkerPid;
  }

  async openRoom(): Promise<void> {
    this.#roomId = await this.#server.createRoom(await this.#server.signIn('Host', 'provider'));
  }

  async addPublisher(fingerprint: string): Promise<IceTarget> {
    // The first join tells the router's capabilities, the second uses them.
    const client = await this.#connect('Publisher');
    this.#publisher = client;
    this.#capabilities = subscriberCapabilities((await client.join(this.#roomId)).rtpCapabilities);
    const { send } = transportsOf(await client.join(this.#roomId, { rtpCapabilities: this.#capabilities }));
    await client.request('media:connectTransport', { transportId: send.transportId, dtlsParameters: dtlsClient(fingerprint) });
    await client.request('media:produce', { transportId: send.transportId, source: 'camera', rtpParameters: publisherRtpParameters });
    return iceTarget(send.iceParameters, send.iceCandidates);
  }

  async addSubscriber(subscriberId: number, fingerprint: string): Promise<IceTarget> {
    const client = await this.#connect('Subscriber');
    const snapshot = await client.join(this.#roomId, { rtpCapabilities: this.#capabilities });
    const { recv } = transportsOf(snapshot);
    const consumerId = snapshot.consumers?.[0]?.consumerId;
    if (consumerId === undefined) throw new Error('the join answer holds no consumer');
    this.#subscribers.set(subscriberId, { client, consumerId });
    await client.request('media:connectTransport', { transportId: recv.transportId, dtlsParameters: dtlsClient(fingerprint) });
    return iceTarget(recv.iceParameters, recv.iceCandidates);
  }

  async resumeSubscriber(subscriberId: number): Promise<void> {
    const subscriber = this.#subscribers.get(subscriberId);
    await subscriber?.client.request('media:resumeConsumer', { consumerId: subscriber.consumerId });
  }

  async closeRoom(): Promise<void> {
    await this.#publisher?.request('room:end', {}).catch(() => undefined);
    for (const { client } of this.#subscribers.values()) await client.close();
    await this.#publisher?.close();
    this.#subscribers.clear();
  }

  async close(): Promise<void> {
    await this.closeRoom();
    await this.#server[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #connect(name: string): Promise<TestClient> {
    return TestClient.connect(this.#server.url, { token: await this.#server.signIn(name, 'patient') });
  }
}

function transportsOf({ transports }: RoomSnapshot): NonNullable<RoomSnapshot['transports']> {
  if (transports === undefined) throw new Error('the join answer holds no transports');
  return transports;
}
