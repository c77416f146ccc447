import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { startTestApp, type TestApp } from '../support/test-app.ts';

const refused = (code: string) => ({ code });
const present = (app: TestApp, roomId: string) =>
  app.sql<{ user_id: string }>('select user_id from room_participants where room_id = $1 and left_at is null order by user_id', [roomId]);

test('entering and leaving', async (t) => {
  await using app = await startTestApp({ LIMIT_ROOMS_PER_DAY: '0' });

  await t.test('[RM14] joining answers who one is, the room, everybody in it and what the browser needs; the others are told', async () => {
    const { roomId } = await app.createRoom({ name: 'Knee' });
    const host = await app.connect('host');
    const first = await host.join(roomId);
    assert.equal(first.me.userId, 'host');
    assert.deepEqual([first.me.isModerator, first.me.handRaised, first.me.muted, first.me.role], [true, false, [], 'provider']);
    assert.deepEqual([first.room.roomId, first.room.status, first.room.roomName], [roomId, 'in_progress', 'Knee']);
    assert.ok(first.room.startedAt && first.room.endsAt);
    assert.deepEqual([first.participants, first.producers, first.waiting], [[first.me], [], []]);
    assert.ok(first.rtpCapabilities.codecs?.length);
    assert.equal(first.transports, undefined, 'none were asked for');

    const guest = await app.connect('guest', 'patient');
    const second = await guest.join(roomId, { device: { kind: 'mobile', browser: 'Firefox' } });
    assert.deepEqual(second.participants, [first.me, second.me]);
    assert.deepEqual([second.me.isModerator, second.waiting], [false, undefined]);
    assert.deepEqual(await host.notice('room:participantJoined'), { participant: second.me });
    assert.equal(guest.pending('room:participantJoined'), 0, 'nobody hears of their own coming');
    await guest.close();
    assert.deepEqual(await host.notice('room:participantLeft'), {
      participantId: second.me.participantId,
      userId: 'guest',
      reason: 'left',
    });
    await host.close();
  });

  await t.test('[RM15] joining again on the same session answers a fresh snapshot with the same ids, and nobody is told', async () => {
    const { roomId } = await app.createRoom();
    const [host, guest] = [await app.connect('host'), await app.connect('guest', 'patient')];
    await host.join(roomId);
    const before = await guest.join(roomId);
    await host.notice('room:participantJoined');
    await host.request('room:raiseHand', { raised: true });
    const after = await guest.join(roomId);
    assert.equal(after.me.participantId, before.me.participantId);
    assert.equal(after.participants.find(({ userId }) => userId === 'host')?.handRaised, true);
    assert.equal(host.pending('room:participantJoined'), 0);
    assert.equal((await app.sql('select 1 from room_participants where room_id = $1', [roomId])).length, 2);
    await Promise.all([host.close(), guest.close()]);
  });

  await t.test('[RM16] two tabs of one user are one participant, who has left when both have', async () => {
    const { roomId } = await app.createRoom();
    const host = await app.connect('host');
    await host.join(roomId);
    const tabs = [await app.connect('guest', 'patient'), await app.connect('guest', 'patient')] as const;
    const [one, other] = await Promise.all(tabs.map((tab) => tab.join(roomId)));
    assert.equal(one?.me.participantId, other?.me.participantId);
    assert.equal(other?.participants.length, 2);
    await host.notice('room:participantJoined');
    await tabs[0].request('room:leave', {});
    assert.equal((await host.request('room:participants', { roomId })).participants.length, 2);
    await tabs[1].request('room:leave', {});
    await host.notice('room:participantLeft');
    assert.equal((await host.request('room:participants', { roomId })).participants.length, 1);
    assert.deepEqual([host.pending('room:participantJoined'), host.pending('room:participantLeft')], [0, 0], 'each was told once');
    assert.equal((await app.sql("select 1 from room_participants where room_id = $1 and user_id = 'guest'", [roomId])).length, 1);
    await Promise.all([host, ...tabs].map((client) => client.close()));
  });

  await t.test('[RM17] a stranger’s room and a missing one are room.not_found; an ended one room.ended', async () => {
    const { roomId } = await app.createRoom({ guestIds: ['ann'] });
    const stranger = await app.connect('stranger', 'patient');
    await assert.rejects(stranger.join(roomId), refused('room.not_found'));
    await assert.rejects(stranger.join(randomUUID()), refused('room.not_found'));
    await assert.rejects(stranger.join('room'), refused('room.not_found'), 'whatever its form');
    await assert.rejects(stranger.join(''), refused('protocol.invalid_payload'));
    const ann = await app.connect('ann', 'patient');
    await app.rest('PUT', `rooms/${roomId}/end`, { token: app.tokenFor('host') });
    await assert.rejects(ann.join(roomId), refused('room.ended'));
    await assert.rejects(stranger.join(roomId), refused('room.not_found'), 'not even that it has ended');
    await Promise.all([ann.close(), stranger.close()]);
  });

  await t.test('[RM18] a room’s token opens the socket and that room alone', async () => {
    const { roomId, guestToken, hostToken } = await app.createRoom({ guestIds: ['ann'] });
    const { roomId: other } = await app.createRoom();
    const ann = await app.connect('', 'patient', { token: guestToken });
    assert.equal(ann.ready.userId, 'ann');
    await assert.rejects(ann.join(other), refused('auth.forbidden'));
    await assert.rejects(ann.join(randomUUID()), refused('auth.forbidden'));
    assert.equal((await ann.join(roomId)).me.isModerator, false);
    const host = await app.connect('', 'provider', { token: hostToken });
    assert.equal((await host.join(roomId)).me.isModerator, true);
    await Promise.all([ann.close(), host.close()]);
  });

  await t.test(
    '[RM19] a token given with the join lends that join its rights, to strangers too; joining again without it takes them back',
    async () => {
      const { roomId, hostToken, guestToken } = await app.createRoom({ guestIds: ['ann'], lobby: true });
      const host = await app.connect('host');
      await host.join(roomId);
      const visitor = await app.connect('visitor');
      await assert.rejects(visitor.join(roomId), refused('room.not_found'));
      await assert.rejects(visitor.join(roomId, { token: 'nonsense' }), refused('auth.invalid_token'));
      await assert.rejects(visitor.join(roomId, { token: app.tokenFor('visitor') }), refused('auth.forbidden'), 'that lends nothing');
      const { hostToken: ofAnother } = await app.createRoom();
      await assert.rejects(visitor.join(roomId, { token: ofAnother }), refused('auth.forbidden'));
      assert.ok('waiting' in (await visitor.request('room:join', { roomId, token: guestToken })));
      await host.notice('room:waiting');
      const lent = await visitor.join(roomId, { token: hostToken });
      assert.deepEqual([lent.me.userId, lent.me.isModerator, lent.waiting], ['visitor', true, []]);
      assert.deepEqual((await visitor.join(roomId)).me, lent.me, 'a fresh snapshot needs no token');
      await host.notice('room:participantLeft', ({ reason }) => reason === 'left');
      const seen = await host.notice('room:participantJoined');
      assert.equal(seen.participant.isModerator, true);

      assert.equal((await visitor.join(roomId, { token: guestToken })).me.isModerator, false);
      assert.equal((await host.notice('room:participantUpdated')).participant.isModerator, false);
      await assert.rejects(visitor.request('room:lock', {}), refused('auth.forbidden'));
      await visitor.join(roomId, { token: hostToken });
      const knocking = await app.connect('ann', 'patient');
      await knocking.request('room:join', { roomId });
      await visitor.notice('room:waiting', ({ participant }) => participant.userId === 'ann');
      await Promise.all([host, visitor, knocking].map((client) => client.close()));
    },
  );

  await t.test('[RM20] one session is in one room: joining another leaves the first; a refused join leaves one where one is', async () => {
    const { roomId: first } = await app.createRoom();
    const { roomId: second } = await app.createRoom({ lobby: true });
    const { roomId: locked } = await app.createRoom();
    const host = await app.connect('host');
    await host.join(locked);
    await host.request('room:lock', {});
    await host.join(first);
    const guest = await app.connect('guest', 'patient');
    await guest.join(first);
    await assert.rejects(guest.join(locked), refused('room.locked'));
    assert.equal((await guest.request('room:participants', { roomId: first })).participants.length, 2);
    assert.ok('waiting' in (await guest.request('room:join', { roomId: second })));
    assert.equal((await host.notice('room:participantLeft')).reason, 'left');
    await guest.join(first);
    assert.equal((await host.join(second)).waiting?.length, 0, 'who went elsewhere waits no longer');
    assert.deepEqual(await present(app, first), [{ user_id: 'guest' }]);
    await Promise.all([host.close(), guest.close()]);
  });

  await t.test('[RM21] leaving, twice too, is done at once; so is leaving without having joined', async () => {
    const { roomId } = await app.createRoom();
    const host = await app.connect('host');
    await host.request('room:leave', {});
    await host.join(roomId);
    await Promise.all([host.request('room:leave', {}), host.request('room:leave', {})]);
    const rows = await app.sql<{ leave_reason: string }>('select leave_reason from room_participants where room_id = $1', [roomId]);
    assert.deepEqual(rows, [{ leave_reason: 'left' }]);
    const audited = await app.sql("select 1 from audit_log where subject = $1 and action = 'participant.left'", [roomId]);
    assert.equal(audited.length, 1);
    await assert.rejects(host.request('room:raiseHand', { raised: true }), refused('room.not_joined'));
    await host.close();
  });

  await t.test('[RM22] who is in a room is told to those in it and to admins; to others a room and no room are alike', async () => {
    const { roomId } = await app.createRoom();
    const [host, guest, boss] = [await app.connect('host'), await app.connect('guest', 'patient'), await app.connect('boss', 'admin')];
    await host.join(roomId);
    for (const asked of [roomId, randomUUID()])
      await assert.rejects(guest.request('room:participants', { roomId: asked }), refused('room.not_joined'));
    assert.equal((await boss.request('room:participants', { roomId })).participants.length, 1);
    await Promise.all([host, guest, boss].map((client) => client.close()));
  });

  await t.test('[RM23] a session that ends while it joins leaves nothing behind', async () => {
    const { roomId } = await app.createRoom();
    const { roomId: withLobby } = await app.createRoom({ lobby: true });
    const host = await app.connect('host');
    await host.join(roomId);
    for (let round = 0; round < 8; round += 1) {
      const hasty = await app.connect(`hasty-${round}`, 'patient');
      hasty.socket.emit('room:join', { roomId: round % 2 === 0 ? roomId : withLobby });
      await hasty.close();
    }
    const late = await app.connect('late', 'patient');
    await late.join(roomId);
    await host.notice('room:participantJoined', ({ participant }) => participant.userId === 'late');
    assert.deepEqual(
      (await host.request('room:participants', { roomId })).participants.map(({ userId }) => userId),
      ['host', 'late'],
    );
    await host.join(withLobby).then(({ waiting }) => assert.deepEqual(waiting, []));
    await Promise.all([host.close(), late.close()]);
  });
});

test('[RM24] of 17 who join at once 16 get in; who is in may join again or in another tab', async () => {
  await using app = await startTestApp();
  const { roomId } = await app.createRoom();
  const clients = await Promise.all(Array.from({ length: 17 }, (_, index) => app.connect(`u${index}`, 'patient')));
  const results = await Promise.allSettled(clients.map((client) => client.join(roomId)));
  const inside = clients.filter((_, index) => results[index]?.status === 'fulfilled');
  const outside = clients.filter((_, index) => results[index]?.status === 'rejected');
  assert.deepEqual([inside.length, outside.length], [16, 1]);
  await assert.rejects(outside[0]!.join(roomId), refused('room.full'));
  assert.equal((await present(app, roomId)).length, 16);
  const tab = await app.connect(inside[0]!.ready.userId, 'patient');
  assert.equal((await tab.join(roomId)).participants.length, 16);
  assert.equal((await inside[0]!.join(roomId)).participants.length, 16);
  await assert.rejects(outside[0]!.join(roomId), refused('room.full'));
  await inside[1]!.request('room:leave', {});
  await outside[0]!.join(roomId);
});

test('[RM24] a room may be smaller than the limit; one who joins again takes no second place from others', async () => {
  await using app = await startTestApp();
  const { roomId } = await app.createRoom({ maxParticipants: 2 });
  const host = await app.connect('host');
  for (let round = 0; round < 10; round += 1) {
    await host.join(roomId);
    const guest = await app.connect(`guest-${round}`, 'patient');
    await Promise.all([host.join(roomId), guest.join(roomId), host.join(roomId)]);
    await guest.request('room:leave', {});
  }
});

test('[RM24] with LIMIT_PARTICIPANTS 0 a room has no limit but its own', async () => {
  await using app = await startTestApp({ LIMIT_PARTICIPANTS: '0' });
  const { roomId } = await app.createRoom();
  const clients = await Promise.all(Array.from({ length: 20 }, (_, index) => app.connect(`u${index}`, 'patient')));
  await Promise.all(clients.map((client) => client.join(roomId)));
  assert.equal((await clients[0]!.request('room:participants', { roomId })).participants.length, 20);
  const { roomId: small } = await app.createRoom({ maxParticipants: 1 });
  await clients[0]!.join(small);
  await assert.rejects(clients[1]!.join(small), refused('room.full'));
});
