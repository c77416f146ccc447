import type { NoticeName, NoticePayload } from '../protocol/index.ts';
import type { RoomCloseReason, RoomEvents } from './room-events.ts';
import type { RoomMedia } from './room-media.ts';

/** What follows from a notice besides the new state. */
export interface NoticeTargets {
  tell<E extends keyof RoomEvents>(event: E, payload: RoomEvents[E]): void;
  readonly media: Pick<RoomMedia, 'publications' | 'subscriptions'>;
  readonly audioLevels: Map<string, number>;
  onAdmitted(): void;
  onMediaLost(): void;
  close(reason: RoomCloseReason): void;
  isMe(participantId: string): boolean;
  isHere(roomId: string): boolean;
}

/** Hears a notice; the state has followed already. */
export type OnNotice = <N extends NoticeName>(name: N, follow: (payload: NoticePayload<N>) => void) => void;

const nothing = (): void => undefined;

/** Says for each notice of a room what is told and done. */
export function handleNotices(
  on: OnNotice,
  { tell, media, audioLevels, onAdmitted, onMediaLost, close, isMe, isHere }: NoticeTargets,
): void {
  on('room:admitted', onAdmitted);
  on('room:denied', () => close('denied'));
  on('room:kicked', ({ banned }) => close(banned ? 'banned' : 'kicked'));
  on('room:ended', ({ reason, durationSeconds }) => {
    tell('ended', { reason, durationSeconds });
    close('ended');
  });
  on('room:ending', ({ secondsLeft }) => tell('ending', { secondsLeft }));
  on('room:mediaLost', ({ reason }) => {
    tell('mediaLost', { reason });
    onMediaLost();
  });
  on('room:waiting', ({ participant }) => tell('participantWaiting', { participant }));
  on('room:participantJoined', ({ participant }) => tell('participantJoined', { participant }));
  on('room:participantUpdated', ({ participant }) => tell('participantUpdated', { participant }));
  on('room:participantLeft', ({ participantId, userId, reason }) => {
    audioLevels.delete(participantId);
    tell('participantLeft', { participantId, userId, reason });
  });
  on('room:locked', () => tell('locked', undefined));
  on('room:unlocked', () => tell('unlocked', undefined));
  on('room:muted', ({ participantId, source, allowUnmute }) => {
    if (!isMe(participantId)) return;
    // The server has paused the producer; here the device falls silent, too, and the button shows it.
    const publication = media.publications.find(source);
    if (publication !== undefined && !publication.muted) publication.mute().catch(nothing);
    tell('muted', { source, allowUnmute });
  });
  on('room:activeSpeaker', ({ participantId }) => tell('activeSpeakerChanged', { participantId }));
  on('room:audioLevels', ({ levels }) => {
    audioLevels.clear();
    for (const { participantId, volumeDbov } of levels) audioLevels.set(participantId, volumeDbov);
    tell('audioLevelsChanged', { levels });
  });
  on('recording:consentRequested', (question) => {
    if (isHere(question.roomId)) tell('recordingAsked', { question });
  });
  for (const change of ['consentChanged', 'started', 'resumed', 'stopped', 'ready', 'failed'] as const) {
    on(`recording:${change}`, ({ recording }) => {
      if (isHere(recording.roomId)) tell('recordingChanged', { change, recording });
    });
  }
  on('recording:paused', ({ recording, reason }) => {
    if (isHere(recording.roomId)) tell('recordingChanged', { change: 'paused', recording, reason });
  });
  on('media:producerAdded', nothing);
  on('media:producerPaused', nothing);
  on('media:producerResumed', nothing);
  on('media:producerRemoved', nothing);
  on('media:dataProducerAdded', nothing);
  on('media:dataProducerRemoved', nothing);
  on('media:consumerClosed', (payload) => media.subscriptions.onConsumerClosed(payload));
  on('media:consumerLayersChanged', (payload) => media.subscriptions.onLayersChanged(payload));
  on('media:consumerScore', (payload) => media.subscriptions.onScore(payload));
}
