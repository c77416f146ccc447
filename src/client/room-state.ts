import type { Source } from '../protocol/ids.ts';
import type { NoticeName, NoticePayload } from '../protocol/index.ts';
import type { DataProducerInfo, ProducerInfo } from '../protocol/media.ts';
import type { Recording } from '../protocol/recording.ts';
import type { Participant, Room as RoomInfo, RoomSnapshot } from '../protocol/room.ts';
import { fromRecordingSnapshot, noRecording, type RoomRecording, withQuestion, withRecording } from './recordings/recording-state.ts';

/** What the server has told about a room: a snapshot and the notices since. Never changed in place. */
export interface RoomState {
  readonly info: RoomInfo | undefined;
  readonly me: Participant | undefined;
  /** In order of arrival, oneself included. */
  readonly participants: ReadonlyMap<string, Participant>;
  /** Those in the lobby; moderators alone are told. */
  readonly waiting: ReadonlyMap<string, Participant>;
  readonly producers: ReadonlyMap<string, ProducerInfo>;
  readonly dataProducers: ReadonlyMap<string, DataProducerInfo>;
  readonly activeSpeakerId: string | null;
  readonly conversationId: string | null;
  /** One's own sources that a moderator has muted for good. */
  readonly forbidden: ReadonlySet<Source>;
  /** After `room:ending`. */
  readonly secondsLeft: number | undefined;
  readonly recording: RoomRecording;
}

/** Nothing is known yet. */
export const emptyRoomState: RoomState = {
  info: undefined,
  me: undefined,
  participants: new Map(),
  waiting: new Map(),
  producers: new Map(),
  dataProducers: new Map(),
  activeSpeakerId: null,
  conversationId: null,
  forbidden: new Set(),
  secondsLeft: undefined,
  recording: noRecording,
};

/** The state that a join answer describes. What no snapshot carries stays as it was. */
export function fromSnapshot(previous: RoomState, snapshot: RoomSnapshot): RoomState {
  const participants = keyed(snapshot.participants, (participant) => participant.participantId);
  return {
    info: snapshot.room,
    me: snapshot.me,
    participants,
    waiting: keyed(snapshot.waiting ?? [], (participant) => participant.participantId),
    producers: keyed(snapshot.producers, (producer) => producer.producerId),
    dataProducers: keyed(snapshot.dataProducers, (producer) => producer.dataProducerId),
    activeSpeakerId: previous.activeSpeakerId !== null && participants.has(previous.activeSpeakerId) ? previous.activeSpeakerId : null,
    conversationId: snapshot.conversationId,
    // A snapshot says what is muted, not whether it must stay so: the server has the last word at the next unmute.
    forbidden: new Set(snapshot.me.muted.filter((source) => previous.forbidden.has(source))),
    secondsLeft: previous.secondsLeft,
    recording: fromRecordingSnapshot(previous.recording, snapshot.recording, snapshot.me.userId),
  };
}

/** The state after a notice; the same object when it means nothing to it. */
export function afterNotice<N extends NoticeName>(state: RoomState, name: N, payload: NoticePayload<N>): RoomState {
  const reduce: Reducer<N> | undefined = reducers[name];
  return reduce === undefined ? state : reduce(state, payload);
}

type Reducer<N extends NoticeName> = (state: RoomState, payload: NoticePayload<N>) => RoomState;

const reducers: { [N in NoticeName]?: Reducer<N> } = {
  'room:waiting': (state, { participant }) => ({ ...state, waiting: withEntry(state.waiting, participant.participantId, participant) }),
  'room:participantJoined': (state, { participant }) => withParticipant(state, participant),
  'room:participantUpdated': (state, { participant }) => withParticipant(state, participant),
  'room:participantLeft': (state, { participantId }) => ({
    ...state,
    participants: without(state.participants, participantId),
    waiting: without(state.waiting, participantId),
    producers: withoutThoseOf(state.producers, participantId),
    dataProducers: withoutThoseOf(state.dataProducers, participantId),
    activeSpeakerId: state.activeSpeakerId === participantId ? null : state.activeSpeakerId,
  }),
  'room:locked': (state) => withInfo(state, { locked: true }),
  'room:unlocked': (state) => withInfo(state, { locked: false }),
  'room:muted': (state, { participantId, source, allowUnmute }) => withForbidden(state, participantId, source, !allowUnmute),
  'room:activeSpeaker': (state, { participantId }) =>
    state.activeSpeakerId === participantId ? state : { ...state, activeSpeakerId: participantId },
  'room:ending': (state, { secondsLeft }) => ({ ...state, secondsLeft }),
  'room:ended': (state) => withInfo({ ...state, secondsLeft: 0 }, { status: 'ended' }),
  'recording:consentRequested': (state, question) =>
    isHere(state, question) ? { ...state, recording: withQuestion(state.recording, question) } : state,
  'recording:consentChanged': withNews,
  'recording:started': withNews,
  'recording:paused': withNews,
  'recording:resumed': withNews,
  'recording:stopped': withNews,
  'recording:ready': withNews,
  'recording:failed': withNews,
  'room:mediaLost': (state) => ({ ...state, producers: new Map(), dataProducers: new Map(), activeSpeakerId: null }),
  'media:producerAdded': (state, { producer }) => ({ ...state, producers: withEntry(state.producers, producer.producerId, producer) }),
  'media:producerPaused': (state, { producerId }) => withPaused(state, producerId, true),
  'media:producerResumed': (state, { producerId }) => withPaused(state, producerId, false),
  'media:producerRemoved': (state, { producerId }) => ({ ...state, producers: without(state.producers, producerId) }),
  'media:dataProducerAdded': (state, { dataProducer }) => ({
    ...state,
    dataProducers: withEntry(state.dataProducers, dataProducer.dataProducerId, dataProducer),
  }),
  'media:dataProducerRemoved': (state, { dataProducerId }) => ({ ...state, dataProducers: without(state.dataProducers, dataProducerId) }),
};

/** Before the snapshot the room is not known by its details; what is told then is of the room that is being joined. */
function isHere({ info }: RoomState, { roomId }: { roomId: string }): boolean {
  return info === undefined || info.roomId === roomId;
}

function withNews(state: RoomState, { recording }: { recording: Recording }): RoomState {
  if (!isHere(state, recording)) return state;
  const next = withRecording(state.recording, recording, state.me?.userId);
  return next === state.recording ? state : { ...state, recording: next };
}

function withParticipant(state: RoomState, participant: Participant): RoomState {
  return {
    ...state,
    participants: withEntry(state.participants, participant.participantId, participant),
    waiting: without(state.waiting, participant.participantId),
    me: state.me?.participantId === participant.participantId ? participant : state.me,
  };
}

function withInfo(state: RoomState, change: Partial<RoomInfo>): RoomState {
  return state.info === undefined ? state : { ...state, info: { ...state.info, ...change } };
}

function withForbidden(state: RoomState, participantId: string, source: Source, isForbidden: boolean): RoomState {
  if (participantId !== state.me?.participantId || state.forbidden.has(source) === isForbidden) return state;
  const forbidden = new Set(state.forbidden);
  if (isForbidden) forbidden.add(source);
  else forbidden.delete(source);
  return { ...state, forbidden };
}

function withPaused(state: RoomState, producerId: string, paused: boolean): RoomState {
  const producer = state.producers.get(producerId);
  return producer === undefined ? state : { ...state, producers: withEntry(state.producers, producerId, { ...producer, paused }) };
}

function keyed<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, T> {
  return new Map(items.map((item) => [keyOf(item), item]));
}

function withEntry<T>(map: ReadonlyMap<string, T>, key: string, value: T): ReadonlyMap<string, T> {
  return new Map(map).set(key, value);
}

function without<T>(map: ReadonlyMap<string, T>, key: string): ReadonlyMap<string, T> {
  if (!map.has(key)) return map;
  const copy = new Map(map);
  copy.delete(key);
  return copy;
}

function withoutThoseOf<T extends { participantId: string }>(map: ReadonlyMap<string, T>, participantId: string): ReadonlyMap<string, T> {
  return new Map([...map].filter(([, value]) => value.participantId !== participantId));
}
