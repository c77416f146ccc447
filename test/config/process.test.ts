import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import jwt from 'jsonwebtoken';
import pg from 'pg';
import { TestClient } from '../support/test-client.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { waitFor } from '../support/wait-for.ts';
import { ServerProcess } from './server-process.ts';

const AUTH_SECRET = 'a-secret-for-servers-in-processes-0123456789';
const token = jwt.sign({ sub: 'ada', name: 'Ada', role: 'provider' }, AUTH_SECRET, { expiresIn: 600 });

/** A data folder of one's own; a database that a killed server left running in it is stopped at the end. */
function dataFolder(): { dataDir: string; [Symbol.dispose](): void } {
  const dataDir = mkdtempSync(path.join(tmpdir(), 'parley-process-'));
  return {
    dataDir,
    [Symbol.dispose]() {
      const pidFile = path.join(dataDir, 'postgres', 'data', 'postmaster.pid');
      if (existsSync(pidFile)) process.kill(Number(readFileSync(pidFile, 'utf8').split('\n', 1)[0]), 'SIGKILL');
      rmSync(dataDir, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

/** REST of a server process. */
async function rest(url: string, method: string, where: string, options: { token?: string; body?: unknown } = {}) {
  const response = await fetch(new URL(where, url), {
    method,
    headers: {
      connection: 'close',
      ...(options.token !== undefined && { authorization: `Bearer ${options.token}` }),
      ...(options.body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(options.body !== undefined && { body: JSON.stringify(options.body) }),
  });
  return { status: response.status, body: JSON.parse(await response.text()) };
}

test('[ST3] a server with faulty settings prints every fault and exits with 1, having done nothing', async () => {
  using folder = dataFolder();
  const dataDir = path.join(folder.dataDir, 'not-made');
  await using server = new ServerProcess({ DATA_DIR: dataDir, PORT: 'x', HOST: '0.0.0.0', NODE_ENV: 'production', LOG_LEVEL: 'loud' });
  assert.deepEqual(await server.exited, { code: 1, signal: null });
  assert.equal(server.stdout, '');
  const [first, ...faults] = server.stderr.trimEnd().split('\n');
  assert.equal(first, "Parley can't start with these settings:");
  assert.deepEqual(faults.map((fault) => fault.trim().split(/[:,]/)[0]).sort(), ['AUTH_SECRET', 'HOST', 'LOG_LEVEL', 'PORT']);
  assert.ok(!existsSync(dataDir));
});

test('[ST7] what else keeps a server from starting is one line, and exit code 1', async () => {
  await using database = await createTestDatabase();
  using folder = dataFolder();
  const env = { AUTH_SECRET, HOST: '127.0.0.1', DATA_DIR: folder.dataDir, DATABASE_URL: database.url, LOG_LEVEL: 'silent' };
  await using first = new ServerProcess(env);
  const { port } = new URL(await first.ready());
  const file = path.join(folder.dataDir, 'file');
  writeFileSync(file, '');
  const cases: [Record<string, string>, RegExp][] = [
    [{ PORT: port }, /address already in use/],
    [{ DATABASE_URL: database.url.replace(/\/t_[^?]*/, '/not_there') }, /"not_there" does not exist/],
    [{ DATA_DIR: path.join(file, 'data') }, /ENOTDIR/],
  ];
  for (const [changes, reason] of cases) {
    await using second = new ServerProcess({ ...env, ...changes });
    assert.deepEqual(await second.exited, { code: 1, signal: null });
    assert.match(second.stderr, reason);
    assert.equal(second.stderr.trimEnd().split('\n').length, 1, second.stderr);
  }
  assert.equal((await rest(await first.ready(), 'GET', '/healthz')).status, 200);
});

test('[ST8] SIGTERM and SIGINT end a server in order, with exit code 0', async () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    await using database = await createTestDatabase();
    using folder = dataFolder();
    await using server = new ServerProcess({ AUTH_SECRET, HOST: '127.0.0.1', DATA_DIR: folder.dataDir, DATABASE_URL: database.url });
    const url = await server.ready();
    const { roomId } = (await rest(url, 'POST', '/api/v1/rooms', { token, body: {} })).body;
    const client = await TestClient.connect(url, { token });
    await client.join(roomId, { rtpCapabilities: {} });
    server.kill(signal);
    await client.notice('session:shutdown');
    assert.deepEqual(await server.exited, { code: 0, signal: null });
    await client.close();
    assert.equal(server.stderr, '');
    const sql = new pg.Client({ connectionString: database.url });
    await sql.connect();
    const { rows } = await sql.query('select leave_reason, left_at is not null as has_left from room_participants');
    await sql.end();
    assert.deepEqual(rows, [{ leave_reason: 'server_shutdown', has_left: true }]);
  }
});

test('[ST9] a second signal ends a server at once that has work left', async () => {
  await using database = await createTestDatabase();
  using folder = dataFolder();
  await using server = new ServerProcess({
    AUTH_SECRET,
    HOST: '127.0.0.1',
    DATA_DIR: folder.dataDir,
    DATABASE_URL: database.url,
    LOG_LEVEL: 'silent',
  });
  const url = await server.ready();
  const client = await TestClient.connect(url, { token });
  const blocker = new pg.Client({ connectionString: database.url });
  await blocker.connect();
  try {
    await blocker.query('begin; lock table users');
    const hanging = rest(url, 'GET', '/api/v1/users/me', { token }).catch(() => undefined);
    await waitFor('a query that hangs', async () => {
      const { rowCount } = await blocker.query("select 1 from pg_locks where not granted and relation = 'users'::regclass");
      return rowCount === 1;
    });
    server.kill('SIGTERM');
    await client.notice('session:shutdown');
    assert.equal(server.isRunning, true);
    server.kill('SIGTERM');
    assert.deepEqual(await server.exited, { code: 1, signal: null });
    await hanging;
  } finally {
    await blocker.end();
    await client.close();
  }
});

test('[ST10] a data folder serves one server; a killed one is started again with everything it kept', async () => {
  using folder = dataFolder();
  const demo = { DATA_DIR: folder.dataDir };
  let room: { roomId: string };
  let made: { token: string };
  {
    await using first = new ServerProcess(demo);
    const url = await first.ready();
    made = (await rest(url, 'POST', '/api/v1/demo/token', { body: { name: 'Ada', role: 'provider' } })).body;
    room = (await rest(url, 'POST', '/api/v1/rooms', { token: made.token, body: { name: 'Kept' } })).body;

    await using second = new ServerProcess(demo);
    assert.deepEqual(await second.exited, { code: 1, signal: null });
    assert.match(second.stderr, /^Another Parley server is running on the data folder .*; stop it or set another DATA_DIR\.\n$/);
    assert.equal((await rest(url, 'GET', '/readyz')).status, 200);
    const { body } = await rest(url, 'GET', `/api/v1/rooms/${room.roomId}`, { token: made.token });
    assert.equal(body.roomName, 'Kept');

    first.kill('SIGKILL');
    assert.equal((await first.exited).signal, 'SIGKILL');
  }
  await using third = new ServerProcess(demo);
  const url = await third.ready();
  const { status, body } = await rest(url, 'GET', `/api/v1/rooms/${room.roomId}`, { token: made.token });
  assert.deepEqual([status, body.roomName], [200, 'Kept']);
  third.kill('SIGTERM');
  assert.equal((await third.exited).code, 0);
  assert.ok(!existsSync(path.join(folder.dataDir, 'postgres', 'data', 'postmaster.pid')), 'the database is stopped with its server');
});

test('[ST11] a signal during the start ends the server in order too', async () => {
  using folder = dataFolder();
  await using server = new ServerProcess({ DATA_DIR: folder.dataDir });
  await server.said(/embedded database started/);
  server.kill('SIGTERM');
  assert.deepEqual(await server.exited, { code: 0, signal: null });
  assert.ok(!existsSync(path.join(folder.dataDir, 'postgres', 'data', 'postmaster.pid')), 'the database is stopped with its server');
});
