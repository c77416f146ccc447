import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { caughtUp, direct, outcomeOf, person, refused, unlimited } from '../chat/chat-fixture.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp & AsyncDisposable;
before(async () => {
  app = await startTestApp({ ...unlimited, LIMIT_PARTICIPANTS: '4' });
});
after(() => app[Symbol.asyncDispose]());

test('[CA4] a call rings every device of its callees and says so to the caller', async () => {
  const [doctor, patient] = [person(app, 'doctor'), person(app, 'patient', 'patient')];
  const [caller, phone, laptop] = [await doctor.connect(), await patient.connect(), await patient.connect()];
  const { callId, roomId, status } = await caller.request('call:initiate', { calleeIds: [patient.userId], type: 'video' });
  assert.equal(status, 'ringing');
  for (const device of [phone, laptop]) {
    const { call } = await device.notice('call:incoming');
    assert.deepEqual([call.callId, call.roomId, call.callerId, call.calleeIds], [callId, roomId, doctor.userId, [patient.userId]]);
    assert.deepEqual([call.type, call.status, call.endReason, call.durationSeconds], ['video', 'ringing', null, null]);
  }
  assert.equal((await caller.notice('call:ringing')).call.callId, callId);
});

test('[CA5] a call to somebody without a device is initiated; the first device to connect hears it, and it rings', async () => {
  const [doctor, patient] = [person(app, 'doctor'), person(app, 'patient', 'patient')];
  const caller = await doctor.connect();
  const { callId, status } = await caller.request('call:initiate', { calleeIds: [patient.userId], type: 'voice' });
  assert.equal(status, 'initiated');
  const device = await patient.connect();
  assert.equal((await device.notice('call:incoming')).call.callId, callId);
  assert.equal((await caller.notice('call:ringing')).call.status, 'ringing');
  const reloaded = await patient.connect();
  assert.equal((await reloaded.notice('call:incoming')).call.callId, callId);
  assert.equal(caller.pending('call:ringing'), 0);
});

test('[CA6] the first to accept has the call; the caller hears it, and everybody else stops ringing', async () => {
  const [doctor, nurse, patient] = [person(app, 'doctor'), person(app, 'nurse'), person(app, 'patient', 'patient')];
  const [caller, other, phone, laptop] = [await doctor.connect(), await nurse.connect(), await patient.connect(), await patient.connect()];
  const { callId } = await caller.request('call:initiate', { calleeIds: [patient.userId, nurse.userId], type: 'video' });
  const { call } = await phone.request('call:accept', { callId });
  assert.deepEqual([call.status, call.answeredBy], ['accepted', patient.userId]);
  assert.deepEqual(
    call.parties.map(({ state }) => state),
    ['joined', 'joined', 'elsewhere'],
  );
  assert.equal((await caller.notice('call:accepted')).call.answeredBy, patient.userId);
  for (const device of [laptop, other]) assert.equal((await device.notice('call:answeredElsewhere')).call.callId, callId);
  for (const device of [phone, laptop, other]) {
    await assert.rejects(device.request('call:accept', { callId }), refused('call.invalid_state'));
  }
  assert.equal(phone.pending('call:answeredElsewhere'), 0);
});

test('[CA6] of twenty devices that accept in the same moment one has the call', async () => {
  const [doctor, patient] = [person(app, 'doctor'), person(app, 'patient', 'patient')];
  const caller = await doctor.connect();
  const devices = await Promise.all(Array.from({ length: 20 }, () => patient.connect()));
  const { callId } = await caller.request('call:initiate', { calleeIds: [patient.userId], type: 'video' });
  const answers = await Promise.allSettled(devices.map((device) => device.request('call:accept', { callId })));
  assert.equal(answers.filter(({ status }) => status === 'fulfilled').length, 1);
  for (const answer of answers) if (answer.status === 'rejected') assert.equal(answer.reason.code, 'call.invalid_state');
  const losers = devices.filter((_, index) => answers[index]?.status === 'rejected');
  for (const device of losers) await device.notice('call:answeredElsewhere');
  await caughtUp(caller, ...devices);
  assert.equal(caller.pending('call:accepted'), 1);
});

test('[CA6] accepted over REST, a call stops ringing on every device of whoever accepted it', async () => {
  const [doctor, patient] = [person(app, 'doctor'), person(app, 'patient', 'patient')];
  const [caller, phone, laptop] = [await doctor.connect(), await patient.connect(), await patient.connect()];
  const { callId } = await caller.request('call:initiate', { calleeIds: [patient.userId], type: 'video' });
  await patient.rest('POST', `calls/${callId}/accept`);
  for (const device of [phone, laptop]) assert.equal((await device.notice('call:answeredElsewhere')).call.callId, callId);
});

test('[CA14] while a call goes on its room is for those in it: whoever rings still, declined, lost or left does not enter, nor signals', async () => {
  const [doctor, nurse, patient] = [person(app, 'doctor'), person(app, 'nurse'), person(app, 'patient', 'patient')];
  const [caller, other, phone] = [await doctor.connect(), await nurse.connect(), await patient.connect()];
  const { callId, roomId } = await caller.request('call:initiate', { calleeIds: [patient.userId, nurse.userId], type: 'video' });
  assert.ok(roomId);
  await caller.join(roomId);
  await assert.rejects(other.join(roomId), refused('room.not_found'));
  await other.request('call:decline', { callId });
  await assert.rejects(other.join(roomId), refused('room.not_found'));
  await phone.request('call:accept', { callId });
  await phone.join(roomId);
  await assert.rejects(other.join(roomId), refused('room.not_found'));
  const signal = { callId, signalType: 'offer', signal: {} } as const;
  await assert.rejects(other.request('call:signal', { ...signal, recipientId: doctor.userId }), refused('call.invalid_state'));
  await assert.rejects(caller.request('call:signal', { ...signal, recipientId: nurse.userId }), refused('call.invalid_state'));
});

test('[CA15] calls do not count as rooms that somebody has made; what the server says as null it takes as null', async () => {
  await using strict = await startTestApp({ ...unlimited, LIMIT_ROOMS_PER_DAY: '1' });
  const [doctor, patient] = [person(strict, 'doctor'), person(strict, 'patient', 'patient')];
  const caller = await doctor.connect();
  for (let round = 0; round < 3; round += 1) {
    const { call } = await caller.request('call:initiate', { calleeIds: [patient.userId], type: 'voice', appointmentId: null });
    assert.equal(call.appointmentId, null);
    await caller.request('call:cancel', { callId: call.callId });
  }
  assert.equal((await doctor.rest('POST', 'rooms', {})).status, 201);
  assert.equal((await doctor.rest('POST', 'rooms', {})).status, 429);
});

test('[CA7] a call to several goes on until the last of them has declined', async () => {
  const [doctor, nurse, patient] = [person(app, 'doctor'), person(app, 'nurse'), person(app, 'patient', 'patient')];
  const [caller, other, phone, laptop] = [await doctor.connect(), await nurse.connect(), await patient.connect(), await patient.connect()];
  const { callId } = await caller.request('call:initiate', { calleeIds: [patient.userId, nurse.userId], type: 'video' });
  const { call } = await phone.request('call:decline', { callId, reason: 'not now' });
  assert.equal(call.status, 'ringing');
  await laptop.notice('call:declined');
  assert.deepEqual((await caller.notice('call:updated')).call.parties[1], {
    userId: patient.userId,
    displayName: `Name of ${patient.userId}`,
    state: 'declined',
  });
  const last = await other.request('call:decline', { callId });
  assert.deepEqual([last.call.status, last.call.endReason, last.call.endedBy], ['declined', 'callee_declined', nurse.userId]);
  assert.equal((await caller.notice('call:declined')).call.status, 'declined');
  await assert.rejects(phone.request('call:accept', { callId }), refused('call.invalid_state'));
});

test('[CA8] the caller may cancel: everybody rung hears call:ended with caller_cancelled', async () => {
  const [doctor, patient] = [person(app, 'doctor'), person(app, 'patient', 'patient')];
  const [caller, phone] = [await doctor.connect(), await patient.connect()];
  const { callId } = await caller.request('call:initiate', { calleeIds: [patient.userId], type: 'video' });
  await assert.rejects(phone.request('call:cancel', { callId }), refused('auth.forbidden'));
  const { call } = await caller.request('call:cancel', { callId });
  assert.deepEqual([call.status, call.endReason], ['cancelled', 'caller_cancelled']);
  const ended = await phone.notice('call:ended');
  assert.deepEqual([ended.reason, ended.durationSeconds, ended.call.callId], ['caller_cancelled', 0, callId]);
  await assert.rejects(caller.request('call:cancel', { callId }), refused('call.invalid_state'));
  await assert.rejects(phone.request('call:accept', { callId }), refused('call.invalid_state'));
});

test('[CA9] who is in a call is busy: the callee hears call:missed, and no room is made; the caller may let it wait', async () => {
  const [doctor, nurse, patient] = [person(app, 'doctor'), person(app, 'nurse'), person(app, 'patient', 'patient')];
  const [first, second, phone] = [await doctor.connect(), await nurse.connect(), await patient.connect()];
  const running = await first.request('call:initiate', { calleeIds: [patient.userId], type: 'video' });
  await phone.request('call:accept', { callId: running.callId });
  await phone.notice('call:incoming');
  const { call, status, roomId } = await second.request('call:initiate', { calleeIds: [patient.userId], type: 'voice' });
  assert.deepEqual([status, roomId, call.endReason, call.parties[1]?.state], ['busy', null, 'busy', 'busy']);
  assert.equal((await phone.notice('call:missed')).call.callId, call.callId);
  const waiting = await second.request('call:initiate', { calleeIds: [patient.userId], type: 'voice', wait: true });
  assert.equal(waiting.status, 'ringing');
  assert.equal((await phone.notice('call:incoming')).call.callId, waiting.callId);
  await assert.rejects(
    second.request('call:initiate', { calleeIds: [doctor.userId], type: 'voice' }),
    refused('call.busy'),
    'whoever is in a call rings nobody else',
  );
});

test('[CA10] two who ring one another are in one call, accepted; also in the same moment', async () => {
  for (let round = 0; round < 5; round += 1) {
    const [doctor, nurse] = [person(app, 'doctor'), person(app, 'nurse')];
    const [one, other] = [await doctor.connect(), await nurse.connect()];
    const [a, b] = await Promise.all([
      one.request('call:initiate', { calleeIds: [nurse.userId], type: 'video' }),
      other.request('call:initiate', { calleeIds: [doctor.userId], type: 'video' }),
    ]);
    assert.equal(a.callId, b.callId);
    assert.equal([a, b].filter(({ status }) => status === 'accepted').length, 1);
    await (a.status === 'accepted' ? other : one).notice('call:accepted');
  }
});

test('[CA11] nobody rings themselves, a stranger, nobody at all, too many, or for somebody else’s appointment', async () => {
  const [doctor, patient, other] = [person(app, 'doctor'), person(app, 'patient', 'patient'), person(app, 'patient', 'patient')];
  const [caller, phone] = [await doctor.connect(), await patient.connect()];
  await other.connect();
  const ring = (calleeIds: string[], more = {}) => ({ calleeIds, type: 'video' as const, ...more });
  await assert.rejects(caller.request('call:initiate', ring([doctor.userId])), refused('auth.forbidden'));
  await assert.rejects(phone.request('call:initiate', ring([other.userId])), refused('auth.forbidden'));
  await assert.rejects(caller.request('call:initiate', ring([])), refused('protocol.invalid_payload'));
  const five = ['a', 'b', 'c', 'd', 'e'];
  await assert.rejects(caller.request('call:initiate', ring(five.slice(0, 4))), refused('protocol.invalid_payload'));
  const seventeen = Array.from({ length: 17 }, (_, index) => `user-${index}`);
  await assert.rejects(caller.request('call:initiate', ring(seventeen)), refused('protocol.invalid_payload'));
  await assert.rejects(
    caller.request('call:initiate', ring([patient.userId], { appointmentId: 'of-others' })),
    refused('appointment.not_found'),
  );
  const { hostToken } = await app.createRoom({}, doctor.userId);
  const inRoom = await app.connect(doctor.userId, 'provider', { token: hostToken });
  await assert.rejects(inRoom.request('call:initiate', ring([patient.userId])), refused('auth.forbidden'));
  const [row] = await app.sql<{ count: string }>('select count(*) from calls where caller_id = any($1)', [[doctor.userId, patient.userId]]);
  assert.equal(row?.count, '0');
});

test('[CA11] under the policy of appointments only those ring who have one, a room or a conversation in common', async () => {
  await using strict = await startTestApp({ ...unlimited, ACCESS_POLICY: 'appointment' });
  const [doctor, patient, portal] = [person(strict, 'doctor'), person(strict, 'patient', 'patient'), person(strict, 'portal', 'service')];
  const [caller, phone] = [await doctor.connect(), await patient.connect()];
  const ring = { calleeIds: [patient.userId], type: 'video' as const };
  await assert.rejects(caller.request('call:initiate', ring), refused('auth.forbidden'));
  await portal.rest('PUT', 'appointments/visit-1', {
    participantIds: [doctor.userId, patient.userId],
    scheduledAt: new Date().toISOString(),
    durationMinutes: 30,
  });
  const { call } = await caller.request('call:initiate', { ...ring, appointmentId: 'visit-1' });
  assert.equal(call.appointmentId, 'visit-1');
  assert.equal((await phone.notice('call:incoming')).call.appointmentId, 'visit-1');
});

test('[CA12] a stranger’s call and a missing one are not found; what a call does not allow leaves it as it is', async () => {
  const [doctor, patient, stranger] = [person(app, 'doctor'), person(app, 'patient', 'patient'), person(app, 'stranger')];
  const [caller, phone, outsider] = [await doctor.connect(), await patient.connect(), await stranger.connect()];
  const { callId } = await caller.request('call:initiate', { calleeIds: [patient.userId], type: 'video' });
  const { call: before } = { call: (await doctor.rest('GET', `calls/${callId}`)).body };
  for (const id of [callId, randomUUID(), 'nonsense']) {
    for (const name of ['call:accept', 'call:decline', 'call:cancel', 'call:end', 'call:requestVideo'] as const) {
      await assert.rejects(outsider.request(name, { callId: id }), refused('call.not_found'));
    }
    assert.deepEqual(outcomeOf(await stranger.rest('GET', `calls/${id}`)), [404, 'call.not_found']);
  }
  await assert.rejects(caller.request('call:accept', { callId }), refused('call.invalid_state'));
  await assert.rejects(caller.request('call:end', { callId }), refused('call.invalid_state'));
  await assert.rejects(phone.request('call:end', { callId }), refused('call.invalid_state'));
  await assert.rejects(caller.request('call:invite', { callId, userId: stranger.userId }), refused('call.invalid_state'));
  assert.deepEqual((await doctor.rest('GET', `calls/${callId}`)).body, before);
});

test('[CA13] a call between two uses their own conversation; one with more has the room’s, with all who were rung', async () => {
  const [doctor, nurse, patient] = [person(app, 'doctor'), person(app, 'nurse'), person(app, 'patient', 'patient')];
  const [caller, phone] = [await doctor.connect(), await patient.connect()];
  const { conversationId } = await direct(doctor, patient);
  const { call } = await caller.request('call:initiate', { calleeIds: [patient.userId], type: 'video' });
  assert.equal(call.conversationId, conversationId);
  await phone.request('call:accept', { callId: call.callId });
  const snapshot = await phone.join(call.roomId ?? '');
  assert.equal(snapshot.conversationId, conversationId);
  await caller.request('call:end', { callId: call.callId });
  const { call: wide } = await caller.request('call:initiate', { calleeIds: [patient.userId, nurse.userId], type: 'video' });
  const { body } = await nurse.rest('GET', `conversations/${wide.conversationId}/members`);
  assert.deepEqual(
    new Set(body.members.map(({ userId }: { userId: string }) => userId)),
    new Set([doctor, nurse, patient].map((one) => one.userId)),
  );
});
