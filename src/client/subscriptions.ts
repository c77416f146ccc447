import type { NoticePayload } from '../protocol/index.ts';
import type { ConsumerInfo, ProducerInfo, RtpCapabilities } from '../protocol/media.ts';
import type { Connection } from './connection.ts';
import type { MediaSession } from './media-session.ts';
import { ParleyError } from './parley-error.ts';
import { reconcile } from './reconcile.ts';
import { Subscription, type SubscriptionHost } from './subscription.ts';

/** What the subscriptions of a room need of it. */
export interface SubscriptionsHost extends SubscriptionHost {
  readonly connection: Pick<Connection, 'request'>;
  /** Whether everything is subscribed to without being asked for. */
  readonly isAutomatic: boolean;
  onSubscribed(subscription: Subscription): void;
  onUnsubscribed(subscription: Subscription): void;
}

/** What the server has told, as far as it decides what is subscribed to. */
export interface Published {
  readonly producers: ReadonlyMap<string, ProducerInfo>;
  readonly ownParticipantId: string | undefined;
}

/** Everything that one receives in a room: held against what is published, whenever that changes. */
export class Subscriptions {
  readonly #host: SubscriptionsHost;
  readonly #all = new Map<string, Subscription>();
  /** Producers for which a consumer is on its way in the present session. */
  readonly #pending = new Map<string, Promise<void>>();
  /** Asked for, or refused, by the app: wins over `isAutomatic`. */
  readonly #wishes = new Map<string, boolean>();
  #published: Published = { producers: new Map(), ownParticipantId: undefined };
  #session: { readonly media: MediaSession; readonly rtpCapabilities: RtpCapabilities } | undefined;

  constructor(host: SubscriptionsHost) {
    this.#host = host;
  }

  get all(): readonly Subscription[] {
    return [...this.#all.values()];
  }

  find(producerId: string): Subscription | undefined {
    return this.#all.get(producerId);
  }

  /** Receives over a new session, beginning with the consumers that the join answer brought. */
  start(media: MediaSession, rtpCapabilities: RtpCapabilities, offered: readonly ConsumerInfo[], published: Published): void {
    this.stop();
    this.#session = { media, rtpCapabilities };
    this.update(published, offered);
  }

  /** The session is gone: what stands waits for the next one. */
  stop(): void {
    this.#session = undefined;
    this.#pending.clear();
    for (const subscription of this.#all.values()) subscription.unbind();
  }

  /** Holds what is subscribed to against what is published now. Without a session nothing is done but what the next one needs. */
  update(published: Published, offered: readonly ConsumerInfo[] = []): void {
    this.#published = published;
    const plan = reconcile({
      producers: published.producers.values(),
      ownParticipantId: published.ownParticipantId,
      subscriptions: [
        ...[...this.#all.values()].map(({ producerId, isLive }) => ({ producerId, isLive: isLive || this.#pending.has(producerId) })),
        ...[...this.#pending.keys()].filter((producerId) => !this.#all.has(producerId)).map((producerId) => ({ producerId, isLive: true })),
      ],
      offered,
      isWanted: ({ producerId }) => this.#wishes.get(producerId) ?? this.#host.isAutomatic,
    });
    for (const producerId of this.#wishes.keys()) if (!published.producers.has(producerId)) this.#wishes.delete(producerId);
    if (this.#session === undefined) return;
    for (const producerId of plan.close) this.#end(producerId);
    for (const info of plan.adopt) void this.#obtain(info.producerId, () => Promise.resolve(info));
    for (const { consumerId } of plan.discard) this.#tellClosed(consumerId);
    const { rtpCapabilities } = this.#session;
    for (const { producerId } of plan.ask) {
      void this.#obtain(producerId, () => this.#host.connection.request('media:consume', { producerId, rtpCapabilities }));
    }
    for (const [producerId, subscription] of this.#all) {
      const producer = published.producers.get(producerId);
      if (producer !== undefined) subscription.update({ producerPaused: producer.paused });
    }
  }

  /**
   * Subscribes to one producer whatever is done with the others.
   *
   * @throws {ParleyError} `media.producer_not_found`, `client.disconnected`
   */
  async add(producerId: string): Promise<Subscription> {
    if (!this.#published.producers.has(producerId)) throw new ParleyError('media.producer_not_found');
    this.#wishes.set(producerId, true);
    this.update(this.#published);
    await this.#pending.get(producerId);
    const subscription = this.#all.get(producerId);
    if (subscription === undefined) throw new ParleyError('client.disconnected');
    return subscription;
  }

  /** Ends the subscription to one producer; it stays so until {@link Subscriptions.add}. */
  remove(producerId: string): void {
    this.#wishes.set(producerId, false);
    this.update(this.#published);
  }

  /** The server has closed a consumer: its producer is gone, or it was the server's own doing; then it is asked for again. */
  onConsumerClosed({ consumerId }: NoticePayload<'media:consumerClosed'>): void {
    const subscription = this.#ofConsumer(consumerId);
    if (subscription === undefined) return;
    this.#drop(subscription);
  }

  onLayersChanged({ consumerId, layers }: NoticePayload<'media:consumerLayersChanged'>): void {
    this.#ofConsumer(consumerId)?.update({ layers });
  }

  onScore({ consumerId, score }: NoticePayload<'media:consumerScore'>): void {
    this.#ofConsumer(consumerId)?.update({ score });
  }

  /** Ends all of them. */
  close(): void {
    this.stop();
    for (const subscription of [...this.#all.values()]) this.#drop(subscription);
  }

  #ofConsumer(consumerId: string): Subscription | undefined {
    return [...this.#all.values()].find((subscription) => subscription.consumerId === consumerId);
  }

  #obtain(producerId: string, infoOf: () => Promise<ConsumerInfo>): Promise<void> {
    const work = this.#consume(producerId, infoOf)
      // The producer is gone, or the connection is: a notice, or the next session, begins anew.
      .catch(() => undefined)
      .finally(() => {
        if (this.#pending.get(producerId) === work) this.#pending.delete(producerId);
      });
    this.#pending.set(producerId, work);
    return work;
  }

  async #consume(producerId: string, infoOf: () => Promise<ConsumerInfo>): Promise<void> {
    const session = this.#session;
    const info = await infoOf();
    if (session === undefined || session !== this.#session) return;
    const consumer = await session.media.consume(info);
    const producer = this.#published.producers.get(producerId);
    if (session !== this.#session || producer === undefined || this.#wishes.get(producerId) === false) {
      consumer.close();
      if (session === this.#session) this.#tellClosed(info.consumerId);
      return;
    }
    const standing = this.#all.get(producerId);
    if (standing !== undefined) return standing.bind(consumer);
    const subscription = new Subscription(this.#host, producer, consumer);
    this.#all.set(producerId, subscription);
    this.#host.onSubscribed(subscription);
  }

  #end(producerId: string): void {
    this.#pending.delete(producerId);
    const subscription = this.#all.get(producerId);
    if (subscription === undefined) return;
    const { consumerId } = subscription;
    // The server closes the consumers of a producer that is gone by itself.
    if (consumerId !== undefined && this.#published.producers.has(producerId)) this.#tellClosed(consumerId);
    this.#drop(subscription);
  }

  #drop(subscription: Subscription): void {
    if (this.#all.get(subscription.producerId) === subscription) this.#all.delete(subscription.producerId);
    subscription.close();
    this.#host.onUnsubscribed(subscription);
  }

  #tellClosed(consumerId: string): void {
    void this.#host.connection.request('media:closeConsumer', { consumerId }).catch(() => undefined);
  }
}
