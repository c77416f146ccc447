import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestApp } from '../support/test-app.ts';

test('[RE8] past a limit the answer is 429 protocol.rate_limited with Retry-After in seconds', async () => {
  await using app = await startTestApp({ LIMIT_ROOMS_PER_DAY: '1' });
  await app.createRoom({}, 'ada');
  const { status, headers, body } = await app.rest('POST', 'rooms', { token: app.tokenFor('ada'), body: {} });
  assert.deepEqual([status, body.error.code], [429, 'protocol.rate_limited']);
  assert.equal(Number(headers.get('retry-after')), body.error.details.retryAfterMs / 1000);
  await app.createRoom({}, 'bob');
});

test('[RE5] without configured origins no CORS header is sent at all', async () => {
  await using app = await startTestApp();
  for (const [method, where] of [
    ['GET', '/healthz'],
    ['OPTIONS', '/api/v1/rooms'],
    ['GET', '/socket.io/?EIO=4&transport=polling'],
  ] as const) {
    const headers = { origin: 'https://portal.example', 'access-control-request-method': 'POST', connection: 'close' };
    const response = await fetch(new URL(where, app.url), { method, headers });
    await response.text();
    assert.equal(response.headers.get('access-control-allow-origin'), null);
  }
});
