import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mock, test } from 'node:test';
import { Redis } from 'ioredis';
import { createPresenceSubscriptions } from '../../src/presence/presence-subscriptions.ts';
import type { Presence } from '../../src/protocol/presence.ts';
import { caughtUp, direct, person, refused, unlimited } from '../chat/chat-fixture.ts';
import { startRedis } from '../support/redis-server.ts';
import { startTestApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';
import { log, type Part, standing, startParts, waitForStatus, watching } from './presence-fixture.ts';

const presenceOf = (userId: string, status: Presence['status'] = 'online'): Presence => ({
  userId,
  status,
  note: null,
  noteEndsAt: null,
  lastSeenAt: null,
  devices: [],
});
/** What a part has told of a user since, in order. */
const statuses = (part: Part, userId: string) =>
  part.told.flatMap(({ presences }) => presences.filter((presence) => presence.userId === userId).map(({ status }) => status));

test('[PR9] one hears of whom one may see; a stranger looks like somebody who does not exist, before and after', async () => {
  await using app = await startTestApp({ LIMIT_ROOMS_PER_DAY: '0' });
  const [doctor, ann, bob, stranger] = [
    person(app, 'doctor'),
    person(app, 'ann', 'patient'),
    person(app, 'bob', 'patient'),
    person(app, 'stranger', 'patient'),
  ];
  for (const one of [doctor, ann, bob, stranger]) await one.rest('GET', 'users/me');
  await app.createRoom({ guestIds: [ann.userId, bob.userId] }, doctor.userId);
  for (const one of [doctor, ann, bob, stranger]) await one.connect();
  await waitFor('the stranger to be online', async () => (await standing(stranger, stranger)).status === 'online', 5_000);
  const watcher = await ann.connect();
  const userIds = [doctor.userId, bob.userId, stranger.userId, 'nobody', ann.userId];
  const { presences } = await watcher.request('presence:subscribe', { userIds });
  assert.deepEqual(
    presences.map(({ userId, status }) => [userId, status]),
    userIds.map((userId) => [userId, userId === doctor.userId || userId === ann.userId ? 'online' : 'offline']),
    'patients do not see patients',
  );
  const [, , ofStranger, ofNobody] = presences;
  assert.deepEqual({ ...ofStranger, userId: 'nobody' }, ofNobody);
  for (const one of [bob, stranger]) await one.rest('PUT', 'presence', { status: 'busy', note: 'n' });
  await doctor.rest('PUT', 'presence', { status: 'busy', note: 'n' });
  const told = await watcher.notice('presence:changed', (notice) => notice.presences.some(({ userId }) => userId === doctor.userId));
  assert.deepEqual(
    told.presences.map(({ userId }) => userId),
    [doctor.userId],
  );
  assert.deepEqual(await standing(stranger, doctor), { ...presenceOf(doctor.userId, 'offline') });

  await watcher.request('presence:unsubscribe', { userIds: [doctor.userId] });
  await doctor.rest('PUT', 'presence', { status: 'away' });
  await bob.rest('PUT', 'presence', { status: 'online' });
  await ann.rest('PUT', 'presence', { status: 'busy' });
  const own = await watcher.notice('presence:changed');
  assert.deepEqual(
    own.presences.map(({ userId, status }) => [userId, status]),
    [[ann.userId, 'busy']],
    'of oneself, and no more of the doctor',
  );
  await caughtUp(watcher);
  assert.equal(watcher.pending('presence:changed'), 0);
});

test('[PR9] up to 200 users a request and 1,000 a session', async () => {
  await using app = await startTestApp(unlimited);
  const client = await app.connect('ann');
  const users = (from: number, count: number) => Array.from({ length: count }, (_, index) => `u${from + index}`);
  await assert.rejects(client.send('presence:subscribe', { userIds: users(0, 201) }), refused('protocol.invalid_payload'));
  await assert.rejects(client.send('presence:subscribe', { userIds: users(0, 10_000) }), refused('protocol.invalid_payload'));
  await assert.rejects(client.send('presence:subscribe', { userIds: [] }), refused('protocol.invalid_payload'));
  for (let from = 0; from < 1_000; from += 200) await client.request('presence:subscribe', { userIds: users(from, 200) });
  await client.request('presence:subscribe', { userIds: users(900, 100) });
  await assert.rejects(client.send('presence:subscribe', { userIds: [...users(990, 10), 'one-more'] }), (error: unknown) => {
    assert.deepEqual((error as { details?: unknown }).details, { field: 'userIds', limit: 1_000 });
    return (error as { code?: string }).code === 'protocol.invalid_payload';
  });
  await client.request('presence:unsubscribe', { userIds: users(0, 1) });
  await client.request('presence:subscribe', { userIds: ['one-more'] });
  await app.connect('one-more');
  const { presences } = await client.notice('presence:changed');
  assert.deepEqual([presences[0]?.userId, presences[0]?.status], ['one-more', 'online']);
});

test('[PR10] 1,000 users who flap make a notice a session for each round, not one for each change', async () => {
  await using parts = await startParts();
  await using part = parts.start();
  const userIds = Array.from({ length: 1_000 }, (_, index) => `u${index}`);
  const watchers = Array.from({ length: 1_000 }, (_, index) => watching(`w${index}`));
  for (const watcher of watchers) await part.presence.subscribe(watcher, { userIds });
  let sessions = userIds.map((userId) => part.open(userId));
  const isTold = (status: Presence['status']) => () => {
    const last = new Map(part.told.map(({ sessionId, presences }) => [sessionId, presences]));
    return last.size === 1_000 && [...last.values()].every((presences) => presences.at(-1)?.status === status);
  };
  await waitFor('everybody to be told', isTold('online'), 30_000);
  // Changes of one moment, but for those that fell into the next round.
  assert.ok(part.told.length <= 2_000, `${part.told.length} notices`);
  assert.equal(
    part.told.reduce((sum, { presences }) => sum + presences.length, 0),
    1_000_000,
    'everybody of everybody, once',
  );
  part.told.length = 0;
  for (let round = 0; round < 10; round += 1) {
    for (const sessionId of sessions) part.facts.emit('session.closed', { sessionId, userId: '', reason: 'left' });
    sessions = userIds.map((userId) => part.open(userId));
  }
  for (const [index, sessionId] of sessions.entries()) {
    part.facts.emit('session.closed', { sessionId, userId: userIds[index]!, reason: 'suspended' });
  }
  await waitFor('everybody to be told of their end', isTold('offline'), 30_000);
  assert.ok(part.told.length <= 3_000, `${part.told.length} notices for 20,000 changes told to 1,000 sessions`);
});

test('[PR10] what is the same as before is not told again', async () => {
  await using parts = await startParts();
  await using part = parts.start();
  const watcher = watching('bob');
  part.open('ann');
  await part.presence.subscribe(watcher, { userIds: ['ann', 'eve'] });
  part.facts.emit('presence.changed', { userIds: ['ann', 'eve', 'nobody'] });
  part.open('ann');
  part.open('eve');
  await waitFor('eve to be told of', () => statuses(part, 'eve').length === 1);
  const before = part.told.length;
  part.facts.emit('presence.changed', { userIds: ['ann', 'eve'] });
  await part.presence.set({ userId: 'eve', role: 'provider' }, { status: 'busy' });
  await waitFor('eve to be told of again', () => statuses(part, 'eve').length === 2);
  assert.equal(part.told.length, before + 1);
  assert.deepEqual(
    part.told.at(-1)?.presences.map(({ userId }) => userId),
    ['eve'],
  );
});

test('[PR10] a change while a subscription is being answered is told after the answer', async () => {
  const answers: PromiseWithResolvers<void>[] = [];
  let status: Presence['status'] = 'offline';
  const told: string[] = [];
  const subscriptions = createPresenceSubscriptions({
    notifier: {
      notify: (_audience, _name, payload) => told.push((payload as { presences: Presence[] }).presences[0]!.status),
      enterRoom: () => undefined,
      enterConversation: () => undefined,
      leaveRoom: () => undefined,
    },
    log,
    read: async (userIds) => {
      const answer = new Map(userIds.map((userId) => [userId, presenceOf(userId, status)]));
      const gate = Promise.withResolvers<void>();
      answers.push(gate);
      await gate.promise;
      return answer;
    },
    listVisible: async (_subscriber, userIds) => new Set(userIds),
  });
  const answer = subscriptions.subscribe({ sessionId: 's', userId: 'bob', role: 'provider' }, ['ann'], () => true);
  status = 'online';
  subscriptions.changed(['ann']);
  await waitFor('the change to be read', () => answers.length === 2);
  answers[1]?.resolve();
  await waitFor('it to be read again', () => answers.length === 3);
  assert.deepEqual(told, []);
  answers[0]?.resolve();
  assert.equal((await answer).get('ann')?.status, 'offline');
  answers[2]?.resolve();
  await waitFor('the change to be told', () => {
    for (const gate of answers) gate.resolve();
    return told.length === 1;
  });
  assert.deepEqual(told, ['online']);
  await subscriptions.close();
});

test('[PR10] what can not be read is told later', async () => {
  let isAway = false;
  const told: string[] = [];
  const subscriptions = createPresenceSubscriptions({
    notifier: {
      notify: (_audience, _name, payload) => told.push((payload as { presences: Presence[] }).presences[0]!.status),
      enterRoom: () => undefined,
      enterConversation: () => undefined,
      leaveRoom: () => undefined,
    },
    log,
    read: async (userIds) => {
      if (isAway) {
        isAway = false;
        throw new Error('the database is away');
      }
      return new Map(userIds.map((userId) => [userId, presenceOf(userId, told.length > 0 || wasRead ? 'busy' : 'online')]));
    },
    listVisible: async (_subscriber, userIds) => new Set(userIds),
  });
  let wasRead = false;
  const subscriber = { sessionId: 's', userId: 'bob', role: 'provider' };
  isAway = true;
  await assert.rejects(subscriptions.subscribe(subscriber, ['ann'], () => true));
  await subscriptions.subscribe(subscriber, ['ann'], () => true);
  wasRead = true;
  isAway = true;
  subscriptions.changed(['ann']);
  await waitFor('the change to be told', () => told.length === 1);
  assert.deepEqual([told, isAway], [['busy'], false]);
  await subscriptions.close();
});

test('[PR9] a subscription ends with its session, also one that ends while it subscribes', async () => {
  await using parts = await startParts();
  await using part = parts.start();
  const [one, other] = [watching('bob'), watching('eve')];
  await part.presence.subscribe(one, { userIds: ['ann'] });
  const late = part.presence.subscribe({ ...other, isOpen: () => false }, { userIds: ['ann'] });
  part.facts.emit('session.closed', { sessionId: one.sessionId, userId: 'bob', reason: 'left' });
  await late;
  const third = watching('joe');
  await part.presence.subscribe(third, { userIds: ['ann'] });
  part.open('ann');
  await waitFor('ann to be told of', () => part.told.length > 0);
  assert.deepEqual(
    part.told.map(({ sessionId }) => sessionId),
    [third.sessionId],
  );
});

test('[PR14] under open everybody signed in sees everybody', async () => {
  await using open = await startTestApp(unlimited);
  const [ann, bob] = [person(open, 'ann', 'patient'), person(open, 'bob', 'patient')];
  await bob.connect();
  await waitForStatus(ann, bob, 'online');
});

test('[PR14] under the appointment policy it is written down that an admin looks at strangers', async () => {
  await using app = await startTestApp();
  const [boss, doctor, eve, friend] = [
    person(app, 'boss', 'admin'),
    person(app, 'doctor'),
    person(app, 'eve', 'patient'),
    person(app, 'friend'),
  ];
  for (const one of [doctor, eve, friend]) await one.rest('GET', 'users/me');
  await direct(boss, friend);
  await eve.connect();
  await waitForStatus(boss, eve, 'online');
  await boss.rest('GET', `presence?userIds=${boss.userId},${friend.userId},nobody`);
  const watcher = await boss.connect();
  await watcher.request('presence:subscribe', { userIds: [doctor.userId, friend.userId] });
  const rows = await app.sql<{ actor_id: string; details: unknown }>(
    "select distinct actor_id, details from audit_log where action = 'presence.read_by_staff' order by details",
  );
  assert.deepEqual(rows, [
    { actor_id: boss.userId, details: { userIds: [doctor.userId] } },
    { actor_id: boss.userId, details: { userIds: [eve.userId] } },
  ]);
});

test('[PR17] whom the call service asks for: who is online, and who does not want to be disturbed though in a call', async () => {
  await using parts = await startParts();
  await using part = parts.start();
  part.open('ann');
  part.open('bob');
  const userIds = ['ann', 'bob', 'eve', 'joe'];
  assert.deepEqual(await part.presence.findOnline(userIds), new Set(['ann', 'bob']), 'from the first moment on');
  const provider = { role: 'provider' };
  await part.presence.set({ userId: 'ann', ...provider }, { status: 'do_not_disturb' });
  await part.presence.set({ userId: 'bob', ...provider }, { status: 'busy' });
  await part.presence.set({ userId: 'eve', ...provider }, { status: 'do_not_disturb', until: new Date(Date.now() + 60_000).toISOString() });
  await part.presence.set({ userId: 'joe', ...provider }, { status: 'do_not_disturb', until: new Date(Date.now() + 60_000).toISOString() });
  await parts.db.pool.query("update user_presence set ends_at = now() - interval '1 second' where user_id = 'joe'");
  const roomId = randomUUID();
  await parts.db.pool.query("insert into rooms (room_id, name, host_id, created_by, max_participants) values ($1, '', 'ann', 'ann', 2)", [
    roomId,
  ]);
  await parts.db.pool.query('insert into room_participants (participant_id, room_id, user_id) values ($1, $1, $2)', [roomId, 'ann']);
  const [ann] = await part.presence.get({ userId: 'bob', ...provider }, ['ann']);
  assert.equal(ann?.status, 'in_call');
  assert.deepEqual(await part.presence.isDoNotDisturb(userIds), new Set(['ann', 'eve']));
});

test('[PR24] a tie that has ended ends what one hears within ten minutes', async () => {
  await using parts = await startParts();
  await using part = parts.start({ policy: 'appointment' });
  const { pool } = parts.db;
  await pool.query(
    "insert into appointments (appointment_id, scheduled_at, duration_minutes, created_by) values ('visit', now(), 30, 'portal')",
  );
  await pool.query("insert into appointment_participants values ('visit', 'ann'), ('visit', 'bob')");
  await pool.query("insert into users (user_id, token_name, role) values ('ann', 'Ann', 'patient'), ('bob', 'Bob', 'provider')");
  const watcher = watching('bob');
  await part.presence.subscribe(watcher, { userIds: ['ann', 'bob'] });
  const ann = part.open('ann');
  await waitFor('ann to be told of', () => statuses(part, 'ann').includes('online'));
  await pool.query("delete from appointments where appointment_id = 'visit'");
  mock.timers.enable({ apis: ['Date'], now: Date.now() + 11 * 60_000 });
  try {
    part.facts.emit('session.closed', { sessionId: ann, userId: 'ann', reason: 'suspended' });
    part.open('bob');
    await waitForCount(() => statuses(part, 'bob').length === 1);
  } finally {
    mock.timers.reset();
  }
  assert.deepEqual(statuses(part, 'ann'), ['online']);
});

/** `waitFor` where the clock stands still. */
async function waitForCount(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 500 && !condition(); turn += 1) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(condition());
}

test('[PR23] on several servers everybody hears of everybody; while Redis is away nobody is told what is not known', async () => {
  await using redis = await startRedis();
  await using parts = await startParts();
  const connect = () => {
    const client = new Redis(redis.url, { retryStrategy: () => 50, maxRetriesPerRequest: 1 });
    client.on('error', () => undefined);
    return client;
  };
  const [redisOfOne, redisOfOther] = [connect(), connect()];
  try {
    await using one = parts.start({ redis: redisOfOne });
    await using other = parts.start({ redis: redisOfOther });
    // Facts go from server to server, and not back.
    const relayed = new Set<unknown>();
    const relay = (from: Part, to: Part) =>
      from.facts.on('presence.changed', (fact) => {
        // The way between servers is Redis, too.
        if (relayed.has(fact) || redisOfOne.status !== 'ready') return;
        const copy = { ...fact };
        relayed.add(copy);
        to.facts.emit('presence.changed', copy);
      });
    relay(one, other);
    relay(other, one);
    const watcher = watching('bob');
    await waitFor('Redis to be there', () => redisOfOne.status === 'ready' && redisOfOther.status === 'ready');
    await other.presence.subscribe(watcher, { userIds: ['ann', 'joe', 'max'] });
    const laptop = one.open('ann');
    const phone = one.open('max');
    await waitFor('the other server to tell', () => statuses(other, 'ann').at(-1) === 'online');
    await waitFor('the other server to tell of max', () => statuses(other, 'max').at(-1) === 'online');
    assert.deepEqual(await other.presence.findOnline(['ann']), new Set(['ann']));

    await redis.kill();
    await waitFor('its end to be noticed', () => redisOfOther.status !== 'ready');
    other.open('joe');
    other.facts.emit('presence.changed', { userIds: ['ann'] });
    await waitFor('one’s own to be told of', () => statuses(other, 'joe').at(-1) === 'online');
    assert.deepEqual(statuses(other, 'ann'), ['online'], 'whether ann is there is not known');
    one.facts.emit('session.closed', { sessionId: laptop, userId: 'ann', reason: 'suspended' });
    one.facts.emit('session.closed', { sessionId: phone, userId: 'max', reason: 'suspended' });
    await once(one.facts, 'presence.changed');
    await redis.restart();
    for (const userId of ['ann', 'max']) {
      await waitFor('the rest to be told', () => statuses(other, userId).at(-1) === 'offline', 15_000);
    }
    assert.deepEqual(statuses(other, 'joe'), ['online']);
  } finally {
    redisOfOne.disconnect();
    redisOfOther.disconnect();
  }
});
