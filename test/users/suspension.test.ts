import assert from 'node:assert/strict';
import { test } from 'node:test';
import pg from 'pg';
import { io } from 'socket.io-client';
import { refusalOf } from '../support/refusal.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

const suspend = (app: TestApp, userId: string, token = app.tokenFor('root', 'admin'), body?: unknown) =>
  app.rest('PUT', `users/${userId}/suspension`, { token, ...(body !== undefined && { body }) });
const lift = (app: TestApp, userId: string, token = app.tokenFor('root', 'admin')) =>
  app.rest('DELETE', `users/${userId}/suspension`, { token });

test('[AU19] suspending a user ends all their sessions and their media within 5 s, and nobody else’s', async () => {
  await using app = await startTestApp();
  const { roomId } = await app.createRoom({}, 'ada');
  const host = await app.connect('ada');
  const { media: hostMedia } = await host.joinWithMedia(roomId);
  const bob = await app.connect('bob', 'patient');
  const idle = await app.connect('bob', 'patient');
  const lost = await app.connect('bob', 'patient');
  lost.drop();
  const { media } = await bob.joinWithMedia(roomId);
  const { producerId } = await media.publishAudio('microphone');
  await host.notice('media:producerAdded', ({ producer }) => producer.producerId === producerId);
  const subscription = await hostMedia.subscribe(producerId);
  await subscription.resume();
  await subscription.frames(1);

  const startedAt = Date.now();
  const ended = Promise.all([bob.disconnected(), idle.disconnected()]);
  const { status, body } = await suspend(app, 'bob', undefined, { reason: 'lost phone' });
  assert.deepEqual([status, body.userId], [200, 'bob']);
  assert.deepEqual(await ended, ['io server disconnect', 'io server disconnect']);
  const left = await host.notice('room:participantLeft');
  assert.deepEqual([left.userId, left.reason], ['bob', 'suspended']);
  await host.notice('media:producerRemoved', (notice) => notice.producerId === producerId);
  await host.notice('media:consumerClosed', ({ consumerId }) => consumerId === subscription.consumerId);
  assert.ok(Date.now() - startedAt < 5_000);
  assert.deepEqual(
    app.app.sockets.sessions.map((session) => session.identity.userId),
    ['ada'],
  );
  const { participants } = await host.request('room:participants', { roomId });
  assert.deepEqual(
    participants.map(({ userId }) => userId),
    ['ada'],
  );
});

test('[AU19] a suspended user’s tokens are refused on the socket and over REST until it is lifted', async () => {
  await using app = await startTestApp();
  const { roomId, guestToken } = await app.createRoom({ guestIds: ['bob'] }, 'ada');
  const bob = await app.connect('bob', 'patient');
  const { resume } = bob;
  assert.equal((await suspend(app, 'bob')).status, 200);
  await bob.disconnected();
  const token = app.tokenFor('bob', 'patient');
  for (const auth of [{ token }, { token: guestToken }, { token, resume }]) {
    const { message, data } = await refusalOf(app.url, auth);
    assert.deepEqual([message, data.code], ['Authentication error: User suspended', 'auth.suspended']);
  }
  for (const given of [token, guestToken]) {
    for (const where of ['users/me', `rooms/${roomId}`]) {
      const { status, body } = await app.rest('GET', where, { token: given });
      assert.deepEqual([status, body.error.code], [403, 'auth.suspended']);
    }
  }
  assert.equal((await lift(app, 'bob')).status, 204);
  assert.equal((await app.rest('GET', 'users/me', { token })).status, 200);
  assert.equal((await app.connect('bob', 'patient')).ready.recovered, false);
});

test('[AU19] a suspension stands in the audit log, and a second one keeps the first one’s time', async () => {
  await using app = await startTestApp();
  const first = await suspend(app, 'bob', undefined, { reason: 'lost phone' });
  const second = await suspend(app, 'bob');
  assert.equal(second.body.suspendedAt, first.body.suspendedAt);
  await lift(app, 'bob');
  const rows = await app.sql<{ action: string; actor_id: string; details: object }>(
    "select action, actor_id, details from audit_log where subject = 'bob' order by seq",
  );
  assert.deepEqual(
    rows.map(({ action, actor_id, details }) => [action, actor_id, details]),
    [
      ['user.suspended', 'root', { reason: 'lost phone' }],
      ['user.suspended', 'root', {}],
      ['user.unsuspended', 'root', {}],
    ],
  );
});

test('[AU20] only admins suspend and lift, and nobody themselves', async () => {
  await using app = await startTestApp();
  for (const role of ['patient', 'provider', 'service']) {
    const token = app.tokenFor('eve', role);
    for (const answer of [await suspend(app, 'bob', token), await lift(app, 'bob', token)]) {
      assert.deepEqual([answer.status, answer.body.error.code], [403, 'auth.forbidden']);
    }
  }
  assert.equal((await suspend(app, 'root')).body.error.code, 'auth.forbidden');
  assert.equal((await app.rest('PUT', 'users/bob/suspension')).status, 401);
  assert.equal((await app.rest('GET', 'users/me', { token: app.tokenFor('bob') })).status, 200);
});

test('[AU20] somebody who was never here can be suspended; lifting what does not stand is user.not_found', async () => {
  await using app = await startTestApp();
  assert.equal((await suspend(app, 'stranger')).status, 200);
  assert.equal((await refusalOf(app.url, { token: app.tokenFor('stranger') })).data.code, 'auth.suspended');
  assert.equal((await lift(app, 'stranger')).status, 204);
  for (const userId of ['stranger', 'nobody']) {
    const { status, body } = await lift(app, userId);
    assert.deepEqual([status, body.error.code], [404, 'user.not_found']);
  }
  for (const where of ['users/a%20b/suspension', `users/${'x'.repeat(80)}/suspension`, 'users/%00/suspension']) {
    const { status, body } = await app.rest('PUT', where, { token: app.tokenFor('root', 'admin') });
    assert.deepEqual([status, body.error.code], [400, 'protocol.invalid_payload'], where);
  }
  for (const body of [{ reason: 'x'.repeat(501) }, { reason: 7 }, { why: 'x' }, { reason: 'a\0b' }]) {
    const answer = await suspend(app, 'bob', undefined, body);
    assert.deepEqual([answer.status, answer.body.error?.code], [400, 'protocol.invalid_payload'], JSON.stringify(body));
  }
});

test('[AU21] whoever is suspended in the middle of signing in is left without a session', async () => {
  await using app = await startTestApp();
  // Holds up sign-ins at their entry in the audit log, after the look at whether the user is suspended.
  await app.sql(
    `create function hold_up() returns trigger language plpgsql as $$ begin perform pg_advisory_xact_lock(42); return new; end $$`,
  );
  await app.sql(
    `create trigger hold_up before insert on audit_log for each row when (new.action = 'session.started') execute function hold_up()`,
  );
  const gate = new pg.Client({ connectionString: app.databaseUrl });
  await gate.connect();
  await gate.query('select pg_advisory_lock(42)');
  const socket = io(app.url, { auth: { token: app.tokenFor('bob') }, transports: ['websocket'], reconnection: false, forceNew: true });
  const ended = new Promise<string>((resolve) =>
    socket.once('disconnect', resolve).once('connect_error', ({ message }) => resolve(message)),
  );
  const isHeldUp = async () => {
    const { rowCount } = await gate.query("select 1 from pg_locks where locktype = 'advisory' and not granted and objid = 42");
    return rowCount === 1;
  };
  await waitFor('the sign-in to be held up', isHeldUp);
  assert.equal((await suspend(app, 'bob')).status, 200);
  await gate.end();
  assert.equal(await ended, 'io server disconnect');
  assert.equal(app.app.sockets.sessions.length, 0);
});
