import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { direct, group, type Person, person, say, unlimited } from '../chat/chat-fixture.ts';
import { startTestApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';
import { jobsDone, jobsOf, makeDue, missCall, notificationsOf, waitForNotifications } from './notification-fixture.ts';

let app: Awaited<ReturnType<typeof startTestApp>>;
before(async () => {
  app = await startTestApp(unlimited);
});
after(() => app[Symbol.asyncDispose]());

test('[NO10] whoever missed a call has one notification of it, in their language, however often it is said', async () => {
  const [ann, bob, eve] = [person(app, 'ann'), person(app, 'bob'), person(app, 'eve')];
  await ann.rest('GET', 'users/me');
  await bob.rest('PATCH', 'users/me', { locale: 'de-AT' });
  const socket = await eve.connect();
  const missed = { callId: randomUUID(), callerId: ann.userId, type: 'video' as const, userIds: [bob.userId, eve.userId] };
  await missCall(app, missed);
  const { notification } = await socket.notice('notification:new');
  assert.equal(notification.title, `Missed call from Name of ${ann.userId}`);
  assert.deepEqual([notification.type, notification.priority, notification.body], ['call.missed', 'high', 'Video call']);
  assert.deepEqual(notification.data, {
    callId: missed.callId,
    callerId: ann.userId,
    callerName: `Name of ${ann.userId}`,
    callType: 'video',
  });
  const [ofBob] = await waitForNotifications(bob, 1);
  assert.deepEqual([ofBob?.title, ofBob?.body], [`Verpasster Anruf von Name of ${ann.userId}`, 'Videoanruf']);

  await bob.rest('PUT', 'notifications/read');
  await missCall(app, missed);
  await missCall(app, { ...missed, callId: randomUUID(), type: 'voice' });
  await waitForNotifications(bob, 2);
  await jobsDone(app);
  assert.deepEqual([(await notificationsOf(bob)).length, (await notificationsOf(eve)).length], [2, 2]);
});

test('[NO11] a message makes a notification for members who are not there: not for its sender, who looks at a tab, the muted; nor do system messages', async () => {
  const [ann, bob, eve, mute, away, idle] = ['ann', 'bob', 'eve', 'mute', 'away', 'idle'].map((name) => person(app, name)) as Six;
  const { conversationId } = await group(ann, [bob, eve, mute, away, idle]);
  await mute.rest('PUT', `conversations/${conversationId}/mute`);
  const [socket, tab] = [await ann.connect(), await bob.connect()];
  await (await idle.connect()).request('presence:heartbeat', { device: { kind: 'desktop', idleSeconds: 600 } });
  const dropped = await eve.connect();
  dropped.drop();
  await waitFor('the lost socket to be noticed', () =>
    app.app.sockets.sessions.some((session) => session.identity.userId === eve.userId && !session.isConnected),
  );
  const { messageId } = await say(socket, conversationId, 'The Zyxomania is back');
  for (const absent of [eve, away, idle]) {
    const [notification] = await waitForNotifications(absent, 1);
    assert.equal(notification?.title, `New message from Name of ${ann.userId}`);
    assert.deepEqual([notification?.type, notification?.priority, notification?.body], ['message.received', 'normal', null]);
    assert.deepEqual(notification?.data, {
      conversationId,
      messageId,
      senderId: ann.userId,
      senderName: `Name of ${ann.userId}`,
      count: 1,
    });
  }
  assert.deepEqual(
    [(await notificationsOf(ann)).length, (await notificationsOf(bob)).length, (await notificationsOf(mute)).length],
    [0, 0, 0],
  );
  assert.equal(tab.pending('notification:new'), 0);

  // Its mute has ended by now.
  await app.sql("update conversation_members set muted_until = now() - interval '1 second' where user_id = $1", [mute.userId]);
  await say(socket, conversationId, 'And again');
  await waitForNotifications(mute, 1);
  // A system message comes before one of a person, so that it had its time.
  await ann.rest('PATCH', `conversations/${conversationId}`, { name: 'Ward 4' });
  const third = await say(socket, conversationId, 'Third');
  await waitFor('the third', async () => (await notificationsOf(away))[0]?.data['messageId'] === third.messageId);
  assert.equal((await notificationsOf(away))[0]?.data['count'], 3);
});

type Six = [Person, Person, Person, Person, Person, Person];

test('[NO12] a conversation has one unread notification, which counts; reading it, or the conversation, makes room for a next one', async () => {
  const [ann, bob] = [person(app, 'ann'), person(app, 'bob')];
  const [one, other] = [await direct(ann, bob), await group(ann, [bob])];
  const socket = await ann.connect();
  await say(socket, one.conversationId, 'one');
  await waitForNotifications(bob, 1);
  await Promise.all([
    say(socket, one.conversationId, 'two'),
    say(socket, one.conversationId, 'three'),
    say(socket, other.conversationId, 'else'),
  ]);
  await waitFor('all to be counted', async () => {
    const counts = (await notificationsOf(bob)).map(({ data }) => data['count']);
    return counts.toSorted().join() === '1,3';
  });
  const counted = (await notificationsOf(bob)).find(({ data }) => data['conversationId'] === one.conversationId);
  assert.equal(counted?.title, `3 new messages, the last from Name of ${ann.userId}`);
  await say(socket, other.conversationId, 'once more');
  await waitFor('the one that grew to be the first', async () => {
    const [first] = await notificationsOf(bob);
    return first?.data['conversationId'] === other.conversationId && first.data['count'] === 2;
  });

  const tab = await bob.connect();
  assert.deepEqual(await tab.request('notification:unreadCount', {}), { count: 2 });
  await bob.rest('PUT', `notifications/${counted?.notificationId}/read`);
  await tab.notice('notification:read', ({ notificationId }) => notificationId === counted?.notificationId);
  await tab.request('chat:read', { conversationId: other.conversationId, seq: 2 });
  assert.equal((await tab.notice('notification:read')).unreadCount, 0, 'reading the conversation is reading what tells of it');
  await tab.close();
  await waitFor('the tab to be gone', () => app.app.sockets.sessions.every((session) => session.identity.userId !== bob.userId));
  await say(socket, one.conversationId, 'four');
  const all = await waitForNotifications(bob, 3);
  assert.deepEqual([all[0]?.data['count'], all[0]?.readAt, all[1]?.readAt !== null], [1, null, true]);
});

test('[NO13] participants are reminded 15 minutes before their appointment, by what was declared last', async () => {
  const [ann, bob, eve] = [person(app, 'ann'), person(app, 'bob', 'patient'), person(app, 'eve')];
  const token = app.tokenFor('portal', 'service');
  const appointmentId = `visit-${randomUUID()}`;
  const key = `appointment:${appointmentId}`;
  const declare = async (inMinutes: number, participants = [ann, bob]) => {
    const scheduledAt = new Date(Date.now() + inMinutes * 60_000).toISOString();
    const body = { participantIds: participants.map(({ userId }) => userId), scheduledAt, durationMinutes: 30 };
    assert.ok((await app.rest('PUT', `appointments/${appointmentId}`, { token, body })).status < 300);
    return scheduledAt;
  };
  const due = async () => (await jobsOf(app, 'remind')).filter((job) => job.key === key).map(({ run_at }) => run_at.getTime());
  const first = await declare(600);
  await waitFor('the job', async () => (await due()).join() === String(Date.parse(first) - 15 * 60_000));
  const second = await declare(300, [ann, bob, eve]);
  await waitFor('the other time', async () => (await due()).join() === String(Date.parse(second) - 15 * 60_000));
  // One that was left over from the first time.
  await app.sql(
    "select graphile_worker.add_job('notifications:remind', json_build_object('appointmentId', $1::text, 'scheduledAt', $2::text))",
    [appointmentId, first],
  );
  await jobsDone(app);
  await app.rest('DELETE', `appointments/${appointmentId}`, { token });
  await waitFor('no job', async () => (await due()).length === 0);
  await declare(-30);
  assert.equal((await notificationsOf(ann)).length, 0);

  const soon = await declare(10);
  const [reminder] = await waitForNotifications(bob, 1);
  assert.equal(reminder?.title, 'Your appointment begins in 10 minutes');
  assert.deepEqual([reminder?.type, reminder?.priority], ['appointment.reminder', 'urgent']);
  assert.deepEqual(reminder?.data, { appointmentId, scheduledAt: soon, durationMinutes: 30 });
  await makeDue(app, 'remind');
  await jobsDone(app);
  assert.deepEqual([(await notificationsOf(ann)).length, (await notificationsOf(eve)).length], [1, 0]);
});

test('[NO14] whoever is asked to be recorded has one notification of it, however often they are asked', async () => {
  const [doctor, patient] = [person(app, 'doctor'), person(app, 'patient', 'patient')];
  await doctor.rest('GET', 'users/me');
  const asked = { recordingId: randomUUID(), roomId: randomUUID(), requestedBy: doctor.userId, userIds: [patient.userId] };
  app.app.facts.emit('recording.requested', asked);
  app.app.facts.emit('recording.requested', asked);
  const [notification] = await waitForNotifications(patient, 1);
  assert.deepEqual([notification?.type, notification?.priority], ['recording.requested', 'high']);
  assert.equal(notification?.title, `Name of ${doctor.userId} asks to record`);
  assert.deepEqual(notification?.data, { recordingId: asked.recordingId, roomId: asked.roomId });
  await jobsDone(app);
  assert.equal((await notificationsOf(patient)).length, 1);
});
