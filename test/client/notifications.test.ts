import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ParleyError, type ParleyNotification, type PushRegistration } from '../../src/client/index.ts';
import { AppError } from '../../src/protocol/errors.ts';
import { waitFor } from '../support/wait-for.ts';
import { StandIn } from './stand-in.ts';

const hasCode = (code: string) => (error: unknown) => error instanceof ParleyError && error.code === code;
const idOf = (number: number): string => `00000000-0000-7000-8000-${String(number).padStart(12, '0')}`;
const at = (number: number): string => new Date(Date.UTC(2026, 0, 1, 12, 0, number)).toISOString();
const told = (number: number, change: Partial<ParleyNotification> = {}): ParleyNotification => ({
  notificationId: idOf(number),
  type: 'call.missed',
  priority: 'normal',
  title: `title ${number}`,
  body: null,
  data: {},
  topic: null,
  createdAt: at(number),
  readAt: null,
  ...change,
});

/** A server with some notifications, newest first, that shows three a page. */
async function meet(all: readonly ParleyNotification[] = []) {
  await using parts = new AsyncDisposableStack();
  const server = parts.use(await StandIn.start());
  has(server, all);
  const client = server.client('me');
  parts.defer(() => client.close());
  const { notifications } = client;
  await client.connect();
  await waitFor('the count', () => notifications.view.unreadCount === all.filter(({ readAt }) => readAt === null).length);
  const moved = parts.move();
  return { server, client, notifications, [Symbol.asyncDispose]: () => moved.disposeAsync() };
}

function has(server: StandIn, all: readonly ParleyNotification[]): void {
  server.answer('notification:unreadCount', () => ({ count: all.filter(({ readAt }) => readAt === null).length }));
  server.answer('notification:list', ({ cursor }) => {
    const older = all.filter(({ notificationId }) => cursor === undefined || notificationId < cursor);
    const page = older.slice(0, 3);
    return { notifications: page, cursor: older.length > 3 ? (page.at(-1)?.notificationId ?? null) : null };
  });
}

const several = (from: number, to: number): ParleyNotification[] => Array.from({ length: from - to + 1 }, (_, index) => told(from - index));
const numbersOf = (notifications: readonly ParleyNotification[]): number[] =>
  notifications.map(({ notificationId }) => Number(notificationId.slice(-12)));

test('[CP10] notifications are read in pages, newest first, and new ones come on top with the count', async () => {
  await using talk = await meet(several(7, 1));
  const { server, notifications } = talk;
  assert.equal(notifications.view.status, 'idle');
  await notifications.load();
  assert.deepEqual(numbersOf(notifications.view.notifications), [7, 6, 5]);
  assert.equal(notifications.view.hasMore, true);
  const received = new Promise<{ notification: ParleyNotification }>((resolve) => notifications.on('received', resolve));
  server.tell('notification:new', { notification: told(8), unreadCount: 8 });
  assert.equal((await received).notification.title, 'title 8');
  await notifications.load();
  await notifications.load();
  await notifications.load();
  assert.deepEqual(numbersOf(notifications.view.notifications), [8, 7, 6, 5, 4, 3, 2, 1]);
  assert.equal(notifications.view.unreadCount, 8);
  assert.equal(notifications.view.hasMore, false);
});

test('[CP11] what is read here or on another device counts once', async () => {
  await using talk = await meet(several(3, 1));
  const { server, notifications } = talk;
  await notifications.load();
  server.answer('notification:read', ({ notificationId }) => {
    server.tell('notification:read', { notificationId, readAt: at(60), unreadCount: 2 });
    return { notification: told(3, { readAt: at(60) }) };
  });
  await notifications.read(idOf(3));
  assert.equal(notifications.view.unreadCount, 2);
  assert.equal(notifications.view.notifications[0]?.readAt, at(60));
  server.tell('notification:read', { notificationId: idOf(1), readAt: at(61), unreadCount: 1 });
  await waitFor('the other', () => notifications.view.unreadCount === 1);
  server.tell('notification:read', { notificationId: null, readAt: at(62), unreadCount: 0 });
  await waitFor('all', () => notifications.view.notifications.every(({ readAt }) => readAt !== null));
  assert.deepEqual(
    notifications.view.notifications.map(({ readAt }) => readAt),
    [at(60), at(62), at(61)],
  );
});

test('[CP11] reading all is one request', async () => {
  await using talk = await meet(several(3, 1));
  const { server, notifications } = talk;
  await notifications.load();
  server.answer('notification:readAll', () => ({ count: 3 }));
  await notifications.readAll();
  assert.equal(notifications.view.unreadCount, 0);
  assert.ok(notifications.view.notifications.every(({ readAt }) => readAt !== null));
  server.answer('notification:read', () => {
    throw new AppError('notification.not_found');
  });
  await assert.rejects(notifications.read(idOf(9)), hasCode('notification.not_found'));
});

test('[CP12] after a lost connection what has come, was read and is gone meanwhile is there', async () => {
  await using talk = await meet(several(3, 1));
  const { server, notifications } = talk;
  await notifications.load();
  has(server, [told(4), told(3, { readAt: at(60) }), told(1)]);
  server.drop({ forget: true });
  await waitFor('the newest', () => notifications.view.notifications.length === 3 && notifications.view.unreadCount === 2);
  assert.deepEqual(numbersOf(notifications.view.notifications), [4, 3, 1]);
  assert.equal(notifications.view.notifications[1]?.readAt, at(60));
});

test('[CP12] where more than a page has come, the rest is read from there on', async () => {
  await using talk = await meet(several(5, 1));
  const { server, notifications } = talk;
  await notifications.load();
  await notifications.load();
  has(server, several(20, 1));
  server.tell('session:resync', {});
  await waitFor('the newest', () => notifications.view.unreadCount === 20);
  assert.deepEqual(numbersOf(notifications.view.notifications), [20, 19, 18]);
  await notifications.load();
  assert.deepEqual(numbersOf(notifications.view.notifications), [20, 19, 18, 17, 16, 15]);

  has(server, several(21, 1));
  server.tell('session:resync', {});
  await waitFor('one more', () => notifications.view.unreadCount === 21);
  assert.deepEqual(numbersOf(notifications.view.notifications), [21, 20, 19, 18, 17, 16, 15], 'what lies behind it is kept');
});

test('[CP13] topics and settings are the server’s', async () => {
  await using talk = await meet();
  const { server, notifications } = talk;
  server.answer('notification:subscribe', ({ topics }) => ({ topics: ['older', ...topics] }));
  server.answer('notification:unsubscribe', () => ({ topics: ['older'] }));
  await notifications.subscribeTo(['ward:3']);
  assert.deepEqual(notifications.topics, ['older', 'ward:3']);
  await notifications.unsubscribeFrom(['ward:3']);
  assert.deepEqual(notifications.topics, ['older']);

  const settings = { push: true, email: false, emailAddress: null, showContent: false, quietHours: null };
  server.answerRest('GET /notifications/settings', () => settings);
  server.answerRest('PATCH /notifications/settings', (_url, change) => ({ ...settings, ...(change as object) }));
  assert.deepEqual(await notifications.settings(), settings);
  assert.equal((await notifications.updateSettings({ showContent: true })).showContent, true);
});

/** A browser's push manager that subscribes to whatever key it is given. */
function pushManager(onSubscribe: () => void = () => undefined) {
  const state: { key: Uint8Array | undefined; isAsked: number } = { key: undefined, isAsked: 0 };
  const subscription = () => ({
    endpoint: `https://push.example/${state.isAsked}`,
    expirationTime: null,
    options: { userVisibleOnly: true, applicationServerKey: state.key?.slice().buffer ?? null },
    toJSON: () => ({ endpoint: `https://push.example/${state.isAsked}`, expirationTime: null, keys: { p256dh: 'p', auth: 'a' } }),
    unsubscribe: async () => {
      state.key = undefined;
      return true;
    },
  });
  const manager = {
    getSubscription: async () => (state.key === undefined ? null : subscription()),
    subscribe: async ({ applicationServerKey }: { applicationServerKey: Uint8Array }) => {
      onSubscribe();
      state.key ??= applicationServerKey;
      state.isAsked++;
      return subscription();
    },
  };
  return { state, registration: { pushManager: manager } as unknown as PushRegistration };
}

test('[CP14] Web Push is subscribed to with the server’s key, and ended on both sides', async () => {
  await using talk = await meet();
  const { server, notifications } = talk;
  const kept: unknown[] = [];
  let key = 'AQL_';
  server.answerRest('GET /notifications/push-key', () => ({ publicKey: key }));
  server.answerRest('POST /notifications/push-subscriptions', (_url, body) => {
    kept.push(body);
    return { subscriptionId: 'sub' };
  });
  server.answerRest('DELETE /notifications/push-subscriptions/sub', () => undefined);
  const { state, registration } = pushManager();
  assert.equal(await notifications.isPushEnabled(registration), false);
  await notifications.disablePush(registration);
  await notifications.enablePush(registration);
  assert.deepEqual([...(state.key ?? [])], [1, 2, 255]);
  assert.deepEqual(kept, [{ endpoint: 'https://push.example/1', expirationTime: null, keys: { p256dh: 'p', auth: 'a' } }]);
  assert.equal(await notifications.isPushEnabled(registration), true);

  key = 'AQID';
  await notifications.enablePush(registration);
  assert.deepEqual([...(state.key ?? [])], [1, 2, 3], 'a new key takes a new subscription');
  await notifications.disablePush(registration);
  assert.equal(state.key, undefined);
  assert.equal(server.called.at(-1), 'DELETE /notifications/push-subscriptions/sub');
});

test('[CP14] a browser that refuses or cannot says so', async () => {
  await using talk = await meet();
  const { server, notifications } = talk;
  server.answerRest('GET /notifications/push-key', () => ({ publicKey: 'AQL_' }));
  const denied = pushManager(() => {
    throw new DOMException('no', 'NotAllowedError');
  });
  await assert.rejects(notifications.enablePush(denied.registration), hasCode('client.device_denied'));
  await assert.rejects(notifications.enablePush({} as PushRegistration), hasCode('client.unsupported'));
});

test('[CP15] after the end nothing is told any more', async () => {
  await using talk = await meet();
  const { client, notifications } = talk;
  client.close();
  await assert.rejects(notifications.load(), hasCode('client.closed'));
  await assert.rejects(notifications.settings(), hasCode('client.closed'));
});
