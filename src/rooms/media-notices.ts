import type { Notifier } from '../notifier.ts';
import type { MediaRoom } from '../sfu/media-room.ts';
import type { Peer } from '../sfu/peer.ts';
import type { LiveRoom, Seat } from './live-room.ts';

/** Tells browsers what happens to a peer: to everybody about its producers, to its own session about its consumers. */
export function forwardPeerEvents(peer: Peer, seat: Seat, room: LiveRoom, notifier: Notifier): void {
  const { sessionId, participant } = seat;
  const { participantId } = participant;
  const toOthers = { to: { roomId: room.roomId }, exceptSessionId: sessionId };
  const toAll = { to: { roomId: room.roomId } };
  const toOwner = { to: { sessionId } };

  peer.on('producerAdded', ({ producerId, kind, source, paused }) =>
    notifier.notify(toOthers, 'media:producerAdded', { producer: { producerId, participantId, kind, source, paused } }),
  );
  peer.on('producerPaused', ({ producerId }) => notifier.notify(toAll, 'media:producerPaused', { producerId }));
  peer.on('producerResumed', ({ producerId }) => notifier.notify(toAll, 'media:producerResumed', { producerId }));
  peer.on('producerRemoved', ({ producerId }) => notifier.notify(toAll, 'media:producerRemoved', { producerId }));
  peer.on('dataProducerAdded', ({ dataProducerId, label, protocol }) =>
    notifier.notify(toOthers, 'media:dataProducerAdded', { dataProducer: { dataProducerId, participantId, label, protocol } }),
  );
  peer.on('dataProducerRemoved', ({ dataProducerId }) => notifier.notify(toAll, 'media:dataProducerRemoved', { dataProducerId }));

  peer.on('consumerPaused', ({ consumerId }) => notifier.notify(toOwner, 'media:consumerPaused', { consumerId }));
  peer.on('consumerResumed', ({ consumerId }) => notifier.notify(toOwner, 'media:consumerResumed', { consumerId }));
  peer.on('consumerClosed', ({ consumerId, reason }) => notifier.notify(toOwner, 'media:consumerClosed', { consumerId, reason }));
  peer.on('consumerLayersChanged', ({ consumerId, layers }) =>
    notifier.notify(toOwner, 'media:consumerLayersChanged', { consumerId, layers }),
  );
  peer.on('consumerScore', ({ consumerId, score, producerScore }) =>
    notifier.notify(toOwner, 'media:consumerScore', { consumerId, score, producerScore }),
  );
}

/** Tells everybody who speaks and how loud. */
export function forwardRoomEvents(media: MediaRoom, room: LiveRoom, notifier: Notifier): void {
  const toAll = { to: { roomId: room.roomId } };
  const participantOf = (sessionId: string | undefined) =>
    sessionId === undefined ? undefined : room.findSeat(sessionId)?.participant.participantId;

  media.on('activeSpeaker', ({ peerId }) => notifier.notify(toAll, 'room:activeSpeaker', { participantId: participantOf(peerId) ?? null }));
  media.on('audioLevels', (volumes) => {
    const levels = volumes.flatMap(({ peerId, volumeDbov }) => {
      const participantId = participantOf(peerId);
      return participantId === undefined ? [] : [{ participantId, volumeDbov }];
    });
    notifier.notify(toAll, 'room:audioLevels', { levels });
  });
}
