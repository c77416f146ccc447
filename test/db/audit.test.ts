import assert from 'node:assert/strict';
import { test } from 'node:test';
import { opusParameters } from '../support/rtp-parameters.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

const refused = (code: string) => ({ code });
const actions = async (app: TestApp, subject: string) =>
  (await app.sql<{ action: string }>('select action from audit_log where subject = $1 order by seq', [subject])).map(
    ({ action }) => action,
  );

/** From now on the database takes no entry of that action. */
const breakAudit = (app: TestApp, action: string) =>
  app.sql(`
    create or replace function refuse_entry() returns trigger language plpgsql as $$ begin raise exception 'no entries today'; end $$;
    drop trigger if exists refuse_entry on audit_log;
    create trigger refuse_entry before insert on audit_log for each row when (new.action = '${action}') execute function refuse_entry();
  `);

test('[DB1] every act in a room is written down with who did it, from where, and to whom', async () => {
  await using app = await startTestApp();
  const { roomId } = await app.createRoom({ lobby: true });
  const [host, guest, other] = [await app.connect('host'), await app.connect('guest', 'patient'), await app.connect('other', 'patient')];
  await host.join(roomId);
  const { me: waiting } = await guest.request('room:join', { roomId });
  const { me: unwanted } = await other.request('room:join', { roomId });
  await host.request('room:deny', { participantId: unwanted.participantId });
  await host.request('room:admit', { participantId: waiting.participantId });
  const { me } = await guest.join(roomId);
  await host.request('room:mute', { participantId: me.participantId, source: 'camera', allowUnmute: false });
  await host.request('room:lock', {});
  await host.request('room:unlock', {});
  await host.request('room:kick', { participantId: me.participantId, ban: true });
  await app.rest('PATCH', `rooms/${roomId}`, { token: app.tokenFor('host'), body: { notes: 'private' } });
  await app.rest('GET', `rooms/${roomId}/token`, { token: app.tokenFor('host') });
  await host.request('room:end', {});
  const rows = await app.sql<{ actor_id: string; actor_role: string; address: string; action: string; details: object }>(
    'select actor_id, actor_role, address, action, details from audit_log where subject = $1 order by seq',
    [roomId],
  );
  assert.ok(rows.every(({ address }) => address === '127.0.0.1'));
  assert.deepEqual(
    rows.map(({ actor_id, actor_role, action, details }) => [actor_id, actor_role, action, details]),
    [
      ['host', 'provider', 'room.created', { hostId: 'host', guestIds: [] }],
      ['host', 'provider', 'participant.joined', { participantId: (rows[1]!.details as { participantId: string }).participantId }],
      ['host', 'provider', 'participant.denied', { userId: 'other' }],
      ['host', 'provider', 'participant.admitted', { userId: 'guest' }],
      ['guest', 'patient', 'participant.joined', { participantId: me.participantId }],
      ['host', 'provider', 'participant.muted', { userId: 'guest', source: 'camera', allowUnmute: false }],
      ['host', 'provider', 'room.locked', {}],
      ['host', 'provider', 'room.unlocked', {}],
      ['host', 'provider', 'participant.kicked', { userId: 'guest', ban: true }],
      ['host', 'provider', 'participant.left', { participantId: me.participantId, reason: 'banned' }],
      ['host', 'provider', 'room.updated', { fields: ['notes'] }],
      ['host', 'provider', 'room.token_issued', {}],
      ['host', 'provider', 'room.ended', { reason: 'ended_by_moderator' }],
    ],
  );
});

test('[DB2] what cannot be written down does not happen', async () => {
  await using app = await startTestApp();
  const { roomId } = await app.createRoom({ lobby: true });
  const [host, guest, inside] = [await app.connect('host'), await app.connect('guest', 'patient'), await app.connect('inside', 'patient')];
  await host.join(roomId);
  const { me: knocked } = await inside.request('room:join', { roomId });
  await host.request('room:admit', { participantId: knocked.participantId });
  await inside.notice('room:admitted');
  const { me } = await inside.join(roomId);
  const { transportId } = await inside.request('media:createTransport', { direction: 'send' });
  await inside.request('media:produce', { transportId, source: 'microphone', rtpParameters: opusParameters() });
  const { me: waiter } = await guest.request('room:join', { roomId });
  const before = await actions(app, roomId);
  const participantId = me.participantId;
  const asks = [
    ['participant.admitted', () => host.request('room:admit', { participantId: waiter.participantId })],
    ['participant.denied', () => host.request('room:deny', { participantId: waiter.participantId })],
    ['room.locked', () => host.request('room:lock', {})],
    ['participant.muted', () => host.request('room:mute', { participantId, source: 'microphone' })],
    ['participant.kicked', () => host.request('room:kick', { participantId, ban: true })],
    ['room.ended', () => host.request('room:end', {})],
  ] as const;
  for (const [action, ask] of asks) {
    await breakAudit(app, action);
    await assert.rejects(ask(), refused('internal'), action);
  }
  const snapshot = await host.join(roomId);
  assert.deepEqual([snapshot.room.locked, snapshot.room.status, snapshot.participants.length], [false, 'in_progress', 2]);
  assert.equal(snapshot.waiting?.[0]?.userId, 'guest');
  assert.deepEqual([snapshot.producers[0]?.paused, snapshot.participants.flatMap(({ muted }) => muted)], [false, []]);
  assert.deepEqual(await app.sql('select 1 from room_bans'), []);
  for (const name of ['room:admitted', 'room:denied', 'room:locked', 'room:muted', 'room:kicked', 'room:ended'] as const) {
    for (const client of [host, guest, inside]) assert.equal(client.pending(name), 0, name);
  }

  await breakAudit(app, 'participant.joined');
  const late = await app.connect('late');
  const { roomId: open } = await app.createRoom();
  await assert.rejects(late.join(open), refused('internal'));
  assert.deepEqual(await app.sql('select status from rooms where room_id = $1', [open]), [{ status: 'waiting' }]);
  assert.deepEqual(await app.sql('select 1 from room_participants where room_id = $1', [open]), []);
  await breakAudit(app, 'room.created');
  const { status } = await app.rest('POST', 'rooms', { token: app.tokenFor('host'), body: {} });
  assert.equal(status, 500);
  assert.equal((await app.sql('select 1 from rooms')).length, 2);
  assert.deepEqual(await actions(app, roomId), before);
  await app.sql('drop trigger refuse_entry on audit_log');
});

test('[DB3] the database refuses to change, delete or truncate audit entries', async () => {
  await using app = await startTestApp();
  await app.createRoom();
  for (const sql of ["update audit_log set action = 'x'", 'delete from audit_log', 'truncate audit_log', 'truncate audit_log cascade']) {
    await assert.rejects(app.sql(sql), { message: 'audit_log is append-only', code: '42501' }, sql);
  }
  assert.equal((await app.sql('select 1 from audit_log')).length, 1);
});
