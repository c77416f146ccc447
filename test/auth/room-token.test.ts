import assert from 'node:assert/strict';
import { test } from 'node:test';
import jwt from 'jsonwebtoken';
import { allSources } from '../../src/protocol/ids.ts';
import { codeOf } from '../support/refusal.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { secondsFromNow } from './keys.ts';

/** A token for one room as the host application would sign it. */
const roomToken = (app: TestApp, userId: string, room: Record<string, unknown>, role = 'patient') => app.tokenFor(userId, role, { room });

test('[AU13] host and guest token sign in and open their room, the host’s as a moderator', async () => {
  await using app = await startTestApp();
  const { roomId, hostToken, guestToken } = await app.createRoom({}, 'ada');
  const host = await app.connect('ada', 'provider', { token: hostToken });
  const guest = await app.connect('', 'patient', { token: guestToken });
  assert.equal(host.ready.userId, 'ada');
  assert.match(guest.ready.userId, /^guest-/);
  assert.equal((await host.join(roomId)).me.isModerator, true);
  const { me } = await guest.join(roomId);
  assert.deepEqual([me.isModerator, me.role, me.displayName], [false, 'patient', 'Guest']);
  assert.equal(await codeOf(guest.request('room:lock', {})), 'auth.forbidden');
  await host.request('room:lock', {});
});

test('[AU13] the guest token of an invited user is that user’s', async () => {
  await using app = await startTestApp();
  const { roomId, guestToken } = await app.createRoom({ guestIds: ['bob', 'eve'] }, 'ada');
  const guest = await app.connect('bob', 'patient', { token: guestToken });
  assert.equal(guest.ready.userId, 'bob');
  assert.equal((await guest.join(roomId)).me.userId, 'bob');
});

test('[AU13] a token of one room opens no other, for admins neither', async () => {
  await using app = await startTestApp();
  const [mine, other] = [await app.createRoom({}, 'ada'), await app.createRoom({}, 'ada')];
  for (const token of [mine.hostToken, mine.guestToken, roomToken(app, 'root', { id: mine.roomId }, 'admin')]) {
    const client = await app.connect('', 'patient', { token });
    assert.equal(await codeOf(client.request('room:join', { roomId: other.roomId })), 'auth.forbidden');
    assert.equal(await codeOf(client.request('room:join', { roomId: other.roomId, token })), 'auth.forbidden');
    await client.join(mine.roomId);
    await client.request('room:leave', {});
    for (const [method, where] of [
      ['GET', ''],
      ['GET', '/token'],
      ['PATCH', ''],
      ['PUT', '/end'],
      ['POST', '/join'],
    ] as const) {
      const { status, body } = await app.rest(method, `rooms/${other.roomId}${where}`, {
        token,
        ...(method === 'PATCH' && { body: { name: 'x' } }),
      });
      assert.deepEqual([status, body.error?.code], [403, 'auth.forbidden'], `${method} ${where}`);
    }
  }
});

test('[AU14] a token lent to room:join gives its grants to that join', async () => {
  await using app = await startTestApp();
  const { roomId, hostToken } = await app.createRoom({ guestIds: ['bob'] }, 'ada');
  const helper = await app.connect('helper');
  assert.equal(await codeOf(helper.request('room:join', { roomId })), 'room.not_found');
  const { me } = await helper.join(roomId, { token: hostToken });
  assert.deepEqual([me.userId, me.isModerator], ['helper', true]);
  await helper.request('room:lock', {});
});

test('[AU14] a lent token that is of another room, of no room, forged or expired does not open the door', async () => {
  await using app = await startTestApp();
  const [mine, other] = [await app.createRoom({}, 'ada'), await app.createRoom({}, 'ada')];
  const client = await app.connect('bob');
  const cases: [string, string][] = [
    [other.hostToken, 'auth.forbidden'],
    [app.tokenFor('ada'), 'auth.forbidden'],
    [`${mine.hostToken}x`, 'auth.invalid_token'],
    [app.tokenFor('ada', 'provider', { room: { id: mine.roomId }, exp: secondsFromNow(-60) }), 'auth.expired_token'],
    ['', 'auth.missing_token'],
  ];
  for (const [token, code] of cases) assert.equal(await codeOf(client.request('room:join', { roomId: mine.roomId, token })), code);
});

test('[AU15] a token’s grants decide what may be sent, for every source, whoever the user is', async () => {
  await using app = await startTestApp();
  const { roomId } = await app.createRoom({}, 'ada');
  const listed = { id: roomId, canPublish: ['microphone'] };
  for (const [userId, auth, lent] of [
    ['guest', { token: roomToken(app, 'guest', listed) }, undefined],
    ['ada', {}, roomToken(app, 'ada', listed)],
  ] as const) {
    const client = await app.connect(userId, 'provider', auth);
    const snapshot = await client.join(roomId, lent === undefined ? {} : { token: lent });
    const media = await client.startMedia(snapshot);
    const microphone = await media.publishAudio('microphone');
    assert.ok(microphone.producerId);
    const transport = await media.transport('send');
    for (const source of allSources.filter((name) => name !== 'microphone')) {
      const rtpParameters = { codecs: [{ mimeType: 'video/VP8', payloadType: 96, clockRate: 90_000 }], encodings: [{ ssrc: 1 }] };
      for (const paused of [false, true]) {
        const code = await codeOf(client.request('media:produce', { transportId: transport.id, source, rtpParameters, paused }));
        assert.equal(code, 'auth.forbidden', source);
      }
    }
    await client.request('room:leave', {});
  }
});

test('[AU15] without canSubscribe nothing is received, not by the join answer, nor by asking', async () => {
  await using app = await startTestApp();
  const { roomId } = await app.createRoom({}, 'ada');
  const host = await app.connect('ada');
  const { media } = await host.joinWithMedia(roomId);
  const { producerId } = await media.publishAudio('microphone');
  const { dataProducerId } = await media.publishData('notes');
  const deaf = await app.connect('deaf', 'patient', { token: roomToken(app, 'deaf', { id: roomId, canSubscribe: false }) });
  const { snapshot, media: deafMedia } = await deaf.joinWithMedia(roomId);
  assert.deepEqual(snapshot.consumers, []);
  const { rtpCapabilities } = deafMedia;
  assert.equal(await codeOf(deaf.request('media:consume', { producerId, rtpCapabilities })), 'auth.forbidden');
  assert.equal(await codeOf(deaf.request('media:consumeData', { dataProducerId })), 'auth.forbidden');
});

test('[AU15] with no source allowed no data channel is either', async () => {
  await using app = await startTestApp();
  const { roomId } = await app.createRoom({}, 'ada');
  const watcher = await app.connect('watcher', 'patient', { token: roomToken(app, 'watcher', { id: roomId, canPublish: [] }) });
  await watcher.join(roomId);
  const { transportId } = await watcher.request('media:createTransport', { direction: 'send' });
  const request = { transportId, sctpStreamParameters: { streamId: 0 }, label: 'notes' };
  assert.equal(await codeOf(watcher.request('media:produceData', request)), 'auth.forbidden');
});

test('[AU15] canModerate of a token goes before who its user is', async () => {
  await using app = await startTestApp();
  const { roomId } = await app.createRoom({}, 'ada');
  const host = await app.connect('ada', 'provider', { token: roomToken(app, 'ada', { id: roomId, canModerate: false }, 'provider') });
  assert.equal((await host.join(roomId)).me.isModerator, false);
  assert.equal(await codeOf(host.request('room:end', {})), 'auth.forbidden');
});

test('[AU15] the token of GET /rooms/:id/token carries the rights of whoever asked, and ends with the token they asked with', async () => {
  await using app = await startTestApp();
  const { roomId } = await app.createRoom({}, 'ada');
  const exp = secondsFromNow(600);
  const token = app.tokenFor('bob', 'patient', { exp });
  const { status, body } = await app.rest('GET', `rooms/${roomId}/token`, { token });
  assert.equal(status, 200);
  const { sub, room, exp: issuedExp } = jwt.decode(body.accessToken) as jwt.JwtPayload;
  assert.deepEqual([sub, issuedExp, room.id, room.canModerate], ['bob', exp, roomId, false]);
  const client = await app.connect('bob', 'patient', { token: body.accessToken });
  assert.equal((await client.join(roomId)).me.isModerator, false);

  const muted = roomToken(app, 'bob', { id: roomId, canPublish: [], canSubscribe: false });
  const again = await app.rest('GET', `rooms/${roomId}/token`, { token: muted });
  const { room: passedOn } = jwt.decode(again.body.accessToken) as jwt.JwtPayload;
  assert.deepEqual([passedOn.canPublish, passedOn.canSubscribe], [[], false], 'no grant grows on the way');
});

test('[AU16] a token for one room makes and lists no rooms, changes no user and suspends nobody, be it an admin’s', async () => {
  await using app = await startTestApp();
  const { roomId, hostToken } = await app.createRoom({}, 'root', 'admin');
  for (const token of [hostToken, roomToken(app, 'root', { id: roomId }, 'admin')]) {
    for (const [method, where, body] of [
      ['POST', 'rooms', {}],
      ['GET', 'rooms', undefined],
      ['PATCH', 'users/me', { displayName: 'Root' }],
      ['PUT', 'users/bob/suspension', {}],
      ['DELETE', 'users/bob/suspension', undefined],
    ] as const) {
      const answer = await app.rest(method, where, { token, ...(body && { body }) });
      assert.deepEqual([answer.status, answer.body.error?.code], [403, 'auth.forbidden'], `${method} ${where}`);
    }
    assert.equal((await app.rest('GET', 'users/me', { token })).status, 200);
  }
});
