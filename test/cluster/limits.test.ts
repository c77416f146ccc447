import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { readConfig } from '../../src/config.ts';
import { direct, outcomeOf, person, refused } from '../chat/chat-fixture.ts';
import { refusalOf } from '../support/refusal.ts';
import { startTestCluster } from '../support/test-cluster.ts';
import { waitFor } from '../support/wait-for.ts';

const limits = {
  ACCESS_POLICY: 'open',
  LIMIT_MESSAGES_PER_MINUTE: '3',
  LIMIT_FILES_PER_HOUR: '1',
  LIMIT_REFUSED_CONNECTIONS_PER_MINUTE: '3',
};

test('[CL13] limits count for all servers together, and for each by itself while Redis is away', async () => {
  await using cluster = await startTestCluster({ env: limits });
  const { a, b, redis } = cluster;
  const [ada, ben] = [person(a, 'ada'), person(a, 'ben')];
  const { conversationId } = await direct(ada, ben);
  const here = await a.connect(ada.userId);
  const there = await b.connect(ada.userId);
  const send = (client: typeof here) => client.request('chat:send', { conversationId, clientId: randomUUID(), type: 'text', content: 'x' });
  for (const client of [here, there, here]) await send(client);
  await assert.rejects(send(there), refused('protocol.rate_limited'));

  const upload = (url: string) => {
    const form = new FormData();
    form.set('access', 'private');
    form.set('file', new Blob(['hello'], { type: 'text/plain' }), 'note.txt');
    return fetch(new URL('/api/v1/attachments', url), {
      method: 'POST',
      headers: { authorization: `Bearer ${ada.token}`, connection: 'close' },
      body: form,
    });
  };
  assert.equal((await upload(a.url)).status, 201);
  assert.equal((await upload(b.url)).status, 429);

  for (const url of [a.url, b.url, a.url]) assert.equal((await refusalOf(url, { token: 'no' })).data.code, 'auth.invalid_token');
  assert.equal((await refusalOf(b.url, { token: 'no' })).data.code, 'auth.too_many_attempts');

  await redis.kill();
  await waitFor('the server to notice', async () => (await a.rest('GET', '/readyz')).body.status === 'degraded');
  for (const _ of [1, 2, 3]) await send(here);
  await assert.rejects(send(here), refused('protocol.rate_limited'));
  for (const _ of [1, 2, 3]) assert.equal((await refusalOf(a.url, { token: 'no' })).data.code, 'auth.invalid_token');
  assert.equal((await refusalOf(a.url, { token: 'no' })).data.code, 'auth.too_many_attempts');
  assert.deepEqual(outcomeOf(await a.rest('GET', 'users/me', { token: ada.token })), [200, undefined]);
});

test('[CL14] REDIS_URL needs DATABASE_URL; a folder for files and a missing SERVER_URL are warned of', () => {
  const env = { AUTH_SECRET: 'x'.repeat(32), REDIS_URL: 'redis://localhost', MEDIA_ANNOUNCED_ADDRESS: '127.0.0.1' };
  assert.throws(() => readConfig(env), /DATABASE_URL: is needed with REDIS_URL/);
  const shared = { ...env, DATABASE_URL: 'postgresql://localhost/parley', PUBLIC_URL: 'https://meet.example' };
  const { warnings } = readConfig(shared);
  assert.deepEqual(
    warnings.map((warning) => warning.split(' ')[0]),
    ['STORAGE_URL', 'SERVER_URL'],
  );
  assert.deepEqual(readConfig({ ...shared, STORAGE_URL: 's3://files', SERVER_URL: 'https://one.meet.example' }).warnings, []);
});
