import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { CallType } from '../../src/protocol/call.ts';
import { caughtUp, type Person, person, refused, unlimited } from '../chat/chat-fixture.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import type { TestClient } from '../support/test-client.ts';

let app: TestApp & AsyncDisposable;
before(async () => {
  app = await startTestApp({ ...unlimited, LIMIT_IDLE_CALL_SECONDS: '5', LIMIT_RING_SECONDS: '3' });
});
after(() => app[Symbol.asyncDispose]());

interface Pair {
  doctor: Person;
  patient: Person;
  caller: TestClient;
  callee: TestClient;
  callId: string;
  roomId: string;
}

/** A call that was accepted; nobody is in its room yet. */
async function acceptedCall(type: CallType = 'video', on: TestApp = app): Promise<Pair> {
  const [doctor, patient] = [person(on, 'doctor'), person(on, 'patient', 'patient')];
  const [caller, callee] = [await doctor.connect(), await patient.connect()];
  const { callId, roomId } = await caller.request('call:initiate', { calleeIds: [patient.userId], type });
  assert.ok(roomId);
  await callee.request('call:accept', { callId });
  return { doctor, patient, caller, callee, callId, roomId };
}

/** Both are in the room, and their sound flows. */
async function connectedCall(type: CallType = 'voice'): Promise<Pair> {
  const pair = await acceptedCall(type);
  for (const client of [pair.caller, pair.callee]) {
    const { media } = await client.joinWithMedia(pair.roomId);
    await media.publishAudio();
  }
  for (const client of [pair.caller, pair.callee]) await client.notice('call:connected');
  return pair;
}

const callOf = async ({ doctor, callId }: Pick<Pair, 'doctor' | 'callId'>) => (await doctor.rest('GET', `calls/${callId}`)).body;

test('[CA20] a call is connecting when somebody enters, and connected when media of both sides really flows', async () => {
  const pair = await acceptedCall();
  const { caller, callee, roomId } = pair;
  const first = await caller.joinWithMedia(roomId);
  await first.media.publishAudio();
  await callee.join(roomId);
  await caughtUp(caller, callee);
  assert.equal((await callOf(pair)).connectedAt, null);
  const second = await callee.joinWithMedia(roomId);
  await second.media.publishVideo();
  const { call } = await caller.notice('call:connected');
  await callee.notice('call:connected');
  assert.equal(call.status, 'connected');
  assert.ok(call.setupMs !== null && call.setupMs >= 0);
});

test('[CA20] somebody who has muted everything counts as soon as their transport is connected', async () => {
  const { caller, callee, roomId } = await acceptedCall('voice');
  for (const client of [caller, callee]) {
    const { media } = await client.joinWithMedia(roomId);
    const { producerId } = await media.publishAudio();
    await client.request('media:pauseProducer', { producerId });
  }
  await caller.notice('call:connected');
});

test('[CA21] without media of both sides a call fails in LIMIT_CONNECTING_SECONDS, and its room ends', async () => {
  await using impatient = await startTestApp({ ...unlimited, LIMIT_CONNECTING_SECONDS: '3' });
  const pair = await acceptedCall('video', impatient);
  const { media } = await pair.caller.joinWithMedia(pair.roomId);
  await media.publishAudio();
  const { call } = await pair.callee.notice('call:failed');
  assert.deepEqual([call.status, call.endReason, call.endedBy], ['failed', 'connection_failed', null]);
  assert.equal((await pair.caller.notice('room:ended')).reason, 'call_ended');
});

test('[CA22] a ring that nobody answers is missed after LIMIT_RING_SECONDS, for both sides', async () => {
  const [doctor, patient] = [person(app, 'doctor'), person(app, 'patient', 'patient')];
  const [caller, callee] = [await doctor.connect(), await patient.connect()];
  const { callId } = await caller.request('call:initiate', { calleeIds: [patient.userId], type: 'video' });
  for (const client of [caller, callee]) {
    const { call } = await client.notice('call:missed');
    assert.deepEqual([call.callId, call.status, call.endReason], [callId, 'missed', 'missed']);
  }
  await assert.rejects(callee.request('call:accept', { callId }), refused('call.invalid_state'));
});

test('[CA23] hanging up ends the call for both, and its room', async () => {
  const pair = await connectedCall();
  const { call } = await pair.callee.request('call:end', { callId: pair.callId, reason: 'thank you' });
  assert.deepEqual([call.status, call.endReason, call.endedBy], ['ended', 'user_hangup', pair.patient.userId]);
  const ended = await pair.caller.notice('call:ended');
  assert.deepEqual([ended.reason, ended.call.reason], ['user_hangup', 'thank you']);
  assert.equal(ended.durationSeconds, call.durationSeconds);
  assert.equal((await pair.caller.notice('room:ended')).reason, 'call_ended');
  await assert.rejects(pair.caller.request('call:end', { callId: pair.callId }), refused('call.invalid_state'));
});

test('[CA24] a call with nobody in its room ends after LIMIT_IDLE_CALL_SECONDS; who comes back in time keeps it', async () => {
  const pair = await connectedCall();
  const { caller, callee, roomId } = pair;
  for (const client of [caller, callee]) await client.request('room:leave', {});
  const [{ deadline_at: deadlineAt } = {}] = await app.sql<{ deadline_at: Date | null }>(
    'select deadline_at from calls where call_id = $1 and deadline_at is not null',
    [pair.callId],
  );
  assert.ok(deadlineAt);
  await caller.joinWithMedia(roomId);
  await callee.joinWithMedia(roomId);
  const stillWaiting = await app.sql('select 1 from calls where call_id = $1 and deadline_at is not null', [pair.callId]);
  assert.equal(stillWaiting.length, 0);
  for (const client of [caller, callee]) await client.request('room:leave', {});
  const { call, reason } = await callee.notice('call:ended');
  assert.deepEqual([reason, call.endedBy], ['network_error', null]);
});

test('[CA25] a call whose room is ended has ended, too', async () => {
  const pair = await connectedCall();
  await pair.doctor.rest('PUT', `rooms/${pair.roomId}/end`);
  assert.equal((await pair.callee.notice('call:ended')).reason, 'room_ended');
});

test('[CA26] one more user is rung into a running call, comes, and the others hear it; hanging up in a call of three goes on with two', async () => {
  const pair = await connectedCall();
  const { caller, callee, callId, roomId } = pair;
  const relative = person(app, 'relative', 'patient');
  const third = await relative.connect();
  await assert.rejects(third.join(roomId), refused('room.not_found'));
  const { call } = await caller.request('call:invite', { callId, userId: relative.userId });
  assert.equal(call.parties[2]?.state, 'ringing');
  await third.notice('call:incoming');
  await callee.notice('call:updated');
  await assert.rejects(caller.request('call:invite', { callId, userId: relative.userId }), refused('call.invalid_state'));
  const accepted = await third.request('call:accept', { callId });
  assert.deepEqual([accepted.call.status, accepted.call.parties[2]?.state], ['connected', 'joined']);
  await callee.notice('call:updated', ({ call: told }) => told.parties[2]?.state === 'joined');
  const snapshot = await third.join(roomId);
  assert.equal(snapshot.conversationId, accepted.call.conversationId, 'three have a conversation of their own');
  const own = await app.sql<{ type: string }>('select type from conversations where conversation_id = $1', [snapshot.conversationId]);
  assert.equal(own[0]?.type, 'group');
  await callee.request('call:end', { callId });
  assert.equal((await callOf(pair)).status, 'connected');
  await caller.notice('call:updated', ({ call: told }) => told.parties[1]?.state === 'left');
  await caller.request('call:end', { callId });
  assert.equal((await third.notice('call:ended')).reason, 'user_hangup');
});

test('[CA26] somebody rung into a running call who does not answer, or declines, leaves it as it is', async () => {
  const pair = await connectedCall();
  const { caller, callId } = pair;
  const [nurse, clerk] = [person(app, 'nurse'), person(app, 'clerk')];
  const [third, fourth] = [await nurse.connect(), await clerk.connect()];
  await caller.request('call:invite', { callId, userId: nurse.userId });
  await caller.request('call:invite', { callId, userId: clerk.userId });
  await fourth.request('call:decline', { callId });
  await third.notice('call:missed');
  const { status, parties } = await callOf(pair);
  assert.deepEqual(
    [status, ...parties.map(({ state }: { state: string }) => state)],
    ['connected', 'joined', 'joined', 'missed', 'declined'],
  );
  await assert.rejects(third.request('call:accept', { callId }), refused('call.invalid_state'));
});

test('[CA27] a voice call becomes a video call when another one consents, and not by the asker’s own word', async () => {
  const pair = await acceptedCall('voice');
  const { caller, callee, callId } = pair;
  await assert.rejects(callee.request('call:answerVideo', { callId, accepted: true }), refused('call.invalid_state'));
  await caller.request('call:requestVideo', { callId });
  assert.equal((await callee.notice('call:videoRequested')).userId, pair.doctor.userId);
  await assert.rejects(caller.request('call:answerVideo', { callId, accepted: true }), refused('call.invalid_state'));
  await callee.request('call:answerVideo', { callId, accepted: false });
  assert.equal((await caller.notice('call:videoAnswered')).accepted, false);
  assert.equal((await callOf(pair)).type, 'voice');
  await callee.request('call:requestVideo', { callId });
  const { call } = await caller.request('call:answerVideo', { callId, accepted: true });
  assert.equal(call.type, 'video');
  assert.equal((await callee.notice('call:videoAnswered', ({ accepted }) => accepted)).call.type, 'video');
  await assert.rejects(caller.request('call:requestVideo', { callId }), refused('call.invalid_state'));
});

test('[CA28] signals go from one of a call’s users to another one’s devices, as they are; to nobody else, and up to 64 KiB', async () => {
  const { caller, callee, patient, callId } = await acceptedCall();
  const outsider = person(app, 'outsider');
  const eavesdropper = await outsider.connect();
  const signal = { type: 'offer', sdp: 'v=0', nested: [1, null, { a: 'ü' }] };
  await caller.request('call:signal', { callId, recipientId: patient.userId, signalType: 'offer', signal });
  assert.deepEqual((await callee.notice('call:signal')).signal, signal);
  const send = (client: TestClient, recipientId: string, some: unknown) =>
    client.request('call:signal', { callId, recipientId, signalType: 'ice', signal: some });
  await assert.rejects(send(caller, outsider.userId, signal), refused('call.not_found'));
  await assert.rejects(send(eavesdropper, patient.userId, signal), refused('call.not_found'));
  await send(caller, patient.userId, 'x'.repeat(65_534));
  await assert.rejects(send(caller, patient.userId, 'x'.repeat(65_535)), refused('protocol.too_large'));
  await caller.request('call:end', { callId });
  await assert.rejects(send(caller, patient.userId, signal), refused('call.invalid_state'));
});

test('[CA29] a call tells its conversation how it went, once, in a system message that is never unread', async () => {
  const pair = await connectedCall();
  const { caller, callee, callId } = pair;
  await caller.request('call:end', { callId });
  const { message } = await callee.notice('chat:message', (notice) => notice.message.type === 'system');
  assert.deepEqual([message.senderId, message.callId], ['parley', callId]);
  assert.match(message.content ?? '', /^Voice call, \d+ s$/);
  const { body } = await pair.patient.rest('GET', `conversations/${message.conversationId}`);
  assert.equal(body.unreadCount, 0);
  const declined = await caller.request('call:initiate', { calleeIds: [pair.patient.userId], type: 'video' });
  await callee.request('call:decline', { callId: declined.callId });
  const second = await caller.notice('chat:message', (notice) => notice.message.callId === declined.callId);
  assert.equal(second.message.content, 'Declined video call');
  const third = await caller.request('call:initiate', { calleeIds: [pair.patient.userId], type: 'video' });
  await caller.request('call:cancel', { callId: third.callId });
  const last = await callee.notice('chat:message', (notice) => notice.message.callId === third.callId);
  assert.equal(last.message.content, 'Missed video call');
});
