import type { Connection } from './connection.ts';
import { DataChannels, type DataMessage } from './data-channels.ts';
import { MediaSession } from './media-session.ts';
import { ParleyError } from './parley-error.ts';
import { Publications, type PublicationsHost } from './publications.ts';
import type { EnteredMedia } from './room-entry.ts';
import type { RoomState } from './room-state.ts';
import { Subscriptions, type SubscriptionsHost } from './subscriptions.ts';
import { wireCapabilitiesOf } from './wire-media.ts';

/** What the media of a room needs of it. */
export interface RoomMediaOptions {
  readonly connection: Pick<Connection, 'request'>;
  readonly publications: Omit<PublicationsHost, 'connection'>;
  readonly subscriptions: Omit<SubscriptionsHost, 'connection'>;
  readonly onData: (message: DataMessage) => void;
  /** The transports are beyond repair, though the server may still hold them. */
  readonly onLost: () => void;
}

/** All media of a room: what is published and received outlives the session that carries it. */
export class RoomMedia {
  readonly publications: Publications;
  readonly subscriptions: Subscriptions;
  readonly #options: RoomMediaOptions;
  #session: MediaSession | undefined;
  #data: DataChannels | undefined;

  constructor(options: RoomMediaOptions) {
    this.#options = options;
    const { connection } = options;
    this.publications = new Publications({ ...options.publications, connection });
    this.subscriptions = new Subscriptions({ ...options.subscriptions, connection });
  }

  get isRunning(): boolean {
    return this.#session !== undefined;
  }

  /** Carries everything over to the transports of a join. */
  start({ device, transports, iceServers, consumers }: EnteredMedia, state: RoomState): void {
    this.stop();
    const { connection, onData, onLost } = this.#options;
    const session = new MediaSession({ connection, device, transports, iceServers, onLost });
    this.#session = session;
    this.#data = new DataChannels(session, connection, onData);
    this.subscriptions.start(session, wireCapabilitiesOf(device.recvRtpCapabilities), consumers, publishedOf(state));
    this.#data.reconcile(state.dataProducers.values(), state.me?.participantId);
    this.publications.start(session);
  }

  /** Follows what the server has told. */
  update(state: RoomState): void {
    this.subscriptions.update(publishedOf(state));
    this.#data?.reconcile(state.dataProducers.values(), state.me?.participantId);
  }

  /** The socket is back and the server has kept everything. */
  recover(): void {
    this.#session?.retryIce();
    this.publications.retry();
  }

  /**
   * Asks the server to close what it still holds of a session whose transports are lost here, so that nothing of it is answered again or stands in
   * the way of its successor.
   */
  async release(): Promise<void> {
    const { connection } = this.#options;
    const producerIds = this.publications.all.flatMap(({ producerId }) => producerId ?? []);
    const consumerIds = this.subscriptions.all.flatMap(({ consumerId }) => consumerId ?? []);
    this.stop();
    await Promise.allSettled([
      ...producerIds.map((producerId) => connection.request('media:closeProducer', { producerId })),
      ...consumerIds.map((consumerId) => connection.request('media:closeConsumer', { consumerId })),
    ]);
  }

  /** @throws {ParleyError} `client.disconnected` while the media is not there; see {@link DataChannels.send} */
  async sendData(label: string, data: string | Uint8Array): Promise<void> {
    if (this.#data === undefined) throw new ParleyError('client.disconnected');
    await this.#data.send(label, data);
  }

  /** The session is gone: what is published and received waits for the next one. */
  stop(): void {
    this.#data?.close();
    this.#data = undefined;
    this.subscriptions.stop();
    this.publications.stop();
    this.#session?.close();
    this.#session = undefined;
  }

  /** Ends everything and lets go of the devices. */
  close(): void {
    this.#data?.close();
    this.#data = undefined;
    this.subscriptions.close();
    this.publications.close();
    this.#session?.close();
    this.#session = undefined;
  }
}

function publishedOf(state: RoomState): Parameters<Subscriptions['update']>[0] {
  return { producers: state.producers, ownParticipantId: state.me?.participantId };
}
