import assert from 'node:assert/strict';
import { createECDH, createPublicKey, randomBytes, randomUUID } from 'node:crypto';
import { Agent } from 'node:https';
import { after, before, test } from 'node:test';
import jwt from 'jsonwebtoken';
import { createPushOutlet, isInner } from '../../src/notifications/push-address.ts';
import type { CallStatus, PartyState } from '../../src/protocol/call.ts';
import { direct, outcomeOf, type Person, person, say, unlimited } from '../chat/chat-fixture.ts';
import { startTestApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';
import { jobsDone, jobsOf, makeDue, missCall, post, quietNow, set, waitForNotifications } from './notification-fixture.ts';
import { type Browser, type PushService, startPushService } from './push-service.ts';

let service: PushService;
let app: Awaited<ReturnType<typeof startTestApp>>;
before(async () => {
  service = await startPushService();
  app = await startTestApp({ ...unlimited, LIMIT_RING_SECONDS: '45' }, { pushOutlet: service.outlet });
});
after(async () => {
  await app[Symbol.asyncDispose]();
  await service[Symbol.asyncDispose]();
});

/** A browser of somebody's that is subscribed. */
async function subscribe(somebody: Person, browser = service.openBrowser()): Promise<Browser & { subscriptionId: string }> {
  const { status, body } = await somebody.rest('POST', 'notifications/push-subscriptions', browser.subscription);
  assert.equal(status, 201, JSON.stringify(body));
  return { ...browser, subscriptionId: body.subscriptionId };
}

const deliveriesTo = ({ subscription }: Browser) => service.deliveries.filter(({ path }) => subscription.endpoint.endsWith(path));

test('[NO30] browsers subscribe with the server’s key for pushing, a point of P-256', async () => {
  const { token } = person(app, 'ann');
  const { publicKey } = (await app.rest('GET', 'notifications/push-key', { token })).body;
  const point = Buffer.from(publicKey, 'base64url');
  assert.deepEqual([point.length, point[0]], [65, 4]);
  assert.equal((await app.rest('GET', 'notifications/push-key')).status, 401);
});

test('[NO31] a notification reaches every browser of its user, encrypted for it, signed by the server, with its urgency and time to live', async () => {
  const [ann, bob] = [person(app, 'ann'), person(app, 'bob')];
  const [phone, laptop, other] = [await subscribe(ann), await subscribe(ann), await subscribe(bob)];
  const data = { resultId: 7 };
  const [notificationId] = await post(app, { userIds: [ann.userId], title: 'Result', body: 'It is there.', data, priority: 'high' });
  const message = await phone.next();
  assert.deepEqual(await laptop.next(), message);
  assert.equal(other.pushes().length, 0);
  const { createdAt, expiresAt, ...rest } = message;
  assert.deepEqual(rest, {
    type: 'portal.news',
    tag: notificationId,
    notificationId,
    priority: 'high',
    title: 'Result',
    body: 'It is there.',
    data,
    path: '/',
  });
  const [delivery] = deliveriesTo(phone);
  assert.ok(delivery);
  assert.equal(Date.parse(expiresAt) - Date.parse(createdAt), 48 * 3_600_000);
  const ttl = Number(delivery.headers['ttl']);
  assert.ok(ttl > 47 * 3_600 && ttl <= 48 * 3_600, String(ttl));
  assert.equal(delivery.headers['urgency'], 'high');
  assert.equal(delivery.headers['content-encoding'], 'aes128gcm');
  assert.match(String(delivery.headers['topic']), /^[\w-]{32}$/);
  assert.ok(!delivery.body.includes('Result'));

  const [, token = '', key = ''] = /^vapid t=([^,]+), ?k=(.+)$/.exec(delivery.headers.authorization ?? '') ?? [];
  const { publicKey } = (await ann.rest('GET', 'notifications/push-key')).body;
  assert.equal(key, publicKey);
  const point = Buffer.from(key, 'base64url');
  const jwk = { kty: 'EC', crv: 'P-256', x: point.subarray(1, 33).toString('base64url'), y: point.subarray(33).toString('base64url') };
  const claims = jwt.verify(token, createPublicKey({ key: jwk, format: 'jwk' }), { algorithms: ['ES256'] }) as jwt.JwtPayload;
  assert.deepEqual([claims.aud, claims.sub], [service.url, 'mailto:parley@localhost']);

  await set(ann, { push: false });
  await post(app, { userIds: [ann.userId, bob.userId], title: 'More' });
  await other.next();
  await jobsDone(app);
  assert.equal(phone.pushes().length, 1, 'who wants none gets none');
});

test('[NO31] what is too long for a push is cut; a message of any length arrives', async () => {
  const ann = person(app, 'ann');
  const browser = await subscribe(ann);
  const title = '語'.repeat(200);
  await post(app, { userIds: [ann.userId], title, body: '語'.repeat(2_000), data: { text: '語'.repeat(1_000) } });
  const message = await browser.next();
  assert.equal(message.title, title);
  assert.deepEqual([message.body?.length, message.body?.endsWith('…'), message.data], [400, true, {}]);
});

test('[NO32] a push says what a message says only to who allows it', async () => {
  const [ann, bob, eve] = [person(app, 'ann'), person(app, 'bob'), person(app, 'eve')];
  const [ofBob, ofEve] = [await subscribe(bob), await subscribe(eve)];
  await set(eve, { showContent: true });
  const socket = await ann.connect();
  const [withBob, withEve] = [await direct(ann, bob), await direct(ann, eve)];
  await say(socket, withBob.conversationId, 'Zyxomania');
  await say(socket, withEve.conversationId, `Zyxomania ${'x'.repeat(500)}`);
  const [hidden, shown] = [await ofBob.next(), await ofEve.next()];
  assert.ok(!JSON.stringify(hidden).includes('Zyxomania'));
  assert.deepEqual(
    [hidden.title, hidden.body, hidden.path],
    [`New message from Name of ${ann.userId}`, null, `/c/${withBob.conversationId}`],
  );
  assert.match(shown.body ?? '', /^Zyxomania x+…$/);
  assert.equal(shown.body?.length, 200);
  await say(socket, withBob.conversationId, 'more');
  const second = await ofBob.next(({ data }) => data['count'] === 2);
  assert.equal(second.tag, hidden.tag, 'it takes the place of the first');
});

test('[NO22] in quiet hours only what is urgent is pushed; the rest is at their end if it is still unread, and in the page at once', async () => {
  const ann = person(app, 'ann');
  const browser = await subscribe(ann);
  await set(ann, { quietHours: quietNow() });
  const socket = await ann.connect();
  const [waiting, read] = await Promise.all([
    post(app, { userIds: [ann.userId], title: 'Waits', priority: 'high' }),
    post(app, { userIds: [ann.userId], title: 'Is read' }),
  ]);
  await post(app, { userIds: [ann.userId], title: 'Alarm', priority: 'urgent' });
  for (let told = 0; told < 3; told += 1) await socket.notice('notification:new');
  assert.equal((await browser.next()).title, 'Alarm');
  const waitingJobs = async () =>
    (await jobsOf(app, 'push')).filter(({ key }) => [waiting[0], read[0]].some((id) => key?.includes(id ?? '?')));
  await waitFor('both to be put off', async () => (await waitingJobs()).length === 2);
  const until = (await waitingJobs())[0]?.run_at.getTime() ?? 0;
  assert.ok(until > Date.now() + 58 * 60_000 && until <= Date.now() + 60 * 60_000);
  await makeDue(app, 'push');
  await waitFor('them to be put off again', async () => (await waitingJobs()).every(({ run_at }) => run_at.getTime() === until));
  await ann.rest('PUT', `notifications/${read[0]}/read`);
  await set(ann, { quietHours: null });
  await makeDue(app, 'push');
  assert.equal((await browser.next(({ title }) => title !== 'Alarm')).title, 'Waits');
  await jobsDone(app);
  assert.equal(browser.pushes().length, 2);
});

/** A call that rings somebody, as its part of the server would write it down. */
async function ring(caller: Person, callee: Person, type: 'video' | 'voice' = 'video') {
  const callId = randomUUID();
  await app.sql("insert into calls (call_id, caller_id, type, status, initiated_at) values ($1, $2, $3, 'ringing', now())", [
    callId,
    caller.userId,
    type,
  ]);
  await app.sql("insert into call_parties (call_id, user_id, state, position) values ($1, $2, 'joined', 0), ($1, $3, 'ringing', 1)", [
    callId,
    caller.userId,
    callee.userId,
  ]);
  app.app.facts.emit('call.rang', { callId, callerId: caller.userId, type, userIds: [callee.userId] });
  return {
    callId,
    async become(status: CallStatus, state: PartyState): Promise<void> {
      await app.sql('update call_parties set state = $3 where call_id = $1 and user_id = $2', [callId, callee.userId, state]);
      app.app.facts.emit('call.changed', { callId, roomId: null, status, userIds: [caller.userId, callee.userId] });
    },
    miss: () => missCall(app, { callId, callerId: caller.userId, type, userIds: [callee.userId] }),
  };
}

test('[NO33] ringing is pushed at once and for as long as it rings; that it is over takes its place', async () => {
  const [ann, bob] = [person(app, 'ann'), person(app, 'bob')];
  await ann.rest('GET', 'users/me');
  const [browser, ofCaller] = [await subscribe(bob), await subscribe(ann)];
  const call = await ring(ann, bob);
  const incoming = await browser.next();
  assert.deepEqual(
    [incoming.type, incoming.tag, incoming.title, incoming.body, incoming.notificationId],
    ['call.incoming', `call:${call.callId}`, `Name of ${ann.userId} is calling`, 'Video call', null],
  );
  assert.deepEqual(incoming.data, { callId: call.callId, callerId: ann.userId, callType: 'video' });
  const [delivery] = deliveriesTo(browser);
  const ttl = Number(delivery?.headers['ttl']);
  assert.ok(ttl > 40 && ttl <= 45, String(ttl));
  assert.equal(delivery?.headers['urgency'], 'high');
  // Somebody else was rung into it: this one still rings.
  await call.become('connected', 'ringing');
  await call.become('accepted', 'elsewhere');
  const over = await browser.next(({ type }) => type === 'call.over');
  assert.equal(over.tag, incoming.tag);
  await jobsDone(app);
  assert.deepEqual([browser.pushes().length, ofCaller.pushes().length], [2, 0]);
  assert.deepEqual(deliveriesTo(browser)[1]?.headers['topic'], delivery?.headers['topic'], 'one that was not fetched yet is never fetched');
  assert.deepEqual((await bob.rest('GET', 'notifications')).body.notifications, [], 'nothing is kept of it');
});

test('[NO33] a missed call takes the place of its ringing; one that was answered before it could be pushed is not; none rings in quiet hours', async () => {
  const [ann, bob, eve] = [person(app, 'ann'), person(app, 'bob'), person(app, 'eve')];
  const [browser, quiet] = [await subscribe(bob), await subscribe(eve)];
  const call = await ring(ann, bob, 'voice');
  await browser.next();
  await call.become('missed', 'missed');
  await call.miss();
  const missed = await browser.next(({ type }) => type === 'call.missed');
  assert.equal(missed.tag, `call:${call.callId}`);
  await jobsDone(app);
  assert.deepEqual(
    browser.pushes().map(({ type }) => type),
    ['call.incoming', 'call.missed'],
  );
  const left = (await jobsOf(app, 'ring')).filter(({ key }) => key?.includes(call.callId));
  assert.deepEqual(left, []);

  await set(eve, { quietHours: quietNow() });
  const unheard = await ring(ann, eve);
  await jobsDone(app);
  await unheard.miss();
  await waitForNotifications(eve, 1);
  const answered = await ring(ann, bob);
  await app.sql("update call_parties set state = 'joined' where call_id = $1", [answered.callId]);
  await jobsDone(app);
  assert.equal(quiet.pushes().length, 0);

  // The server that held a call is gone: that it rings no more is pushed all the same.
  service.setAnswer(() => 201);
  const orphan = await ring(ann, bob);
  await browser.next(({ tag }) => tag === `call:${orphan.callId}`);
  await makeDue(app, 'ring');
  await browser.next(({ type, tag }) => type === 'call.over' && tag === `call:${orphan.callId}`);
});

test('[NO33] a call rings the browsers of somebody whose page is closed; called off it is a missed one, answered elsewhere it is over', async () => {
  const [ann, bob] = [person(app, 'ann'), person(app, 'bob')];
  const browser = await subscribe(bob);
  const caller = await ann.connect();
  const first = await caller.request('call:initiate', { calleeIds: [bob.userId], type: 'video' });
  await browser.next(({ type, tag }) => type === 'call.incoming' && tag === `call:${first.callId}`);
  await caller.request('call:cancel', { callId: first.callId });
  await browser.next(({ type, tag }) => type === 'call.missed' && tag === `call:${first.callId}`);
  await waitForNotifications(bob, 1);

  const second = await caller.request('call:initiate', { calleeIds: [bob.userId], type: 'voice' });
  await browser.next(({ type, tag }) => type === 'call.incoming' && tag === `call:${second.callId}`);
  const laptop = await bob.connect();
  await laptop.notice('call:incoming', ({ call }) => call.callId === second.callId);
  await laptop.request('call:accept', { callId: second.callId });
  await browser.next(({ type, tag }) => type === 'call.over' && tag === `call:${second.callId}`);
  await laptop.request('call:end', { callId: second.callId });
  await jobsDone(app);
  assert.deepEqual(
    browser.pushes().map(({ type }) => type),
    ['call.incoming', 'call.missed', 'call.incoming', 'call.over'],
  );
});

test('[NO35] a push that fails for the moment is tried again and arrives once; a browser that has gone is forgotten; a refused one is not tried again', async () => {
  const ann = person(app, 'ann');
  const [busy, gone, odd] = [await subscribe(ann), await subscribe(ann), await subscribe(ann)];
  const isTo = (browser: Browser, path: string) => browser.subscription.endpoint.endsWith(path);
  service.setAnswer(({ path }) => (isTo(busy, path) ? 503 : isTo(gone, path) ? 410 : isTo(odd, path) ? 307 : 201));
  await post(app, { userIds: [ann.userId], title: 'First' });
  await waitFor('a failure', async () =>
    (await jobsOf(app, 'push')).some(({ key, attempts }) => attempts === 1 && key?.includes(busy.subscriptionId)),
  );
  await waitFor('the others', () => deliveriesTo(gone).length === 1 && deliveriesTo(odd).length === 1);
  assert.ok(
    service.deliveries.every(({ path }) => path !== '/elsewhere'),
    'redirections are not followed',
  );
  service.setAnswer(() => 201);
  await makeDue(app, 'push');
  await waitFor('the second try', () => deliveriesTo(busy).length === 2);
  await jobsDone(app);
  await post(app, { userIds: [ann.userId], title: 'Second' });
  await waitFor('the next one', () => deliveriesTo(busy).length === 3 && deliveriesTo(odd).length === 2);
  await jobsDone(app);
  assert.deepEqual([deliveriesTo(busy).length, deliveriesTo(gone).length, deliveriesTo(odd).length], [3, 1, 2]);
  assert.deepEqual(outcomeOf(await ann.rest('DELETE', `notifications/push-subscriptions/${gone.subscriptionId}`)), [
    404,
    'notification.not_found',
  ]);
});

test('[NO24] what was read or is too old by the time is neither pushed nor mailed', async () => {
  const ann = person(app, 'ann');
  const browser = await subscribe(ann);
  service.setAnswer(() => 503);
  const [read, old] = [await post(app, { userIds: [ann.userId], title: 'Read' }), await post(app, { userIds: [ann.userId], title: 'Old' })];
  await waitFor('both to fail', async () => deliveriesTo(browser).length >= 2);
  service.setAnswer(() => 201);
  await ann.rest('PUT', `notifications/${read[0]}/read`);
  await app.sql("update notifications set created_at = now() - interval '49 hours' where notification_id = $1", [old[0]]);
  const tried = deliveriesTo(browser).length;
  await makeDue(app, 'push');
  await waitFor('the jobs to be over', async () => !(await jobsOf(app, 'push')).some(({ key }) => key?.includes(browser.subscriptionId)));
  assert.equal(deliveriesTo(browser).length, tried);
});

test('[NO36] a browser is one user’s at a time; keys that are none are refused; of one user the newest twenty count', async () => {
  const [ann, bob] = [person(app, 'ann'), person(app, 'bob')];
  const shared = service.openBrowser();
  const first = await subscribe(ann, shared);
  assert.equal((await subscribe(ann, shared)).subscriptionId, first.subscriptionId, 'the same one again');
  const second = await subscribe(bob, shared);
  assert.notEqual(second.subscriptionId, first.subscriptionId);
  const remove = (somebody: Person, id: string) => somebody.rest('DELETE', `notifications/push-subscriptions/${id}`);
  for (const id of [first.subscriptionId, second.subscriptionId, randomUUID()]) {
    assert.deepEqual(outcomeOf(await remove(ann, id)), [404, 'notification.not_found']);
  }
  await post(app, { userIds: [ann.userId, bob.userId], title: 'For both' });
  await shared.next();
  await jobsDone(app);
  assert.equal(shared.pushes().length, 1, 'the one who has it now');
  assert.equal((await remove(bob, second.subscriptionId)).status, 204);
  assert.equal((await remove(bob, second.subscriptionId)).status, 404);

  const { endpoint, keys } = service.openBrowser().subscription;
  const offCurve = Buffer.concat([Buffer.from([4]), randomBytes(64)]).toString('base64url');
  const compressed = createECDH('prime256v1').generateKeys('base64url', 'compressed');
  const wrong: [unknown, string][] = [
    [{ endpoint, keys: { ...keys, p256dh: offCurve } }, 'keys.p256dh'],
    [{ endpoint, keys: { ...keys, p256dh: compressed } }, 'keys.p256dh'],
    [{ endpoint, keys: { ...keys, p256dh: 'x' } }, 'keys.p256dh'],
    [{ endpoint, keys: { ...keys, auth: 'x' } }, 'keys.auth'],
    [{ endpoint, keys: { p256dh: keys.p256dh } }, 'keys.auth'],
    [{ endpoint: endpoint.replace('https', 'http'), keys }, 'endpoint'],
    [{ endpoint: 'file:///etc/passwd', keys }, 'endpoint'],
    [{ endpoint: `${endpoint}?${'x'.repeat(2_000)}`, keys }, 'endpoint'],
    [{ keys }, 'endpoint'],
  ];
  for (const [body, field] of wrong) {
    const answer = await ann.rest('POST', 'notifications/push-subscriptions', body);
    assert.deepEqual([answer.status, answer.body.error?.details?.field], [400, field], JSON.stringify(body));
  }
  for (let index = 0; index < 21; index += 1) await subscribe(ann);
  const [count] = await app.sql<{ count: number }>('select count(*)::int as count from push_subscriptions where user_id = $1', [
    ann.userId,
  ]);
  assert.equal(count?.count, 20);
});

test('[NO34] a push subscription at an inner address is refused and never fetched', async () => {
  await using guarded = await startTestApp(unlimited);
  const ann = person(guarded, 'ann');
  const { keys } = service.openBrowser().subscription;
  const { port } = new URL(service.url);
  const hosts = [
    ...['127.0.0.1', '127.1', '2130706433', '0x7f.1', '0.0.0.0', '10.0.0.1', '172.16.3.4', '192.168.1.1', '169.254.169.254', '100.64.0.1'],
    ...[
      '224.0.0.1',
      '255.255.255.255',
      '[::1]',
      '[::]',
      '[::ffff:127.0.0.1]',
      '[fe80::1]',
      '[fd00::1]',
      '[64:ff9b::7f00:1]',
      '[2002:7f00:1::]',
    ],
    ...['localhost', 'LOCALHOST.', 'someone:secret@example.org'],
  ];
  const before = service.connections();
  for (const host of hosts) {
    const endpoint = `https://${host}:${port}/push`;
    const answer = await ann.rest('POST', 'notifications/push-subscriptions', { endpoint, keys });
    assert.ok(answer.status === 400, `${host} ${answer.status}`);
    assert.equal(answer.body.error.code, 'notification.push_address_refused', host);
  }
  assert.deepEqual(await guarded.sql('select 1 from push_subscriptions'), []);
  assert.equal(service.connections(), before);
  for (const address of ['8.8.8.8', '172.32.0.1', '2a00:1450:4001::200e', '2606:4700::1111'])
    assert.equal(isInner(address), false, address);
});

test('[NO34] a name that stands for an inner address only by the time of pushing is not connected to', async () => {
  const outlet = createPushOutlet();
  await using rebound = await startTestApp(unlimited, { pushOutlet: { agent: outlet.agent, isRefused: async () => false } });
  const ann = person(rebound, 'ann');
  const { port } = new URL(service.url);
  const before = service.connections();
  for (const host of ['localhost', '127.0.0.1', '[::1]', '[::ffff:127.0.0.1]']) {
    const { keys } = service.openBrowser().subscription;
    const answer = await ann.rest('POST', 'notifications/push-subscriptions', { endpoint: `https://${host}:${port}/push/${host}`, keys });
    assert.equal(answer.status, 201, host);
  }
  await post(rebound, { userIds: [ann.userId] });
  await waitFor('all to fail', async () => (await jobsOf(rebound, 'push')).filter(({ attempts }) => attempts > 0).length === 4);
  assert.equal(service.connections(), before);
  assert.ok(outlet.agent instanceof Agent);
});
