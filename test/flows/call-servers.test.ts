import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RequestInput } from '../../src/protocol/index.ts';
import { caughtUp, unlimited } from '../chat/chat-fixture.ts';
import { startServerProcess } from '../support/server-process.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { TestClient } from '../support/test-client.ts';
import { startTestCluster } from '../support/test-cluster.ts';
import { waitFor } from '../support/wait-for.ts';

const ring = (callee: string): RequestInput<'call:initiate'> => ({ calleeIds: [callee], type: 'voice' });
const statusOf = async (app: TestApp, callId: string) =>
  (await app.sql<{ status: string }>('select status from calls where call_id = $1', [callId]))[0]?.status;

test('[CA31] a ring whose server is killed goes on at a living one: it is answered there, or missed in its time', async () => {
  await using cluster = await startTestCluster({ count: 1, env: { ...unlimited, LIMIT_RING_SECONDS: '5' } });
  const { a: living } = cluster;
  await using doomed = await startServerProcess(cluster.env);
  const at = (userId: string) => TestClient.connect(doomed.url, { token: living.tokenFor(userId) });
  const [ann, carl] = [await at('ann'), await at('carl')];
  const [bob, dora] = [await living.connect('bob'), await living.connect('dora')];
  const answered = await ann.request('call:initiate', ring('bob'));
  const missed = await carl.request('call:initiate', ring('dora'));
  await bob.notice('call:incoming');
  await dora.notice('call:incoming');
  await doomed.kill();
  for (const client of [ann, carl]) await client.close();
  await bob.request('call:accept', { callId: answered.callId });
  assert.equal((await dora.notice('call:missed')).call.callId, missed.callId);
  const annAgain = await living.connect('ann');
  await annAgain.request('call:end', { callId: answered.callId });
  await bob.notice('call:ended');
});

test('[CA32] a connected call whose server is killed goes on at another one, and ends when nobody comes', async () => {
  await using cluster = await startTestCluster({ count: 1, env: { ...unlimited, LIMIT_IDLE_CALL_SECONDS: '12' } });
  const { a: living } = cluster;
  await using doomed = await startServerProcess(cluster.env);
  const clients: TestClient[] = [];
  const connectedCall = async (one: string, other: string) => {
    const pair = [];
    for (const userId of [one, other]) pair.push(await TestClient.connect(doomed.url, { token: living.tokenFor(userId) }));
    const [caller, callee] = pair as [TestClient, TestClient];
    clients.push(...pair);
    const { callId, roomId } = await caller.request('call:initiate', ring(other));
    await callee.request('call:accept', { callId });
    for (const client of pair) {
      const { media } = await client.joinWithMedia(roomId ?? '');
      await media.publishAudio();
    }
    await caller.notice('call:connected');
    return { callId, roomId: roomId ?? '' };
  };
  const kept = await connectedCall('ann', 'bob');
  const lost = await connectedCall('carl', 'dora');
  await doomed.kill();
  for (const client of clients) await client.close();
  const [ann, carl] = [await living.connect('ann'), await living.connect('carl')];
  await waitFor(
    'the room to open at the living server',
    () =>
      ann.join(kept.roomId).then(
        () => true,
        () => false,
      ),
    20_000,
  );
  await waitFor('the deserted call to end', async () => (await statusOf(living, lost.callId)) === 'ended', 30_000);
  assert.equal((await carl.notice('call:ended')).reason, 'network_error');
  assert.equal(await statusOf(living, kept.callId), 'connected');
});

test('[CA34] two servers that see the same deadlines end each call once', async () => {
  await using cluster = await startTestCluster({ env: { ...unlimited, LIMIT_RING_SECONDS: '2' } });
  const { a, b } = cluster;
  const callers = await Promise.all(Array.from({ length: 20 }, (_, index) => a.connect(`caller-${index}`)));
  const callees = await Promise.all(Array.from({ length: 20 }, (_, index) => b.connect(`callee-${index}`)));
  await Promise.all(callers.map((caller, index) => caller.request('call:initiate', ring(`callee-${index}`))));
  for (const client of [...callers, ...callees]) await client.notice('call:missed');
  await caughtUp(...callers, ...callees);
  for (const client of [...callers, ...callees]) assert.equal(client.pending('call:missed'), 0);
  const rows = await a.sql("select 1 from audit_log where action = 'call.ended' and details ->> 'reason' = 'missed'");
  assert.equal(rows.length, 20);
});

test('[CA35] Redis gone in the middle of a ring: each server ends it for its own people, and the answer is what the database says', async () => {
  await using cluster = await startTestCluster({ env: unlimited });
  const { a, b, redis } = cluster;
  const [ann, bob] = [await a.connect('ann'), await b.connect('bob')];
  const { callId } = await ann.request('call:initiate', ring('bob'));
  await bob.notice('call:incoming');
  await redis.kill();
  await bob.request('call:accept', { callId });
  assert.equal(await statusOf(a, callId), 'accepted');
  await assert.rejects(ann.request('call:cancel', { callId }), { code: 'call.invalid_state' });
  await redis.restart();
  assert.equal((await ann.notice('call:accepted')).call.callId, callId);
  await ann.request('call:end', { callId });
  await bob.notice('call:ended');
});

test('[CA36] somebody whose laptop sleeps is waited for, and then missed; the call goes on for those who are there', async () => {
  const env = { ...unlimited, LIMIT_PING_INTERVAL_SECONDS: '1', LIMIT_PING_TIMEOUT_SECONDS: '1', LIMIT_RECONNECT_SECONDS: '1' };
  await using app = await startTestApp(env);
  const [ann, bob] = [await app.connect('ann'), await app.connect('bob')];
  const { callId, roomId } = await ann.request('call:initiate', ring('bob'));
  await bob.request('call:accept', { callId });
  for (const client of [ann, bob]) {
    const { media } = await client.joinWithMedia(roomId ?? '');
    await media.publishAudio();
  }
  await ann.notice('call:connected');
  // Half open: nothing is heard of it any more, and nothing says that it is gone.
  const { engine } = bob.socket.io;
  engine.transport.removeAllListeners('packet');
  assert.equal((await ann.notice('room:participantLeft')).reason, 'connection_lost');
  assert.equal(await statusOf(app, callId), 'connected');
  const awake = await app.connect('bob');
  await awake.join(roomId ?? '');
  await awake.request('call:end', { callId });
  assert.equal((await ann.notice('call:ended')).reason, 'user_hangup');
});

test('[CA37] a device that comes back every moment hears each time what rings, and is answered once', async () => {
  await using app = await startTestApp(unlimited);
  const ann = await app.connect('ann');
  const { callId } = await ann.request('call:initiate', ring('bob'));
  let bob = await app.connect('bob');
  for (let round = 0; round < 8; round += 1) {
    assert.equal((await bob.notice('call:incoming')).call.callId, callId);
    bob.drop();
    await bob.disconnected();
    bob = await app.connect('bob', 'provider', round % 2 === 0 ? { resume: bob.resume } : {});
  }
  await bob.notice('call:incoming');
  await bob.request('call:accept', { callId });
  await caughtUp(ann);
  assert.deepEqual([ann.pending('call:ringing'), ann.pending('call:accepted')], [1, 1]);
});
