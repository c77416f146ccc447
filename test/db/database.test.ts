import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { getTableName } from 'drizzle-orm';
import pg from 'pg';
import { openDatabase } from '../../src/db/database.ts';
import { startEmbeddedDatabase } from '../../src/db/embedded.ts';
import * as tableDefinitions from '../../src/db/tables.ts';
import { createLog } from '../../src/log.ts';
import { createTestDatabase, databaseUrl } from '../support/test-database.ts';

const log = createLog('silent');
const run = promisify(execFile);

/** A folder of one's own, removed at the end. */
function temporaryFolder(under = tmpdir()): { path: string; [Symbol.dispose](): void } {
  const folder = mkdtempSync(path.join(under, 'parley-db-'));
  return { path: folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

async function query<T extends pg.QueryResultRow>(url: string, sql: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<T>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** Another server process that starts the database of a folder and tells its address; it lives until it is killed. */
async function startElsewhere(dataDir: string): Promise<{ url: string; kill(): Promise<void> }> {
  const program = `
    const { startEmbeddedDatabase } = await import(${JSON.stringify(new URL('../../src/db/embedded.ts', import.meta.url).href)});
    const { createLog } = await import(${JSON.stringify(new URL('../../src/log.ts', import.meta.url).href)});
    const { url } = await startEmbeddedDatabase({ dataDir: process.argv[1], log: createLog('silent') });
    console.log(url);
    setInterval(() => undefined, 1_000);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(child.stdout, 'data');
  return {
    url: String(line).trim(),
    async kill() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

test('[DB4] the embedded database is made on first start, for root too, and keeps its data over restarts', async () => {
  using folder = temporaryFolder();
  const first = await startEmbeddedDatabase({ dataDir: folder.path, log });
  await query(first.url, 'create table kept (word text)');
  await query(first.url, "insert into kept values ('still here')");
  const data = statSync(path.join(folder.path, 'postgres', 'data'));
  assert.equal(data.mode & 0o077, 0, 'nobody else may read it');
  if (process.getuid?.() === 0) assert.notEqual(data.uid, 0, 'PostgreSQL does not run as root');
  const [{ listens } = { listens: 'nothing' }] = await query<{ listens: string }>(
    first.url,
    "select current_setting('listen_addresses') as listens",
  );
  assert.equal(listens, '', 'no network port');
  await Promise.all([first.close(), first.close()]);
  assert.ok(!existsSync(path.join(folder.path, 'postgres', 'data', 'postmaster.pid')));

  const second = await startEmbeddedDatabase({ dataDir: folder.path, log });
  assert.deepEqual(await query(second.url, 'select word from kept'), [{ word: 'still here' }]);
  await second.close();
});

test('[DB5] a second server on the same folder is refused with one clear line, and the first is unharmed', async () => {
  using folder = temporaryFolder();
  const first = await startEmbeddedDatabase({ dataDir: folder.path, log });
  try {
    await assert.rejects(startEmbeddedDatabase({ dataDir: folder.path, log }), ({ message }: Error) => {
      assert.equal(message, `Another Parley server is running on the data folder ${folder.path}; stop it or set another DATA_DIR.`);
      return true;
    });
    await query(first.url, 'select 1');
  } finally {
    await first.close();
  }
});

test('[DB5] of two servers that start at once on the same new folder one gets it', async () => {
  using folder = temporaryFolder();
  const results = await Promise.allSettled([1, 2].map(() => startEmbeddedDatabase({ dataDir: folder.path, log })));
  const started = results.filter((result) => result.status === 'fulfilled');
  const refused = results.filter((result) => result.status === 'rejected');
  for (const { value } of started) await value.close();
  assert.deepEqual([started.length, refused.length], [1, 1], String(refused[0]?.reason));
  assert.match(String(refused[0]?.reason), /^Error: Another Parley server is running on the data folder/);
});

test('[DB6] a database that a killed server left running is taken over with its data', async () => {
  using folder = temporaryFolder();
  const killed = await startElsewhere(folder.path);
  await query(killed.url, 'create table kept as select 7 as number');
  await killed.kill();
  const successor = await startEmbeddedDatabase({ dataDir: folder.path, log });
  assert.equal(successor.url, killed.url);
  assert.deepEqual(await query(successor.url, 'select number from kept'), [{ number: 7 }]);
  await successor.close();
});

test('[DB6] a database that was killed itself, with its server, comes back with its data', async () => {
  using folder = temporaryFolder();
  const killed = await startElsewhere(folder.path);
  await query(killed.url, 'create table kept as select 7 as number');
  await killed.kill();
  const pidFile = path.join(folder.path, 'postgres', 'data', 'postmaster.pid');
  const { stdout } = await run('head', ['-n', '1', pidFile]);
  process.kill(Number(stdout), 'SIGKILL');
  const successor = await startEmbeddedDatabase({ dataDir: folder.path, log });
  assert.deepEqual(await query(successor.url, 'select number from kept'), [{ number: 7 }]);
  await successor.close();
});

test('[DB7] a start that was cut short while the database was being made is made good by the next', async () => {
  using folder = temporaryFolder();
  mkdirSync(path.join(folder.path, 'postgres', 'fresh-999999999-0', 'base'), { recursive: true });
  const database = await startEmbeddedDatabase({ dataDir: folder.path, log });
  await query(database.url, 'select 1');
  await database.close();
});

test('[DB8] where the data folder’s path is too long for a socket, the socket is in a folder of the system’s temporary one', async () => {
  using base = temporaryFolder();
  const dataDir = path.join(base.path, 'x'.repeat(60), 'y'.repeat(60));
  const database = await startEmbeddedDatabase({ dataDir, log });
  const socketDir = decodeURIComponent(database.url.split('host=')[1]!);
  try {
    assert.ok(!socketDir.startsWith(base.path));
    assert.equal(statSync(socketDir).mode & 0o777, 0o700);
    await query(database.url, 'select 1');
  } finally {
    await database.close();
  }
  assert.deepEqual(existsSync(socketDir) ? readdirSync(socketDir) : [], []);

  // Whoever may write there could have put something else in its place.
  rmSync(socketDir, { recursive: true, force: true });
  using elsewhere = temporaryFolder();
  symlinkSync(elsewhere.path, socketDir);
  try {
    await assert.rejects(startEmbeddedDatabase({ dataDir, log }), /is not this server's own folder/);
    assert.equal(statSync(elsewhere.path).uid, process.getuid?.());
  } finally {
    rmSync(socketDir);
  }
});

test('[DB9] a database that does not start says why in one line', async () => {
  using folder = temporaryFolder();
  const first = await startEmbeddedDatabase({ dataDir: folder.path, log });
  await first.close();
  rmSync(path.join(folder.path, 'postgres', 'data', 'global'), { recursive: true });
  await assert.rejects(startEmbeddedDatabase({ dataDir: folder.path, log }), ({ message }: Error) => {
    assert.match(message, /^The embedded PostgreSQL in .+ does not start: .+$/);
    assert.equal(message.split('\n').length, 1);
    return true;
  });
});

test('[DB10] servers that start at once migrate one after another; migrating again changes nothing', async () => {
  const name = `fresh_${Date.now()}`;
  await query(databaseUrl(), `create database ${name}`);
  try {
    const url = databaseUrl(name);
    const databases = await Promise.all(Array.from({ length: 5 }, () => openDatabase({ url, log })));
    const tables = await query<{ table_name: string }>(
      url,
      "select table_name from information_schema.tables where table_schema = 'public' order by 1",
    );
    const expected = Object.values(tableDefinitions).map((table) => getTableName(table));
    assert.deepEqual(
      tables.map(({ table_name }) => table_name),
      expected.sort(),
    );
    const applied = await query(url, 'select hash from drizzle.__drizzle_migrations');
    await (await openDatabase({ url, log })).close();
    assert.deepEqual(await query(url, 'select hash from drizzle.__drizzle_migrations'), applied);
    await Promise.all(databases.map((database) => database.close()));
  } finally {
    await query(databaseUrl(), `drop database ${name} with (force)`);
  }
});

test('[DB11] a transaction that fails leaves nothing; lost connections are replaced; closing twice is fine', async () => {
  await using own = await createTestDatabase();
  const database = await openDatabase({ url: own.url, log });
  await assert.rejects(
    database.transaction(async (tx) => {
      await tx.execute("insert into users (user_id, token_name, role) values ('a', 'a', 'patient')");
      throw new Error('changed my mind');
    }),
    /changed my mind/,
  );
  assert.equal((await database.pool.query('select 1 from users')).rowCount, 0);
  await query(
    databaseUrl(),
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${new URL(own.url.replace('@/', '@x/')).pathname.slice(1)}'`,
  );
  await assert.doesNotReject(async () => {
    // The pool may find out about a lost connection only when it is used.
    await database.ping().catch(() => database.ping());
  });
  await Promise.all([database.close(), database.close()]);
});

test('[DB12] without its database a server does not start, and says so', async () => {
  await assert.rejects(openDatabase({ url: 'postgresql://nobody@127.0.0.1:1/nothing', log }), /ECONNREFUSED/);
});
