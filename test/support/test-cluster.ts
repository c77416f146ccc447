import { type RedisServer, startRedis } from './redis-server.ts';
import { activeTimers, TestApp } from './test-app.ts';
import { createTestDatabase } from './test-database.ts';
import { waitFor } from './wait-for.ts';

/** Settings that servers of one database have in common. */
const secret = 'a secret that all servers of a test cluster have in common';

/** Several servers that share a database and a Redis of their own. */
export interface TestCluster {
  readonly servers: readonly TestApp[];
  /** The first and the second. */
  readonly a: TestApp;
  readonly b: TestApp;
  readonly redis: RedisServer;
  readonly databaseUrl: string;
  /** What a further server, also one in a process of its own, needs to belong to it. */
  readonly env: Record<string, string>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts servers in this process; `await using cluster = await startTestCluster()`. At the end it fails when anything is left over. */
export async function startTestCluster(options: { count?: number; env?: Record<string, string> } = {}): Promise<TestCluster> {
  await using parts = new AsyncDisposableStack();
  const timersBefore = activeTimers();
  const { url: databaseUrl } = parts.use(await createTestDatabase());
  const redis = parts.use(await startRedis());
  const env = { REDIS_URL: redis.url, AUTH_SECRET: secret, ...options.env };
  const servers: TestApp[] = [];
  for (let index = 0; index < (options.count ?? 2); index++) servers.push(parts.use(await TestApp.start(env, {}, { databaseUrl })));
  const [a, b = a] = servers;
  if (!a || !b) throw new Error('a cluster has a server');
  const all = parts.move();
  return {
    servers,
    a,
    b,
    redis,
    databaseUrl,
    env: { ...env, DATABASE_URL: databaseUrl, ENCRYPTION_KEYS: `test:${Buffer.alloc(32, 7).toString('base64')}` },
    async [Symbol.asyncDispose]() {
      await all.disposeAsync();
      await waitFor('all timers to end', () => activeTimers() <= timersBefore, 3_000);
    },
  };
}
