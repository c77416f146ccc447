import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog, describeError } from '../../src/log.ts';
import { codeOf, refusalOf } from '../support/refusal.ts';
import { startTestApp } from '../support/test-app.ts';

/** A log that keeps its lines, at the level at which it says most. */
function keptLog() {
  const lines: string[] = [];
  const log = createLog('trace', { write: (line) => void lines.push(line) });
  return { lines, log };
}

function assertAbsent(lines: readonly string[], secrets: Record<string, string | undefined>): void {
  for (const [what, secret] of Object.entries(secrets)) {
    assert.ok(secret, what);
    const found = lines.filter((line) => line.includes(secret));
    assert.deepEqual(found, [], `${what} is in the log`);
  }
}

test('[SG8] a handler that fails unforeseen answers internal without saying why, and the log tells of it without the payload', async () => {
  const { lines, log } = keptLog();
  await using app = await startTestApp({}, { log });
  const { roomId } = await app.createRoom({}, 'ada');
  const client = await app.connect('ada');
  await app.sql('alter table rooms rename to rooms_away');
  const answer = (await client.socket.emitWithAck('room:join', { roomId })) as unknown;
  assert.deepEqual(answer, { ok: false, error: { code: 'internal', message: 'Something went wrong on the server.' } });
  const token = app.tokenFor('ada');
  const rest = await app.rest('POST', 'rooms', { token, body: { name: 'Delicate matter' } });
  assert.equal(rest.status, 500);
  assert.deepEqual(rest.body, { error: { code: 'internal', message: 'Something went wrong on the server.' } });
  await app.sql('alter table rooms_away rename to rooms');
  await client.join(roomId);

  const failures = lines.map((line) => JSON.parse(line)).filter(({ level }) => level === 'error');
  assert.deepEqual(
    failures.map(({ msg, event, route }) => [msg, event ?? route]),
    [
      ['request failed', 'room:join'],
      ['request failed', '/api/v1/rooms'],
    ],
  );
  for (const { err } of failures) assert.match(`${err.stack}${err.cause.code}`, /at .*42P01/s);
  assertAbsent(
    failures.map((failure) => JSON.stringify(failure)),
    { roomId, name: 'Delicate matter', token },
  );
});

test('[SG8] text that the database can’t hold is the request’s fault, not the server’s', async () => {
  const { lines, log } = keptLog();
  await using app = await startTestApp({}, { log });
  const { roomId } = await app.createRoom({}, 'ada');
  const { status, body } = await app.rest('PATCH', `rooms/${roomId}`, { token: app.tokenFor('ada'), body: { name: 'a\0b' } });
  assert.deepEqual([status, body.error.code], [400, 'protocol.invalid_payload']);
  assert.ok(!lines.some((line) => line.includes('"level":"error"')));
});

test('[SG9] no token, key, name, payload or SDP reaches the log at its most talkative', async () => {
  const { lines, log } = keptLog();
  await using app = await startTestApp({}, { log });
  const { roomId, hostToken, guestToken } = await app.createRoom({ name: 'Delicate matter' }, 'ada');
  const token = app.tokenFor('ada', 'provider', { name: 'Ada Lovelace' });
  const client = await app.connect('ada', 'provider', { token });
  const { snapshot, media } = await client.joinWithMedia(roomId);
  await media.publishAudio('microphone');
  const forged = `${token.slice(0, -8)}AAAAAAAA`;
  await codeOf(client.send(token, {}));
  await codeOf(client.send('auth:renew', { token: forged }));
  await codeOf(client.send('auth:renew', { token, extra: 'Secret extra' }));
  await codeOf(client.send('room:join', { roomId: 'Secret room', token: hostToken }));
  await codeOf(
    client.send('media:connectTransport', {
      transportId: 'x',
      dtlsParameters: { fingerprints: [{ algorithm: 'sha-256', value: 'Secret print' }] },
    }),
  );
  await client.request('auth:renew', { token });
  await client.request('room:leave', {});
  await client.join(roomId, { token: hostToken });
  for (const auth of [{ token: forged }, { token: `Bearer ${forged}` }, { token, resume: 'Secret resume' }]) {
    if ('resume' in auth) await (await app.connect('ada', 'provider', auth)).close();
    else await refusalOf(app.url, auth);
  }
  await app.rest('GET', 'users/me', { token: forged });
  await app.rest('GET', `users/me?token=${token}`, { token });
  await app.rest('PATCH', 'users/me', { token, body: { displayName: 'Countess' } });
  await app.rest('POST', 'rooms', { token, body: { name: 'Secret name', colour: 'Secret colour' } });

  assert.ok(
    lines.some((line) => line.includes('request refused')),
    'the log was listened to',
  );
  const send = snapshot.transports?.send;
  assertAbsent(lines, {
    token,
    forged,
    hostToken,
    guestToken,
    'signature of a token': token.split('.')[2],
    'payload of a token': token.split('.')[1],
    secret: app.secret,
    resumeKey: client.ready.resumeKey,
    'user’s name': 'Ada Lovelace',
    'chosen name': 'Countess',
    'room’s name': 'Delicate matter',
    'ICE password': send?.iceParameters.password,
    'ICE user': send?.iceParameters.usernameFragment,
    fingerprint: send?.dtlsParameters.fingerprints[0]?.value,
    payload: 'Secret',
    SDP: 'a=fingerprint',
  });
});

test('[SG9] of an error the log tells name, message, code, stack and causes, and of the database’s errors no message', () => {
  const cause = Object.assign(new Error('invalid input syntax for type uuid: "Secret"'), {
    severity: 'ERROR',
    code: '22P02',
    detail: 'Secret',
  });
  const failed = Object.assign(new Error('Failed query: insert ... params: Secret', { cause }), {
    query: 'insert ...',
    params: ['Secret'],
  });
  const told = describeError(new Error('join failed', { cause: failed }));
  assert.equal(told.message, 'join failed');
  assert.equal(told.cause?.cause?.code, '22P02');
  assert.match(told.stack, /^\s+at /);
  assert.ok(!JSON.stringify(told).includes('Secret'));
  for (const thrown of [undefined, null, 'Secret', { payload: 'Secret' }])
    assert.ok(!JSON.stringify(describeError(thrown)).includes('Secret'));
  const endless = new Error('round');
  endless.cause = endless;
  assert.ok(JSON.stringify(describeError(endless)).length < 50_000);
});

test('[SG9] fields with a secret’s name are blotted out', () => {
  const { lines, log } = keptLog();
  log.info({ token: 'Secret', auth: { token: 'Secret' }, request: { headers: { authorization: 'Secret', cookie: 'Secret' } } }, 'text');
  log.child({ secret: 'Secret' }).warn({ user: { password: 'Secret' } }, 'text');
  assertAbsent(lines, { secret: 'Secret' });
});
