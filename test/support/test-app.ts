import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import jwt from 'jsonwebtoken';
import pg from 'pg';
import { type App, type AppOverrides, createApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import type { Role } from '../../src/protocol/ids.ts';
import type { CreateRoomBody } from '../../src/protocol/room.ts';
import { TestClient } from './test-client.ts';
import { createTestDatabase } from './test-database.ts';
import { waitFor } from './wait-for.ts';

/** A REST answer. */
export interface RestAnswer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  body: any;
}

/** A user of a test with their token. */
export interface TestUser {
  userId: string;
  token: string;
}

/**
 * A real server on a free port with its own clone of the database, unless it shares one, and one media worker. At the end it fails when a session, room, transport or
 * timer is left over.
 */
export class TestApp {
  readonly app: App;
  readonly secret: string;
  readonly databaseUrl: string;
  readonly #clients: TestClient[] = [];

  private constructor(app: App, secret: string, databaseUrl: string) {
    this.app = app;
    this.secret = secret;
    this.databaseUrl = databaseUrl;
  }

  static async start(
    env: Record<string, string>,
    overrides: AppOverrides = {},
    shared?: { databaseUrl: string },
  ): Promise<TestApp & { [Symbol.asyncDispose](): Promise<void> }> {
    await using parts = new AsyncDisposableStack();
    const timersBefore = activeTimers();
    const url = shared?.databaseUrl ?? parts.use(await createTestDatabase()).url;
    const dataDir = mkdtempSync(path.join(tmpdir(), 'parley-app-'));
    parts.defer(() => rmSync(dataDir, { recursive: true, force: true }));
    const secret = env['AUTH_SECRET'] ?? randomBytes(32).toString('hex');
    const workerBin = process.env['MEDIASOUP_WORKER_BIN'];
    const config = readConfig({
      ...(workerBin !== undefined && { MEDIASOUP_WORKER_BIN: workerBin }),
      HOST: '127.0.0.1',
      PORT: '0',
      DATA_DIR: dataDir,
      DATABASE_URL: url,
      AUTH_SECRET: secret,
      // The same for all, so that a second server can take up a first one's database.
      ENCRYPTION_KEYS: `test:${Buffer.alloc(32, 7).toString('base64')}`,
      MEDIA_LISTEN_IP: '127.0.0.1',
      MEDIA_BASE_PORT: '0',
      MEDIA_WORKERS: '1',
      // Of this process alone: test files run side by side.
      RECORDING_BASE_PORT: String(10_000 + (process.pid % 100) * 96),
      RECORDING_PORTS: '96',
      LIMIT_RECONNECT_SECONDS: '5',
      LOG_LEVEL: process.env['TEST_LOG_LEVEL'] ?? 'silent',
      ...env,
    });
    const app = parts.adopt(await createApp(config, overrides), (running) => running.close());
    const test = new TestApp(app, secret, url);
    parts.defer(() => test.#expectNothingLeft());
    const all = parts.move();
    return Object.assign(test, {
      async [Symbol.asyncDispose]() {
        await all.disposeAsync();
        // Of several servers in one process only the last one to end can tell.
        if (!shared) await waitFor('all timers to end', () => activeTimers() <= timersBefore, 3_000);
      },
    });
  }

  get url(): string {
    return this.app.url;
  }

  /** A token as the host application would sign it; `claims` go before the usual ones. */
  tokenFor(userId: string, role: Role | (string & {}) = 'provider', claims: Record<string, unknown> = {}): string {
    const exp = Math.floor(Date.now() / 1000) + 3600;
    return jwt.sign({ sub: userId, name: `Name of ${userId}`, role, exp, ...claims }, this.secret, { algorithm: 'HS256' });
  }

  /** Connects a socket; by user id and role, or with the handshake's own `auth`. */
  async connect(userId: string, role: Role = 'provider', auth: Record<string, unknown> = {}): Promise<TestClient> {
    const client = await TestClient.connect(this.url, 'token' in auth ? auth : { token: this.tokenFor(userId, role), ...auth });
    this.#clients.push(client);
    return client;
  }

  /** Calls REST below `/api/v1`, or an absolute path. */
  async rest(method: string, where: string, options: { token?: string; body?: unknown } = {}): Promise<RestAnswer> {
    const response = await fetch(new URL(where.startsWith('/') ? where : `/api/v1/${where}`, this.url), {
      method,
      headers: {
        connection: 'close',
        ...(options.token !== undefined && { authorization: `Bearer ${options.token}` }),
        ...(options.body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(options.body !== undefined && { body: JSON.stringify(options.body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') ?? false;
    return { status: response.status, headers: response.headers, body: isJson && text !== '' ? JSON.parse(text) : text };
  }

  /** Makes a room as `host` and answers what the server answered. */
  async createRoom(body: Partial<CreateRoomBody> = {}, hostId = 'host', role: Role = 'provider') {
    const { status, body: room } = await this.rest('POST', 'rooms', { token: this.tokenFor(hostId, role), body });
    if (status !== 201) throw new Error(`room was not made: ${JSON.stringify(room)}`);
    return room as { roomId: string; roomName: string; joinUrl: string; hostToken: string; guestToken: string; expiresAt: string };
  }

  /** Runs SQL beside the server. */
  sql<T extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<T[]> {
    return this.sqlOn(this.databaseUrl, text, values);
  }

  /** Runs SQL on a database that several servers take up one after another. */
  async sqlOn<T extends pg.QueryResultRow>(databaseUrl: string, text: string, values: unknown[] = []): Promise<T[]> {
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    try {
      return (await client.query<T>(text, values)).rows;
    } finally {
      await client.end();
    }
  }

  async #expectNothingLeft(): Promise<void> {
    for (const client of this.#clients) await client.close();
    const { sockets, rooms, workers } = this.app;
    const lost = () => sockets.sessions.filter((session) => !session.isConnected);
    // Sessions whose socket a test has dropped wait for it; end them as the grace time would.
    await waitFor('all sessions to be detached', () => sockets.sessions.length === lost().length);
    for (const session of lost()) session.close('connection_lost');
    await waitFor('all rooms to be released', () => rooms.all.length === 0);
    await waitFor('all transports to be closed', async () => {
      const dumps = await workers.dump();
      return dumps.every(({ routerIds, transportIds }) => routerIds.length === 0 && transportIds.length === 0);
    });
  }
}

/** Starts a server for one test: `await using app = await startTestApp()`. */
export const startTestApp = (env: Record<string, string> = {}, overrides: AppOverrides = {}) => TestApp.start(env, overrides);

/** Timers of this process that have not ended. */
export function activeTimers(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
}
