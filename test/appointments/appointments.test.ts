import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { mayMeet } from '../../src/auth/access.ts';
import type { Role } from '../../src/protocol/ids.ts';
import { direct, outcomeOf, type Person, person } from '../chat/chat-fixture.ts';
import { startTestApp } from '../support/test-app.ts';

test('[AP1] who may meet whom, by policy, roles and what they have in common', () => {
  const none = { shareAppointment: false, shareRoom: false, shareConversation: false };
  const ties = [
    { ...none, shareAppointment: true },
    { ...none, shareRoom: true },
    { ...none, shareConversation: true },
  ];
  const roles: Role[] = ['patient', 'provider', 'admin', 'service'];
  for (const policy of ['appointment', 'open'] as const) {
    for (const role of roles) {
      for (const other of [...roles, undefined]) {
        const where = `${policy}: ${role} → ${other}`;
        const always = role === 'admin' || role === 'service';
        const never = role === 'patient' && other === 'patient';
        const openly = policy === 'open' && (role === 'provider' || other === 'provider');
        assert.equal(mayMeet(policy, role, other, none), always || (!never && openly), where);
        for (const tie of ties) assert.equal(mayMeet(policy, role, other, tie), always || !never, `${where} with ${JSON.stringify(tie)}`);
      }
    }
  }
});

test('appointments', async (t) => {
  await using app = await startTestApp({ LIMIT_ROOMS_PER_DAY: '0', LIMIT_MESSAGES_PER_MINUTE: '0' });
  const portal = person(app, 'portal', 'service');
  const declare = (participants: readonly Person[], appointmentId: string = randomUUID(), by = portal) =>
    by.rest('PUT', `appointments/${encodeURIComponent(appointmentId)}`, {
      participantIds: participants.map(({ userId }) => userId),
      scheduledAt: '2030-05-01T09:00:00+07:00',
      durationMinutes: 30,
    });
  const open = async (one: Person, other: Person) => outcomeOf(await one.rest('POST', 'conversations/direct', { userId: other.userId }));
  const allowed = [201, undefined];
  const forbidden = [403, 'auth.forbidden'];
  /** Users become known to the server when they sign in. */
  const known = async (...people: readonly Person[]) => {
    for (const one of people) await one.rest('GET', 'users/me');
  };

  await t.test('[AP2] the host application declares an appointment (201), and anew (200)', async () => {
    const [doctor, ann, bob] = [person(app, 'doctor'), person(app, 'ann', 'patient'), person(app, 'bob', 'patient')];
    const appointmentId = `visit/${randomUUID()} ü`;
    const made = await declare([doctor, ann, ann], appointmentId);
    assert.equal(made.status, 201);
    const expected = {
      appointmentId,
      participantIds: [ann.userId, doctor.userId].sort(),
      scheduledAt: '2030-05-01T02:00:00.000Z',
      durationMinutes: 30,
    };
    assert.deepEqual(made.body, expected);
    const url = `appointments/${encodeURIComponent(appointmentId)}`;
    for (const reader of [doctor, ann, portal, person(app, 'boss', 'admin')]) {
      const { status, body } = await reader.rest('GET', url);
      assert.deepEqual([status, body], [200, expected]);
    }
    const again = await declare([doctor, bob], appointmentId);
    assert.deepEqual([again.status, again.body.participantIds], [200, [bob.userId, doctor.userId].sort()]);
    const strange = await ann.rest('GET', url);
    const missing = await ann.rest('GET', `appointments/${randomUUID()}`);
    assert.deepEqual([strange.status, strange.body], [404, missing.body], 'no longer one of them');
    assert.equal((await portal.rest('DELETE', url)).status, 204);
    for (const method of ['GET', 'DELETE']) assert.deepEqual(outcomeOf(await portal.rest(method, url)), [404, 'appointment.not_found']);
    const rows = await app.sql<{ action: string }>('select action from audit_log where subject = $1 order by seq', [appointmentId]);
    assert.deepEqual(
      rows.map(({ action }) => action),
      ['appointment.declared', 'appointment.declared', 'appointment.removed'],
    );
  });

  await t.test('[AP3] only services and admins declare and remove; a malformed one is refused', async () => {
    const [doctor, ann] = [person(app, 'doctor'), person(app, 'ann', 'patient')];
    const id = randomUUID();
    await declare([doctor, ann], id);
    for (const somebody of [doctor, ann]) {
      assert.deepEqual(outcomeOf(await declare([somebody], randomUUID(), somebody)), forbidden);
      assert.deepEqual(outcomeOf(await somebody.rest('DELETE', `appointments/${id}`)), forbidden);
    }
    assert.equal((await declare([doctor], randomUUID(), person(app, 'boss', 'admin'))).status, 201);
    const good = { participantIds: ['a'], scheduledAt: '2030-05-01T09:00:00Z', durationMinutes: 30 };
    for (const body of [
      {},
      { ...good, participantIds: [] },
      { ...good, participantIds: ['no spaces'] },
      { ...good, participantIds: Array.from({ length: 51 }, (_, index) => `u${index}`) },
      { ...good, scheduledAt: 'soon' },
      { ...good, scheduledAt: '0000-01-01T00:00:00Z' },
      { ...good, durationMinutes: 0 },
      { ...good, durationMinutes: 1441 },
      { ...good, colour: 'red' },
    ]) {
      assert.deepEqual(
        outcomeOf(await portal.rest('PUT', `appointments/${randomUUID()}`, body)),
        [400, 'protocol.invalid_payload'],
        JSON.stringify(body),
      );
    }
    for (const bad of ['%00', 'x'.repeat(129), '%20']) {
      assert.deepEqual(outcomeOf(await portal.rest('GET', `appointments/${bad}`)), [400, 'protocol.invalid_payload'], bad);
    }
  });

  await t.test('[AP4] one appointment declared many times at once is one of those declarations', async () => {
    const people = Array.from({ length: 8 }, (_, index) => person(app, `p${index}`));
    const id = randomUUID();
    const answers = await Promise.all(people.map((one, index) => declare([one, people[(index + 1) % 8]!], id)));
    assert.equal(answers.filter(({ status }) => status === 201).length, 1);
    assert.equal(answers.filter(({ status }) => status === 200).length, 7);
    assert.equal((await portal.rest('GET', `appointments/${id}`)).body.participantIds.length, 2);
  });

  await t.test(
    '[AP5] under the appointment policy two reach each other by an appointment, a room’s invitation or a conversation',
    async () => {
      const [doctor, ann, bob, eve, nurse] = [
        person(app, 'doctor'),
        person(app, 'ann', 'patient'),
        person(app, 'bob', 'patient'),
        person(app, 'eve', 'patient'),
        person(app, 'nurse'),
      ];
      await known(doctor, ann, bob, eve, nurse);
      assert.deepEqual(await open(doctor, ann), forbidden);
      assert.deepEqual(await open(ann, doctor), forbidden);
      const id = randomUUID();
      await declare([doctor, ann], id);
      assert.deepEqual(await open(ann, doctor), allowed);
      assert.equal((await portal.rest('DELETE', `appointments/${id}`)).status, 204);
      assert.deepEqual(await open(doctor, ann), [200, undefined], 'the conversation itself is what they share now');
      await app.createRoom({ guestIds: [bob.userId] }, doctor.userId);
      assert.deepEqual(await open(bob, doctor), allowed);
      assert.deepEqual(await open(eve, doctor), forbidden);
      assert.deepEqual(await open(doctor, nurse), forbidden, 'colleagues too');
      const group = await doctor.rest('POST', 'conversations/group', { name: 'Team', memberIds: [ann.userId, nurse.userId] });
      assert.deepEqual(outcomeOf(group), forbidden, 'one whom one may not meet is enough');
      const bySetup = await portal.rest('POST', 'conversations/group', { name: 'Team', memberIds: [doctor.userId, nurse.userId] });
      assert.equal(bySetup.status, 201);
      assert.deepEqual(await open(doctor, nurse), allowed);
      const adding = `conversations/${bySetup.body.conversationId}/members`;
      await portal.rest('PATCH', `${adding}/${doctor.userId}`, { role: 'admin' });
      assert.deepEqual(outcomeOf(await doctor.rest('POST', adding, { userIds: [eve.userId] })), forbidden);
      assert.deepEqual(outcomeOf(await doctor.rest('POST', adding, { userIds: [ann.userId] })), allowed);
    },
  );

  await t.test('[AP6] patients never reach patients, whatever they share; strangers and nobody get the same answer', async () => {
    const [ann, bob, doctor] = [person(app, 'ann', 'patient'), person(app, 'bob', 'patient'), person(app, 'doctor')];
    await known(ann, bob, doctor);
    await declare([ann, bob, doctor]);
    await app.createRoom({ guestIds: [ann.userId, bob.userId] }, doctor.userId);
    assert.deepEqual(await open(ann, bob), forbidden);
    const group = await ann.rest('POST', 'conversations/group', { name: 'Us', memberIds: [doctor.userId, bob.userId] });
    assert.deepEqual(outcomeOf(group), forbidden);
    const own = await ann.rest('POST', 'conversations/group', { name: 'Me and my doctor', memberIds: [doctor.userId] });
    assert.equal(own.status, 201);
    assert.deepEqual(
      outcomeOf(await ann.rest('POST', `conversations/${own.body.conversationId}/members`, { userIds: [bob.userId] })),
      forbidden,
    );
    const strange = await ann.rest('POST', 'conversations/direct', { userId: person(app, 'stranger').userId });
    const nobody = await ann.rest('POST', 'conversations/direct', { userId: `nobody-${randomUUID()}` });
    assert.deepEqual([strange.status, strange.body], [403, nobody.body]);
    assert.deepEqual(await open(ann, ann), forbidden);
  });

  await t.test('[AP7] an appointment’s conversation is for those who take part in it', async () => {
    const [ann, doctor, nurse] = [person(app, 'ann', 'patient'), person(app, 'doctor'), person(app, 'nurse')];
    const id = randomUUID();
    await declare([ann, doctor], id);
    await declare([doctor, nurse]);
    assert.equal((await direct(doctor, ann, { appointmentId: id })).appointmentId, id);
    const outcome = outcomeOf(
      await nurse.rest('POST', 'conversations/group', { name: 'x', memberIds: [doctor.userId], appointmentId: id }),
    );
    assert.deepEqual(outcome, [404, 'appointment.not_found']);
    const made = await doctor.rest('POST', 'conversations/group', { name: 'x', memberIds: [ann.userId, nurse.userId], appointmentId: id });
    assert.deepEqual([made.status, made.body.appointmentId], [201, id]);
  });

  await t.test('[AP8] a token for one room has no appointments', async () => {
    const [ann, doctor] = [person(app, 'ann', 'patient'), person(app, 'doctor')];
    const id = randomUUID();
    await declare([ann, doctor], id);
    const { roomId, guestToken } = await app.createRoom({ guestIds: [ann.userId] }, doctor.userId);
    assert.deepEqual(outcomeOf(await app.rest('GET', `appointments/${id}`, { token: guestToken })), forbidden);
    const asService = app.tokenFor('portal', 'service', { room: { id: roomId } });
    const body = { participantIds: ['a'], scheduledAt: '2030-05-01T09:00:00Z', durationMinutes: 30 };
    assert.deepEqual(outcomeOf(await app.rest('PUT', `appointments/${id}`, { token: asService, body })), forbidden);
    assert.deepEqual(outcomeOf(await app.rest('DELETE', `appointments/${id}`, { token: asService })), forbidden);
  });
});

test('[AP9] under the open policy everybody reaches providers and providers everybody; patients still not each other', async () => {
  await using app = await startTestApp({ ACCESS_POLICY: 'open' });
  const [doctor, nurse, ann, bob] = [
    person(app, 'doctor'),
    person(app, 'nurse'),
    person(app, 'ann', 'patient'),
    person(app, 'bob', 'patient'),
  ];
  for (const one of [doctor, nurse, ann, bob]) await one.rest('GET', 'users/me');
  const open = async (one: Person, other: string) => (await one.rest('POST', 'conversations/direct', { userId: other })).status;
  assert.equal(await open(ann, doctor.userId), 201);
  assert.equal(await open(doctor, nurse.userId), 201);
  assert.equal(await open(doctor, 'not-seen-yet'), 201);
  assert.equal(await open(ann, bob.userId), 403);
  assert.equal(await open(ann, 'not-seen-yet'), 403);
});
