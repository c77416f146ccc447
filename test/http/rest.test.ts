import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { startTestApp } from '../support/test-app.ts';

let app: Awaited<ReturnType<typeof startTestApp>>;
let token: string;
before(async () => {
  app = await startTestApp({ CORS_ORIGINS: 'https://portal.example, https://other.example:8443' });
  token = app.tokenFor('ada');
});
after(() => app[Symbol.asyncDispose]());

/** A request as `fetch` makes it, with any body. */
async function raw(method: string, where: string, options: { headers?: Record<string, string>; body?: string } = {}) {
  const { headers = {}, body } = options;
  const response = await fetch(new URL(where, app.url), {
    method,
    headers: { connection: 'close', ...headers },
    ...(body !== undefined && { body }),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** The answer must be an error of the one shape. */
function assertError(answer: { status: number; text: string }, status: number, code: string): void {
  const body = JSON.parse(answer.text) as { error: { code: string; message: string } };
  assert.deepEqual([answer.status, body.error.code, Object.keys(body)], [status, code, ['error']]);
  assert.equal(typeof body.error.message, 'string');
}

const json = () => ({ authorization: `Bearer ${token}`, 'content-type': 'application/json' });

test('[RE1] an address that is not there is 404 protocol.not_found, with or without a token', async () => {
  for (const where of [
    '/nothing',
    '/api',
    '/api/v1',
    '/api/v1/',
    '/api/v1/nothing',
    '/api/v2/rooms',
    '/assets/nothing.js',
    '/../etc/passwd',
  ]) {
    for (const headers of [{}, json()]) assertError(await raw('GET', where, { headers }), 404, 'protocol.not_found');
  }
});

test('[RE1] what cannot be an address at all is refused in the same shape', async () => {
  for (const where of ['/api/v1/rooms/', '/api/v1/rooms/%zz', '/%ff', `/api/v1/rooms/${'x'.repeat(300)}`]) {
    assertError(await raw('GET', where, { headers: json() }), 400, 'protocol.invalid_payload');
  }
});

test('[RE1] a method that an address does not take is 405 with Allow', async () => {
  for (const [method, where, allow] of [
    ['DELETE', '/api/v1/rooms', 'GET, HEAD, POST'],
    ['POST', '/api/v1/users/me', 'GET, HEAD, PATCH'],
    ['PUT', '/healthz?x=1', 'GET, HEAD'],
    ['GET', '/api/v1/users/bob/suspension', 'DELETE, PUT'],
  ] as const) {
    const answer = await raw(method, where, { headers: json(), ...(method !== 'GET' && { body: '{}' }) });
    assertError(answer, 405, 'protocol.method_not_allowed');
    assert.equal(answer.headers.get('allow'), allow);
  }
});

test('[RE2] a body that is no JSON, or not what it says, is 400 protocol.invalid_payload', async () => {
  for (const body of [
    '',
    '{',
    'null',
    '[]',
    '"text"',
    '{"name":}',
    '{"name":"x"}garbage',
    '{"__proto__":{"x":1}}',
    '{"constructor":{"prototype":{"x":1}}}',
    '\u0000',
  ]) {
    assertError(await raw('POST', '/api/v1/rooms', { headers: json(), body }), 400, 'protocol.invalid_payload');
  }
});

test('[RE2] where a request needs no body, an empty one counts as none, whatever type it is said to be of', async () => {
  const { roomId } = await app.createRoom();
  for (const [method, where, status] of [
    ['POST', `/api/v1/rooms/${roomId}/join`, 200],
    ['PUT', `/api/v1/rooms/${roomId}/end`, 200],
  ] as const) {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${app.tokenFor('host')}` };
    assert.equal((await raw(method, where, { headers })).status, status, where);
  }
});

test('[RE2] details name the field that does not fit', async () => {
  for (const [body, field] of [
    [{ name: 7 }, 'name'],
    [{ name: '' }, 'name'],
    [{ guestIds: ['bob', 'a b'] }, 'guestIds.1'],
    [{ maxParticipants: 1.5 }, 'maxParticipants'],
    [{ scheduledAt: 'tomorrow' }, 'scheduledAt'],
  ] as const) {
    const answer = await app.rest('POST', 'rooms', { token, body });
    assert.deepEqual([answer.status, answer.body.error.code, answer.body.error.details.field], [400, 'protocol.invalid_payload', field]);
  }
  for (const where of ['rooms?limit=101', 'rooms?limit=0', 'rooms?limit=x', 'rooms?cursor=x']) {
    assert.deepEqual((await app.rest('GET', where, { token })).body.error.code, 'protocol.invalid_payload', where);
  }
});

test('[RE2] fields that nobody knows, and 10,000 levels of nothing, are refused', async () => {
  const unknown = await app.rest('PATCH', 'users/me', { token, body: { privacy: { colour: 'red' } } });
  assert.equal(unknown.body.error.details.field, 'privacy.colour');
  assertError(await raw('POST', '/api/v1/rooms', { headers: json(), body: '{"colour":"red"}' }), 400, 'protocol.invalid_payload');
  const deep = `${'['.repeat(10_000)}${']'.repeat(10_000)}`;
  assertError(await raw('POST', '/api/v1/rooms', { headers: json(), body: `{"name":${deep}}` }), 400, 'protocol.invalid_payload');
  assertError(await raw('POST', '/api/v1/rooms', { headers: json(), body: deep }), 400, 'protocol.invalid_payload');
});

test('[RE3] a body over 1 MiB is 413 protocol.too_large', async () => {
  const body = JSON.stringify({ name: 'x'.repeat(1_100_000) });
  assertError(await raw('POST', '/api/v1/rooms', { headers: json(), body }), 413, 'protocol.too_large');
});

test('[RE3] a body of another type is 415 protocol.unsupported_media_type', async () => {
  for (const type of ['text/xml', 'application/x-www-form-urlencoded', 'nonsense']) {
    const headers = { ...json(), 'content-type': type };
    assertError(await raw('POST', '/api/v1/rooms', { headers, body: 'name=x' }), 415, 'protocol.unsupported_media_type');
  }
});

test('[RE4] without a right the answer is 403, for what a stranger may not know of 404, as if it were not there', async () => {
  const patient = app.tokenFor('pat', 'patient');
  assert.deepEqual((await app.rest('POST', 'rooms', { token: patient, body: {} })).status, 403);
  const { roomId } = await app.createRoom({ guestIds: ['bob'] }, 'ada');
  const [hidden, missing] = [
    await app.rest('GET', `rooms/${roomId}`, { token: patient }),
    await app.rest('GET', 'rooms/01890a5d-ac96-774b-bcce-b302099a8057', { token: patient }),
  ];
  assert.equal(hidden.status, 404);
  assert.deepEqual(hidden.body, missing.body);
});

test('[RE5] other origins get CORS headers only when they are configured', async () => {
  for (const origin of ['https://portal.example', 'https://other.example:8443']) {
    const answer = await raw('GET', '/healthz', { headers: { origin } });
    assert.equal(answer.headers.get('access-control-allow-origin'), origin);
    const preflight = await raw('OPTIONS', '/api/v1/rooms', {
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,content-type' },
    });
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers.get('access-control-allow-origin'), origin);
    assert.equal(preflight.headers.get('access-control-allow-methods'), 'GET, HEAD, POST, PUT, PATCH, DELETE');
    const polling = await raw('GET', '/socket.io/?EIO=4&transport=polling', { headers: { origin } });
    assert.equal(polling.headers.get('access-control-allow-origin'), origin);
  }
  for (const where of ['/healthz', '/socket.io/?EIO=4&transport=polling']) {
    for (const origin of ['https://evil.example', 'http://portal.example', 'https://portal.example.evil.example', 'null']) {
      const allowed = (await raw('GET', where, { headers: { origin } })).headers.get('access-control-allow-origin');
      assert.notEqual(allowed, origin);
      assert.notEqual(allowed, '*');
    }
  }
});

test('[RE6] every answer carries the security headers, errors too', async () => {
  for (const where of ['/healthz', '/api/v1/rooms', '/nothing', '/docs/']) {
    const { headers } = await raw('GET', where);
    assert.equal(headers.get('x-content-type-options'), 'nosniff', where);
    assert.equal(headers.get('x-frame-options'), 'SAMEORIGIN', where);
    assert.equal(headers.get('referrer-policy'), 'no-referrer', where);
    assert.match(headers.get('content-security-policy') ?? '', /default-src 'self'.*script-src 'self'/, where);
    assert.equal(headers.get('strict-transport-security'), null, 'only behind TLS of its own');
    assert.equal(headers.get('x-powered-by'), null);
  }
});

test('[RE7] garbage on the port is answered and does no harm', async () => {
  const { hostname, port } = new URL(app.url);
  const { promise, resolve } = Promise.withResolvers<void>();
  const socket = connect(Number(port), hostname, () => socket.write('GARBAGE\r\n\r\n'));
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk.toString();
  });
  socket.on('close', () => resolve());
  await promise;
  assert.match(answer, /^HTTP\/1\.1 400 /);
  assert.equal((await raw('GET', '/healthz')).status, 200);
});
