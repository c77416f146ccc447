import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestApp, type TestApp } from '../support/test-app.ts';

const me = async (app: TestApp, token: string) => (await app.rest('GET', 'users/me', { token })).body;

test('[AU17] GET /users/me answers who the token says one is', async () => {
  await using app = await startTestApp();
  const { status, body } = await app.rest('GET', 'users/me', { token: app.tokenFor('ada', 'provider', { name: 'Ada' }) });
  assert.equal(status, 200);
  const { createdAt, ...rest } = body;
  assert.ok(Math.abs(Date.parse(createdAt) - Date.now()) < 60_000);
  assert.deepEqual(rest, {
    userId: 'ada',
    displayName: 'Ada',
    role: 'provider',
    locale: 'en',
    privacy: { showLastSeen: true, showReadReceipts: true, showTyping: true },
  });
});

test('[AU17] PATCH /users/me changes what is given and leaves the rest', async () => {
  await using app = await startTestApp();
  const token = app.tokenFor('ada');
  const patch = (body: unknown) => app.rest('PATCH', 'users/me', { token, body });
  assert.equal((await patch({ displayName: '  Dr Ada  ' })).body.displayName, 'Dr Ada');
  assert.equal((await patch({ locale: 'de-CH' })).body.locale, 'de-CH');
  assert.deepEqual((await patch({ privacy: { showTyping: false } })).body.privacy, {
    showLastSeen: true,
    showReadReceipts: true,
    showTyping: false,
  });
  const { body } = await patch({});
  assert.deepEqual([body.displayName, body.locale, body.privacy.showTyping], ['Dr Ada', 'de-CH', false]);
  assert.deepEqual(await me(app, token), body);
});

test('[AU17] PATCH /users/me refuses what does not fit and changes nothing', async () => {
  await using app = await startTestApp();
  const token = app.tokenFor('ada');
  const before = await me(app, token);
  const wrong: unknown[] = [
    { displayName: '' },
    { displayName: '   ' },
    { displayName: 'x'.repeat(201) },
    { displayName: 7 },
    { displayName: 'a\0b' },
    { locale: 'not a tag' },
    { locale: 'e' },
    { locale: '' },
    { privacy: { showTyping: 'no' } },
    { privacy: { everything: true } },
    { privacy: null },
    { role: 'admin' },
    { userId: 'bob' },
    { suspendedAt: null },
    [],
    'text',
    null,
  ];
  for (const body of wrong) {
    const answer = await app.rest('PATCH', 'users/me', { token, body });
    assert.deepEqual([answer.status, answer.body.error?.code], [400, 'protocol.invalid_payload'], JSON.stringify(body));
  }
  assert.deepEqual(await me(app, token), before);
});

test('[AU18] a new token’s name and role are taken over, but a chosen name stays', async () => {
  await using app = await startTestApp();
  const tokenOf = (name: string, role = 'patient') => app.tokenFor('ada', role, { name });
  assert.equal((await me(app, tokenOf('Ada'))).displayName, 'Ada');
  assert.equal((await me(app, tokenOf('Ada Lovelace'))).displayName, 'Ada Lovelace');
  await app.rest('PATCH', 'users/me', { token: tokenOf('Ada'), body: { displayName: 'Countess' } });
  assert.equal((await me(app, tokenOf('Ada King', 'provider'))).displayName, 'Countess');
  assert.deepEqual(await app.sql('select token_name, chosen_name, role from users where user_id = $1', ['ada']), [
    { token_name: 'Ada King', chosen_name: 'Countess', role: 'provider' },
  ]);
});

test('[AU18] the chosen name is what the room sees', async () => {
  await using app = await startTestApp();
  await app.rest('PATCH', 'users/me', { token: app.tokenFor('ada'), body: { displayName: 'Countess' } });
  const { roomId } = await app.createRoom({}, 'ada');
  const client = await app.connect('ada');
  assert.equal((await client.join(roomId)).me.displayName, 'Countess');
});

test('[AU18] a token without a name, and one for a single room, do not go before what is known of a user', async () => {
  await using app = await startTestApp();
  assert.equal((await me(app, app.tokenFor('bob', 'provider', { name: 'Bob' }))).displayName, 'Bob');
  assert.equal((await me(app, app.tokenFor('bob', 'provider', { name: undefined }))).displayName, 'Bob');
  const { guestToken } = await app.createRoom({ guestIds: ['bob'] }, 'ada');
  assert.deepEqual([(await me(app, guestToken)).displayName, (await me(app, guestToken)).role], ['Bob', 'patient']);
  assert.deepEqual(await app.sql('select token_name, role from users where user_id = $1', ['bob']), [
    { token_name: 'Bob', role: 'provider' },
  ]);
});
