import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { opusParameters } from '../support/rtp-parameters.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import type { TestClient } from '../support/test-client.ts';

const refused = (code: string) => ({ code });
const refOf = ({ participantId }: { participantId: string }) => ({ participantId });
const closeAll = (...clients: TestClient[]) => Promise.all(clients.map((client) => client.close()));

/** What the audit log says was done in a room, oldest first. */
const audited = (app: TestApp, roomId: string) =>
  app.sql<{ actor_id: string; action: string; details: Record<string, unknown> }>(
    "select actor_id, action, details from audit_log where subject = $1 and action <> 'participant.joined' order by seq",
    [roomId],
  );

/** Joins and sends one microphone, without a browser behind it. */
async function joinSending(client: TestClient, roomId: string) {
  const { me } = await client.join(roomId);
  const { transportId } = await client.request('media:createTransport', { direction: 'send' });
  const produce = (paused = false) =>
    client.request('media:produce', { transportId, source: 'microphone', rtpParameters: opusParameters(), paused });
  return { me, produce, ...(await produce()) };
}

test('the lobby', async (t) => {
  await using app = await startTestApp({ LIMIT_ROOMS_PER_DAY: '0' });

  await t.test(
    '[RM25] in a lobby guests wait, moderators hear of them, and who is admitted joins again as the same participant',
    async () => {
      const { roomId } = await app.createRoom({ lobby: true });
      const guest = await app.connect('guest', 'patient');
      const answer = await guest.request('room:join', { roomId });
      assert.ok('waiting' in answer && answer.waiting === true);
      await assert.rejects(guest.request('media:createTransport', { direction: 'recv' }), refused('room.not_joined'));
      const host = await app.connect('host');
      const { waiting } = await host.join(roomId);
      assert.deepEqual(waiting, [answer.me], 'a moderator who comes later sees them in the snapshot');
      const other = await app.connect('other', 'patient');
      await other.request('room:join', { roomId });
      const { participant } = await host.notice('room:waiting');
      assert.equal(participant.userId, 'other');

      await host.request('room:admit', { participantId: answer.me.participantId });
      assert.deepEqual(await guest.notice('room:admitted'), { roomId });
      const { me } = await guest.join(roomId);
      assert.equal(me.participantId, answer.me.participantId);
      assert.deepEqual(await host.notice('room:participantJoined'), { participant: me });
      assert.equal(guest.pending('room:waiting'), 0, 'only moderators hear who waits');
      await guest.request('room:leave', {});
      assert.notEqual((await guest.join(roomId)).me.participantId, me.participantId, 'once in they may come back without knocking');
      await closeAll(host, guest, other);
    },
  );

  await t.test('[RM26] who is denied is told, and may knock again; unknown ids and non-moderators are refused', async () => {
    const { roomId } = await app.createRoom({ lobby: true });
    const [host, guest, inside] = [
      await app.connect('host'),
      await app.connect('guest', 'patient'),
      await app.connect('inside', 'patient'),
    ];
    await host.join(roomId);
    const knocked = await inside.request('room:join', { roomId });
    assert.ok('waiting' in knocked);
    await host.request('room:admit', refOf(knocked.me));
    await assert.rejects(inside.request('room:admit', refOf(knocked.me)), refused('room.not_joined'));
    await inside.join(roomId);
    const answer = await guest.request('room:join', { roomId });
    assert.ok('waiting' in answer);
    const who = { participantId: answer.me.participantId };
    await assert.rejects(inside.request('room:admit', who), refused('auth.forbidden'));
    await assert.rejects(inside.request('room:deny', who), refused('auth.forbidden'));
    await assert.rejects(host.request('room:deny', { participantId: randomUUID() }), refused('room.participant_not_found'));
    const [one, two] = await Promise.allSettled([host.request('room:deny', who), host.request('room:admit', who)]);
    assert.deepEqual([one?.status, two?.status].sort(), ['fulfilled', 'rejected'], 'of two decisions at once one holds');
    const decisions = (await audited(app, roomId)).filter(({ details }) => details['userId'] === 'guest');
    assert.equal(decisions.length, 1, 'and only that one is written down');
    await closeAll(host, guest, inside);
  });

  await t.test('[RM26] a denial reaches every tab that waits, and the other moderators', async () => {
    const { roomId } = await app.createRoom({ lobby: true });
    const host = await app.connect('host');
    const boss = await app.connect('boss', 'admin');
    await host.join(roomId);
    await boss.join(roomId);
    const tabs = [await app.connect('guest', 'patient'), await app.connect('guest', 'patient')] as const;
    const answers = await Promise.all(tabs.map((tab) => tab.request('room:join', { roomId })));
    const [first, second] = answers.map((answer) => answer.me.participantId);
    assert.equal(first, second, 'two tabs wait as one');
    await host.request('room:deny', { participantId: first! });
    for (const tab of tabs) await tab.notice('room:denied');
    assert.equal((await boss.notice('room:participantLeft')).participantId, first);
    assert.deepEqual([host.pending('room:waiting'), boss.pending('room:waiting')], [1, 1]);
    assert.deepEqual((await host.join(roomId)).waiting, []);
    await closeAll(host, boss, ...tabs);
  });

  await t.test(
    '[RM27] moderators hear when somebody stops waiting: by leaving, by a lost connection, or by going in otherwise',
    async () => {
      const { roomId, hostToken } = await app.createRoom({ lobby: true });
      const host = await app.connect('host');
      await host.join(roomId);
      const guest = await app.connect('guest', 'patient');
      await guest.request('room:join', { roomId });
      await guest.request('room:leave', {});
      assert.equal((await host.notice('room:participantLeft')).reason, 'left');
      await guest.request('room:join', { roomId });
      await guest.close();
      assert.equal((await host.notice('room:participantLeft')).userId, 'guest');
      const tabs = [await app.connect('guest', 'patient'), await app.connect('guest', 'patient')] as const;
      for (const tab of tabs) await tab.request('room:join', { roomId });
      await tabs[0].join(roomId, { token: hostToken });
      await tabs[1].notice('room:admitted');
      await tabs[1].join(roomId);
      assert.deepEqual((await host.join(roomId)).waiting, []);
      await closeAll(host, ...tabs);
    },
  );

  await t.test('[RM28] turning the lobby off lets everybody in who waits', async () => {
    const { roomId } = await app.createRoom({ lobby: true });
    const guest = await app.connect('guest', 'patient');
    await guest.request('room:join', { roomId });
    await app.rest('PATCH', `rooms/${roomId}`, { token: app.tokenFor('host'), body: { lobby: false } });
    await guest.notice('room:admitted');
    await guest.join(roomId);
    await app.rest('PATCH', `rooms/${roomId}`, { token: app.tokenFor('host'), body: { lobby: true } });
    const late = await app.connect('late', 'patient');
    assert.ok('waiting' in (await late.request('room:join', { roomId })));
    await closeAll(guest, late);
  });

  await t.test('[RM29] somebody who is kicked from a room with a lobby has to be admitted anew', async () => {
    const { roomId } = await app.createRoom({ lobby: true });
    const [host, guest] = [await app.connect('host'), await app.connect('guest', 'patient')];
    await host.join(roomId);
    const { me } = await guest.request('room:join', { roomId });
    await host.request('room:admit', refOf(me));
    await guest.notice('room:admitted');
    await guest.join(roomId);
    await host.request('room:kick', refOf(me));
    assert.ok('waiting' in (await guest.request('room:join', { roomId })));
    await closeAll(host, guest);
  });
});

test('lock, mute, kick and hand', async (t) => {
  await using app = await startTestApp({ LIMIT_ROOMS_PER_DAY: '0' });

  await t.test('[RM30] a locked room refuses everybody but moderators and those who are in; all are told', async () => {
    const { roomId } = await app.createRoom();
    const [host, guest, late] = [await app.connect('host'), await app.connect('guest', 'patient'), await app.connect('late', 'patient')];
    await host.join(roomId);
    await guest.join(roomId);
    await assert.rejects(guest.request('room:lock', {}), refused('auth.forbidden'));
    await host.request('room:lock', {});
    await guest.notice('room:locked');
    await host.request('room:lock', {});
    assert.equal(guest.pending('room:locked'), 0, 'nothing happens the second time');
    await assert.rejects(late.join(roomId), refused('room.locked'));
    const boss = await app.connect('boss', 'admin');
    assert.equal((await boss.join(roomId)).room.locked, true);
    const tab = await app.connect('guest', 'patient');
    await tab.join(roomId);
    await guest.join(roomId);
    await host.request('room:unlock', {});
    await guest.notice('room:unlocked');
    await late.join(roomId);
    const actions = (await audited(app, roomId)).map(({ action }) => action);
    assert.deepEqual(actions, ['room.created', 'room.locked', 'room.unlocked']);
    await closeAll(host, guest, late, boss, tab);
  });

  await t.test('[RM30] nobody slips in once locking was answered, and the lock outlives the last one', async () => {
    const { roomId } = await app.createRoom();
    const host = await app.connect('host');
    await host.join(roomId);
    const guests = await Promise.all(Array.from({ length: 8 }, (_, index) => app.connect(`g${index}`, 'patient')));
    const joins = guests.map((guest) => guest.join(roomId));
    await host.request('room:lock', {});
    const results = await Promise.allSettled(joins);
    const inside = results.filter(({ status }) => status === 'fulfilled').length;
    const { participants } = await host.request('room:participants', { roomId });
    assert.equal(participants.length, 1 + inside);
    const rows = await app.sql('select 1 from room_participants where room_id = $1 and left_at is null', [roomId]);
    assert.equal(rows.length, 1 + inside, 'the refused left no trace');
    await closeAll(host, ...guests);
    const late = await app.connect('late', 'patient');
    await assert.rejects(late.join(roomId), refused('room.locked'));
    await late.close();
  });

  await t.test('[RM31] muting pauses that source on the server and tells everybody; one who may unmutes', async () => {
    const { roomId } = await app.createRoom();
    const [host, guest] = [await app.connect('host'), await app.connect('guest', 'patient')];
    await host.join(roomId);
    const { me, producerId } = await joinSending(guest, roomId);
    const mute = { participantId: me.participantId, source: 'microphone' as const };
    await assert.rejects(guest.request('room:mute', mute), refused('auth.forbidden'));
    await assert.rejects(host.request('room:mute', { ...mute, participantId: randomUUID() }), refused('room.participant_not_found'));
    await host.request('room:mute', mute);
    assert.deepEqual(await guest.notice('room:muted'), { ...mute, allowUnmute: true });
    assert.deepEqual(await host.notice('media:producerPaused'), { producerId });
    assert.deepEqual((await host.notice('room:participantUpdated')).participant.muted, ['microphone']);
    await guest.request('media:resumeProducer', { producerId });
    await host.notice('media:producerResumed');
    assert.deepEqual((await host.notice('room:participantUpdated')).participant.muted, []);
    await closeAll(host, guest);
  });

  await t.test(
    '[RM32] muted for good: resuming and producing anew are media.muted, in other tabs and after coming back too, until it is allowed',
    async () => {
      const { roomId } = await app.createRoom();
      const [host, guest] = [await app.connect('host'), await app.connect('guest', 'patient')];
      await host.join(roomId);
      const { me, producerId, produce } = await joinSending(guest, roomId);
      const mute = { participantId: me.participantId, source: 'microphone' as const };
      await host.request('room:mute', { ...mute, allowUnmute: false });
      await assert.rejects(guest.request('media:resumeProducer', { producerId }), refused('media.muted'));
      await guest.request('media:closeProducer', { producerId });
      await assert.rejects(produce(), refused('media.muted'));
      await produce(true);
      const tab = await app.connect('guest', 'patient');
      await assert.rejects(joinSending(tab, roomId), refused('media.muted'));
      await tab.close();
      await guest.request('room:leave', {});
      await assert.rejects(joinSending(guest, roomId), refused('media.muted'));
      const back = await guest.join(roomId);
      assert.deepEqual(back.me.muted, ['microphone']);
      await host.request('room:mute', { participantId: back.me.participantId, source: 'microphone', allowUnmute: true });
      const { transportId } = await guest.request('media:createTransport', { direction: 'send' });
      await guest.request('media:produce', { transportId, source: 'microphone', rtpParameters: opusParameters() });
      assert.deepEqual((await guest.join(roomId)).me.muted, [], 'producing anew has lifted it');
      await closeAll(host, guest);
    },
  );

  await t.test('[RM33] a mute holds against producing and resuming at the same moment', async () => {
    const { roomId } = await app.createRoom();
    const [host, guest] = [await app.connect('host'), await app.connect('guest', 'patient')];
    await host.join(roomId);
    const { me } = await guest.join(roomId);
    const { transportId } = await guest.request('media:createTransport', { direction: 'send' });
    const mute = { participantId: me.participantId, source: 'microphone' as const };
    for (let round = 0; round < 15; round += 1) {
      await host.request('room:mute', { ...mute, allowUnmute: true });
      const producing = guest.request('media:produce', { transportId, source: 'microphone', rtpParameters: opusParameters() });
      const [made] = await Promise.allSettled([producing, host.request('room:mute', { ...mute, allowUnmute: false })]);
      const { producers } = await host.join(roomId);
      assert.ok(
        producers.every(({ paused }) => paused),
        `round ${round}: nothing sounds`,
      );
      if (made.status === 'rejected') continue;
      const { producerId } = made.value;
      await host.request('room:mute', { ...mute, allowUnmute: true });
      await Promise.allSettled([
        guest.request('media:resumeProducer', { producerId }),
        host.request('room:mute', { ...mute, allowUnmute: false }),
      ]);
      const { producers: after } = await host.join(roomId);
      assert.ok(
        after.every(({ paused }) => paused),
        `round ${round}: nothing sounds after resuming`,
      );
      assert.deepEqual((await guest.join(roomId)).me.muted, ['microphone']);
      await guest.request('media:closeProducer', { producerId });
    }
    await closeAll(host, guest);
  });

  await t.test('[RM34] a kick ends every tab’s stay; the kicked may come back, the banned are refused for good', async () => {
    const { roomId } = await app.createRoom();
    const host = await app.connect('host');
    const tabs = [await app.connect('guest', 'patient'), await app.connect('guest', 'patient')] as const;
    await host.join(roomId);
    const { me } = await tabs[0].join(roomId);
    await tabs[1].join(roomId);
    await host.notice('room:participantJoined');
    await assert.rejects(tabs[0].request('room:kick', refOf(me)), refused('auth.forbidden'));
    await host.request('room:kick', refOf(me));
    for (const tab of tabs) {
      assert.deepEqual(await tab.notice('room:kicked'), { roomId, banned: false });
      await assert.rejects(tab.request('room:raiseHand', { raised: true }), refused('room.not_joined'));
    }
    assert.equal((await host.notice('room:participantLeft')).reason, 'kicked');
    await assert.rejects(host.request('room:kick', refOf(me)), refused('room.participant_not_found'));

    const { me: again } = await tabs[0].join(roomId);
    await host.request('room:kick', { participantId: again.participantId, ban: true });
    assert.equal((await tabs[0].notice('room:kicked', ({ banned }) => banned)).roomId, roomId);
    assert.equal((await host.notice('room:participantLeft')).reason, 'banned');
    for (const tab of tabs) await assert.rejects(tab.join(roomId), refused('room.banned'));
    const { guestToken } = await app.createRoom();
    await assert.rejects(tabs[0].join(roomId, { token: guestToken }), refused('auth.forbidden'));
    const byRest = await app.rest('GET', `rooms/${roomId}/token`, { token: app.tokenFor('guest', 'patient') });
    assert.deepEqual([byRest.status, byRest.body.error.code], [403, 'room.banned']);
    assert.equal((await host.request('room:participants', { roomId })).participants.length, 1);
    await closeAll(host, ...tabs);
  });

  await t.test('[RM35] nobody kicks themselves or the host', async () => {
    const { roomId } = await app.createRoom({ hostId: 'host' }, 'maker', 'service');
    const host = await app.connect('host');
    const boss = await app.connect('boss', 'admin');
    const { me } = await host.join(roomId);
    const { me: bossMe } = await boss.join(roomId);
    await assert.rejects(boss.request('room:kick', refOf(me)), refused('auth.forbidden'));
    await assert.rejects(boss.request('room:kick', refOf(bossMe)), refused('auth.forbidden'));
    await assert.rejects(host.request('room:kick', refOf(me)), refused('auth.forbidden'));
    await host.request('room:kick', refOf(bossMe));
    await closeAll(host, boss);
  });

  await t.test('[RM36] a ban holds against joining at the same moment, from another tab or anew', async () => {
    const host = await app.connect('host');
    for (let round = 0; round < 10; round += 1) {
      const { roomId } = await app.createRoom();
      await host.join(roomId);
      const tabs = [await app.connect(`g${round}`, 'patient'), await app.connect(`g${round}`, 'patient')] as const;
      const { me } = await tabs[0].join(roomId);
      const kick = host.request('room:kick', { participantId: me.participantId, ban: true });
      await Promise.allSettled([kick, tabs[1].join(roomId), tabs[0].join(roomId), tabs[1].join(roomId)]);
      const { participants } = await host.request('room:participants', { roomId });
      assert.deepEqual(
        participants.map(({ userId }) => userId),
        ['host'],
        `round ${round}`,
      );
      const open = await app.sql('select user_id from room_participants where room_id = $1 and left_at is null', [roomId]);
      assert.deepEqual(open, [{ user_id: 'host' }]);
      const left = await app.sql("select 1 from audit_log where subject = $1 and action = 'participant.left'", [roomId]);
      const joined = await app.sql("select 1 from audit_log where subject = $1 and action = 'participant.joined'", [roomId]);
      assert.equal(joined.length - left.length, 1);
      await closeAll(...tabs);
    }
    await host.close();
  });

  await t.test('[RM37] a raised hand is told to everybody once, and is one’s own to lower', async () => {
    const { roomId } = await app.createRoom();
    const [host, guest] = [await app.connect('host'), await app.connect('guest', 'patient')];
    await host.join(roomId);
    await guest.join(roomId);
    await guest.request('room:raiseHand', { raised: true });
    await guest.request('room:raiseHand', { raised: true });
    assert.equal((await host.notice('room:participantUpdated')).participant.handRaised, true);
    await guest.request('room:raiseHand', { raised: false });
    assert.equal((await host.notice('room:participantUpdated')).participant.handRaised, false);
    assert.equal(host.pending('room:participantUpdated'), 0);
    await assert.rejects(guest.send('room:raiseHand', { raised: 'high' }), refused('protocol.invalid_payload'));
    await closeAll(host, guest);
  });
});
