import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { type LeftBehind, ServerRoll } from '../../src/cluster/server-roll.ts';
import { openDatabase } from '../../src/db/database.ts';
import { createLog } from '../../src/log.ts';
import { startServerProcess } from '../support/server-process.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { TestClient } from '../support/test-client.ts';
import { startTestCluster } from '../support/test-cluster.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { waitFor } from '../support/wait-for.ts';

const log = createLog('silent');
const noBooks = async (): Promise<LeftBehind[]> => [];
const serversOf = async (app: TestApp, databaseUrl = app.databaseUrl) =>
  (await app.sqlOn<{ url: string }>(databaseUrl, 'select url from servers order by started_at')).map(({ url }) => url);

test('[CL11] the rooms of a server that was killed open at another one within 20 s, and its books are closed', async () => {
  await using cluster = await startTestCluster({ count: 1 });
  const { a } = cluster;
  await using doomed = await startServerProcess(cluster.env);
  const token = a.tokenFor('host');
  const created = await fetch(new URL('/api/v1/rooms', doomed.url), {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', connection: 'close' },
    body: '{}',
  });
  const { roomId } = (await created.json()) as { roomId: string };
  const host = await TestClient.connect(doomed.url, { token });
  await host.join(roomId);
  const untouched = await a.createRoom();
  const other = await a.connect('other');
  await other.join(untouched.roomId);

  const there = await a.connect('host');
  const join = () =>
    there.join(roomId).then(
      () => 'joined',
      ({ code, details }) => `${code} ${details?.url}`,
    );
  assert.equal(await join(), `room.elsewhere ${doomed.url}`);
  await doomed.kill();
  await host.close();
  const killedAt = Date.now();
  await waitFor('the room to open elsewhere', async () => (await join()) === 'joined', 20_000);
  await waitFor(
    'the dead server to be taken off the list',
    async () => (await serversOf(a)).length === 1,
    20_000 - (Date.now() - killedAt),
  );
  const rows = await a.sql<{ reason: string | null }>('select leave_reason as reason from room_participants order by participant_id');
  assert.deepEqual(rows.map(({ reason }) => reason).toSorted(), [null, null, 'server_restart'], 'only the dead server’s books are closed');
});

test('[CL11] of two servers that notice a death one closes the books, and tells of it once', async () => {
  await using database = await createTestDatabase();
  await using stack = new AsyncDisposableStack();
  const db = stack.adopt(await openDatabase({ url: database.url, log }), (open) => open.close());
  let closed = 0;
  const enter = async (closeBooks: () => Promise<LeftBehind[]>) =>
    stack.adopt(await ServerRoll.enter({ db, log, isAlone: false, ownUrl: undefined, closeBooks }), (roll) => roll.close());
  const closeBooks = async (): Promise<LeftBehind[]> => {
    closed += 1;
    return [
      { serverId: dead.serverId, roomId: 'r1', userId: 'ada' },
      { serverId: dead.serverId, roomId: 'r1', userId: 'bob' },
    ];
  };
  const dead = await enter(noBooks);
  const rolls = await Promise.all([enter(closeBooks), enter(closeBooks)]);
  const died = Promise.race(rolls.map((roll) => once(roll, 'died')));
  let told = 0;
  for (const roll of rolls) roll.on('died', () => told++);
  for (const roll of rolls) await roll.start('https://example');
  assert.deepEqual((await died)[0], { serverId: dead.serverId, roomIds: ['r1'], userIds: ['ada', 'bob'] });
  await Promise.all(rolls.map((roll) => once(roll, 'beat')));
  await Promise.all(rolls.map((roll) => once(roll, 'beat')));
  assert.deepEqual([closed, told], [1, 1]);
});

test('[CL12] a server that stops leaves the list and the others as they are; one that starts again buries its predecessor at once', async () => {
  await using cluster = await startTestCluster();
  const { a, b, databaseUrl } = cluster;
  const { roomId } = await a.createRoom();
  const host = await a.connect('host');
  await host.join(roomId);
  assert.deepEqual(await serversOf(a), [a.url, b.url]);
  await b.app.close();
  assert.deepEqual(await serversOf(a), [a.url]);

  await a.sql("insert into servers (server_id, url) values ('01a1f900-0000-7000-8000-000000000000', 'https://two.example')");
  await a.sql("insert into servers (server_id, url) values ('01a1f900-0000-7000-8000-000000000001', 'https://three.example')");
  await a.sql(
    `insert into room_participants (participant_id, room_id, user_id, server_id)
     values (gen_random_uuid(), $1, 'bob', '01a1f900-0000-7000-8000-000000000000')`,
    [roomId],
  );
  await using again = await startTestApp({ ...cluster.env, DATABASE_URL: databaseUrl, SERVER_URL: 'https://two.example' });
  assert.ok(again.url);
  assert.deepEqual((await serversOf(a)).toSorted(), [a.url, 'https://three.example', 'https://two.example'].toSorted());
  const rows = await a.sql<{ user_id: string; left: boolean }>('select user_id, left_at is not null as left from room_participants');
  assert.deepEqual(
    rows.toSorted((x, y) => x.user_id.localeCompare(y.user_id)),
    [
      { user_id: 'bob', left: true },
      { user_id: 'host', left: false },
    ],
  );
});

test('[CL15] a server that was taken for dead and lives opens its books again', async () => {
  await using cluster = await startTestCluster({ count: 1 });
  const { a } = cluster;
  const { roomId } = await a.createRoom();
  const host = await a.connect('host');
  await host.join(roomId);
  await a.sql("with dead as (delete from servers) update room_participants set left_at = now(), leave_reason = 'server_restart'");
  const present = async () => (await a.sql('select 1 from room_participants where left_at is null')).length;
  await waitFor('the books to be opened again', async () => (await present()) === 1);
  assert.deepEqual(await serversOf(a), [a.url]);
});
