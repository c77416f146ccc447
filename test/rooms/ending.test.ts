import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

const refused = (code: string) => ({ code });
const statusOf = async (app: TestApp, roomId: string) =>
  (await app.sql<{ status: string; end_reason: string | null }>('select status, end_reason from rooms where room_id = $1', [roomId]))[0];
const stillInside = async (app: TestApp, roomId: string) =>
  (await app.sql('select 1 from room_participants where room_id = $1 and left_at is null', [roomId])).length;
const leaveReasons = async (app: TestApp, roomId: string) =>
  (await app.sql<{ reason: string }>('select leave_reason as reason from room_participants where room_id = $1', [roomId])).map(
    ({ reason }) => reason,
  );
const startedAgo = (app: TestApp, roomId: string, seconds: number) =>
  app.sql("update rooms set started_at = now() - $2 * interval '1 second' where room_id = $1", [roomId, seconds]);

test('the end of a room', async (t) => {
  await using app = await startTestApp({ LIMIT_ROOMS_PER_DAY: '0' });

  await t.test('[RM38] when a room is ended everybody in it and in its lobby is told once, and nothing works there any more', async () => {
    const { roomId } = await app.createRoom({ lobby: true });
    const host = await app.connect('host');
    const boss = await app.connect('boss', 'admin');
    const guest = await app.connect('guest', 'patient');
    await host.join(roomId);
    await boss.join(roomId);
    await guest.request('room:join', { roomId });
    await assert.rejects(guest.request('room:end', {}), refused('room.not_joined'));
    await host.request('room:end', {});
    for (const client of [host, boss, guest]) {
      const { reason, durationSeconds } = await client.notice('room:ended');
      assert.deepEqual([reason, durationSeconds >= 0], ['ended_by_moderator', true]);
    }
    await assert.rejects(host.request('room:raiseHand', { raised: true }), refused('room.not_joined'));
    await assert.rejects(host.request('media:createTransport', { direction: 'send' }), refused('room.not_joined'));
    await assert.rejects(host.join(roomId), refused('room.ended'));
    await assert.rejects(guest.join(roomId), refused('room.ended'));
    assert.deepEqual([boss.pending('room:participantLeft'), boss.pending('room:ended')], [0, 0], 'the one notice says it all');
    assert.deepEqual(await statusOf(app, roomId), { status: 'ended', end_reason: 'ended_by_moderator' });
    assert.deepEqual(await leaveReasons(app, roomId), ['room_ended', 'room_ended']);
    await Promise.all([host, boss, guest].map((client) => client.close()));
  });

  await t.test('[RM38] a room may be ended over REST while people are in it; of two who end it at once one does', async () => {
    const { roomId } = await app.createRoom();
    const host = await app.connect('host');
    await host.join(roomId);
    await startedAgo(app, roomId, 90);
    const end = () => app.rest('PUT', `rooms/${roomId}/end`, { token: app.tokenFor('host') });
    const answers = await Promise.all([end(), end()]);
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 410]);
    const { durationSeconds } = answers.find(({ status }) => status === 200)!.body;
    assert.ok(durationSeconds >= 90 && durationSeconds < 100);
    assert.equal((await host.notice('room:ended')).durationSeconds, durationSeconds);
    await host.close();
  });

  await t.test(
    '[RM39] joining while a room ends either fails with room.ended or is followed by room:ended, and nobody stays in the books',
    async () => {
      for (let round = 0; round < 10; round += 1) {
        const { roomId } = await app.createRoom({ lobby: round % 3 === 0 });
        const host = await app.connect('host');
        await host.join(roomId);
        const guests = await Promise.all(Array.from({ length: 4 }, (_, index) => app.connect(`g${index}`, 'patient')));
        const joins = guests.map((guest) => guest.request('room:join', { roomId }));
        if (round % 2 === 0) await joins[0];
        await Promise.all([
          host.request('room:end', {}),
          ...guests.map(async (guest, index) => {
            const [result] = await Promise.allSettled([joins[index]!]);
            if (result.status === 'fulfilled') await guest.notice('room:ended');
            else assert.equal((result.reason as { code: string }).code, 'room.ended');
          }),
        ]);
        await waitFor('the room to be gone', () => app.app.rooms.find(roomId) === undefined);
        await waitFor('the books to be closed', async () => (await stillInside(app, roomId)) === 0);
        await Promise.all([host, ...guests].map((client) => client.close()));
      }
    },
  );

  await t.test('[RM40] a room whose last one has left stays in progress, and the next one joins it again', async () => {
    const { roomId } = await app.createRoom();
    const host = await app.connect('host');
    const { room } = await host.join(roomId);
    await host.request('room:leave', {});
    assert.equal(app.app.rooms.find(roomId), undefined);
    const again = await host.join(roomId);
    assert.deepEqual([again.room.status, again.room.startedAt], ['in_progress', room.startedAt]);
    await host.close();
  });
});

test('[RM41] a room ends at its time limit, for everybody in it and in the lobby', async () => {
  await using app = await startTestApp({ LIMIT_ROOM_MINUTES: '0.03' });
  const { roomId } = await app.createRoom({ lobby: true });
  const [host, guest] = [await app.connect('host'), await app.connect('guest', 'patient')];
  const { room } = await host.join(roomId);
  assert.equal(Date.parse(room.endsAt!) - Date.parse(room.startedAt!), 1_800);
  await guest.request('room:join', { roomId });
  assert.equal((await host.notice('room:ended')).reason, 'time_limit');
  assert.equal((await guest.notice('room:ended')).reason, 'time_limit');
  assert.equal(host.pending('room:ending'), 0, 'warnings longer than the limit are left out');
  assert.deepEqual(await statusOf(app, roomId), { status: 'ended', end_reason: 'time_limit' });
  const [row] = await app.sql<{ actor_id: string; actor_role: string }>(
    "select actor_id, actor_role from audit_log where action = 'room.ended'",
  );
  assert.deepEqual(row, { actor_id: 'parley', actor_role: 'server' });
});

test('[RM42] everybody is warned five minutes and one minute before the end, and late-comers not of what has passed', async () => {
  await using app = await startTestApp({ LIMIT_ROOM_MINUTES: '6' });
  const host = await app.connect('host');
  for (const [secondsAgo, expected] of [
    [59, 300],
    [299, 60],
  ] as const) {
    const { roomId } = await app.createRoom();
    await host.join(roomId);
    await host.request('room:leave', {});
    await startedAgo(app, roomId, secondsAgo);
    await host.join(roomId);
    assert.deepEqual(await host.notice('room:ending'), { secondsLeft: expected });
  }
  const { roomId } = await app.createRoom();
  await host.join(roomId);
  await host.request('room:leave', {});
  await startedAgo(app, roomId, 359.8);
  await host.join(roomId);
  await host.notice('room:ended');
  assert.equal(host.pending('room:ending'), 0);
});

test('[RM43] a room whose limit has passed while nobody was there is ended by a job, or as soon as somebody joins', async () => {
  await using app = await startTestApp({ LIMIT_ROOM_MINUTES: '10' });
  const host = await app.connect('host');
  const made = [];
  for (let index = 0; index < 3; index += 1) {
    const { roomId } = await app.createRoom();
    await host.join(roomId);
    made.push(roomId);
  }
  await host.request('room:leave', {});
  const [overdue = '', joined = '', running = ''] = made;
  await startedAgo(app, joined, 700);
  await host.join(joined);
  assert.equal((await host.notice('room:ended')).reason, 'time_limit');
  await startedAgo(app, overdue, 700);
  await app.sql("select graphile_worker.add_job('rooms:endOverdue')");
  await waitFor('the overdue room to end', async () => (await statusOf(app, overdue))?.status === 'ended');
  assert.deepEqual(await statusOf(app, overdue), { status: 'ended', end_reason: 'time_limit' });
  assert.equal((await statusOf(app, running))?.status, 'in_progress');
});

test('[RM44] with LIMIT_ROOM_MINUTES 0 a room has no end of its own', async () => {
  await using app = await startTestApp({ LIMIT_ROOM_MINUTES: '0' });
  const { roomId } = await app.createRoom();
  const host = await app.connect('host');
  assert.equal((await host.join(roomId)).room.endsAt, null);
  await startedAgo(app, roomId, 10_000_000);
  await host.request('room:leave', {});
  await host.join(roomId);
  await app.sql("select graphile_worker.add_job('rooms:endOverdue', job_key := 'once')");
  await waitFor('the job to be done', async () => (await app.sql("select 1 from graphile_worker.jobs where key = 'once'")).length === 0);
  assert.equal((await statusOf(app, roomId))?.status, 'in_progress');
});

test('[RM45] a server that stops closes the books on everybody; one that starts closes those that another left open', async () => {
  await using app = await startTestApp();
  const { roomId } = await app.createRoom({ lobby: true });
  const [host, guest] = [await app.connect('host'), await app.connect('guest', 'patient')];
  await host.join(roomId);
  await guest.request('room:join', { roomId });
  await app.app.close();
  await host.notice('session:shutdown');
  await host.disconnected();
  assert.deepEqual(await leaveReasons(app, roomId), ['server_shutdown']);
  assert.equal((await statusOf(app, roomId))?.status, 'in_progress', 'the room itself goes on');

  await app.sql('update room_participants set left_at = null, leave_reason = null');
  await using second = await startTestApp({ DATABASE_URL: app.databaseUrl, AUTH_SECRET: app.secret });
  assert.deepEqual(await leaveReasons(app, roomId), ['server_restart']);
  const again = await second.connect('host');
  assert.equal((await again.join(roomId)).participants.length, 1);
});
