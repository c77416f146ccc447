import type { ConsumerInfo, ProducerInfo } from '../protocol/media.ts';

/** What is to be compared. */
export interface ReconcileInput {
  /** Everything published in the room. */
  readonly producers: Iterable<ProducerInfo>;
  /** Oneself: what one publishes, in this tab or another, is never subscribed to. */
  readonly ownParticipantId: string | undefined;
  /** The subscriptions that stand, by producer; `isLive`: it has a consumer in the present media session, or one is on its way. */
  readonly subscriptions: Iterable<{ readonly producerId: string; readonly isLive: boolean }>;
  /** Consumers that the join answer brought along. */
  readonly offered: readonly ConsumerInfo[];
  /** Whether a producer is to be subscribed to. */
  readonly isWanted: (producer: ProducerInfo) => boolean;
}

/** What is to be done so that the subscriptions are those that are wanted. */
export interface ReconcilePlan {
  /** Subscriptions whose producer is gone or no longer wanted. */
  readonly close: readonly string[];
  /** Consumers of the answer that are used. */
  readonly adopt: readonly ConsumerInfo[];
  /** Consumers of the answer that nobody wants: to be closed on the server. */
  readonly discard: readonly ConsumerInfo[];
  /** Producers for which a consumer has to be asked for. */
  readonly ask: readonly ProducerInfo[];
}

/** Compares what is there with what should be. */
export function reconcile(input: ReconcileInput): ReconcilePlan {
  const wanted = new Map<string, ProducerInfo>();
  for (const producer of input.producers) {
    if (producer.participantId !== input.ownParticipantId && input.isWanted(producer)) wanted.set(producer.producerId, producer);
  }
  const live = new Set<string>();
  const close: string[] = [];
  for (const { producerId, isLive } of input.subscriptions) {
    if (!wanted.has(producerId)) close.push(producerId);
    else if (isLive) live.add(producerId);
  }
  const adopt: ConsumerInfo[] = [];
  const discard: ConsumerInfo[] = [];
  for (const consumer of input.offered) {
    if (wanted.has(consumer.producerId) && !live.has(consumer.producerId)) {
      adopt.push(consumer);
      live.add(consumer.producerId);
    } else discard.push(consumer);
  }
  return { close, adopt, discard, ask: [...wanted.values()].filter((producer) => !live.has(producer.producerId)) };
}
