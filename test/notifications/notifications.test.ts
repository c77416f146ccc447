import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { outcomeOf, person, refused, unlimited } from '../chat/chat-fixture.ts';
import { startTestApp } from '../support/test-app.ts';
import { notificationsOf, post } from './notification-fixture.ts';

let app: Awaited<ReturnType<typeof startTestApp>>;
before(async () => {
  app = await startTestApp(unlimited);
});
after(() => app[Symbol.asyncDispose]());

test('[NO1] the host application’s word to some users is stored for each and told to all their devices at once', async () => {
  const [ann, bob] = [person(app, 'ann', 'patient'), person(app, 'bob')];
  const [phone, laptop] = [await ann.connect(), await ann.connect()];
  const { token } = person(app, 'portal', 'service');
  const body = {
    userIds: [ann.userId, bob.userId, ann.userId],
    type: 'lab.result',
    title: ' Your result ',
    body: 'It is there.',
    data: { resultId: 7, nested: { ok: [true] } },
    priority: 'high',
  };
  const answer = await app.rest('POST', 'notifications', { token, body });
  assert.equal(answer.status, 201);
  const { notificationIds } = answer.body;
  assert.equal(notificationIds.length, 2, 'one each, however often they are named');
  for (const device of [phone, laptop]) {
    const { notification, unreadCount } = await device.notice('notification:new');
    assert.ok(notificationIds.includes(notification.notificationId));
    assert.deepEqual(
      { ...notification, notificationId: '', createdAt: '' },
      {
        notificationId: '',
        type: 'lab.result',
        priority: 'high',
        title: 'Your result',
        body: 'It is there.',
        data: { resultId: 7, nested: { ok: [true] } },
        topic: null,
        createdAt: '',
        readAt: null,
      },
    );
    assert.equal(unreadCount, 1);
  }
  assert.equal((await notificationsOf(bob)).length, 1);
  const [least] = await post(app, { userIds: ['nobody-yet'] });
  const [kept] = await notificationsOf({ ...ann, ...personNamed('nobody-yet') });
  assert.deepEqual([kept?.notificationId, kept?.priority, kept?.body, kept?.data], [least, 'normal', null, {}]);
  const entries = await app.sql("select details from audit_log where action = 'notification.created' and actor_id like 'portal-%'");
  assert.deepEqual(entries, [{ details: { type: 'lab.result', count: 2 } }], 'written down, without what it says');
});

/** Somebody by their whole id. */
function personNamed(userId: string) {
  const token = app.tokenFor(userId, 'patient');
  return { userId, rest: (method: string, where: string) => app.rest(method, where, { token }) };
}

test('[NO2] services and admins alone make notifications; what does not fit is refused by name, and nothing is stored', async () => {
  const ann = person(app, 'ann');
  const good = { userIds: [ann.userId], type: 'portal.news', title: 'News' };
  for (const role of ['patient', 'provider'] as const) {
    assert.deepEqual(outcomeOf(await person(app, 'eve', role).rest('POST', 'notifications', good)), [403, 'auth.forbidden']);
  }
  const service = person(app, 'portal', 'service');
  const cases: [Record<string, unknown>, string][] = [
    [{ userIds: [] }, 'userIds'],
    [{ userIds: undefined }, 'userIds'],
    [{ topic: 'news' }, 'userIds'],
    [{ userIds: ['no body'] }, 'userIds.0'],
    [{ userIds: Array.from({ length: 1_001 }, (_, index) => `u${index}`) }, 'userIds'],
    [{ userIds: undefined, topic: ' spaces ' }, 'topic'],
    [{ type: 'Capital' }, 'type'],
    [{ type: '' }, 'type'],
    [{ title: ' ' }, 'title'],
    [{ title: 'x'.repeat(201) }, 'title'],
    [{ title: 'a\0b' }, 'title'],
    [{ title: '\ud800' }, 'title'],
    [{ body: 'x'.repeat(2_001) }, 'body'],
    [{ priority: 'highest' }, 'priority'],
    [{ data: [] }, 'data'],
    [{ data: { text: 'x'.repeat(2_000) } }, 'data'],
    [{ colour: 'red' }, 'colour'],
  ];
  for (const [change, field] of cases) {
    const { status, body } = await service.rest('POST', 'notifications', { ...good, ...change });
    assert.deepEqual(
      [status, body.error?.code, body.error?.details?.field],
      [400, 'protocol.invalid_payload', field],
      JSON.stringify(change).slice(0, 80),
    );
  }
  const deep = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`;
  const response = await fetch(new URL('/api/v1/notifications', app.url), {
    method: 'POST',
    headers: { connection: 'close', authorization: `Bearer ${service.token}`, 'content-type': 'application/json' },
    body: `${JSON.stringify(good).slice(0, -1)},"data":${deep}}`,
  });
  assert.deepEqual(
    [response.status, ((await response.json()) as { error: { code: string } }).error.code],
    [400, 'protocol.invalid_payload'],
  );
  assert.deepEqual(await notificationsOf(ann), []);
  assert.equal((await person(app, 'root', 'admin').rest('POST', 'notifications', good)).status, 201);
  assert.equal((await notificationsOf(ann)).length, 1);
});

test('[NO3] they are listed newest first, page by page, unread ones alone if asked; a made-up cursor is refused', async () => {
  const ann = person(app, 'ann');
  const socket = await ann.connect();
  for (let index = 1; index <= 7; index += 1) await post(app, { userIds: [ann.userId], title: `No. ${index}` });
  const titles: string[] = [];
  let cursor: string | null = null;
  do {
    const page: { notifications: { title: string }[]; cursor: string | null } = await socket.request('notification:list', {
      limit: 3,
      ...(cursor !== null && { cursor }),
    });
    titles.push(...page.notifications.map(({ title }) => title));
    cursor = page.cursor;
  } while (cursor !== null);
  assert.deepEqual(
    titles,
    [7, 6, 5, 4, 3, 2, 1].map((index) => `No. ${index}`),
  );
  const first = (await ann.rest('GET', 'notifications?limit=3')).body;
  assert.equal(first.notifications.length, 3);
  const second = (await ann.rest('GET', `notifications?limit=4&cursor=${first.cursor}`)).body;
  assert.deepEqual([second.notifications.length, second.cursor], [4, null], 'the last page says so');

  await ann.rest('PUT', `notifications/${first.notifications[1].notificationId}/read`);
  const unread = (await ann.rest('GET', 'notifications?unreadOnly=true')).body.notifications;
  assert.deepEqual(
    unread.map(({ title }: { title: string }) => title),
    [7, 5, 4, 3, 2, 1].map((index) => `No. ${index}`),
  );
  assert.equal((await socket.request('notification:list', { unreadOnly: true })).notifications.length, 6);
  for (const made of ['nonsense', Buffer.from('["2026-02-30T00:00:00.000Z","x"]').toString('base64url'), '[]']) {
    assert.deepEqual(outcomeOf(await ann.rest('GET', `notifications?cursor=${made}`)), [400, 'protocol.invalid_payload']);
  }
  for (const query of ['limit=0', 'limit=101', 'limit=x', 'unreadOnly=perhaps', 'colour=red']) {
    assert.deepEqual(outcomeOf(await ann.rest('GET', `notifications?${query}`)), [400, 'protocol.invalid_payload'], query);
  }
});

test('[NO4] what is read on one device is read on all, once; all can be read at once', async () => {
  const ann = person(app, 'ann');
  const [phone, laptop] = [await ann.connect(), await ann.connect()];
  const [one, two, three] = [
    (await post(app, { userIds: [ann.userId] }))[0]!,
    (await post(app, { userIds: [ann.userId] }))[0]!,
    (await post(app, { userIds: [ann.userId] }))[0]!,
  ];
  assert.deepEqual(await phone.request('notification:unreadCount', {}), { count: 3 });
  const { notification } = await phone.request('notification:read', { notificationId: one });
  assert.equal(notification.notificationId, one);
  for (const device of [phone, laptop]) {
    const notice = await device.notice('notification:read');
    assert.deepEqual(notice, { notificationId: one, readAt: notification.readAt, unreadCount: 2 });
  }
  const again = await ann.rest('PUT', `notifications/${one}/read`);
  assert.deepEqual([again.status, again.body], [200, notification], 'as it was');
  const overRest = await ann.rest('PUT', `notifications/${two.toUpperCase()}/read`);
  assert.deepEqual([overRest.status, overRest.body.notificationId], [200, two]);
  assert.equal((await laptop.notice('notification:read')).notificationId, two, 'nobody was told of the second time');
  assert.deepEqual(await laptop.request('notification:readAll', {}), { count: 1 });
  const all = await phone.notice('notification:read', ({ notificationId }) => notificationId === null);
  assert.equal(all.unreadCount, 0);
  assert.deepEqual((await ann.rest('PUT', 'notifications/read')).body, { count: 0 });
  assert.deepEqual(
    (await notificationsOf(ann)).map(({ readAt }) => readAt !== null),
    [true, true, true],
    three,
  );
});

test('[NO5] a stranger’s notification and a missing one are notification.not_found; a token for one room has none', async () => {
  const [ann, eve] = [person(app, 'ann'), person(app, 'eve', 'admin')];
  const [notificationId] = await post(app, { userIds: [ann.userId] });
  for (const id of [notificationId, randomUUID()]) {
    assert.deepEqual(outcomeOf(await eve.rest('PUT', `notifications/${id}/read`)), [404, 'notification.not_found']);
    await assert.rejects((await eve.connect()).request('notification:read', { notificationId: id! }), refused('notification.not_found'));
  }
  assert.equal((await ann.rest('GET', 'notifications')).body.notifications[0].readAt, null);
  assert.deepEqual(outcomeOf(await eve.rest('PUT', 'notifications/nonsense/read')), [400, 'protocol.invalid_payload']);

  const { hostToken } = await app.createRoom({}, ann.userId);
  const socket = await app.connect('', 'provider', { token: hostToken });
  await assert.rejects(socket.request('notification:list', {}), refused('auth.forbidden'));
  await assert.rejects(socket.request('notification:read', { notificationId: notificationId! }), refused('auth.forbidden'));
  await assert.rejects(socket.request('notification:readAll', {}), refused('auth.forbidden'));
  await assert.rejects(socket.request('notification:unreadCount', {}), refused('auth.forbidden'));
  await assert.rejects(socket.request('notification:subscribe', { topics: ['news'] }), refused('auth.forbidden'));
  const routes: [string, string, unknown?][] = [
    ['GET', 'notifications'],
    ['PUT', 'notifications/read'],
    ['PUT', `notifications/${notificationId}/read`],
    ['GET', 'notifications/settings'],
    ['PATCH', 'notifications/settings', { push: false }],
    ['DELETE', `notifications/push-subscriptions/${randomUUID()}`],
  ];
  for (const [method, where, body] of routes) {
    assert.deepEqual(outcomeOf(await app.rest(method, where, { token: hostToken, body })), [403, 'auth.forbidden'], where);
    assert.equal((await app.rest(method, where, { body })).status, 401, where);
  }
  const roomOfAdmin = (await app.createRoom({}, eve.userId, 'admin')).hostToken;
  const forged = { userIds: [ann.userId], type: 'portal.news', title: 'x' };
  assert.deepEqual(outcomeOf(await app.rest('POST', 'notifications', { token: roomOfAdmin, body: forged })), [403, 'auth.forbidden']);
  await post(app, { userIds: [ann.userId], title: 'Not for the room' });
  await assert.rejects(socket.request('notification:list', {}), refused('auth.forbidden'));
  assert.equal(socket.pending('notification:new'), 0, 'nor does it hear of any');
});

test('[NO6] a topic reaches whoever is subscribed to it; one may be subscribed to 200', async () => {
  const [ann, bob, eve] = [person(app, 'ann'), person(app, 'bob'), person(app, 'eve')];
  const [socket, other] = [await ann.connect(), await bob.connect()];
  assert.deepEqual(await socket.request('notification:subscribe', { topics: ['ward/3', 'news', 'news'] }), { topics: ['news', 'ward/3'] });
  assert.deepEqual(await other.request('notification:subscribe', { topics: ['news'] }), { topics: ['news'] });
  assert.equal((await post(app, { topic: 'news' })).length, 2);
  assert.equal((await socket.notice('notification:new')).notification.topic, 'news');
  assert.deepEqual(await socket.request('notification:unsubscribe', { topics: ['news', 'never'] }), { topics: ['ward/3'] });
  assert.equal((await post(app, { topic: 'news' })).length, 1);
  assert.deepEqual(await post(app, { topic: 'nobody.listens' }), []);
  assert.deepEqual(
    [(await notificationsOf(ann)).length, (await notificationsOf(bob)).length, (await notificationsOf(eve)).length],
    [1, 2, 0],
  );

  const topics = (from: number) => Array.from({ length: 50 }, (_, index) => `t${from + index}`);
  for (const from of [0, 50, 100]) await socket.request('notification:subscribe', { topics: topics(from) });
  await assert.rejects(socket.request('notification:subscribe', { topics: topics(150) }), refused('protocol.invalid_payload'));
  assert.equal((await socket.request('notification:subscribe', { topics: ['t0'] })).topics.length, 151, 'nothing of it was kept');
  for (const wrong of [{ topics: [] }, { topics: [''] }, { topics: ['a b'] }, { topics: ['x'.repeat(129)] }, { topics: 'news' }]) {
    await assert.rejects(socket.send('notification:subscribe', wrong), refused('protocol.invalid_payload'));
  }
});

test('[NO20] who has set nothing is pushed to and mailed without what messages say; what is given changes, at once too', async () => {
  const ann = person(app, 'ann');
  const settings = async () => (await ann.rest('GET', 'notifications/settings')).body;
  assert.deepEqual(await settings(), { push: true, email: true, emailAddress: null, showContent: false, quietHours: null });
  const quietHours = { from: '22:00', to: '06:30', timeZone: 'America/St_Johns' };
  const answers = await Promise.all([
    ann.rest('PATCH', 'notifications/settings', { quietHours }),
    ann.rest('PATCH', 'notifications/settings', { emailAddress: 'ann@example.org' }),
    ann.rest('PATCH', 'notifications/settings', { push: false }),
    ann.rest('PATCH', 'notifications/settings', { showContent: true }),
    ann.rest('PATCH', 'notifications/settings', {}),
  ]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200, 200, 200],
  );
  const expected = { push: false, email: true, emailAddress: 'ann@example.org', showContent: true, quietHours };
  assert.deepEqual(await settings(), expected);
  const wrong = [
    { push: 'no' },
    { emailAddress: 'ann@example.org, eve@example.org' },
    { emailAddress: 'ann@example.org\r\nBcc: eve@example.org' },
    { emailAddress: 'ann' },
    { quietHours: { from: '24:00', to: '06:00', timeZone: 'UTC' } },
    { quietHours: { from: '7:00', to: '06:00', timeZone: 'UTC' } },
    { quietHours: { from: '22:00', to: '06:00', timeZone: 'Mars/Olympus' } },
    { quietHours: { from: '22:00', to: '06:00' } },
    { colour: 'red' },
  ];
  for (const changes of wrong) {
    const answer = await ann.rest('PATCH', 'notifications/settings', { ...changes, email: false });
    assert.deepEqual(outcomeOf(answer), [400, 'protocol.invalid_payload'], JSON.stringify(changes));
  }
  assert.deepEqual(await settings(), expected);
  await ann.rest('PATCH', 'notifications/settings', { quietHours: null, emailAddress: null });
  assert.deepEqual(await settings(), { ...expected, quietHours: null, emailAddress: null });
});
