import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clockToleranceSeconds } from '../../src/auth/token.ts';
import { codeOf } from '../support/refusal.ts';
import { startTestApp } from '../support/test-app.ts';
import { secondsFromNow } from './keys.ts';

/** The exp of a token whose session ends within two seconds. */
const almostOver = () => secondsFromNow(2 - clockToleranceSeconds);

test('[AU11] auth:renew answers until when the newer token is good', async () => {
  await using app = await startTestApp();
  const client = await app.connect('ada');
  const exp = secondsFromNow(7200);
  for (const prefix of ['', 'Bearer ']) {
    const { expiresAt } = await client.request('auth:renew', { token: `${prefix}${app.tokenFor('ada', 'provider', { exp })}` });
    assert.equal(expiresAt, new Date(exp * 1000).toISOString());
  }
});

test('[AU11] a token that is somebody else’s, expired, forged or of another room does not renew, and the session goes on', async () => {
  await using app = await startTestApp();
  const [room, other] = [await app.createRoom(), await app.createRoom()];
  const client = await app.connect('ada');
  const cases: [string, string][] = [
    [app.tokenFor('bob'), 'auth.forbidden'],
    [app.tokenFor('ada', 'provider', { exp: secondsFromNow(-60) }), 'auth.expired_token'],
    [app.tokenFor('ada', 'root'), 'auth.invalid_token'],
    ['nonsense', 'auth.invalid_token'],
    ['Bearer ', 'auth.missing_token'],
    [app.tokenFor('ada', 'provider', { room: { id: room.roomId } }), 'auth.forbidden'],
  ];
  for (const [token, code] of cases) assert.equal(await codeOf(client.request('auth:renew', { token })), code);
  await client.join(room.roomId);

  const guest = await app.connect('guest', 'patient', { token: app.tokenFor('guest', 'patient', { room: { id: room.roomId } }) });
  await guest.join(room.roomId);
  const elsewhere = app.tokenFor('guest', 'patient', { room: { id: other.roomId } });
  assert.equal(await codeOf(guest.request('auth:renew', { token: elsewhere })), 'auth.forbidden');
  await guest.request('auth:renew', { token: app.tokenFor('guest', 'patient', { room: { id: room.roomId } }) });
  await guest.request('auth:renew', { token: app.tokenFor('guest', 'patient') });
});

test('[AU12] a session ends 30 s after its token’s exp, and others hear that its participant has left', async () => {
  await using app = await startTestApp();
  const { roomId } = await app.createRoom();
  const host = await app.connect('host');
  await host.join(roomId);
  const exp = almostOver();
  const guest = await app.connect('guest', 'patient', { token: app.tokenFor('guest', 'patient', { exp }) });
  await guest.join(roomId);
  assert.equal(await guest.disconnected(), 'io server disconnect');
  assert.ok(Date.now() >= (exp + clockToleranceSeconds) * 1000, 'not before its time');
  const left = await host.notice('room:participantLeft');
  assert.deepEqual([left.userId, left.reason], ['guest', 'token_expired']);
});

test('[AU12] a renewed session outlives the token it began with, another one does not', async () => {
  await using app = await startTestApp();
  const token = app.tokenFor('ada', 'provider', { exp: almostOver() });
  const renewed = await app.connect('ada', 'provider', { token });
  const forgotten = await app.connect('ada', 'provider', { token });
  await renewed.request('auth:renew', { token: app.tokenFor('ada') });
  await forgotten.disconnected();
  await renewed.request('auth:renew', { token: app.tokenFor('ada') });
  assert.deepEqual(
    app.app.sockets.sessions.map(({ sessionId }) => sessionId),
    [renewed.sessionId],
  );
});

test('[AU12] renewing with a shorter token shortens the session', async () => {
  await using app = await startTestApp();
  const client = await app.connect('ada');
  await client.request('auth:renew', { token: app.tokenFor('ada', 'provider', { exp: almostOver() }) });
  assert.equal(await client.disconnected(), 'io server disconnect');
});

test('[AU12] a session whose socket is lost ends with its token too', async () => {
  await using app = await startTestApp({ LIMIT_RECONNECT_SECONDS: '600' });
  const { roomId } = await app.createRoom();
  const host = await app.connect('host');
  await host.join(roomId);
  const guest = await app.connect('guest', 'patient', { token: app.tokenFor('guest', 'patient', { exp: almostOver() }) });
  await guest.join(roomId);
  guest.drop();
  const left = await host.notice('room:participantLeft');
  assert.deepEqual([left.userId, left.reason], ['guest', 'token_expired']);
});

test('[AU12] a token that is good for centuries keeps its session', async () => {
  await using app = await startTestApp();
  const client = await app.connect('ada', 'provider', { token: app.tokenFor('ada', 'provider', { exp: 8_640_000_000_000 }) });
  const { expiresAt } = await client.request('auth:renew', {
    token: app.tokenFor('ada', 'provider', { exp: secondsFromNow(10 * 365 * 86_400) }),
  });
  assert.ok(Date.parse(expiresAt) > Date.now() + 9 * 365 * 86_400_000);
});
