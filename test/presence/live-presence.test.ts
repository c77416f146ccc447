import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { Redis } from 'ioredis';
import type { LivePresence } from '../../src/presence/live-presence.ts';
import { MemoryPresence } from '../../src/presence/memory-presence.ts';
import type { Device } from '../../src/presence/presence-status.ts';
import { RedisPresence } from '../../src/presence/redis-presence.ts';
import { startRedis } from '../support/redis-server.ts';
import { waitFor } from '../support/wait-for.ts';
import { device, log } from './presence-fixture.ts';

/** What one server has: a test puts it there. */
function devicesHere() {
  const devices = new Map<string, Device[]>();
  return {
    get userIds() {
      return [...devices.keys()];
    },
    devicesOf: (userId: string) => devices.get(userId) ?? [],
    put: (userId: string, ...list: Device[]) => (list.length > 0 ? devices.set(userId, list) : devices.delete(userId)),
  };
}
type Here = ReturnType<typeof devicesHere>;

const found = async (live: LivePresence, ...userIds: string[]) => Object.fromEntries((await live.find(userIds)).devices);

/** What every store does, whatever it keeps devices in. */
function contract(name: string, start: () => Promise<{ live: LivePresence; here: Here } & AsyncDisposable>) {
  test(`[PR20] ${name}: this server’s devices are known at once, and no more once they are gone`, async () => {
    await using store = await start();
    const { live, here } = store;
    const [laptop, phone] = [device(), device({ kind: 'mobile', status: 'away', isLost: true })];
    assert.deepEqual(await found(live, 'ann', 'bob'), {});
    here.put('ann', laptop, phone);
    here.put('bob', phone);
    assert.deepEqual(await found(live, 'ann', 'bob', 'nobody'), { ann: [laptop, phone], bob: [phone] });
    await live.publish(['ann', 'bob', 'nobody']);
    assert.deepEqual(await found(live, 'ann', 'bob', 'nobody'), { ann: [laptop, phone], bob: [phone] });
    here.put('ann', phone);
    here.put('bob');
    await live.publish(['ann', 'bob']);
    assert.deepEqual(await found(live, 'bob', 'ann'), { ann: [phone] });
  });

  test(`[PR20] ${name}: many users in one go`, async () => {
    await using store = await start();
    const { live, here } = store;
    const userIds = Array.from({ length: 2_345 }, (_, index) => `u${index}`);
    for (const userId of userIds) here.put(userId, device());
    await live.publish(userIds);
    const { devices, isWhole } = await live.find(userIds);
    assert.deepEqual([devices.size, isWhole], [2_345, true]);
    assert.deepEqual((await live.find([])).devices, new Map());
  });

  test(`[PR20] ${name}: once closed it has nothing, and closing again is no error`, async () => {
    await using store = await start();
    const { live, here } = store;
    here.put('ann', device());
    await live.publish(['ann']);
    await live.close();
    await live.close();
    assert.deepEqual(await found(live, 'ann'), {});
    await live.publish(['ann']);
    assert.deepEqual(await found(live, 'ann'), {});
  });
}

contract('memory', async () => {
  const here = devicesHere();
  const live = new MemoryPresence(here);
  return { live, here, [Symbol.asyncDispose]: () => live.close() };
});

/** One server's presence on a Redis. */
async function startServer(url: string) {
  const redis = new Redis(url, { retryStrategy: () => 50, maxRetriesPerRequest: 1 });
  // The library tells of every try that fails.
  redis.on('error', () => undefined);
  const here = devicesHere();
  let back = 0;
  const died: string[][] = [];
  const live = new RedisPresence({
    here,
    redis,
    serverId: randomUUID(),
    log,
    onBack: () => {
      back += 1;
    },
    onDied: (userIds) => died.push([...userIds].sort()),
  });
  await waitFor('the store to be whole', async () => (await live.find([])).isWhole);
  return {
    live,
    here,
    redis,
    died,
    /** How often it has come back to Redis. */
    get back() {
      return back;
    },
    /** Ends it as a power cut would. */
    async kill() {
      redis.disconnect();
      // Its clock stops, too.
      await live.close();
    },
    async [Symbol.asyncDispose]() {
      await live.close();
      redis.disconnect();
    },
  };
}

contract('Redis', async () => {
  await using parts = new AsyncDisposableStack();
  const redis = parts.use(await startRedis());
  const server = parts.use(await startServer(redis.url));
  const all = parts.move();
  return { ...server, [Symbol.asyncDispose]: () => all.disposeAsync() };
});

test('[PR21] several servers on one Redis know each other’s devices', async () => {
  await using redis = await startRedis();
  await using one = await startServer(redis.url);
  await using other = await startServer(redis.url);
  const [laptop, phone] = [device(), device({ kind: 'mobile' })];
  one.here.put('ann', laptop);
  await one.live.publish(['ann']);
  assert.deepEqual(await found(other.live, 'ann'), { ann: [laptop] });
  other.here.put('ann', phone);
  await other.live.publish(['ann']);
  assert.deepEqual(await found(other.live, 'ann'), { ann: [phone, laptop] }, 'one’s own first');
  assert.deepEqual(await found(one.live, 'ann'), { ann: [laptop, phone] });
  await one.live.close();
  assert.deepEqual(await found(other.live, 'ann'), { ann: [phone] });
  assert.deepEqual(await one.redis.keys('parley:presence:*alive:*').then((keys) => keys.length), 1);
});

test('[PR21] the devices of a server that dies are gone within 20 s, which another one says, and nothing is left in Redis', async () => {
  await using redis = await startRedis();
  await using survivor = await startServer(redis.url);
  const victim = await startServer(redis.url);
  victim.here.put('ann', device());
  victim.here.put('bob', device());
  await victim.live.publish(['ann', 'bob']);
  survivor.here.put('bob', device());
  await survivor.live.publish(['bob']);
  const beganMs = Date.now();
  await victim.kill();
  assert.deepEqual(Object.keys(await found(survivor.live, 'ann')), ['ann'], 'nobody knows yet');
  await waitFor('the dead to be cleared away', () => survivor.died.length > 0, 21_000);
  assert.ok(Date.now() - beganMs < 21_000);
  assert.deepEqual(survivor.died, [['ann', 'bob']]);
  assert.deepEqual(await found(survivor.live, 'ann'), {});
  await survivor.live.close();
  assert.deepEqual(await survivor.redis.keys('*'), []);
});

test('[PR22] without Redis a server knows its own devices; killed and started empty, all is as before', async () => {
  await using redis = await startRedis();
  await using one = await startServer(redis.url);
  await using other = await startServer(redis.url);
  const [laptop, phone, late] = [device(), device(), device()];
  one.here.put('ann', laptop);
  other.here.put('bob', phone);
  await one.live.publish(['ann']);
  await other.live.publish(['bob']);
  const before = { one: one.back, other: other.back };
  await redis.kill();
  await waitFor('its end to be noticed', async () => !(await one.live.find(['ann'])).isWhole);
  assert.deepEqual(await found(one.live, 'ann', 'bob'), { ann: [laptop] });
  other.here.put('eve', late);
  await other.live.publish(['eve']);
  await redis.restart();
  await waitFor('the servers to know of each other', async () => (await one.live.find(['bob', 'eve'])).devices.size === 2);
  assert.deepEqual(await found(one.live, 'bob', 'eve'), { bob: [phone], eve: [late] });
  await waitFor('the other way round', async () => (await other.live.find(['ann'])).devices.size === 1);
  await waitFor('both to be whole', async () => (await one.live.find([])).isWhole && (await other.live.find([])).isWhole);
  assert.ok(one.back > before.one && other.back > before.other, 'each says that it is back: others may have missed something');
});

test('[PR22] while Redis hangs nobody waits for it longer than a second, and only once', async () => {
  await using redis = await startRedis();
  await using one = await startServer(redis.url);
  await using other = await startServer(redis.url);
  const [laptop, phone] = [device(), device()];
  one.here.put('ann', laptop);
  other.here.put('bob', phone);
  await other.live.publish(['bob']);
  assert.deepEqual(await found(one.live, 'ann', 'bob'), { ann: [laptop], bob: [phone] });
  const admin = new Redis(redis.url);
  await admin.client('PAUSE', 3_000, 'ALL');
  try {
    const [first, second] = [await one.live.find(['ann', 'bob']), await one.live.find(['ann', 'bob'])];
    assert.deepEqual([...first.devices.keys(), ...second.devices.keys()], ['ann', 'ann']);
    assert.deepEqual([first.isWhole, second.isWhole], [false, false]);
    await one.live.publish(['ann']);
    await waitFor('Redis to be asked again', async () => (await one.live.find(['bob'])).devices.has('bob'));
    await waitFor('what was not said to be said', async () => (await other.live.find(['ann'])).devices.has('ann'));
  } finally {
    admin.disconnect();
  }
});
