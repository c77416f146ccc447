import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import jwt from 'jsonwebtoken';
import { startEmbeddedDatabase } from '../../src/db/embedded.ts';
import { createLog } from '../../src/log.ts';
import { refused, unlimited } from '../chat/chat-fixture.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { startTestApp } from '../support/test-app.ts';
import { TestClient } from '../support/test-client.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { waitFor } from '../support/wait-for.ts';

const secret = randomBytes(32).toString('hex');
const shared = { ...unlimited, AUTH_SECRET: secret, ENCRYPTION_KEYS: `k:${randomBytes(32).toString('base64')}` };
const tokenOf = (sub: string) => jwt.sign({ sub, name: sub, role: 'provider', exp: Math.floor(Date.now() / 1000) + 3600 }, secret);
const connect = ({ url }: Pick<ServerProcess, 'url'>, userId: string) => TestClient.connect(url, { token: tokenOf(userId) });

async function getCall({ url }: Pick<ServerProcess, 'url'>, callId: string) {
  const response = await fetch(new URL(`/api/v1/calls/${callId}`, url), { headers: { authorization: `Bearer ${tokenOf('ann')}` } });
  assert.equal(response.status, 200);
  return (await response.json()) as { status: string; endReason: string; durationSeconds: number };
}

test('[CA31] a ring whose server is killed goes on at the next one: it can be accepted there, or is missed in its time, once', async () => {
  await using database = await createTestDatabase();
  const env = { ...shared, DATABASE_URL: database.url, LIMIT_RING_SECONDS: '6' };
  const callIds: string[] = [];
  {
    await using first = await startServerProcess(env);
    const [ann, bob, eve] = [await connect(first, 'ann'), await connect(first, 'bob'), await connect(first, 'eve')];
    for (const [caller, callee] of [
      [ann, 'bob'],
      [eve, 'carl'],
    ] as const) {
      callIds.push((await caller.request('call:initiate', { calleeIds: [callee], type: 'voice' })).callId);
    }
    await bob.notice('call:incoming');
    await first.kill();
    for (const client of [ann, bob, eve]) await client.close();
  }
  await using second = await startServerProcess(env);
  const [ringing = '', unanswered = ''] = callIds;
  const [ann, bob, eve] = [await connect(second, 'ann'), await connect(second, 'bob'), await connect(second, 'eve')];
  assert.equal((await bob.notice('call:incoming')).call.callId, ringing);
  await bob.request('call:accept', { callId: ringing });
  assert.equal((await ann.notice('call:accepted')).call.callId, ringing);
  const { call } = await eve.notice('call:missed');
  assert.deepEqual([call.callId, call.status], [unanswered, 'missed']);
  for (const client of [ann, bob, eve]) await client.close();
});

test('[CA32] a connected call whose server is killed goes on when its people come back in time, and otherwise ends', async () => {
  await using database = await createTestDatabase();
  const env = { ...shared, DATABASE_URL: database.url, LIMIT_IDLE_CALL_SECONDS: '4' };
  const calls: { callId: string; roomId: string }[] = [];
  {
    await using first = await startServerProcess(env);
    const clients: TestClient[] = [];
    for (const [one, other] of [
      ['ann', 'bob'],
      ['carl', 'dora'],
    ] as const) {
      const [caller, callee] = [await connect(first, one), await connect(first, other)];
      clients.push(caller, callee);
      const { callId, roomId } = await caller.request('call:initiate', { calleeIds: [other], type: 'voice' });
      await callee.request('call:accept', { callId });
      for (const client of [caller, callee]) {
        const { media } = await client.joinWithMedia(roomId ?? '');
        await media.publishAudio();
      }
      await caller.notice('call:connected');
      calls.push({ callId, roomId: roomId ?? '' });
    }
    await first.kill();
    for (const client of clients) await client.close();
  }
  await using second = await startServerProcess(env);
  const [kept = { callId: '', roomId: '' }, lost = { callId: '', roomId: '' }] = calls;
  const [ann, bob, carl] = [await connect(second, 'ann'), await connect(second, 'bob'), await connect(second, 'carl')];
  for (const client of [ann, bob]) {
    const { media } = await client.joinWithMedia(kept.roomId);
    await media.publishAudio();
  }
  const { call, reason } = await carl.notice('call:ended');
  assert.deepEqual([call.callId, reason], [lost.callId, 'network_error']);
  assert.equal((await getCall(second, kept.callId)).status, 'connected');
  await ann.request('call:end', { callId: kept.callId });
  for (const client of [ann, bob, carl]) await client.close();
});

test('[CA33] with the database gone nobody is told of a step that is not written down; deadlines are kept when it is back', async () => {
  const dataDir = mkdtempSync(path.join(tmpdir(), 'parley-calls-'));
  await using parts = new AsyncDisposableStack();
  parts.defer(() => rmSync(dataDir, { recursive: true, force: true }));
  const log = createLog('silent');
  const database = await startEmbeddedDatabase({ dataDir, log });
  const env = { ...unlimited, DATABASE_URL: database.url, LIMIT_RING_SECONDS: '2' };
  await using app = await startTestApp(env);
  parts.defer(() => app.app.close());
  const [ann, bob] = [await app.connect('ann'), await app.connect('bob')];
  const { callId } = await ann.request('call:initiate', { calleeIds: ['bob'], type: 'voice' });
  await database.close();
  await assert.rejects(bob.request('call:accept', { callId }), refused('server.unavailable'));
  assert.equal(ann.pending('call:accepted'), 0);
  const again = parts.adopt(await startEmbeddedDatabase({ dataDir, log }), (server) => server.close());
  assert.equal(again.url, database.url);
  const { call } = await ann.notice('call:missed');
  assert.equal(call.callId, callId);
  await waitFor('the server to be ready', async () => (await app.rest('GET', '/readyz')).status === 200);
});
