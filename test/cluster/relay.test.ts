import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { RedisLink } from '../../src/cluster/redis.ts';
import { Relay, type RelayItem } from '../../src/cluster/relay.ts';
import { createLog } from '../../src/log.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';
import { waitFor } from '../support/wait-for.ts';

const log = createLog('silent');

/** One server's end of the relay, with what it has heard. */
async function end(stack: AsyncDisposableStack, redis: RedisServer, serverId: string) {
  const link = stack.adopt(await RedisLink.open({ url: redis.url, log }), (open) => open.close());
  const relay = stack.adopt(await Relay.start({ link, serverId, log }), (open) => open.close());
  const heard: RelayItem[] = [];
  let missed = 0;
  relay.on('heard', (item) => heard.push(item));
  relay.on('missed', () => missed++);
  return { link, relay, heard, missed: () => missed };
}

test('[CL3] what waits for Redis is told in order and once, however Redis went away', async () => {
  await using redis = await startRedis();
  await using stack = new AsyncDisposableStack();
  const [one, two, three] = [await end(stack, redis, 'one'), await end(stack, redis, 'two'), await end(stack, redis, 'three')];
  let number = 0;
  const tell = (count: number) => {
    for (let index = 0; index < count; index++) one.relay.send({ number: number++ });
  };
  const numbersOf = ({ heard }: typeof one) => heard.map((item) => item['number']);
  const allHeard = () => waitFor('everything to be heard', () => [two, three].every(({ heard }) => heard.length >= number), 20_000);
  tell(1_000);
  await allHeard();

  redis.pause();
  tell(1_000);
  await waitFor('Redis to count as away', () => !one.link.isUp);
  tell(1_000);
  redis.resume();
  await allHeard();

  await redis.kill();
  tell(1_000);
  await redis.restart();
  await allHeard();
  for (const other of [two, three])
    assert.deepEqual(
      numbersOf(other),
      Array.from({ length: number }, (_, index) => index),
    );
  assert.deepEqual([one.heard.length, two.missed(), three.missed()], [0, 0, 0]);
});

test('[CL3] [CL4] more than can wait is dropped, and the others notice', async () => {
  await using redis = await startRedis();
  await using stack = new AsyncDisposableStack();
  const [one, two] = [await end(stack, redis, 'one'), await end(stack, redis, 'two')];
  one.relay.send({ number: 'first' });
  await waitFor('the first one to be heard', () => two.heard.length === 1);
  await redis.kill();
  await waitFor('Redis to count as away', () => !one.link.isUp);
  for (let number = 0; number <= 10_000; number++) one.relay.send({ number });
  await redis.restart();
  await waitFor('the last one to be heard', () => two.heard.some((item) => item['number'] === 10_000));
  await waitFor('the loss to be noticed', () => two.missed() === 1);
  assert.equal(two.heard.length, 2);
  one.relay.send({ number: 'next' });
  await waitFor('the next one to be heard', () => two.heard.some((item) => item['number'] === 'next'));
  assert.equal(two.missed(), 1);
});

test('[CL2] [CL4] a server that starts while Redis is away joins in when it is there', async () => {
  await using redis = await startRedis();
  await using stack = new AsyncDisposableStack();
  const one = await end(stack, redis, 'one');
  await redis.kill();
  const late = await end(stack, redis, 'late');
  assert.equal(late.link.isUp, false);
  late.relay.send({ from: 'late' });
  await redis.restart();
  if (late.missed() === 0) await once(late.relay, 'missed');
  await waitFor('it to be heard', () => one.heard.length === 1);
  one.relay.send({ from: 'one' });
  await waitFor('it to hear', () => late.heard.some((item) => item['from'] === 'one'));
});
