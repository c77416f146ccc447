import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, mock, test } from 'node:test';
import { type ActivitySource, ParleyError } from '../../src/client/index.ts';
import { createPageActivity } from '../../src/client/presence/activity.ts';
import { Heartbeat } from '../../src/client/presence/heartbeat.ts';
import { AppError } from '../../src/protocol/errors.ts';
import type { Presence, PresenceStatus } from '../../src/protocol/presence.ts';
import { waitFor } from '../support/wait-for.ts';
import { StandIn } from './stand-in.ts';

const presenceOf = (userId: string, status: PresenceStatus = 'online'): Presence => ({
  userId,
  status,
  note: null,
  noteEndsAt: null,
  lastSeenAt: null,
  devices: [],
});

/** Somebody at a device, as a test says. */
function someone() {
  const state = { idleSeconds: 0, isClosed: false, touch: (): void => undefined };
  const activity: ActivitySource = {
    idleSeconds: () => state.idleSeconds,
    onActive: (listener) => {
      state.touch = listener;
      return () => undefined;
    },
    close: () => {
      state.isClosed = true;
    },
  };
  return { state, activity };
}

async function meet() {
  await using parts = new AsyncDisposableStack();
  const server = parts.use(await StandIn.start());
  server.answer('presence:subscribe', ({ userIds }) => ({ presences: userIds.map((userId) => presenceOf(userId)) }));
  const { state, activity } = someone();
  const client = server.client('me', { activity });
  parts.defer(() => client.close());
  const { presence } = client;
  await client.connect();
  await waitFor('oneself to be known', () => presence.view.own !== undefined);
  const all = parts.move();
  return { server, client, presence, state, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

const subscriptions = (server: StandIn) => server.askedFor('presence:subscribe').map(({ userIds }) => userIds);

test('[CP1] however many watch a user, the server is asked once, and told when nobody does any more', async () => {
  await using talk = await meet();
  const { server, presence } = talk;
  const offs = [presence.watch(['a', 'b']), presence.watch(['b', 'c']), presence.watch(['b'])];
  await waitFor('all to be known', () => presence.get('c') !== undefined);
  assert.deepEqual(subscriptions(server), [['me'], ['a', 'b', 'c']]);
  offs[0]?.();
  offs[0]?.();
  offs[1]?.();
  await server.heard('presence:unsubscribe');
  assert.deepEqual(server.askedFor('presence:unsubscribe'), [{ userIds: ['a', 'c'] }]);
  assert.equal(presence.get('a'), undefined);
  assert.equal(presence.get('b')?.status, 'online');
});

test('[CP1] a list that changes in one go asks for the difference alone', async () => {
  await using talk = await meet();
  const { server, presence } = talk;
  const off = presence.watch(['a', 'b']);
  await waitFor('them to be known', () => presence.get('b') !== undefined);
  off();
  presence.watch(['b', 'c']);
  await waitFor('c to be known', () => presence.get('c') !== undefined);
  assert.deepEqual(subscriptions(server).slice(1), [['a', 'b'], ['c']]);
  assert.deepEqual(server.askedFor('presence:unsubscribe'), [{ userIds: ['a'] }]);
});

test('[CP1] one request names at most 200 users', async () => {
  await using talk = await meet();
  const { server, presence } = talk;
  presence.watch(Array.from({ length: 450 }, (_, index) => `user${index}`));
  await waitFor('the last to be known', () => presence.get('user449') !== undefined);
  assert.deepEqual(
    subscriptions(server)
      .slice(1)
      .map(({ length }) => length),
    [200, 200, 50],
  );
});

test('[CP2] what is told of those who are watched is shown; others and what is not told change nothing', async () => {
  await using talk = await meet();
  const { server, presence } = talk;
  presence.watch(['a']);
  await waitFor('a to be known', () => presence.get('a') !== undefined);
  const before = presence.view;
  assert.equal(presence.view, before);
  server.tell('presence:changed', { presences: [presenceOf('stranger', 'away')] });
  server.tell('presence:changed', { presences: [presenceOf('a', 'in_call'), presenceOf('me', 'busy')] });
  await waitFor('the change', () => presence.get('a')?.status === 'in_call');
  assert.equal(presence.get('stranger'), undefined);
  assert.equal(presence.view.own?.status, 'busy');
  assert.equal(before.own?.status, 'online');
});

test('[CP3] after a lost connection, and when the server asks for it, all are asked for again', async () => {
  await using talk = await meet();
  const { server, presence } = talk;
  presence.watch(['a']);
  await waitFor('a to be known', () => presence.get('a') !== undefined);
  server.answer('presence:subscribe', ({ userIds }) => ({ presences: userIds.map((userId) => presenceOf(userId, 'away')) }));
  server.drop({ forget: true });
  await waitFor('the change of the meantime', () => presence.get('a')?.status === 'away');
  server.tell('session:resync', {});
  await server.heard('presence:subscribe', 4);
  assert.deepEqual(subscriptions(server).slice(2), [
    ['me', 'a'],
    ['me', 'a'],
  ]);
});

test('[CP3] users who cannot be watched are told of, and harm nothing', async () => {
  await using talk = await meet();
  const { server, presence } = talk;
  server.answer('presence:subscribe', () => {
    throw new AppError('auth.forbidden');
  });
  const refused = new Promise<{ error: ParleyError }>((resolve) => presence.on('error', resolve));
  presence.watch(['a']);
  assert.equal((await refused).error.code, 'auth.forbidden');
  assert.equal(presence.view.own?.status, 'online');
});

test('[CP4] one says how one is seen, with a note and its end', async () => {
  await using talk = await meet();
  const { server, presence } = talk;
  server.answer('presence:set', ({ status, note = null }) => ({ presence: { ...presenceOf('me', status), note } }));
  await presence.set('do_not_disturb', { note: 'ward round', until: '2026-01-01T13:00:00+01:00' });
  assert.equal(presence.view.own?.note, 'ward round');
  assert.deepEqual(server.askedFor('presence:set'), [{ status: 'do_not_disturb', note: 'ward round', until: '2026-01-01T13:00:00+01:00' }]);
  server.answer('presence:set', () => {
    throw new AppError('protocol.invalid_payload');
  });
  await assert.rejects(presence.set('busy'), (error: unknown) => error instanceof ParleyError && error.code === 'protocol.invalid_payload');
});

describe('[CP5] the server hears every 30 s how long the user has been idle, and at once when they come back', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setInterval'] }));
  afterEach(() => mock.timers.reset());

  test('while there is a connection', () => {
    const { state, activity } = someone();
    const sent: number[] = [];
    const heartbeat = new Heartbeat(activity, (idleSeconds) => sent.push(idleSeconds));
    heartbeat.start();
    mock.timers.tick(29_999);
    assert.deepEqual(sent, [0]);
    state.touch();
    assert.deepEqual(sent, [0], 'whoever was there all the time is not told of');
    state.idleSeconds = 90;
    mock.timers.tick(1);
    state.idleSeconds = 0;
    state.touch();
    state.touch();
    assert.deepEqual(sent, [0, 90, 0]);
    state.idleSeconds = 70;
    mock.timers.tick(30_000);
    heartbeat.stop();
    state.touch();
    mock.timers.tick(60_000);
    assert.deepEqual(sent, [0, 90, 0, 70]);
    heartbeat.start();
    assert.equal(sent.length, 5);
    heartbeat.close();
    mock.timers.tick(60_000);
    assert.equal(sent.length, 5);
  });

  test('pointer, keys and the page coming into sight count as touching it', (t) => {
    mock.timers.reset();
    mock.timers.enable({ apis: ['Date'] });
    const page = Object.assign(new EventTarget(), { visibilityState: 'hidden' });
    Object.defineProperty(globalThis, 'document', { value: page, configurable: true });
    t.after(() => Reflect.deleteProperty(globalThis, 'document'));
    const activity = createPageActivity();
    let touches = 0;
    activity.onActive(() => touches++);
    for (const [event, expected] of [
      ['pointermove', 0],
      ['keydown', 0],
      ['visibilitychange', 61],
    ] as const) {
      mock.timers.tick(61_000);
      assert.equal(activity.idleSeconds(), 61);
      page.dispatchEvent(new Event(event));
      assert.equal(activity.idleSeconds(), expected, event);
      if (expected === 0) continue;
      page.visibilityState = 'visible';
      page.dispatchEvent(new Event(event));
      assert.equal(activity.idleSeconds(), 0);
    }
    activity.close();
    page.dispatchEvent(new Event('keydown'));
    assert.equal(touches, 3);
  });

  test('with the kind of device', async () => {
    mock.timers.reset();
    await using server = await StandIn.start();
    const { state, activity } = someone();
    state.idleSeconds = 12;
    const client = server.client('me', { activity, deviceInfo: { kind: 'tablet' } });
    assert.ok(client.presence);
    await client.connect();
    await server.heard('presence:heartbeat');
    assert.deepEqual(server.askedFor('presence:heartbeat'), [{ device: { kind: 'tablet', idleSeconds: 12 } }]);
    client.close();
    assert.equal(state.isClosed, true);
  });
});

test('[CP6] contacts are read in pages', async () => {
  await using talk = await meet();
  const { server, presence } = talk;
  const contact = { userId: 'a', displayName: 'A', role: 'patient' as const, presence: presenceOf('a', 'away'), appointmentIds: [] };
  server.answerRest('GET /users/contacts', () => ({ contacts: [contact], cursor: 'next' }));
  const page = await presence.contacts({ query: 'Ä b', limit: 20 });
  assert.deepEqual(page, { contacts: [contact], cursor: 'next' });
  assert.equal(server.called.at(-1), 'GET /users/contacts?query=%C3%84+b&limit=20');
  assert.equal(presence.get('a'), undefined, 'it is not kept current');
});

test('[CP7] after the end nothing is watched and nothing runs on', async () => {
  await using talk = await meet();
  const { server, client, presence } = talk;
  const off = presence.watch(['a']);
  client.close();
  off();
  assert.throws(
    () => presence.watch(['b']),
    (error: unknown) => error instanceof ParleyError && error.code === 'client.closed',
  );
  await waitFor('the socket to close', () => server.socketCount === 0);
  assert.deepEqual(subscriptions(server), [['me']]);
});
