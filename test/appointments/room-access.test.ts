import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { createAppointmentService } from '../../src/appointments/appointment-service.ts';
import { openDatabase } from '../../src/db/database.ts';
import { createFacts } from '../../src/facts.ts';
import { createLog } from '../../src/log.ts';
import { outcomeOf, type Person, person, refused } from '../chat/chat-fixture.ts';
import { codeOf } from '../support/refusal.ts';
import { startTestApp } from '../support/test-app.ts';
import { createTestDatabase } from '../support/test-database.ts';

const minutes = (count: number) => new Date(Date.now() + count * 60_000).toISOString();

test('rooms of appointments', async (t) => {
  await using app = await startTestApp({ LIMIT_ROOMS_PER_DAY: '0' });
  const portal = person(app, 'portal', 'service');
  const declare = (appointmentId: string, participants: readonly Person[], scheduledAt: string) =>
    portal.rest('PUT', `appointments/${appointmentId}`, {
      participantIds: participants.map(({ userId }) => userId),
      scheduledAt,
      durationMinutes: 30,
    });
  /** An appointment with its room, which is for its guest list alone. */
  const visit = async (participants: readonly Person[], scheduledAt: string) => {
    const appointmentId = randomUUID();
    const { roomId } = await app.createRoom({ appointmentId, guestIds: ['somebody-else'] }, portal.userId, 'service');
    await declare(appointmentId, participants, scheduledAt);
    return { appointmentId, roomId };
  };
  const prepare = async (one: Person, roomId: string) => outcomeOf(await one.rest('POST', `rooms/${roomId}/join`, {}));

  await t.test('[AP10] providers of the appointment moderate its room, participants enter it and find it in their list', async () => {
    const [doctor, ann, stranger] = [person(app, 'doctor'), person(app, 'ann', 'patient'), person(app, 'stranger')];
    const { roomId } = await visit([doctor, ann], minutes(5));
    const [byDoctor, byAnn, byStranger] = [await doctor.connect(), await ann.connect(), await stranger.connect()];
    assert.equal((await byDoctor.join(roomId)).me.isModerator, true);
    const { me } = await byAnn.join(roomId);
    assert.equal(me.isModerator, false);
    await assert.rejects(byStranger.join(roomId), refused('room.not_found'));
    const { body: mine } = await doctor.rest('GET', 'rooms');
    assert.deepEqual(
      mine.rooms.map((room: { roomId: string; notes?: string }) => [room.roomId, room.notes]),
      [[roomId, '']],
      'with its notes',
    );
    const { body: hers } = await ann.rest('GET', 'rooms');
    assert.deepEqual(
      hers.rooms.map((room: { roomId: string; notes?: string }) => [room.roomId, room.notes]),
      [[roomId, undefined]],
    );
    assert.deepEqual((await stranger.rest('GET', 'rooms')).body.rooms, []);
    assert.equal((await doctor.rest('PATCH', `rooms/${roomId}`, { notes: 'n' })).status, 200);
    await byDoctor.request('room:kick', { participantId: me.participantId, ban: true });
    assert.equal(await codeOf(byAnn.join(roomId)), 'room.banned');
  });

  await t.test('[AP11] patients enter from 15 minutes before the time on, everybody else when they like', async () => {
    const [doctor, ann, boss] = [person(app, 'doctor'), person(app, 'ann', 'patient'), person(app, 'boss', 'admin')];
    const scheduledAt = minutes(20);
    const { appointmentId, roomId } = await visit([doctor, ann], scheduledAt);
    const client = await ann.connect();
    const error = await client.join(roomId).then(
      () => undefined,
      (reason: unknown) => reason as { code: string; details: unknown },
    );
    const opensAt = new Date(Date.parse(scheduledAt) - 15 * 60_000).toISOString();
    assert.deepEqual([error?.code, error?.details], ['room.too_early', { opensAt }]);
    assert.deepEqual(await prepare(ann, roomId), [403, 'room.too_early']);
    assert.equal((await ann.rest('GET', `rooms/${roomId}`)).status, 200, 'what the room is she may know');
    for (const one of [doctor, boss, portal]) assert.equal((await prepare(one, roomId))[0], 200);
    await (await doctor.connect()).join(roomId);
    assert.equal(await codeOf(client.join(roomId)), 'room.too_early', 'though the doctor is there');

    await declare(appointmentId, [doctor, ann], minutes(14));
    await client.join(roomId);
    await declare(appointmentId, [doctor, ann], minutes(60));
    await client.join(roomId);
    assert.equal((await prepare(ann, roomId))[0], 200, 'who is there stays');
    await client.request('room:leave', {});
    assert.equal(await codeOf(client.join(roomId)), 'room.too_early');
    await declare(appointmentId, [doctor, ann], minutes(-600));
    await client.join(roomId);
    await client.request('room:leave', {});
    await client.join(roomId);
  });

  await t.test('[AP11] a patient who accepts a call comes at once', async () => {
    const [doctor, ann] = [person(app, 'doctor'), person(app, 'ann', 'patient')];
    const { appointmentId } = await visit([doctor, ann], minutes(600));
    const [caller, callee] = [await doctor.connect(), await ann.connect()];
    const { callId, roomId } = await caller.request('call:initiate', { calleeIds: [ann.userId], type: 'video', appointmentId });
    assert.deepEqual(await prepare(ann, roomId ?? ''), [404, 'room.not_found'], 'only who has accepted');
    await callee.request('call:accept', { callId });
    await callee.join(roomId ?? '');
    assert.equal((await caller.join(roomId ?? '')).me.isModerator, true);
  });

  await t.test('[AP12] an appointment that is not declared opens and closes nothing', async () => {
    const [doctor, ann] = [person(app, 'doctor'), person(app, 'ann', 'patient')];
    const { appointmentId, roomId } = await visit([doctor, ann], minutes(600));
    assert.equal((await portal.rest('DELETE', `appointments/${appointmentId}`)).status, 204);
    for (const one of [doctor, ann]) assert.deepEqual(await prepare(one, roomId), [404, 'room.not_found']);
    const open = await app.createRoom({ appointmentId: randomUUID() }, doctor.userId);
    assert.equal((await prepare(ann, open.roomId))[0], 200);
    assert.equal((await (await ann.connect()).join(open.roomId)).me.isModerator, false);
  });
});

test('[AP13] declaring and removing an appointment is known to the other parts, once it is committed', async () => {
  await using own = await createTestDatabase();
  const db = await openDatabase({ url: own.url, log: createLog('silent') });
  try {
    const facts = createFacts();
    const told: unknown[] = [];
    facts.on('appointment.declared', (fact) => told.push(fact));
    facts.on('appointment.removed', (fact) => told.push(fact));
    const appointments = createAppointmentService({ db, facts });
    const portal = { userId: 'portal', role: 'service', onlyRoomId: undefined };
    const body = { participantIds: ['b', 'a', 'a'], scheduledAt: '2030-05-01T09:00:00+07:00', durationMinutes: 30 };
    await appointments.put(portal, 'visit', body);
    await assert.rejects(appointments.put({ ...portal, role: 'provider' }, 'visit', body), refused('auth.forbidden'));
    await assert.rejects(appointments.remove(portal, 'another'), refused('appointment.not_found'));
    await appointments.remove(portal, 'visit');
    assert.deepEqual(told, [
      { appointmentId: 'visit', scheduledAt: new Date('2030-05-01T02:00:00Z'), participantIds: ['a', 'b'] },
      { appointmentId: 'visit' },
    ]);
  } finally {
    await db.close();
  }
});
