import { AppError } from '../protocol/errors.ts';
import type { Source } from '../protocol/ids.ts';
import type { Reply, RequestPayload } from '../protocol/index.ts';
import type { ConsumerInfo } from '../protocol/media.ts';
import type { ConsumerInfo as PeerConsumer } from '../sfu/peer-events.ts';
import type { LiveRoom, Seat } from './live-room.ts';
import type { LiveRooms } from './live-rooms.ts';

export type MediaService = ReturnType<typeof createMediaService>;

/**
 * Rules of sending and receiving: one must have joined, one's rights must cover the source, and a moderator's mute holds.
 * Every function takes the session's id and throws `room.not_joined` for one that sits in no room.
 */
export function createMediaService({ rooms }: { rooms: LiveRooms }) {
  const peerOf = (sessionId: string) => rooms.getSeat(sessionId).seat.peer;

  return {
    createTransport: (sessionId: string, { direction }: RequestPayload<'media:createTransport'>) =>
      peerOf(sessionId).createTransport(direction),

    connectTransport: (sessionId: string, request: RequestPayload<'media:connectTransport'>) => peerOf(sessionId).connectTransport(request),

    restartIce: (sessionId: string, request: RequestPayload<'media:restartIce'>) => peerOf(sessionId).restartIce(request),

    /**
     * Errors: `auth.forbidden` without the right to that source, `media.muted` when a moderator has muted it for good and the producer is not paused.
     * Otherwise producing anew lifts a mute, as unmuting does.
     */
    async produce(sessionId: string, request: RequestPayload<'media:produce'>): Promise<Reply<'media:produce'>> {
      const { live, seat } = rooms.getSeat(sessionId);
      const { source, paused = false } = request;
      if (!seat.rights.canPublish.includes(source)) throw new AppError('auth.forbidden', { details: { source } });
      const unmute = paused ? undefined : beginUnmute(live, seat, source);
      const { producerId } = await seat.peer.produce({ ...request, paused });
      await unmute?.();
      return { producerId };
    },

    pauseProducer: (sessionId: string, producerId: string) => peerOf(sessionId).pauseProducer(producerId),

    /** Unmuting by oneself lifts a mute that allows it. Errors: `media.muted`. */
    async resumeProducer(sessionId: string, producerId: string): Promise<void> {
      const { live, seat } = rooms.getSeat(sessionId);
      const source = seat.peer.producers.find((producer) => producer.producerId === producerId)?.source;
      const unmute = source && beginUnmute(live, seat, source);
      await seat.peer.resumeProducer(producerId);
      await unmute?.();
    },

    closeProducer: (sessionId: string, producerId: string) => peerOf(sessionId).closeProducer(producerId),

    /** Errors: `auth.forbidden` without the right to receive. */
    async consume(sessionId: string, request: RequestPayload<'media:consume'>): Promise<ConsumerInfo> {
      const { live, seat } = rooms.getSeat(sessionId);
      assertMaySubscribe(seat);
      const consumer = await seat.peer.consume(request);
      return toConsumerInfo(consumer, senderOf(live, consumer.peerId));
    },

    resumeConsumer: (sessionId: string, consumerId: string) => peerOf(sessionId).resumeConsumer(consumerId),
    pauseConsumer: (sessionId: string, consumerId: string) => peerOf(sessionId).pauseConsumer(consumerId),
    closeConsumer: (sessionId: string, consumerId: string) => peerOf(sessionId).closeConsumer(consumerId),
    requestKeyFrame: (sessionId: string, consumerId: string) => peerOf(sessionId).requestKeyFrame(consumerId),
    setPreferredLayers: (sessionId: string, request: RequestPayload<'media:setPreferredLayers'>) =>
      peerOf(sessionId).setPreferredLayers(request),
    setPriority: (sessionId: string, request: RequestPayload<'media:setPriority'>) => peerOf(sessionId).setPriority(request),

    /** Errors: `auth.forbidden` without the right to publish anything. */
    async produceData(sessionId: string, request: RequestPayload<'media:produceData'>): Promise<Reply<'media:produceData'>> {
      const { seat } = rooms.getSeat(sessionId);
      if (seat.rights.canPublish.length === 0) throw new AppError('auth.forbidden');
      const { dataProducerId } = await seat.peer.produceData(request);
      return { dataProducerId };
    },

    /** Errors: `auth.forbidden` without the right to receive. */
    async consumeData(sessionId: string, request: RequestPayload<'media:consumeData'>): Promise<Reply<'media:consumeData'>> {
      const { live, seat } = rooms.getSeat(sessionId);
      assertMaySubscribe(seat);
      const { peerId, ...consumer } = await seat.peer.consumeData(request);
      return { ...consumer, participantId: senderOf(live, peerId) };
    },
  };
}

/** A consumer as the wire shows it: the sender is a participant there. */
export function toConsumerInfo(
  { consumerId, producerId, kind, source, rtpParameters, producerPaused }: PeerConsumer,
  participantId: string,
): ConsumerInfo {
  return { consumerId, producerId, participantId, kind, source, rtpParameters, producerPaused };
}

function senderOf(live: LiveRoom, sessionId: string): string {
  const sender = live.findSeat(sessionId);
  if (!sender) throw new AppError('media.producer_not_found');
  return sender.participant.participantId;
}

function assertMaySubscribe(seat: Seat): void {
  if (!seat.rights.canSubscribe) throw new AppError('auth.forbidden');
}

/**
 * Before a source is heard again: checks that it may be, and answers what to do afterwards, which lifts the mute or, when a moderator has muted
 * the source meanwhile, pauses it again. Errors: `media.muted`.
 */
function beginUnmute(live: LiveRoom, seat: Seat, source: Source): () => Promise<void> {
  const { participant } = seat;
  const before = participant.muted.get(source);
  if (before?.allowUnmute === false) throw new AppError('media.muted', { details: { source } });
  return async () => {
    const now = participant.muted.get(source);
    if (now !== before) await pauseIfSending(seat, source);
    else if (participant.muted.delete(source)) live.tellUpdated(participant);
  };
}

/** Pauses a source on the server if the seat sends it; what is closed meanwhile is silent as well. */
export async function pauseIfSending({ peer }: Seat, source: Source): Promise<void> {
  const producer = peer.findProducer(source);
  if (!producer) return;
  try {
    await peer.pauseProducer(producer.producerId);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
  }
}
