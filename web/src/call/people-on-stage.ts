import type { Participant, PublicationView, RoomView, Source, Subscription } from '../../../src/client/index.ts';

/** One person as the stage shows them. */
export interface Person {
  readonly participant: Participant;
  readonly isMe: boolean;
  /** A live picture: one's own track or what is received. */
  readonly camera: MediaStreamTrack | Subscription | undefined;
  readonly microphoneOn: boolean;
  readonly speaking: boolean;
}

/** A screen that somebody else shares. */
export interface SharedScreen {
  readonly participant: Participant;
  readonly subscription: Subscription;
}

/** Everybody in the room, oneself last. */
export function peopleOf(view: RoomView): readonly Person[] {
  const others = view.participants.filter(({ participantId }) => participantId !== view.me?.participantId);
  const people = others.map((participant) => otherPerson(view, participant));
  if (view.me !== undefined) people.push(myself(view, view.me));
  return people;
}

function otherPerson(view: RoomView, participant: Participant): Person {
  const camera = findSubscription(view, participant.participantId, 'camera');
  const microphone = view.producers.find(
    (producer) => producer.participantId === participant.participantId && producer.source === 'microphone',
  );
  const microphoneOn = microphone !== undefined && !microphone.paused;
  return {
    participant,
    isMe: false,
    camera: camera !== undefined && !camera.producerPaused ? camera : undefined,
    microphoneOn,
    speaking: microphoneOn && view.activeSpeakerId === participant.participantId,
  };
}

function myself(view: RoomView, me: Participant): Person {
  const camera = findLive(view.publications, 'camera');
  const microphoneOn = findLive(view.publications, 'microphone') !== undefined;
  return {
    participant: me,
    isMe: true,
    camera: camera?.track,
    microphoneOn,
    speaking: microphoneOn && view.activeSpeakerId === me.participantId,
  };
}

function findLive(publications: readonly PublicationView[], source: Source): PublicationView | undefined {
  return publications.find((publication) => publication.source === source && !publication.muted);
}

function findSubscription(view: RoomView, participantId: string, source: Source): Subscription | undefined {
  return view.subscriptions.find((one) => one.participantId === participantId && one.source === source && !one.closed);
}

/** Screens of the others, the latest first. */
export function screensOf(view: RoomView): readonly SharedScreen[] {
  const screens: SharedScreen[] = [];
  for (const subscription of view.subscriptions) {
    const participant = view.participants.find((one) => one.participantId === subscription.participantId);
    if (subscription.source === 'screen' && !subscription.closed && participant !== undefined)
      screens.unshift({ participant, subscription });
  }
  return screens;
}

/** At most `limit` of them; whoever speaks is among those, and so is oneself. */
export function chooseShown(people: readonly Person[], limit: number): readonly Person[] {
  if (people.length <= limit) return people;
  const me = people.filter(({ isMe }) => isMe);
  const others = people.filter(({ isMe }) => !isMe);
  const room = limit - me.length;
  const shown = others.slice(0, room);
  const speaker = others.slice(room).find(({ speaking }) => speaking);
  if (speaker !== undefined) shown[room - 1] = speaker;
  return [...shown, ...me];
}
