import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { openDatabase } from '../../src/db/database.ts';
import { createLog } from '../../src/log.ts';
import type { Role } from '../../src/protocol/ids.ts';
import type { Contact } from '../../src/protocol/presence.ts';
import { createAcquaintanceService } from '../../src/users/acquaintance-service.ts';
import { outcomeOf, type Person, person, unlimited } from '../chat/chat-fixture.ts';
import { standing, waitForStatus } from '../presence/presence-fixture.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

/** All contacts, page by page. */
async function contactsOf(one: Person, query = '', limit = 100): Promise<Contact[]> {
  const all: Contact[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const where: string = `users/contacts?limit=${limit}${query}${cursor === '' ? '' : `&cursor=${cursor}`}`;
    const { status, body } = await one.rest('GET', where);
    assert.equal(status, 200, JSON.stringify(body));
    assert.ok(body.contacts.length <= limit);
    all.push(...body.contacts);
    cursor = body.cursor;
  }
  return all;
}
const idsOf = async (one: Person, query = '') => (await contactsOf(one, query)).map(({ userId }) => userId);

async function declare(app: TestApp, participants: readonly Person[], scheduledAt = '2030-05-01T09:00:00Z'): Promise<string> {
  const appointmentId = randomUUID();
  const participantIds = participants.map(({ userId }) => userId);
  const body = { participantIds, scheduledAt, durationMinutes: 30 };
  await app.rest('PUT', `appointments/${appointmentId}`, { token: app.tokenFor('portal', 'service'), body });
  return appointmentId;
}

for (const policy of ['appointment', 'open'] as const) {
  test(`[CT1] under ${policy} one’s contacts are the known users whom one may reach`, async () => {
    await using app = await startTestApp({ ...unlimited, ACCESS_POLICY: policy });
    const roles: Role[] = ['patient', 'patient', 'patient', 'provider', 'provider', 'provider', 'admin', 'service'];
    const people = roles.map((role, index) => person(app, `${role}${index}`, role));
    const [ann, bob, eve, doctor, nurse, other, boss, portal] = people as [Person, Person, Person, Person, Person, Person, Person, Person];
    const suspended = person(app, 'suspended');
    for (const one of [...people, suspended]) await one.rest('GET', 'users/me');
    await declare(app, [ann, bob, doctor, suspended]);
    await app.createRoom({ guestIds: [bob.userId, eve.userId, 'never-seen'] }, nurse.userId);
    await portal.rest('POST', 'conversations/group', { name: 'Team', memberIds: [doctor.userId, nurse.userId] });
    await portal.rest('POST', 'conversations/direct', { userId: eve.userId });
    const { roomId } = await app.createRoom({}, other.userId);
    await (await ann.connect()).join(roomId);
    await boss.rest('PUT', `users/${suspended.userId}/suspension`, {});

    const db = await openDatabase({ url: app.databaseUrl, log: createLog('silent') });
    try {
      const { assertMayReach } = createAcquaintanceService({ db, accessPolicy: policy });
      for (const one of people) {
        const reachable: string[] = [];
        for (const another of people) {
          if (another === one || another.role === 'service') continue;
          await assertMayReach(one, [another.userId]).then(
            () => reachable.push(another.userId),
            () => undefined,
          );
        }
        assert.deepEqual((await idsOf(one)).sort(), reachable.sort(), `${policy}: contacts of ${one.userId}`);
      }
    } finally {
      await db.close();
    }
    if (policy === 'appointment') assert.deepEqual((await idsOf(ann)).sort(), [doctor.userId, other.userId].sort());
    else assert.equal((await idsOf(doctor)).length, people.length - 2);
  });
}

test('contacts', async (t) => {
  await using app = await startTestApp(unlimited);
  const doctor = person(app, 'doctor');
  await doctor.rest('GET', 'users/me');
  const names = ['Ärzte', 'alpha', 'Beta', 'beta', 'ALPHA', '100% Bob_', 'o\'Neil "x" \\', 'Zoë', 'delta', 'Ångström'];
  const people: Person[] = [];
  for (const name of names) {
    const one = person(app, 'p', 'patient');
    people.push(one);
    await app.rest('GET', 'users/me', { token: app.tokenFor(one.userId, 'patient', { name }) });
  }

  await t.test('[CT2] by name, in pages that have each once', async () => {
    const all = await contactsOf(doctor);
    assert.equal(all.length, names.length);
    const shown = all.map(({ displayName }) => displayName);
    const places = ['alpha', 'beta', 'delta'].map((name) => shown.findIndex((one) => one.toLowerCase() === name));
    assert.deepEqual(
      places.toSorted((a, b) => a - b),
      places,
    );
    assert.equal(shown[places[0]! + 1]?.toLowerCase(), 'alpha', 'whatever its case');
    for (const limit of [1, 3, 10]) assert.deepEqual(await contactsOf(doctor, '', limit), all, `pages of ${limit}`);
  });

  await t.test('[CT3] query finds part of a name or an id, and every character stands for itself', async () => {
    const find = async (query: string) =>
      (await contactsOf(doctor, `&query=${encodeURIComponent(query)}`)).map(({ displayName }) => displayName);
    assert.deepEqual((await find('LPH')).sort(), ['ALPHA', 'alpha']);
    assert.deepEqual(await find('zoë'), ['Zoë']);
    assert.deepEqual(await find('%'), ['100% Bob_']);
    assert.deepEqual(await find('_'), ['100% Bob_']);
    assert.deepEqual(await find('\\'), ['o\'Neil "x" \\']);
    assert.deepEqual(await find("'neil"), ['o\'Neil "x" \\']);
    assert.deepEqual(await find('nothing like it'), []);
    assert.deepEqual(await find(people[1]!.userId.toUpperCase()).then((found) => found.includes('alpha')), true);
    assert.equal((await find('  ')).length, names.length);
  });

  await t.test('[CT4] with name, role, presence and the appointments one shares', async () => {
    const [ann, bob] = [people[0]!, people[1]!];
    const early = await declare(app, [doctor, ann, bob], '2030-05-01T09:00:00Z');
    const late = await declare(app, [doctor, ann], '2031-05-01T09:00:00Z');
    await declare(app, [ann], '2031-06-01T09:00:00Z');
    await ann.connect();
    await waitForStatus(doctor, ann, 'online');
    const [contact] = await contactsOf(doctor, `&query=${ann.userId}`).then((all) => all.filter(({ userId }) => userId === ann.userId));
    const presence = await standing(doctor, ann);
    assert.deepEqual(contact, {
      userId: ann.userId,
      displayName: `Name of ${ann.userId}`,
      role: 'patient',
      presence,
      appointmentIds: [late, early],
    });
    const ofBob = (await contactsOf(doctor)).find(({ userId }) => userId === bob.userId);
    assert.deepEqual(ofBob?.appointmentIds, [early]);
  });

  await t.test('[CT5] what is malformed is refused, and a token for one room has none', async () => {
    for (const query of ['limit=0', 'limit=101', 'limit=x', `query=${'x'.repeat(201)}`, 'query=%00', 'cursor=x', 'cursor=', 'colour=red']) {
      assert.deepEqual(outcomeOf(await doctor.rest('GET', `users/contacts?${query}`)), [400, 'protocol.invalid_payload'], query);
    }
    const withNul = Buffer.from(JSON.stringify(['a\0', 'b'])).toString('base64url');
    assert.deepEqual(outcomeOf(await doctor.rest('GET', `users/contacts?cursor=${withNul}`)), [400, 'protocol.invalid_payload']);
    const { guestToken } = await app.createRoom({}, doctor.userId);
    assert.deepEqual(outcomeOf(await app.rest('GET', 'users/contacts', { token: guestToken })), [403, 'auth.forbidden']);
    assert.deepEqual(outcomeOf(await app.rest('GET', 'users/contacts')), [401, 'auth.missing_token']);
  });
});
