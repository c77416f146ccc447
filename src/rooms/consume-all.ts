import { AppError } from '../protocol/errors.ts';
import type { ConsumerInfo, RtpCapabilities } from '../protocol/media.ts';
import type { Peer } from '../sfu/peer.ts';
import type { LiveRoom } from './live-room.ts';
import { toConsumerInfo } from './media-service.ts';

/**
 * Makes a paused consumer for each producer of the others, also for those that come meanwhile: when it resolves none is missing, and the caller
 * must subscribe in the same tick. What the browser can't play is left out.
 */
export async function consumeAll(live: LiveRoom, peer: Peer, ownParticipantId: string, rtpCapabilities: RtpCapabilities): Promise<void> {
  const asked = new Set<string>();
  for (;;) {
    const missing = live.producers.filter(({ producerId, participantId }) => participantId !== ownParticipantId && !asked.has(producerId));
    if (missing.length === 0 || peer.closed) return;
    for (const { producerId } of missing) asked.add(producerId);
    await Promise.all(
      missing.map(async ({ producerId }) => {
        try {
          await peer.consume({ producerId, rtpCapabilities });
        } catch (error) {
          if (!(error instanceof AppError)) throw error;
        }
      }),
    );
  }
}

/** A peer's consumers as the wire shows them, without those whose sender has just stopped. */
export function consumersOf(live: LiveRoom, peer: Peer): ConsumerInfo[] {
  const senders = new Map(live.producers.map(({ producerId, participantId }) => [producerId, participantId]));
  return peer.consumers.flatMap((consumer) => {
    const participantId = senders.get(consumer.producerId);
    return participantId === undefined ? [] : [toConsumerInfo(consumer, participantId)];
  });
}
