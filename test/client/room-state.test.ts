import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { afterNotice, emptyRoomState, fromSnapshot, type RoomState } from '../../src/client/room-state.ts';
import type { ProducerInfo } from '../../src/protocol/media.ts';
import type { Participant, RoomSnapshot } from '../../src/protocol/room.ts';

const person = (participantId: string, change: Partial<Participant> = {}): Participant => ({
  participantId,
  userId: `user of ${participantId}`,
  displayName: participantId,
  role: 'patient',
  handRaised: false,
  muted: [],
  isModerator: false,
  ...change,
});
const camera = (participantId: string): ProducerInfo => ({
  producerId: `camera of ${participantId}`,
  participantId,
  kind: 'video',
  source: 'camera',
  paused: false,
});
const snapshot = (change: Partial<RoomSnapshot> = {}): RoomSnapshot => ({
  room: {
    roomId: 'room',
    roomName: 'Visit',
    hostId: 'host',
    status: 'in_progress',
    lobby: true,
    locked: false,
    maxParticipants: 16,
    appointmentId: null,
    scheduledAt: null,
    durationMinutes: null,
    startedAt: null,
    endedAt: null,
    endsAt: null,
  },
  me: person('me'),
  participants: [person('me'), person('other')],
  producers: [camera('other')],
  dataProducers: [],
  rtpCapabilities: {},
  iceServers: [],
  conversationId: null,
  recording: null,
  ...change,
});
const joined = fromSnapshot(emptyRoomState, snapshot());
const ids = (map: ReadonlyMap<string, unknown>) => [...map.keys()];

describe('[SDK13] the room that an app sees follows the snapshot and every notice', () => {
  test('the snapshot', () => {
    assert.deepEqual(ids(joined.participants), ['me', 'other']);
    assert.deepEqual(ids(joined.producers), ['camera of other']);
    assert.equal(joined.info?.roomName, 'Visit');
  });

  const rows: [string, (state: RoomState) => RoomState, (state: RoomState) => unknown, unknown][] = [
    [
      'somebody comes',
      (s) => afterNotice(s, 'room:participantJoined', { participant: person('new') }),
      (s) => ids(s.participants),
      ['me', 'other', 'new'],
    ],
    [
      'somebody goes, with all that they sent',
      (s) => afterNotice(s, 'room:participantLeft', { participantId: 'other', userId: 'u', reason: 'left' }),
      (s) => [ids(s.participants), ids(s.producers)],
      [['me'], []],
    ],
    [
      'somebody goes twice',
      (s) => afterNotice(s, 'room:participantLeft', { participantId: 'nobody', userId: 'u', reason: 'left' }),
      (s) => ids(s.participants),
      ['me', 'other'],
    ],
    [
      'a hand goes up',
      (s) => afterNotice(s, 'room:participantUpdated', { participant: person('me', { handRaised: true }) }),
      (s) => s.me?.handRaised,
      true,
    ],
    ['somebody waits', (s) => afterNotice(s, 'room:waiting', { participant: person('guest') }), (s) => ids(s.waiting), ['guest']],
    [
      'who waited comes in',
      (s) =>
        afterNotice(afterNotice(s, 'room:waiting', { participant: person('guest') }), 'room:participantJoined', {
          participant: person('guest'),
        }),
      (s) => [ids(s.waiting), ids(s.participants)],
      [[], ['me', 'other', 'guest']],
    ],
    [
      'who waited goes away',
      (s) =>
        afterNotice(afterNotice(s, 'room:waiting', { participant: person('guest') }), 'room:participantLeft', {
          participantId: 'guest',
          userId: 'u',
          reason: 'left',
        }),
      (s) => ids(s.waiting),
      [],
    ],
    ['locked', (s) => afterNotice(s, 'room:locked', { roomId: 'room' }), (s) => s.info?.locked, true],
    [
      'unlocked',
      (s) => afterNotice(afterNotice(s, 'room:locked', { roomId: 'room' }), 'room:unlocked', { roomId: 'room' }),
      (s) => s.info?.locked,
      false,
    ],
    [
      'a camera is switched off',
      (s) => afterNotice(s, 'media:producerPaused', { producerId: 'camera of other' }),
      (s) => s.producers.get('camera of other')?.paused,
      true,
    ],
    ['a pause of something unknown', (s) => afterNotice(s, 'media:producerPaused', { producerId: 'x' }), (s) => s === joined, true],
    [
      'a new producer',
      (s) => afterNotice(s, 'media:producerAdded', { producer: camera('me') }),
      (s) => ids(s.producers),
      ['camera of other', 'camera of me'],
    ],
    [
      'the same producer again',
      (s) => afterNotice(s, 'media:producerAdded', { producer: camera('other') }),
      (s) => ids(s.producers),
      ['camera of other'],
    ],
    ['a producer is gone', (s) => afterNotice(s, 'media:producerRemoved', { producerId: 'camera of other' }), (s) => ids(s.producers), []],
    [
      'the media is lost',
      (s) => afterNotice(s, 'room:mediaLost', { reason: 'worker_died' }),
      (s) => [ids(s.producers), ids(s.participants)],
      [[], ['me', 'other']],
    ],
    ['somebody speaks', (s) => afterNotice(s, 'room:activeSpeaker', { participantId: 'other' }), (s) => s.activeSpeakerId, 'other'],
    ['the time is nearly up', (s) => afterNotice(s, 'room:ending', { secondsLeft: 60 }), (s) => s.secondsLeft, 60],
    ['a notice of something else', (s) => afterNotice(s, 'session:shutdown', { reconnectAfterMs: 1 }), (s) => s === joined, true],
  ];
  for (const [name, change, look, expected] of rows) test(name, () => assert.deepEqual(look(change(joined)), expected));
});

describe('[SDK14] a mute that allows no unmute holds until a moderator lifts it', () => {
  const mute = (state: RoomState, participantId: string, allowUnmute: boolean) =>
    afterNotice(state, 'room:muted', { participantId, source: 'microphone', allowUnmute });
  const rows: [string, RoomState, string[]][] = [
    ['a mute for good', mute(joined, 'me', false), ['microphone']],
    ['a mute that one may undo', mute(joined, 'me', true), []],
    ['lifted', mute(mute(joined, 'me', false), 'me', true), []],
    ['somebody else is muted', mute(joined, 'other', false), []],
    [
      'it outlasts a new snapshot',
      fromSnapshot(mute(joined, 'me', false), snapshot({ me: person('me', { muted: ['microphone'] }) })),
      ['microphone'],
    ],
    ['a snapshot without it lifts it', fromSnapshot(mute(joined, 'me', false), snapshot()), []],
  ];
  for (const [name, state, forbidden] of rows) test(name, () => assert.deepEqual([...state.forbidden], forbidden));
});
