import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import jwt from 'jsonwebtoken';
import { startTestApp } from '../support/test-app.ts';

const codeOf = ({ body }: { body: { error?: { code: string } } }) => body.error?.code;

test('rooms over REST', async (t) => {
  await using app = await startTestApp({ LIMIT_ROOMS_PER_DAY: '0' });
  const host = app.tokenFor('host');
  const stranger = app.tokenFor('stranger', 'patient');

  await t.test('[RM2] making a room answers 201 with its id, name, address, a token for host and guest, and when they expire', async () => {
    const { status, body } = await app.rest('POST', 'rooms', { token: host, body: { name: 'Knee', guestIds: ['ann'] } });
    assert.equal(status, 201);
    assert.deepEqual(Object.keys(body).sort(), ['expiresAt', 'guestToken', 'hostToken', 'joinUrl', 'roomId', 'roomName']);
    assert.equal(body.roomName, 'Knee');
    assert.equal(body.joinUrl, `${app.url}/r/${body.roomId}`);
    const hours = (Date.parse(body.expiresAt) - Date.now()) / 3_600_000;
    assert.ok(hours > 23.9 && hours <= 24, `${hours} hours`);
    const claims = (token: string) => jwt.verify(token, app.secret) as { sub: string; role: string; room: Record<string, unknown> };
    const hostClaims = claims(body.hostToken);
    assert.equal(hostClaims.sub, 'host');
    assert.deepEqual(hostClaims.room['canModerate'], true);
    const guestClaims = claims(body.guestToken);
    assert.deepEqual([guestClaims.sub, guestClaims.role], ['ann', 'patient']);
    assert.deepEqual([guestClaims.room['id'], guestClaims.room['canModerate'], guestClaims.room['canRecord']], [body.roomId, false, false]);
  });

  await t.test(
    '[RM2] a scheduled room’s tokens hold 24 hours from its time; without guests the guest token is for a made-up one',
    async () => {
      const scheduledAt = new Date(Date.now() + 48 * 3_600_000).toISOString();
      const { body } = await app.rest('POST', 'rooms', { token: host, body: { scheduledAt, durationMinutes: 30 } });
      assert.equal(Date.parse(body.expiresAt) - Date.parse(scheduledAt), 24 * 3_600_000);
      assert.match((jwt.decode(body.guestToken) as { sub: string }).sub, /^guest-/);
      const { body: room } = await app.rest('GET', `rooms/${body.roomId}`, { token: host });
      assert.deepEqual([room.scheduledAt, room.durationMinutes, room.status], [scheduledAt, 30, 'waiting']);
    },
  );

  await t.test('[RM3] providers, admins and services make rooms; patients and holders of a room’s token do not', async () => {
    for (const role of ['provider', 'admin', 'service']) {
      assert.equal((await app.rest('POST', 'rooms', { token: app.tokenFor(`a-${role}`, role), body: {} })).status, 201);
    }
    assert.equal((await app.rest('POST', 'rooms', { token: stranger, body: {} })).status, 403);
    const { hostToken } = await app.createRoom();
    for (const where of ['POST rooms', 'GET rooms']) {
      const [method = '', path = ''] = where.split(' ');
      const answer = await app.rest(method, path, { token: hostToken, ...(method === 'POST' && { body: {} }) });
      assert.deepEqual([answer.status, codeOf(answer)], [403, 'auth.forbidden']);
    }
  });

  await t.test('[RM4] a malformed room is refused with 400 and the field’s name, and nothing is stored', async () => {
    const before = await app.sql('select 1 from rooms');
    const bad: [Record<string, unknown>, string][] = [
      [{ name: '' }, 'name'],
      [{ name: ' \t' }, 'name'],
      [{ name: 'x'.repeat(201) }, 'name'],
      [{ name: 7 }, 'name'],
      [{ guestIds: ['no spaces'] }, 'guestIds.0'],
      [{ guestIds: Array.from({ length: 101 }, (_, index) => `g${index}`) }, 'guestIds'],
      [{ hostId: 'x'.repeat(65) }, 'hostId'],
      [{ scheduledAt: 'tomorrow' }, 'scheduledAt'],
      [{ durationMinutes: 0 }, 'durationMinutes'],
      [{ durationMinutes: 1.5 }, 'durationMinutes'],
      [{ maxParticipants: 0 }, 'maxParticipants'],
      [{ maxParticipants: 17 }, 'maxParticipants'],
      [{ lobby: 'yes' }, 'lobby'],
    ];
    for (const [body, field] of bad) {
      const answer = await app.rest('POST', 'rooms', { token: host, body });
      assert.deepEqual([answer.status, codeOf(answer), answer.body.error.details.field], [400, 'protocol.invalid_payload', field]);
    }
    for (const body of [{ colour: 'red' }, [], 'room', 5]) {
      const answer = await app.rest('POST', 'rooms', { token: host, body });
      assert.deepEqual([answer.status, codeOf(answer)], [400, 'protocol.invalid_payload'], JSON.stringify(body));
    }
    assert.equal((await app.sql('select 1 from rooms')).length, before.length);
  });

  await t.test('[RM5] a stranger’s room, a missing one and an id that is none get the same answer everywhere', async () => {
    const { roomId } = await app.createRoom({ guestIds: ['ann'] });
    const asked: [string, string, unknown?][] = [
      ['GET', ''],
      ['PATCH', '', { name: 'Mine' }],
      ['GET', '/token'],
      ['POST', '/join', {}],
      ['PUT', '/end'],
    ];
    for (const [method, path, body] of asked) {
      const options = { token: stranger, ...(body !== undefined && { body }) };
      const strange = await app.rest(method, `rooms/${roomId}${path}`, options);
      const missing = await app.rest(method, `rooms/${randomUUID()}${path}`, options);
      assert.deepEqual([strange.status, strange.body], [404, missing.body], `${method} ${path}`);
      assert.equal(missing.status, 404);
      assert.equal(codeOf(missing), 'room.not_found');
    }
    const { roomId: elsewhere } = await app.createRoom();
    const { hostToken } = await app.createRoom();
    for (const other of [elsewhere, roomId, randomUUID()]) {
      const answer = await app.rest('GET', `rooms/${other}`, { token: hostToken });
      assert.deepEqual([answer.status, codeOf(answer)], [403, 'auth.forbidden'], 'a room’s token says nothing of others');
    }
    const { status, body } = await app.rest('GET', 'rooms/7', { token: host });
    assert.deepEqual([status, body.error.code], [404, 'room.not_found']);
  });

  await t.test('[RM6] moderators are the host, the maker and admins; a room’s token goes before that', async () => {
    const { roomId, hostToken, guestToken } = await app.createRoom({ hostId: 'dr' }, 'maker', 'service');
    const expectNotes = async (token: string, isModerator: boolean) => {
      const { status, body } = await app.rest('GET', `rooms/${roomId}`, { token });
      assert.equal(status, 200);
      assert.equal('notes' in body, isModerator);
      const { status: patched } = await app.rest('PATCH', `rooms/${roomId}`, { token, body: { notes: 'n' } });
      assert.equal(patched, isModerator ? 200 : 403);
    };
    await expectNotes(app.tokenFor('dr'), true);
    await expectNotes(app.tokenFor('maker', 'service'), true);
    await expectNotes(app.tokenFor('boss', 'admin'), true);
    await expectNotes(hostToken, true);
    await expectNotes(guestToken, false);
    await expectNotes(app.tokenFor('other'), false);
    await expectNotes(app.tokenFor('dr', 'provider', { room: { id: roomId, canModerate: false } }), false);
    await expectNotes(app.tokenFor('someone', 'patient', { room: { id: roomId, canModerate: true } }), true);
  });

  await t.test('[RM7] a moderator changes name, notes and lobby; changes of different fields at once all hold', async () => {
    const { roomId } = await app.createRoom({ name: 'Before' });
    const patch = (body: unknown) => app.rest('PATCH', `rooms/${roomId}`, { token: host, body });
    for (let round = 0; round < 5; round += 1) {
      const name = `Name ${round}`;
      const notes = `Notes ${round}`;
      const lobby = round % 2 === 0;
      const answers = await Promise.all([patch({ name }), patch({ notes }), patch({ lobby })]);
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 200, 200],
      );
      const { body } = await app.rest('GET', `rooms/${roomId}`, { token: host });
      assert.deepEqual([body.roomName, body.notes, body.lobby], [name, notes, lobby]);
    }
    assert.equal((await patch({})).status, 200);
    for (const body of [{ name: '' }, { notes: 'x'.repeat(10_001) }, { locked: true }, { lobby: null }])
      assert.equal((await patch(body)).status, 400);
  });

  await t.test(
    '[RM8] ending a room answers how long it lasted; one that nobody entered is cancelled; afterwards everything is 410',
    async () => {
      const { roomId } = await app.createRoom({ guestIds: ['ann'] });
      const ann = app.tokenFor('ann', 'patient');
      assert.equal(codeOf(await app.rest('PUT', `rooms/${roomId}/end`, { token: ann })), 'auth.forbidden');
      const { status, body } = await app.rest('PUT', `rooms/${roomId}/end`, { token: host });
      assert.deepEqual([status, body], [200, { durationSeconds: 0, recording: { available: false } }]);
      const { body: room } = await app.rest('GET', `rooms/${roomId}`, { token: ann });
      assert.equal(room.status, 'cancelled');
      assert.ok(room.endedAt);
      for (const [method, path, options] of [
        ['GET', '/token', {}],
        ['POST', '/join', { body: {} }],
        ['PUT', '/end', {}],
        ['PATCH', '', { body: { name: 'Late' } }],
      ] as const) {
        const answer = await app.rest(method, `rooms/${roomId}${path}`, { token: host, ...options });
        assert.deepEqual([answer.status, codeOf(answer)], [410, 'room.ended'], `${method} ${path}`);
      }
      assert.equal((await app.rest('PATCH', `rooms/${roomId}`, { token: host, body: { notes: 'afterwards' } })).body.notes, 'afterwards');
    },
  );

  await t.test('[RM9] a token for oneself opens that room alone, with the rights one has there, and no longer than one’s own', async () => {
    const { roomId } = await app.createRoom({ guestIds: ['ann'] });
    const exp = Math.floor(Date.now() / 1000) + 100;
    const { status, body } = await app.rest('GET', `rooms/${roomId}/token`, { token: app.tokenFor('ann', 'patient', { exp }) });
    assert.equal(status, 200);
    assert.equal(body.joinUrl, `${app.url}/r/${roomId}`);
    assert.deepEqual(body.iceServers, []);
    const claims = jwt.verify(body.accessToken, app.secret) as { exp: number; room: Record<string, unknown> };
    assert.deepEqual([claims.exp, claims.room['id'], claims.room['canModerate']], [exp, roomId, false]);
    const again = await app.rest('GET', `rooms/${roomId}/token`, { token: body.accessToken });
    assert.equal(again.status, 200, 'it may be asked for with such a token');
  });

  await t.test('[RM10] preparing to join says who is there and how the room stands', async () => {
    const { roomId } = await app.createRoom();
    const ann = app.tokenFor('ann', 'patient');
    const ask = () => app.rest('POST', `rooms/${roomId}/join`, { token: ann, body: { device: { kind: 'desktop' } } });
    assert.deepEqual((await ask()).body, { participants: [], status: 'waiting' });
    const client = await app.connect('host');
    await client.join(roomId);
    const { body } = await ask();
    assert.equal(body.status, 'in_progress');
    assert.deepEqual([body.participants.length, body.participants[0].userId], [1, 'host']);
    assert.equal((await app.rest('POST', `rooms/${roomId}/join`, { token: ann })).status, 200, 'the body may be left out');
    for (const device of ['fridge', { browser: 'Chrome 118.0', hasCamera: true }]) {
      assert.equal((await app.rest('POST', `rooms/${roomId}/join`, { token: ann, body: { device } })).status, 200);
    }
    assert.equal((await app.rest('POST', `rooms/${roomId}/join`, { token: ann, body: { device: 5 } })).status, 400);
    assert.equal((await app.rest('GET', `rooms/${roomId}`, { token: ann })).body.participantCount, 1);
    await client.close();
  });

  await t.test('[RM10] preparing to join a room that is full or locked says so to those who are not in it', async () => {
    const { roomId } = await app.createRoom({ maxParticipants: 1 });
    const prepare = (token: string) => app.rest('POST', `rooms/${roomId}/join`, { token });
    const client = await app.connect('host');
    await client.join(roomId);
    assert.deepEqual([(await prepare(host)).status, codeOf(await prepare(stranger))], [200, 'room.full']);
    await client.request('room:lock', {});
    assert.deepEqual([(await prepare(host)).status, codeOf(await prepare(stranger))], [200, 'room.locked']);
    await client.close();
    assert.equal(codeOf(await prepare(stranger)), 'room.locked', 'also when nobody is there');
  });

  await t.test(
    '[RM11] rooms are listed newest first in pages: those one hosts, made, is invited to or was in; admins see all',
    async () => {
      const token = app.tokenFor('lister');
      const made = [];
      for (let index = 0; index < 5; index += 1) made.unshift((await app.createRoom({ name: `L${index}` }, 'lister')).roomId);
      const pages: string[][] = [];
      let cursor: string | null = null;
      do {
        const { status, body } = await app.rest('GET', `rooms?limit=2${cursor ? `&cursor=${cursor}` : ''}`, { token });
        assert.equal(status, 200);
        pages.push(body.rooms.map((room: { roomId: string }) => room.roomId));
        cursor = body.cursor;
      } while (cursor);
      assert.deepEqual(
        pages.map((page) => page.length),
        [2, 2, 1],
      );
      assert.deepEqual(pages.flat(), made);

      const { roomId: invitedTo } = await app.createRoom({ guestIds: ['lister'] }, 'somebody');
      const { roomId: open } = await app.createRoom({}, 'somebody');
      const list = async (asWhom: string) =>
        (await app.rest('GET', 'rooms?limit=100', { token: asWhom })).body.rooms as { roomId: string }[];
      const ids = async (asWhom: string) => (await list(asWhom)).map((room) => room.roomId);
      assert.equal((await ids(token))[0], invitedTo);
      assert.ok(!(await ids(token)).includes(open));
      const visitor = await app.connect('lister');
      await visitor.join(open);
      await visitor.close();
      assert.equal((await ids(token))[0], open);
      assert.ok((await ids(app.tokenFor('boss', 'admin'))).includes(open));
      assert.deepEqual(await list(app.tokenFor('nobody', 'patient')), []);
      for (const query of ['limit=0', 'limit=101', 'limit=many', 'cursor=7']) {
        assert.equal((await app.rest('GET', `rooms?${query}`, { token })).status, 400, query);
      }
    },
  );
});

test('[RM12] the eleventh room of a day is refused with 429, however many are asked for at once; services are exempt', async () => {
  await using app = await startTestApp();
  const make = (userId: string, role = 'provider') => app.rest('POST', 'rooms', { token: app.tokenFor(userId, role), body: {} });
  const statuses = (await Promise.all(Array.from({ length: 15 }, () => make('busy')))).map(({ status }) => status);
  assert.equal(statuses.filter((status) => status === 201).length, 10);
  assert.equal(statuses.filter((status) => status === 429).length, 5);
  const refused = await make('busy');
  assert.equal(codeOf(refused), 'protocol.rate_limited');
  assert.ok(Number(refused.headers.get('retry-after')) > 0);
  assert.equal((await make('other')).status, 201, 'the limit is each user’s own');
  await app.sql("update rooms set created_at = created_at - interval '25 hours' where created_by = 'busy'");
  assert.equal((await make('busy')).status, 201, 'yesterday does not count');
  const byService = await Promise.all(Array.from({ length: 12 }, () => make('portal', 'service')));
  assert.ok(byService.every(({ status }) => status === 201));
});

test('[RM13] under the open policy providers may enter rooms with a guest list; patients may not', async () => {
  await using app = await startTestApp({ ACCESS_POLICY: 'open' });
  const { roomId } = await app.createRoom({ guestIds: ['ann'] });
  assert.equal((await app.rest('GET', `rooms/${roomId}`, { token: app.tokenFor('colleague') })).status, 200);
  assert.equal((await app.rest('GET', `rooms/${roomId}`, { token: app.tokenFor('bob', 'patient') })).status, 404);
});
