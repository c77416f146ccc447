import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusalOf } from '../support/refusal.ts';
import { startTestApp } from '../support/test-app.ts';
import { secondsFromNow } from './keys.ts';

const nobodyCounts = { LIMIT_REFUSED_CONNECTIONS_PER_MINUTE: '0' };

test('[AU7] a refused connection says why, in the exact words and with a code', async () => {
  await using app = await startTestApp(nobodyCounts);
  const expired = app.tokenFor('ada', 'provider', { exp: secondsFromNow(-60) });
  const cases: [Record<string, unknown>, string, string][] = [
    [{}, 'Authentication error: No token provided', 'auth.missing_token'],
    [{ token: '' }, 'Authentication error: No token provided', 'auth.missing_token'],
    [{ token: null }, 'Authentication error: No token provided', 'auth.missing_token'],
    [{ token: 'nonsense' }, 'Authentication error: Invalid token', 'auth.invalid_token'],
    [{ token: 7 }, 'Authentication error: Invalid token', 'auth.invalid_token'],
    [{ token: { toString: 'x' } }, 'Authentication error: Invalid token', 'auth.invalid_token'],
    [{ token: 'x'.repeat(100_000) }, 'Authentication error: Invalid token', 'auth.invalid_token'],
    [{ token: app.tokenFor('ada', 'root') }, 'Authentication error: Invalid token', 'auth.invalid_token'],
    [{ token: expired }, 'Authentication error: Token expired', 'auth.expired_token'],
    [{ token: `Bearer ${expired}` }, 'Authentication error: Token expired', 'auth.expired_token'],
  ];
  for (const [auth, expectedMessage, expectedCode] of cases) {
    const { message, data } = await refusalOf(app.url, auth);
    assert.equal(message, expectedMessage);
    assert.equal(data.code, expectedCode);
    assert.equal(typeof data.message, 'string');
  }
  assert.equal(app.app.sockets.sessions.length, 0);
});

test('[AU7] REST refuses the same tokens with 401, the same codes and WWW-Authenticate', async () => {
  await using app = await startTestApp();
  const cases: [string | undefined, string][] = [
    [undefined, 'auth.missing_token'],
    ['nonsense', 'auth.invalid_token'],
    [app.tokenFor('ada', 'root'), 'auth.invalid_token'],
    [app.tokenFor('ada', 'provider', { exp: secondsFromNow(-60) }), 'auth.expired_token'],
  ];
  for (const [token, code] of cases) {
    const { status, headers, body } = await app.rest('GET', 'users/me', token === undefined ? {} : { token });
    assert.deepEqual([status, body.error.code, headers.get('www-authenticate')], [401, code, 'Bearer']);
  }
  const basic = await fetch(new URL('/api/v1/users/me', app.url), { headers: { authorization: 'Basic YTpi', connection: 'close' } });
  assert.equal(basic.status, 401);
  await basic.text();
});

test('[AU1] a handshake takes the token with and without "Bearer "', async () => {
  await using app = await startTestApp();
  const token = app.tokenFor('ada');
  assert.equal((await app.connect('ada', 'provider', { token })).ready.userId, 'ada');
  assert.equal((await app.connect('ada', 'provider', { token: `Bearer ${token}` })).ready.userId, 'ada');
});

test('[AU10] past the limit refused connections of an address get auth.too_many_attempts, while a good token still gets in', async () => {
  await using app = await startTestApp({ LIMIT_REFUSED_CONNECTIONS_PER_MINUTE: '3' });
  for (let attempt = 0; attempt < 3; attempt += 1) {
    assert.equal((await refusalOf(app.url, { token: 'nonsense' })).data.code, 'auth.invalid_token');
  }
  for (const auth of [{ token: 'nonsense' }, {}]) {
    const { message, data } = await refusalOf(app.url, auth);
    assert.equal(message, 'Authentication error: Too many attempts');
    assert.equal(data.code, 'auth.too_many_attempts');
  }
  const client = await app.connect('ada');
  assert.equal(client.ready.userId, 'ada');
});

test('[AU10] refused connections are counted by address, told by a proxy that is trusted', async () => {
  await using app = await startTestApp({ LIMIT_REFUSED_CONNECTIONS_PER_MINUTE: '1', TRUSTED_PROXIES: 'loopback' });
  const attempt = async (address: string) => {
    const headers = { connection: 'close', 'x-forwarded-for': address };
    const response = await fetch(new URL('/socket.io/?EIO=4&transport=polling', app.url), { headers });
    const { sid } = JSON.parse((await response.text()).slice(1)) as { sid: string };
    const polling = new URL(`/socket.io/?EIO=4&transport=polling&sid=${sid}`, app.url);
    await (await fetch(polling, { method: 'POST', headers, body: '40{"token":"x"}' })).text();
    const refused = await (await fetch(polling, { headers })).text();
    return (JSON.parse(refused.slice(refused.indexOf('{'))) as { data: { code: string } }).data.code;
  };
  assert.equal(await attempt('203.0.113.7'), 'auth.invalid_token');
  assert.equal(await attempt('203.0.113.8'), 'auth.invalid_token');
  assert.equal(await attempt('203.0.113.7'), 'auth.too_many_attempts');
});
