import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codeOf } from '../support/refusal.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import type { TestClient } from '../support/test-client.ts';
import { waitFor } from '../support/wait-for.ts';

const sessionIds = (app: TestApp) => app.app.sockets.sessions.map(({ sessionId }) => sessionId);
/** Comes back for a session as a browser does. */
const comeBack = (app: TestApp, client: TestClient, userId = client.ready.userId) =>
  app.connect(userId, 'provider', { token: app.tokenFor(userId), resume: client.resume });

test('[SG10] session:ready is the first notice and says who one is and how to come back', async () => {
  await using app = await startTestApp();
  const [one, two] = [await app.connect('ada'), await app.connect('ada')];
  const { userId, sessionId, resumeKey, protocolVersion, recovered } = one.ready;
  assert.deepEqual([userId, protocolVersion, recovered], ['ada', 1, false]);
  assert.match(sessionId, /^[0-9a-f]{8}-[0-9a-f]{4}-7/);
  assert.ok(resumeKey.length >= 32);
  assert.notEqual(sessionId, two.sessionId);
  assert.notEqual(resumeKey, two.ready.resumeKey);
});

test('[SG11] a lost transport is taken up again: same session, same participant, media as it was', async () => {
  await using app = await startTestApp();
  const { roomId } = await app.createRoom();
  const host = await app.connect('host');
  await host.join(roomId);
  const guest = await app.connect('guest', 'patient');
  const { snapshot, media } = await guest.joinWithMedia(roomId);
  const { producerId } = await media.publishAudio('microphone');
  guest.drop();
  await waitFor('the socket to be lost', () => app.app.sockets.sessions.some((session) => !session.isConnected));
  const again = await app.connect('guest', 'patient', { token: app.tokenFor('guest', 'patient'), resume: guest.resume });
  assert.equal(again.ready.recovered, true);
  assert.deepEqual(again.resume, guest.resume);
  const { me, producers } = await again.join(roomId);
  assert.equal(me.participantId, snapshot.me.participantId);
  assert.deepEqual(
    producers.map((producer) => producer.producerId),
    [producerId],
  );
  assert.equal(host.pending('room:participantLeft'), 0);
  await host.request('room:raiseHand', { raised: true });
  await again.notice('room:participantUpdated', ({ participant }) => participant.handRaised);
});

test('[SG12] a wrong key, another user, an unknown session and nonsense begin a new session', async () => {
  await using app = await startTestApp();
  const ada = await app.connect('ada');
  ada.drop();
  const { sessionId, resumeKey } = ada.resume;
  const token = app.tokenFor('ada');
  const offers: Record<string, unknown>[] = [
    { token, resume: { sessionId, resumeKey: 'wrong' } },
    { token, resume: { sessionId, resumeKey: `${resumeKey}x` } },
    { token, resume: { sessionId, resumeKey: '' } },
    { token, resume: { sessionId: '01890a5d-ac96-774b-bcce-b302099a8057', resumeKey } },
    { token, resume: { sessionId: 'nonsense', resumeKey } },
    { token, resume: { sessionId } },
    { token, resume: 'nonsense' },
    { token, resume: null },
    { token: app.tokenFor('eve'), resume: ada.resume },
    { token: app.tokenFor('eve', 'admin'), resume: ada.resume },
  ];
  for (const auth of offers) {
    const client = await app.connect('', 'provider', auth);
    assert.equal(client.ready.recovered, false);
    assert.notEqual(client.sessionId, sessionId);
  }
  assert.equal((await comeBack(app, ada)).ready.recovered, true);
  const signIns = await app.sql<{ count: number }>("select count(*)::int as count from audit_log where action = 'session.started'");
  assert.deepEqual(signIns, [{ count: 1 + offers.length }], 'every sign-in but the resumption is written down');
});

test('[SG12] a token of another room does not take up the session of a room', async () => {
  await using app = await startTestApp();
  const [one, other] = [await app.createRoom(), await app.createRoom()];
  const tokenOf = (roomId: string) => app.tokenFor('guest', 'patient', { room: { id: roomId } });
  const guest = await app.connect('guest', 'patient', { token: tokenOf(one.roomId) });
  await guest.join(one.roomId);
  guest.drop();
  const stranger = await app.connect('guest', 'patient', { token: tokenOf(other.roomId), resume: guest.resume });
  assert.equal(stranger.ready.recovered, false);
  const again = await app.connect('guest', 'patient', { token: tokenOf(one.roomId), resume: guest.resume });
  assert.equal(again.ready.recovered, true);
});

test('[SG13] when the time to come back has run out the session is gone, and others hear it', async () => {
  await using app = await startTestApp({ LIMIT_RECONNECT_SECONDS: '0.2' });
  const { roomId } = await app.createRoom();
  const host = await app.connect('host');
  await host.join(roomId);
  const guest = await app.connect('guest', 'patient');
  await guest.join(roomId);
  guest.drop();
  const left = await host.notice('room:participantLeft');
  assert.deepEqual([left.userId, left.reason], ['guest', 'connection_lost']);
  const again = await comeBack(app, guest);
  assert.equal(again.ready.recovered, false);
  assert.notEqual(again.sessionId, guest.sessionId);
});

test('[SG13] with LIMIT_RECONNECT_SECONDS 0 nothing is waited for', async () => {
  await using app = await startTestApp({ LIMIT_RECONNECT_SECONDS: '0' });
  const client = await app.connect('ada');
  client.drop();
  await waitFor('the session to end', () => app.app.sockets.sessions.length === 0);
  assert.equal((await comeBack(app, client)).ready.recovered, false);
});

test('[SG14] a client that says goodbye is gone at once', async () => {
  await using app = await startTestApp({ LIMIT_RECONNECT_SECONDS: '600' });
  const { roomId } = await app.createRoom();
  const host = await app.connect('host');
  await host.join(roomId);
  const guest = await app.connect('guest', 'patient');
  await guest.join(roomId);
  guest.socket.disconnect();
  const left = await host.notice('room:participantLeft');
  assert.deepEqual([left.userId, left.reason], ['guest', 'left']);
  assert.deepEqual(sessionIds(app), [host.sessionId]);
  assert.equal((await comeBack(app, guest)).ready.recovered, false);
});

test('[SG15] a second socket of a session lets go of the first, which may be half open, and only the second counts', async () => {
  await using app = await startTestApp();
  const { roomId } = await app.createRoom();
  const first = await app.connect('host');
  await first.join(roomId);
  const gone = first.disconnected();
  const second = await comeBack(app, first);
  assert.equal(second.ready.recovered, true);
  assert.equal(await gone, 'io server disconnect');
  assert.deepEqual(sessionIds(app), [first.sessionId]);
  await second.request('room:raiseHand', { raised: true });
  await second.notice('room:participantUpdated');
  assert.equal(first.pending('room:participantUpdated'), 0);
});

test('[SG15] many sockets that come back for one session at once leave one session with one socket', async () => {
  await using app = await startTestApp();
  const first = await app.connect('ada');
  first.drop();
  const all = await Promise.all(Array.from({ length: 10 }, () => comeBack(app, first)));
  assert.ok(all.every((client) => client.sessionId === first.sessionId));
  const living = () => all.filter((client) => client.socket.connected);
  await waitFor('one socket to be left', () => app.app.sockets.io.of('/').sockets.size === 1 && living().length === 1);
  await living()[0]?.request('room:leave', {});
  assert.deepEqual(sessionIds(app), [first.sessionId]);
});

test('[SG16] a request whose session ends meanwhile leaves nothing behind', async () => {
  await using app = await startTestApp({ LIMIT_RECONNECT_SECONDS: '0' });
  const { roomId } = await app.createRoom();
  for (const end of ['drop', 'goodbye', 'end'] as const) {
    const clients = await Promise.all(Array.from({ length: 5 }, () => app.connect('host')));
    for (const client of clients) {
      client.socket.emit('room:join', { roomId, rtpCapabilities: {} });
      client.socket.emit('auth:renew', { token: app.tokenFor('host') });
      if (end === 'drop') client.drop();
      else if (end === 'goodbye') client.socket.disconnect();
    }
    if (end === 'end') app.app.sockets.endSessionsOf('host', 'suspended');
    await waitFor('all sessions to end', () => app.app.sockets.sessions.length === 0);
    await waitFor('the room to be released', () => app.app.rooms.all.length === 0);
  }
});

test('[SG16] renewing a session that has ended meanwhile does not bring it back', async () => {
  await using app = await startTestApp();
  await app.connect('ada');
  const [session] = app.app.sockets.sessions;
  assert.ok(session);
  session.close('left');
  session.renew({ ...session.identity, expiresAt: new Date(Date.now() + 3_600_000) }, 'Ada');
  assert.equal(session.closed, true);
});

test('[SG17] a server that closes says session:shutdown, ends every session and takes no new one', async () => {
  await using app = await startTestApp();
  const { roomId } = await app.createRoom();
  const clients = [await app.connect('host'), await app.connect('guest', 'patient')];
  for (const client of clients) await client.join(roomId);
  const lost = await app.connect('lost');
  lost.drop();
  const ended = Promise.all(clients.map((client) => client.disconnected()));
  const closing = app.app.close();
  for (const client of clients) assert.ok((await client.notice('session:shutdown')).reconnectAfterMs > 0);
  await ended;
  await closing;
  assert.deepEqual(sessionIds(app), []);
  assert.equal(await codeOf(app.connect('late')).catch(() => 'refused'), 'Error: websocket error');
  const rows = await app.sql('select user_id, leave_reason from room_participants order by user_id');
  assert.deepEqual(rows, [
    { user_id: 'guest', leave_reason: 'server_shutdown' },
    { user_id: 'host', leave_reason: 'server_shutdown' },
  ]);
});
