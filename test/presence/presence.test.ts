import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import pg from 'pg';
import type { Presence } from '../../src/protocol/presence.ts';
import { outcomeOf, type Person, person, refused, unlimited } from '../chat/chat-fixture.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import type { TestClient } from '../support/test-client.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { waitFor } from '../support/wait-for.ts';
import { standing, waitForStatus } from './presence-fixture.ts';

/** Who lost a socket is shown for 2 s; what is told is gathered for another 0.3 s. */
const goneMs = 5_000;

/** Somebody who hears of others, over a socket. */
async function watch(watcher: Person, others: readonly Person[]): Promise<TestClient> {
  const client = await watcher.connect();
  await client.request('presence:subscribe', { userIds: others.map(({ userId }) => userId) });
  return client;
}

/** The next notice in which somebody stands so. */
async function heard(client: TestClient, { userId }: Person, status: Presence['status']): Promise<Presence> {
  const fits = (presence: Presence) => presence.userId === userId && presence.status === status;
  const { presences } = await client.notice('presence:changed', (notice) => notice.presences.some(fits));
  return presences.find(fits)!;
}

/** How somebody stands who never said anything and has no device. */
const nobody = (userId: string): Presence => ({ userId, status: 'offline', note: null, noteEndsAt: null, lastSeenAt: null, devices: [] });

test('presence', async (t) => {
  await using app: TestApp & AsyncDisposable = await startTestApp({ ...unlimited, LIMIT_RECONNECT_SECONDS: '60' });
  const people = (...names: string[]) => names.map((name) => person(app, name)) as [Person, Person, Person];

  await t.test('[PR2] one is online with the first device and offline within 5 s of the last one’s goodbye, last seen then', async () => {
    const [ann, bob] = people('ann', 'bob');
    const watcher = await watch(bob, [ann]);
    const [laptop, phone] = [await ann.connect(), await ann.connect()];
    assert.equal((await heard(watcher, ann, 'online')).lastSeenAt, null);
    await waitFor('both devices', async () => (await standing(bob, ann)).devices.length === 2);
    await laptop.close();
    await waitFor('one device', async () => (await standing(bob, ann)).devices.length === 1);
    assert.equal((await standing(bob, ann)).status, 'online');
    const saidGoodbyeMs = Date.now();
    await phone.close();
    const gone = await heard(watcher, ann, 'offline');
    assert.ok(Date.now() - saidGoodbyeMs < goneMs);
    assert.ok(Math.abs(Date.parse(gone.lastSeenAt!) - saidGoodbyeMs) < 1_000, 'when the last device went');
    assert.deepEqual(gone.devices, []);
    assert.deepEqual(await standing(bob, ann), gone);
  });

  await t.test('[PR3] away when all devices are idle, online again with the first touch', async () => {
    const [ann, bob] = people('ann', 'bob');
    const watcher = await watch(bob, [ann]);
    const [laptop, phone] = [await ann.connect(), await ann.connect()];
    await heard(watcher, ann, 'online');
    await laptop.request('presence:heartbeat', { device: { kind: 'desktop', idleSeconds: 301 } });
    await phone.request('presence:heartbeat', { device: 'Mobile' });
    await waitFor('one to be away', async () => (await standing(bob, ann)).devices.some(({ status }) => status === 'away'));
    const { status, devices } = await standing(bob, ann);
    assert.deepEqual(
      [status, devices.map((one) => [one.kind, one.status]).sort()],
      [
        'online',
        [
          ['desktop', 'away'],
          ['mobile', 'online'],
        ],
      ],
    );
    await phone.request('presence:heartbeat', { device: { idleSeconds: 3_600 } });
    const away = await heard(watcher, ann, 'away');
    const since = Date.parse(away.devices.find(({ kind }) => kind === 'mobile')!.since);
    assert.ok(Math.abs(Date.now() - since - 3_300_000) < 5_000, 'since five minutes after the last touch');
    await laptop.request('presence:heartbeat', {});
    await heard(watcher, ann, 'online');
  });

  await t.test('[PR5] a lost socket counts as gone after 2 s, and its session comes back as it was', async () => {
    const [ann, bob] = people('ann', 'bob');
    const watcher = await watch(bob, [ann]);
    const client = await ann.connect();
    await client.request('presence:heartbeat', { device: 'tablet' });
    await heard(watcher, ann, 'online');
    client.drop();
    await heard(watcher, ann, 'offline');
    assert.ok(app.app.sockets.findSession(client.sessionId), 'its session waits');
    const again = await app.connect(ann.userId, 'provider', { resume: client.resume });
    assert.equal(again.ready.recovered, true);
    assert.equal((await heard(watcher, ann, 'online')).devices[0]?.kind, 'tablet');
  });

  await t.test('[PR5] who reconnects again and again does not flap, with goodbye or without', async () => {
    const [ann, bob, eve] = people('ann', 'bob', 'eve');
    const watcher = await watch(bob, [ann, eve]);
    let client = await ann.connect();
    await heard(watcher, ann, 'online');
    for (let round = 0; round < 8; round += 1) {
      if (round % 2 === 0) client.drop();
      else await client.close();
      // What is told of somebody else shows that what there was to tell of ann has been told.
      await eve.rest('PUT', 'presence', { status: 'busy', note: `round ${round}` });
      const lost = await watcher.notice('presence:changed');
      client = await ann.connect();
      await eve.rest('PUT', 'presence', { status: 'busy', note: `round ${round}, back` });
      const back = await watcher.notice('presence:changed');
      const told = [lost, back].flatMap(({ presences }) => presences.map(({ userId, note }) => [userId, note]));
      assert.deepEqual(told, [
        [eve.userId, `round ${round}`],
        [eve.userId, `round ${round}, back`],
      ]);
    }
  });

  await t.test('[PR6] what one says goes before what devices show, with a note; online takes it back', async () => {
    const [ann, bob] = people('ann', 'bob');
    const watcher = await watch(bob, [ann]);
    const client = await ann.connect();
    await heard(watcher, ann, 'online');
    const until = new Date(Date.now() + 3_600_000).toISOString();
    for (const status of ['busy', 'do_not_disturb', 'idle', 'away'] as const) {
      const { presence } = await client.request('presence:set', { status, note: ' In theatre ', until });
      assert.deepEqual([presence.status, presence.note, presence.noteEndsAt], [status, 'In theatre', until]);
      assert.deepEqual(await heard(watcher, ann, status), presence);
    }
    const { presence } = await client.request('presence:set', { status: 'online' });
    assert.deepEqual([presence.status, presence.note, presence.noteEndsAt], ['online', null, null]);
    const { status, body } = await ann.rest('PUT', 'presence', { status: 'busy', note: '' });
    assert.deepEqual([status, body.status, body.note], [200, 'busy', null]);
    await client.close();
    await heard(watcher, ann, 'offline');
    const back = await ann.connect();
    await heard(watcher, ann, 'busy');
    await back.request('presence:set', { status: 'online', note: 'Back' });
    assert.equal((await heard(watcher, ann, 'online')).note, 'Back');
  });

  await t.test('[PR6] what only the server says, and ends that do not exist or have passed, are refused and change nothing', async () => {
    const [ann] = people('ann');
    const client = await ann.connect();
    const { presence: before } = await client.request('presence:set', { status: 'busy', note: 'kept' });
    for (const payload of [
      { status: 'in_call' },
      { status: 'offline' },
      { status: 'asleep' },
      { status: 'away', until: '2030-02-30T10:00:00Z' },
      { status: 'away', until: '2031-02-29T10:00:00.000Z' },
      { status: 'away', until: '2030-05-01' },
      { status: 'away', until: '2020-05-01T10:00:00Z' },
      { status: 'away', note: 'x'.repeat(201) },
      { status: 'away', note: 'a\0b' },
      { status: 'away', colour: 'red' },
      {},
    ]) {
      await assert.rejects(client.send('presence:set', payload), refused('protocol.invalid_payload'), JSON.stringify(payload));
      assert.deepEqual(outcomeOf(await ann.rest('PUT', 'presence', payload)), [400, 'protocol.invalid_payload']);
    }
    assert.deepEqual((await client.request('presence:get', { userIds: [ann.userId] })).presences, [before]);
  });

  await t.test('[PR7] a note with an end goes by itself, with its status, and this is told', async () => {
    const [ann, bob] = people('ann', 'bob');
    const watcher = await watch(bob, [ann]);
    const client = await ann.connect();
    await heard(watcher, ann, 'online');
    await client.request('presence:set', { status: 'busy', note: 'soon back', until: new Date(Date.now() + 500).toISOString() });
    await heard(watcher, ann, 'busy');
    const after = await heard(watcher, ann, 'online');
    assert.deepEqual([after.note, after.noteEndsAt], [null, null]);
    await waitFor('it to be forgotten', async () => {
      const [row] = await app.sql<{ status: string | null }>('select status from user_presence where user_id = $1', [ann.userId]);
      return row?.status === null;
    });
    const later = new Date(Date.now() + 1_000).toISOString();
    await client.request('presence:set', { status: 'busy', note: 'again', until: later });
    await client.request('presence:set', { status: 'away', note: 'without an end' });
    const jobs = await app.sql('select 1 from graphile_worker.jobs where key = $1', [`presence:end:${ann.userId}`]);
    assert.equal(jobs.length, 0, 'what was said later has no end');
  });

  await t.test('[PR8] in a room, or in a call that was taken, one is in_call whatever one says, and afterwards no more', async () => {
    const [ann, bob] = people('ann', 'bob');
    const watcher = await watch(bob, [ann]);
    const client = await ann.connect();
    await client.request('presence:set', { status: 'do_not_disturb' });
    await heard(watcher, ann, 'do_not_disturb');
    const { roomId } = await app.createRoom({}, ann.userId);
    await client.join(roomId);
    await heard(watcher, ann, 'in_call');
    await client.request('room:leave', {});
    await heard(watcher, ann, 'do_not_disturb');
    await client.join(roomId);
    await heard(watcher, ann, 'in_call');
    await client.request('room:end', {});
    await heard(watcher, ann, 'do_not_disturb');

    const callId = randomUUID();
    await app.sql("insert into calls (call_id, caller_id, type, status, initiated_at) values ($1, $2, 'video', 'ringing', now())", [
      callId,
      ann.userId,
    ]);
    await app.sql("insert into call_parties (call_id, user_id, state, position) values ($1, $2, 'joined', 0)", [callId, ann.userId]);
    const expected = {
      ringing: 'do_not_disturb',
      accepted: 'in_call',
      connecting: 'in_call',
      connected: 'in_call',
      ended: 'do_not_disturb',
    };
    for (const [status, shown] of Object.entries(expected)) {
      await app.sql('update calls set status = $2 where call_id = $1', [callId, status]);
      assert.equal((await standing(bob, ann)).status, shown, status);
    }
  });

  await t.test('[PR11] who hides when they were last there (`showLastSeen`) shows it to nobody, and others are told at once', async () => {
    const [ann, bob] = people('ann', 'bob');
    const client = await ann.connect();
    await client.close();
    await waitFor('ann to be gone', async () => (await standing(bob, ann)).lastSeenAt !== null);
    const watcher = await watch(bob, [ann]);
    const before = await standing(bob, ann);
    await ann.rest('PATCH', 'users/me', { privacy: { showLastSeen: false } });
    assert.deepEqual(await heard(watcher, ann, 'offline'), { ...before, lastSeenAt: null });
    await ann.rest('PATCH', 'users/me', { privacy: { showLastSeen: true } });
    assert.deepEqual(await heard(watcher, ann, 'offline'), before);
  });

  await t.test('[PR12] a token for one room has no presence: its session is no device, and asking is forbidden', async () => {
    const [ann, bob] = people('ann', 'bob');
    const { roomId } = await app.createRoom({ guestIds: [ann.userId] }, bob.userId);
    const token = app.tokenFor(ann.userId, 'patient', { room: { id: roomId } });
    const client = await app.connect(ann.userId, 'patient', { token });
    assert.deepEqual(await client.request('presence:heartbeat', { device: 'mobile' }), {});
    await client.join(roomId);
    assert.equal((await standing(bob, ann)).status, 'offline');
    const userIds = [bob.userId];
    for (const [name, payload] of [
      ['presence:get', { userIds }],
      ['presence:subscribe', { userIds }],
      ['presence:set', { status: 'busy' }],
    ] as const) {
      await assert.rejects(client.send(name, payload), refused('auth.forbidden'), name);
    }
    assert.deepEqual(await client.request('presence:unsubscribe', { userIds }), {});
    assert.deepEqual(outcomeOf(await app.rest('GET', `presence?userIds=${bob.userId}`, { token })), [403, 'auth.forbidden']);
    assert.deepEqual(outcomeOf(await app.rest('PUT', 'presence', { token, body: { status: 'busy' } })), [403, 'auth.forbidden']);
  });

  await t.test('[PR13] REST answers how users stand, ids separated by commas or repeated, each once and in that order', async () => {
    const [ann, bob] = people('ann', 'bob');
    const client = await ann.connect();
    await waitForStatus(bob, ann, 'online');
    const { status, body } = await bob.rest('GET', `presence?userIds=no-one,${ann.userId}&userIds=${ann.userId},x@y&userIds=z`);
    assert.equal(status, 200);
    const [own] = (await client.request('presence:get', { userIds: [ann.userId] })).presences;
    assert.deepEqual(body.presences, [nobody('no-one'), own, nobody('x@y'), nobody('z')]);
    const many = (count: number) => Array.from({ length: count }, (_, index) => `u${index}`).join(',');
    assert.equal((await bob.rest('GET', `presence?userIds=${many(200)}`)).body.presences.length, 200);
    for (const query of ['', '?userIds=', '?userIds=a,,b', '?userIds=no%20spaces', `?userIds=${many(201)}`, '?userIds=a&colour=red']) {
      assert.deepEqual(outcomeOf(await bob.rest('GET', `presence${query}`)), [400, 'protocol.invalid_payload'], query.slice(0, 30));
    }
    assert.deepEqual(outcomeOf(await app.rest('GET', 'presence?userIds=a')), [401, 'auth.missing_token']);
  });

  await t.test('[PR15] a session that was without a socket is told everything anew', async () => {
    const [ann, bob] = people('ann', 'bob');
    const client = await ann.connect();
    const watcher = await watch(bob, [ann]);
    watcher.drop();
    await client.request('presence:set', { status: 'busy' });
    await waitForStatus(bob, ann, 'busy');
    const again = await app.connect(bob.userId, 'provider', { resume: watcher.resume });
    assert.equal(again.ready.recovered, true);
    await heard(again, ann, 'busy');
  });

  await t.test('[PR17] who does not want to be disturbed is not rung, and is in_call in a call that they were in', async () => {
    const [ann, bob, eve] = people('ann', 'bob', 'eve');
    const [byAnn, byBob, byEve] = [await ann.connect(), await bob.connect(), await eve.connect()];
    const { callId } = await byAnn.request('call:initiate', { calleeIds: [bob.userId], type: 'voice' });
    await byBob.notice('call:incoming');
    assert.equal((await standing(eve, bob)).status, 'online', 'while it rings');
    const watcher = await watch(eve, [ann, bob]);
    await byBob.request('call:accept', { callId });
    for (const one of [ann, bob]) await waitForStatus(eve, one, 'in_call');
    await waitFor('both to be told of', () => watcher.pending('presence:changed') > 0);
    await byBob.request('call:end', { callId });
    for (const one of [ann, bob]) await waitForStatus(eve, one, 'online');
    await byBob.request('presence:set', { status: 'do_not_disturb' });
    const refusedCall = await byEve.request('call:initiate', { calleeIds: [bob.userId], type: 'voice' });
    assert.equal(refusedCall.status, 'busy');
  });

  await t.test('[PR16] whoever is suspended is offline at once', async () => {
    const [ann, bob] = people('ann', 'bob');
    const watcher = await watch(bob, [ann]);
    await ann.connect();
    await heard(watcher, ann, 'online');
    assert.equal((await person(app, 'boss', 'admin').rest('PUT', `users/${ann.userId}/suspension`, {})).status, 200);
    const beganMs = Date.now();
    await heard(watcher, ann, 'offline');
    assert.ok(Date.now() - beganMs < 2_000, 'nobody waits for them to come back');
  });
});

test('[PR8] what a crash left behind puts nobody in a call', async () => {
  await using database = await createTestDatabase();
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const roomId = randomUUID();
  await client.query(
    "insert into rooms (room_id, name, host_id, created_by, status, max_participants) values ($1, '', 'ann', 'ann', 'in_progress', 2)",
    [roomId],
  );
  await client.query("insert into room_participants (participant_id, room_id, user_id) values ($1, $1, 'ann')", [roomId]);
  await client.end();
  await using app = await startTestApp({ ...unlimited, DATABASE_URL: database.url });
  await app.connect('ann');
  await waitForStatus(person(app, 'bob'), { userId: 'ann' }, 'online');
});
