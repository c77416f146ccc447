import type { types } from 'mediasoup-client';
import type { MediaKind, Source } from '../protocol/ids.ts';
import type { NoticePayload } from '../protocol/index.ts';
import type { ProducerInfo } from '../protocol/media.ts';
import type { Connection } from './connection.ts';
import { ElementWatcher } from './element-watcher.ts';
import { Emitter, type Unsubscribe } from './emitter.ts';
import { layersFor, layersOfQuality, type PreferredLayers, priorityFor, type ShownSize, type VideoQuality } from './layers.ts';

/** What a subscription needs of its room. */
export interface SubscriptionHost {
  readonly connection: Pick<Connection, 'request'>;
  /** Whether layers follow the elements. */
  readonly isAdaptive: boolean;
  onChanged(subscription: Subscription): void;
  /** The browser wants a click before it plays sound. */
  onPlaybackBlocked(element: HTMLMediaElement): void;
}

/** What a subscription tells. */
export interface SubscriptionEvents {
  /** Track, pause, layers or score. */
  changed: Subscription;
  /** Once, last. */
  closed: Subscription;
}

/** The layers that come in; null: nothing at the moment; undefined: not known yet. */
export type CurrentLayers = NoticePayload<'media:consumerLayersChanged'>['layers'] | undefined;

/** One source of somebody else, for as long as it is received. */
export class Subscription {
  readonly producerId: string;
  readonly participantId: string;
  readonly kind: MediaKind;
  readonly source: Source;
  readonly #host: SubscriptionHost;
  readonly #events = new Emitter<SubscriptionEvents>();
  readonly #elements = new Set<HTMLMediaElement>();
  readonly #watcher: ElementWatcher;
  #consumer: types.Consumer | undefined;
  #track: MediaStreamTrack;
  #producerPaused: boolean;
  #layers: CurrentLayers;
  #score: number | undefined;
  #quality: VideoQuality = 'auto';
  #shown: ShownSize | undefined;
  #isHidden = false;
  #asked: { layers?: PreferredLayers; priority?: number; paused?: boolean } = {};
  #closed = false;

  constructor(host: SubscriptionHost, producer: ProducerInfo, consumer: types.Consumer) {
    this.#host = host;
    this.producerId = producer.producerId;
    this.participantId = producer.participantId;
    this.kind = producer.kind;
    this.source = producer.source;
    this.#producerPaused = producer.paused;
    this.#watcher = new ElementWatcher((size) => this.#onShown(size));
    this.#consumer = consumer;
    this.#track = consumer.track;
    this.#ask();
  }

  /** What comes in. A rejoin may bring another one; attached elements follow by themselves. */
  get track(): MediaStreamTrack {
    return this.#track;
  }

  get consumerId(): string | undefined {
    return this.#consumer?.id;
  }

  /** Whether the present media session carries it. */
  get isLive(): boolean {
    return this.#consumer !== undefined && !this.#consumer.closed;
  }

  /** Whether the sender has muted it, or switched the camera off. */
  get producerPaused(): boolean {
    return this.#producerPaused;
  }

  get layers(): CurrentLayers {
    return this.#layers;
  }

  /** How well it comes in, from 0 to 10; undefined: not known yet. */
  get score(): number | undefined {
    return this.#score;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Statistics of the receiver, undefined while nothing is received. */
  async getStats(): Promise<RTCStatsReport | undefined> {
    return this.isLive ? this.#consumer?.getStats() : undefined;
  }

  /** Listens until the answered function is called. */
  on<E extends keyof SubscriptionEvents>(event: E, listener: (payload: SubscriptionEvents[E]) => void): Unsubscribe {
    return this.#events.on(event, listener);
  }

  /**
   * Shows or plays it in an element: sets `srcObject`, plays, and for video asks for the layers that fit the element's size, for none while it is not
   * visible. An element shows one subscription at a time. The answered function detaches it.
   */
  attach(element: HTMLMediaElement): () => void {
    if (this.#closed) return () => undefined;
    this.#elements.add(element);
    this.#play(element);
    if (this.kind === 'video' && this.#host.isAdaptive) this.#watcher.add(element);
    return () => this.detach(element);
  }

  /** Takes it out of an element. */
  detach(element: HTMLMediaElement): void {
    if (!this.#elements.delete(element)) return;
    this.#watcher.remove(element);
    element.srcObject = null;
  }

  /** Asks for a quality whatever the element's size; `auto` follows the element again. */
  setVideoQuality(quality: VideoQuality): void {
    this.#quality = quality;
    this.#ask();
  }

  /** Receives through a new consumer, after a rejoin, and lets the server send. */
  bind(consumer: types.Consumer): void {
    if (this.#closed) return consumer.close();
    if (this.#consumer !== consumer) this.#consumer?.close();
    this.#consumer = consumer;
    this.#track = consumer.track;
    this.#layers = undefined;
    this.#score = undefined;
    this.#asked = {};
    for (const element of this.#elements) this.#play(element);
    this.#ask();
    this.#changed();
  }

  /** Forgets a consumer whose session is closed; the elements keep the last picture. */
  unbind(): void {
    this.#consumer = undefined;
  }

  /** What a notice says about it. */
  update(change: { producerPaused?: boolean; layers?: CurrentLayers; score?: number }): void {
    const before = { paused: this.#producerPaused, layers: this.#layers, score: this.#score };
    if (change.producerPaused !== undefined) this.#producerPaused = change.producerPaused;
    if (change.layers !== undefined) this.#layers = change.layers;
    if (change.score !== undefined) this.#score = change.score;
    if (before.paused !== this.#producerPaused || before.layers !== this.#layers || before.score !== this.#score) this.#changed();
  }

  /** Ends it; the server's consumer is the room's to close. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#watcher.close();
    for (const element of [...this.#elements]) this.detach(element);
    this.#consumer?.close();
    this.#consumer = undefined;
    this.#events.emit('closed', this);
    this.#events.clear();
  }

  #play(element: HTMLMediaElement): void {
    element.srcObject = new MediaStream([this.#track]);
    element.play().catch((error: unknown) => {
      // Any other error means that the element was taken away or given something else meanwhile.
      if (error instanceof Error && error.name === 'NotAllowedError' && this.#elements.has(element)) this.#host.onPlaybackBlocked(element);
    });
  }

  #onShown(size: ShownSize | undefined): void {
    this.#shown = size;
    this.#isHidden = size === undefined;
    this.#ask();
  }

  /** Tells the server what is wanted, as far as it does not know yet. */
  #ask(): void {
    const consumer = this.#consumer;
    if (consumer === undefined || this.#closed) return;
    const { connection } = this.#host;
    const consumerId = consumer.id;
    const paused = this.#isHidden;
    if (this.kind === 'video' && !paused) {
      const layers = this.#quality === 'auto' ? this.#shown && layersFor(this.#shown) : layersOfQuality(this.#quality);
      if (layers !== undefined && this.source === 'camera' && !isSame(layers, this.#asked.layers)) {
        this.#asked.layers = layers;
        void connection.request('media:setPreferredLayers', { consumerId, ...layers }).catch(ignore);
      }
      const priority = this.#shown && priorityFor(this.#shown, this.source === 'screen');
      if (priority !== undefined && priority !== this.#asked.priority) {
        this.#asked.priority = priority;
        void connection.request('media:setPriority', { consumerId, priority }).catch(ignore);
      }
    }
    if (paused !== this.#asked.paused) {
      this.#asked.paused = paused;
      void connection.request(paused ? 'media:pauseConsumer' : 'media:resumeConsumer', { consumerId }).catch(ignore);
    }
  }

  #changed(): void {
    if (this.#closed) return;
    this.#events.emit('changed', this);
    this.#host.onChanged(this);
  }
}

/** A consumer that is gone, or a session: whoever told so has begun to put it right. */
function ignore(): void {
  // Nothing to do here.
}

function isSame(a: PreferredLayers, b: PreferredLayers | undefined): boolean {
  return a.spatialLayer === b?.spatialLayer && a.temporalLayer === b?.temporalLayer;
}
