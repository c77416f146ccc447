import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { Redis } from 'ioredis';
import { direct, person, refused, unlimited } from '../chat/chat-fixture.ts';
import type { TestClient } from '../support/test-client.ts';
import { startTestCluster, type TestCluster } from '../support/test-cluster.ts';
import { waitFor } from '../support/wait-for.ts';

const send = (client: TestClient, conversationId: string, content: string) =>
  client.request('chat:send', { conversationId, clientId: randomUUID(), type: 'text', content });

const readiness = async ({ a }: TestCluster) => {
  const { status, body } = await a.rest('GET', '/readyz');
  return [status, body.status, body.checks.redis.ok];
};

/** Two people with a conversation, each with a socket on a server of their own. */
async function acquaint({ a, b }: TestCluster) {
  const [ada, ben] = [person(a, 'ada'), person(b, 'ben')];
  const there = await ben.connect();
  const here = await ada.connect();
  const { conversationId } = await direct(ada, ben);
  return { ada, ben, here, there, conversationId };
}

test('[CL1] a socket on any server hears what is told to its user, once and in order', async () => {
  await using cluster = await startTestCluster({ env: unlimited });
  const { ada, here, there, conversationId } = await acquaint(cluster);
  const second = await cluster.b.connect(ada.userId);
  await there.notice('chat:conversationAdded');

  const contents = Array.from({ length: 200 }, (_, index) => `message ${index}`);
  for (const content of contents) void send(here, conversationId, content);
  for (const client of [there, second]) {
    const heard: string[] = [];
    for (const _ of contents) heard.push((await client.notice('chat:message')).message.content ?? '');
    assert.deepEqual(heard, contents);
  }
  await send(there, conversationId, 'back');
  assert.equal((await here.notice('chat:message')).message.content, 'back');
  assert.deepEqual([there.pending('chat:message'), here.pending('chat:message')], [0, 0]);
});

test('[CL2] [CL3] while Redis is away each server goes on; what was told meanwhile reaches the others in order when it is back', async () => {
  await using cluster = await startTestCluster({ env: unlimited });
  const { a, redis } = cluster;
  const { here, there, conversationId } = await acquaint(cluster);
  const ea = await a.connect('eva');
  const friends = await direct(person(a, 'x'), person(a, 'y'));
  assert.ok(friends);
  const { roomId } = await a.createRoom({}, 'eva');
  await ea.join(roomId);
  assert.deepEqual(await readiness(cluster), [200, 'ready', true]);

  await redis.kill();
  await waitFor('/readyz to say degraded', async () => (await readiness(cluster))[1] === 'degraded');
  assert.deepEqual(await readiness(cluster), [200, 'degraded', false]);
  for (let index = 0; index < 20; index++) await send(here, conversationId, `meanwhile ${index}`);
  const guest = await a.connect('guest', 'patient');
  assert.equal((await guest.join(roomId)).participants.length, 2, 'a room that is alive takes people in');
  await ea.notice('room:participantJoined');
  const another = await a.createRoom({}, 'eva');
  assert.equal((await ea.join(another.roomId)).participants.length, 1, 'a room that is nowhere opens');
  assert.equal(there.pending('chat:message'), 0);

  await redis.restart();
  for (let index = 0; index < 20; index++) assert.equal((await there.notice('chat:message')).message.content, `meanwhile ${index}`);
  await send(here, conversationId, 'afterwards');
  assert.equal((await there.notice('chat:message')).message.content, 'afterwards');
  await waitFor('/readyz to say ready', async () => (await readiness(cluster))[1] === 'ready');
});

test('[CL4] what is lost on the way is noticed: sessions hear session:resync and find everything in the history', async () => {
  await using cluster = await startTestCluster({ env: unlimited });
  const { here, there, conversationId } = await acquaint(cluster);
  await send(here, conversationId, 'heard');
  await there.notice('chat:message');
  // The stream loses entries before the other server has read them, as a Redis does that falls back to its replica.
  const redis = new Redis(cluster.redis.url);
  const [last] = await redis.xrevrange('parley:relay', '+', '-', 'COUNT', 1);
  const fields = last?.[1] ?? [];
  const from = fields[fields.indexOf('from') + 1] ?? '';
  const seq = Number(fields[fields.indexOf('seq') + 1]) + 10;
  assert.equal(there.pending('session:resync'), 0);
  await redis.xadd('parley:relay', '*', 'from', from, 'seq', String(seq), 'items', '[{"hello":true}]');
  redis.disconnect();
  await there.notice('session:resync');
  const { messages } = await there.request('chat:history', { conversationId, afterSeq: 0 });
  assert.ok(messages.some(({ content }) => content === 'heard'));
});

test('[CL9] a suspension ends the user’s sessions on every server, with Redis and without', async () => {
  await using cluster = await startTestCluster({ env: unlimited });
  const { a, b, redis } = cluster;
  const root = a.tokenFor('root', 'admin');
  const sockets = await Promise.all([a.connect('bob'), b.connect('bob'), b.connect('eve'), b.connect('carl')]);
  const [bobHere, bobThere, eve, carl] = sockets;
  assert.equal((await a.rest('PUT', 'users/bob/suspension', { token: root })).status, 200);
  await Promise.all([bobHere?.disconnected(), bobThere?.disconnected()]);

  await redis.kill();
  const startedAt = Date.now();
  assert.equal((await a.rest('PUT', 'users/eve/suspension', { token: root })).status, 200);
  await eve?.disconnected();
  assert.ok(Date.now() - startedAt < 5_000);
  assert.ok(carl?.socket.connected);
});

test('[CL10] a room is ended and changed at any server and follows where it is alive, with Redis and without', async () => {
  await using cluster = await startTestCluster({ env: unlimited });
  const { a, b, redis } = cluster;
  const token = a.tokenFor('host', 'provider');
  const { roomId } = await a.createRoom({ lobby: true });
  const [host, guest] = [await a.connect('host'), await a.connect('guest', 'patient')];
  await host.join(roomId);
  assert.ok('waiting' in (await guest.request('room:join', { roomId })));
  const { body: seen } = await b.rest('GET', `rooms/${roomId}`, { token });
  assert.equal(seen.participantCount, 1);

  const { body: changed } = await b.rest('PATCH', `rooms/${roomId}`, { token, body: { lobby: false, name: 'Open house' } });
  assert.equal(changed.lobby, false);
  await guest.notice('room:admitted');
  await guest.join(roomId);
  assert.equal((await a.rest('GET', `rooms/${roomId}`, { token })).body.roomName, 'Open house');

  assert.equal((await b.rest('PUT', `rooms/${roomId}/end`, { token })).status, 200);
  for (const client of [host, guest]) assert.equal((await client.notice('room:ended')).reason, 'ended_by_moderator');
  await assert.rejects(host.request('room:raiseHand', { raised: true }), refused('room.not_joined'));
  assert.equal(host.pending('room:ended'), 0);

  const again = await a.createRoom();
  await host.join(again.roomId);
  await redis.kill();
  assert.equal((await b.rest('PUT', `rooms/${again.roomId}/end`, { token })).status, 200);
  assert.equal((await host.notice('room:ended')).roomId, again.roomId);
});
