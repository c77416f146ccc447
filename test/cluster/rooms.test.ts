import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Redis } from 'ioredis';
import { v7 as uuidv7 } from 'uuid';
import { RedisLink } from '../../src/cluster/redis.ts';
import { type Place, RoomLeases } from '../../src/cluster/room-leases.ts';
import { createLog } from '../../src/log.ts';
import { AppError } from '../../src/protocol/errors.ts';
import { startRedis } from '../support/redis-server.ts';
import { startTestCluster } from '../support/test-cluster.ts';
import { waitFor } from '../support/wait-for.ts';

const elsewhere = (url: string) => (error: unknown) => {
  assert.ok(error instanceof AppError);
  assert.deepEqual([error.code, error.details?.['url']], ['room.elsewhere', url]);
  return true;
};

test('[CL5] a room is alive on one server; whoever knocks at another is told where', async () => {
  await using cluster = await startTestCluster();
  const { a, b } = cluster;
  const { roomId, guestToken } = await a.createRoom();
  const host = await a.connect('host');
  await host.join(roomId);
  const guest = await b.connect('guest', 'patient', { token: guestToken });
  await assert.rejects(guest.join(roomId), elsewhere(a.url));
  const { status, body } = await b.rest('POST', `rooms/${roomId}/join`, { token: guestToken, body: {} });
  assert.deepEqual([status, body.error.code, body.error.details.url], [409, 'room.elsewhere', a.url]);

  const there = await a.connect('guest', 'patient', { token: guestToken });
  assert.equal((await there.join(roomId)).participants.length, 2);
  await host.notice('room:participantJoined');
  const rows = await a.sql('select distinct server_id from room_participants where room_id = $1', [roomId]);
  assert.equal(rows.length, 1);
});

test('[CL5] of twenty servers that take a room at once one gets it, and the others learn of whom', async () => {
  await using redis = await startRedis();
  const log = createLog('silent');
  const roomId = uuidv7();
  await using stack = new AsyncDisposableStack();
  const takers = await Promise.all(
    Array.from({ length: 20 }, async (_, index) => {
      const link = stack.adopt(await RedisLink.open({ url: redis.url, log }), (open) => open.close());
      const place: Place = { serverId: uuidv7(), url: `https://s${index}.example` };
      const leases = new RoomLeases({
        link,
        log,
        own: () => place,
        findInDatabase: async () => undefined,
        aliveHere: () => [],
        onLost: () => undefined,
      });
      stack.defer(() => leases.close());
      return { leases, place };
    }),
  );
  const race = async () => {
    const outcomes = await Promise.all(
      takers.map(({ leases }) =>
        leases.take(roomId).then(
          () => undefined,
          (error: AppError) => error.details?.['url'],
        ),
      ),
    );
    const winners = takers.filter((_, index) => outcomes[index] === undefined);
    assert.equal(winners.length, 1);
    const [winner] = winners;
    assert.ok(winner);
    assert.ok(outcomes.every((url) => url === undefined || url === winner.place.url));
    return winner;
  };
  const first = await race();
  await first.leases.take(roomId);
  const others = takers.filter((taker) => taker !== first);
  for (const { leases } of others) await leases.release(roomId);
  assert.equal(await race(), first, 'only the holder gives a lease back');
  await first.leases.release(roomId);
  await race();
});

test('[CL6] a room that was let go of opens on any server at once', async () => {
  await using cluster = await startTestCluster();
  const { a, b } = cluster;
  const { roomId } = await a.createRoom();
  for (const server of [a, b, a, b]) {
    const host = await server.connect('host');
    assert.equal((await host.join(roomId)).participants.length, 1);
    await host.request('room:leave', {});
    await host.close();
  }
});

test('[CL7] while Redis is away the database says where a room is alive; afterwards its lease is taken anew', async () => {
  await using cluster = await startTestCluster();
  const { a, b, redis } = cluster;
  const { roomId } = await a.createRoom();
  const other = await b.createRoom();
  const host = await a.connect('host');
  const guest = await b.connect('guest', 'patient');
  await host.join(roomId);
  await redis.kill();
  await assert.rejects(guest.join(roomId), elsewhere(a.url));
  assert.equal((await guest.join(other.roomId)).participants.length, 1);
  await redis.restart();
  await assert.rejects(guest.join(roomId), elsewhere(a.url), 'an empty Redis gives nothing away');
  await assert.rejects(host.join(other.roomId), elsewhere(b.url));
  const reader = new Redis(redis.url);
  for (const [room, app] of [
    [roomId, a],
    [other.roomId, b],
  ] as const) {
    await waitFor('the lease to be taken anew', async () => (await reader.get(`parley:room:${room}`))?.endsWith(app.url) ?? false);
  }
  reader.disconnect();
  assert.ok(a.app.rooms.find(roomId), 'nobody was sent away');
});

test('[CL8] of two servers that have the same room alive the one with the lease keeps it; on the other it closes and people are sent over', async () => {
  await using cluster = await startTestCluster();
  const { a, b, redis } = cluster;
  const { roomId } = await a.createRoom({ lobby: true });
  const host = await a.connect('host');
  const waiter = await a.connect('guest', 'patient');
  await host.join(roomId);
  await waiter.request('room:join', { roomId });
  // As after a long pause of the first server.
  const thief = new Redis(redis.url);
  const [row] = await a.sql<{ server_id: string }>('select server_id from servers where url = $1', [b.url]);
  await thief.set(`parley:room:${roomId}`, `${row?.server_id} ${b.url}`, 'PX', 30_000);
  thief.disconnect();
  assert.equal((await host.notice('room:mediaLost')).reason, 'moved');
  await waiter.notice('room:admitted');
  await assert.rejects(host.join(roomId), elsewhere(b.url));
  const there = await b.connect('host');
  assert.equal((await there.join(roomId)).participants.length, 1);
  assert.equal(a.app.rooms.find(roomId), undefined);
});

test('[CL16] the tokens of a room open it on every server', async () => {
  // Without a shared secret of the host application's the servers sign by one of their own.
  const { publicKey } = await import('node:crypto').then(({ generateKeyPairSync }) =>
    generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    }),
  );
  await using cluster = await startTestCluster({ env: { AUTH_PUBLIC_KEY: publicKey, NODE_ENV: 'test' } });
  const { a, b } = cluster;
  const { roomId, guestToken } = await a.createRoom();
  const guest = await b.connect('', 'patient', { token: guestToken });
  assert.equal((await guest.join(roomId)).participants.length, 1);
});
