import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Role } from '../../src/protocol/ids.ts';
import { createdRoom } from '../../src/protocol/room.ts';
import { demoToken } from '../../src/protocol/user.ts';
import { onCore } from './cores.ts';

/** The whole server as `npm start` runs it, in demo mode, with an empty data folder that goes when it is closed. */
export class ServerProcess implements AsyncDisposable {
  readonly url: string;
  readonly #process: ChildProcess;
  readonly #dataDir: string;

  /** Starts it on a core, with settings that differ from the usual ones; resolves when it serves. */
  static async start(core: number | undefined, settings: Record<string, string> = {}): Promise<ServerProcess> {
    const dataDir = mkdtempSync(join(tmpdir(), 'parley-bench-'));
    const [file, args] = onCore(core, process.execPath, [join(import.meta.dirname, '../../src/main.ts')]);
    const child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        ...process.env,
        PORT: '0',
        MEDIA_BASE_PORT: '0',
        DATA_DIR: dataDir,
        LOG_LEVEL: 'fatal',
        LIMIT_REQUESTS_PER_SECOND: '0',
        ...settings,
      },
    });
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`the server ended before it was ready (${signal ?? code})`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const url = line.match(/^\s*Parley: (http\S+)/)?.[1];
      if (url !== undefined) resolve(url);
      else if (line.trim() !== '') console.error(line);
    });
    try {
      return new ServerProcess(child, dataDir, await promise);
    } catch (error) {
      rmSync(dataDir, { recursive: true, force: true });
      throw error;
    }
  }

  private constructor(child: ChildProcess, dataDir: string, url: string) {
    this.#process = child;
    this.#dataDir = dataDir;
    this.url = url;
  }

  get pid(): number {
    if (this.#process.pid === undefined) throw new Error('the server has no process');
    return this.#process.pid;
  }

  /** The first process of its PostgreSQL. */
  get databasePid(): number {
    return Number(readFileSync(join(this.#dataDir, 'postgres/data/postmaster.pid'), 'utf8').split('\n', 1)[0]);
  }

  /** Where its PostgreSQL takes connections beside the server's own. */
  get databaseUrl(): string {
    const password = readFileSync(join(this.#dataDir, 'postgres/password'), 'utf8').trim();
    return `postgresql://parley:${password}@/parley?host=${encodeURIComponent(join(this.#dataDir, 'run'))}`;
  }

  /** What its PostgreSQL writes down. */
  get databaseLog(): string {
    return join(this.#dataDir, 'postgres/postgres.log');
  }

  /** The present process of its only media worker. Throws when there is none or there are several. */
  get mediaWorkerPid(): number {
    const [pid, ...others] = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((candidate) => isWorkerOf(candidate, this.pid));
    if (pid === undefined || others.length > 0) throw new Error('the server does not have one media worker');
    return pid;
  }

  /** A token of a new user. */
  async signIn(name: string, role: Role): Promise<string> {
    return demoToken.parse(await this.post('/api/v1/demo/token', { name, role })).token;
  }

  /** A room whose address is its invitation. */
  async createRoom(token: string): Promise<string> {
    return createdRoom.parse(await this.post('/api/v1/rooms', {}, token)).roomId;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#process.once('exit', () => resolve());
      this.#process.kill('SIGTERM');
      await promise;
    }
    rmSync(this.#dataDir, { recursive: true, force: true });
  }

  /** Posts to REST and answers what it answers. */
  async post(path: string, body: object, token?: string): Promise<unknown> {
    const response = await fetch(`${this.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }) },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }
}

function isWorkerOf(pid: number, serverPid: number): boolean {
  try {
    // proc(5): pid (name) state ppid …; a name is cut at 15 characters.
    const [, name, parent] = readFileSync(`/proc/${pid}/stat`, 'utf8').match(/^\d+ \((.*)\) \S (\d+)/) ?? [];
    return Number(parent) === serverPid && name?.startsWith('mediasoup-worke') === true;
  } catch {
    return false;
  }
}
