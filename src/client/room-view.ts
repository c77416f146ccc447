import type { RoomView } from './room-events.ts';
import type { RoomMedia } from './room-media.ts';
import type { RoomState } from './room-state.ts';

/** What a view shows besides the state that the server has told and the media. */
export type OwnState = Pick<RoomView, 'status' | 'closeReason' | 'audioLevels' | 'playbackBlocked'>;

/** The room as an app sees it. */
export function makeView(state: RoomState, media: Pick<RoomMedia, 'publications' | 'subscriptions'>, own: OwnState): RoomView {
  const { info, me, participants, waiting, producers, activeSpeakerId, conversationId, secondsLeft, forbidden, recording } = state;
  const others = [...participants.values()].filter(({ participantId }) => participantId !== me?.participantId);
  return {
    ...own,
    info,
    me,
    participants: me === undefined || !participants.has(me.participantId) ? others : [me, ...others],
    waiting: [...waiting.values()],
    publications: media.publications.all.map(({ source, producerId, track, muted, deviceId }) => ({
      source,
      producerId,
      track,
      muted,
      mayUnmute: !forbidden.has(source),
      deviceId,
    })),
    subscriptions: media.subscriptions.all,
    producers: [...producers.values()],
    activeSpeakerId,
    conversationId,
    secondsLeft,
    recording,
  };
}
