import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { pino } from 'pino';
import { allowedCores, createCpuAffinity, parseCpuList } from '../../src/sfu/cpu-affinity.ts';
import { WorkerPool } from '../../src/sfu/worker-pool.ts';
import type { WebRtcClient } from '../support/webrtc-client.ts';
import { assertCode, enterRoom, nextEvent, opusParameters, startPool } from './sfu-fixture.ts';

const log = pino({ enabled: false });

function countTimers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
}

function isRunning(pid: number | undefined): boolean {
  try {
    return pid !== undefined && process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('[SFU1] every worker is pinned to one core, going round the cores this process may use', {
  skip: process.platform !== 'linux',
}, async () => {
  await using pool = await startPool({ workerCount: 3 });
  const cores = allowedCores('self') ?? [];
  assert.ok(cores.length > 0);
  for (const { index, pid = 0, core } of pool.workers()) {
    assert.equal(core, cores[index % cores.length]);
    assert.deepEqual(allowedCores(pid), [core]);
  }
});

test("[SFU1] the kernel's list of cores is read whole", () => {
  assert.deepEqual(parseCpuList('0'), [0]);
  assert.deepEqual(parseCpuList('0-2,5'), [0, 1, 2, 5]);
  assert.deepEqual(parseCpuList('3,8-9,11\n'), [3, 8, 9, 11]);
  assert.deepEqual(parseCpuList(''), []);
});

test('[SFU1] where pinning fails it is said once and the pool goes on', async () => {
  const lines: string[] = [];
  const affinity = createCpuAffinity(pino({}, { write: (line) => lines.push(line) }));
  assert.equal(await affinity.pin(2 ** 30, 0), false);
  assert.equal(await affinity.pin(2 ** 30, 0), false);
  assert.equal(lines.length, 1);
});

test('[SFU2] worker i listens on UDP and TCP of port basePort + i', async () => {
  await using pool = await startOnFreeRange(2);
  const [first, second] = pool.workers();
  assert.ok(first && second);
  assert.equal(second.port, first.port + 1);
  for (const { index, port } of pool.workers()) {
    const room = await pool.createRoom();
    const { send } = await room.addPeer(`peer-${index}`).ensureTransports();
    const listening = send.iceCandidates.map(({ protocol, port: candidatePort, address }) => ({ protocol, candidatePort, address }));
    assert.deepEqual(listening, [
      { protocol: 'udp', candidatePort: port, address: '127.0.0.1' },
      { protocol: 'tcp', candidatePort: port, address: '127.0.0.1' },
    ]);
  }
});

test('[SFU3] a pool that cannot start says why and leaves nothing behind', async () => {
  const timersBefore = countTimers();
  await using taken = await startPool();
  const port = taken.workers()[0]?.port ?? 0;
  await assert.rejects(startPool({ workerCount: 2, basePort: port - 1 }), /media worker 1 cannot start/);
  await assert.rejects(WorkerPool.create({ workerCount: 1, listenIp: '0.0.0.0', basePort: 0, log }), /address to announce/);
  await assert.rejects(WorkerPool.create({ workerCount: 1, listenIp: 'localhost', basePort: 0, log }), /not an IP address/);
  await assert.rejects(
    WorkerPool.create({ workerCount: 1, listenIp: '127.0.0.1', basePort: 0, log, workerBin: '/nonexistent' }),
    /media worker 0 cannot start/,
  );
  assert.equal(countTimers(), timersBefore);
});

test('[SFU4] a room goes to the least loaded worker', async () => {
  await using pool = await startPool({ workerCount: 2 });
  const roomsOf = (): number[] => pool.workers().map(({ rooms }) => rooms);
  const busy = await pool.createRoom();
  assert.deepEqual(roomsOf(), [1, 0]);
  await pool.createRoom();
  assert.deepEqual(roomsOf(), [1, 1]);
  // Nine streams weigh more than the eight that every room counts.
  for (let peerIndex = 0; peerIndex < 9; peerIndex += 1) {
    const peer = busy.addPeer(`peer-${peerIndex}`);
    const { transportId } = await peer.createTransport('send');
    await peer.produce({ transportId, source: 'microphone', rtpParameters: opusParameters(1_000 + peerIndex) });
  }
  const third = await pool.createRoom();
  assert.deepEqual(roomsOf(), [1, 2]);
  busy.close();
  third.close();
  assert.deepEqual(roomsOf(), [0, 1]);
  await pool.createRoom();
  assert.deepEqual(roomsOf(), [1, 1]);
});

test('[SFU4] rooms made at the same moment spread out', async () => {
  await using pool = await startPool({ workerCount: 2 });
  await Promise.all(Array.from({ length: 6 }, () => pool.createRoom()));
  assert.deepEqual(
    pool.workers().map(({ rooms }) => rooms),
    [3, 3],
  );
});

test('[SFU5] a killed worker ends its rooms with worker_died, and a new one takes its core and port', async () => {
  await using pool = await startPool();
  const [before] = pool.workers();
  assert.ok(before?.pid);
  const room = await pool.createRoom();
  const peer = room.addPeer('a');
  await peer.ensureTransports();
  const order: string[] = [];
  peer.on('closed', (reason) => order.push(`peer ${reason}`));
  room.on('closed', (reason) => order.push(`room ${reason}`));
  pool.on('workerDied', ({ pid }) => order.push(`worker ${pid === before.pid}`));
  const started = nextEvent(pool, 'workerStarted');
  process.kill(before.pid, 'SIGKILL');
  const [{ index, pid }] = await started;
  assert.deepEqual(order, ['peer worker_died', 'room worker_died', 'worker true']);
  assert.deepEqual(pool.workers(), [{ index, pid, alive: true, core: before.core, port: before.port, rooms: 0 }]);
  if (before.core !== undefined) assert.deepEqual(allowedCores(pid), [before.core]);
  await assertCode('media.unavailable', () => peer.createTransport('send'));
  await assertCode('media.unavailable', () => room.addPeer('b'));
});

test('[SFU5] requests under way when the worker dies answer media.unavailable', async () => {
  await using pool = await startPool();
  const room = await pool.createRoom();
  const peer = room.addPeer('a');
  const { transportId } = await peer.createTransport('send');
  const pid = pool.workers()[0]?.pid ?? 0;
  process.kill(pid, 'SIGSTOP');
  const requests = [
    peer.createTransport('recv'),
    peer.restartIce({ transportId }),
    peer.produce({ transportId, source: 'microphone', rtpParameters: opusParameters(1) }),
    peer.stats(),
    pool.dump(),
  ].map((request) => assertCode('media.unavailable', () => request));
  const reservation = pool.createRoom();
  const closed = nextEvent(room, 'closed');
  process.kill(pid, 'SIGKILL');
  await Promise.all(requests);
  assert.deepEqual(await closed, ['worker_died']);
  // The room that was being made comes up on the successor.
  assert.equal((await reservation).closed, false);
});

test('[SFU5] while every worker is dead new rooms wait for the successor', async () => {
  await using pool = await startPool();
  const died = nextEvent(pool, 'workerDied');
  process.kill(pool.workers()[0]?.pid ?? 0, 'SIGKILL');
  await died;
  assert.deepEqual(
    pool.workers().map(({ alive, pid }) => ({ alive, pid })),
    [{ alive: false, pid: undefined }],
  );
  assert.deepEqual(
    (await pool.stats()).map(({ alive }) => alive),
    [false],
  );
  const rooms = await Promise.all(Array.from({ length: 12 }, () => pool.createRoom()));
  assert.ok(rooms.every(({ closed }) => !closed));
  assert.equal(pool.listenerCount('workerStarted'), 0);
});

test('[SFU5] a worker that dies again and again comes back every time', async () => {
  await using pool = await startPool();
  const { port } = pool.workers()[0] ?? {};
  for (let death = 0; death < 4; death += 1) {
    const started = nextEvent(pool, 'workerStarted');
    process.kill(pool.workers()[0]?.pid ?? 0, 'SIGKILL');
    await started;
  }
  assert.equal(pool.workers()[0]?.port, port);
});

test("[SFU6] other rooms lose no packet when a worker dies, and the dead room's people meet again", async () => {
  await using pool = await startPool({ workerCount: 2 });
  const doomed = await pool.createRoom();
  const other = await pool.createRoom();
  await using scene = new AsyncDisposableStack();
  const watch = async (room: typeof other): Promise<{ watcher: WebRtcClient; frames: (count: number) => Promise<void> }> => {
    const [sender, receiver] = await Promise.all([enterRoom(room, 'a'), enterRoom(room, 'b')]);
    scene.use(sender.client);
    scene.use(receiver.client);
    const { producerId } = await sender.client.publishVideo();
    const subscription = await receiver.client.subscribe(producerId);
    await subscription.resume();
    await subscription.frames(5);
    return { watcher: receiver.client, frames: (count) => subscription.frames(count) };
  };
  await watch(doomed);
  const { watcher, frames } = await watch(other);
  const died = nextEvent(pool, 'workerDied');
  const started = nextEvent(pool, 'workerStarted');
  process.kill(pool.workers()[0]?.pid ?? 0, 'SIGKILL');
  await died;
  await frames(10);
  await started;
  await frames(10);
  const inbound = await watcher.stats('recv', 'inbound-rtp');
  assert.ok(inbound.length > 0 && inbound.every(({ packetsLost }) => packetsLost === 0));
  assert.equal(other.closed, false);
  const again = await pool.createRoom();
  await watch(again);
  assert.deepEqual(
    pool.workers().map(({ rooms }) => rooms),
    [1, 1],
  );
});

test('[SFU7] the pool tells CPU time, memory and counts of each worker', async () => {
  await using pool = await startPool();
  const room = await pool.createRoom();
  const [a, b] = [room.addPeer('a'), room.addPeer('b')];
  const { send } = await a.ensureTransports();
  await b.ensureTransports();
  const { producerId } = await a.produce({ transportId: send.transportId, source: 'microphone', rtpParameters: opusParameters(1) });
  await b.consume({ producerId, rtpCapabilities: room.rtpCapabilities });
  const [stats] = await pool.stats();
  assert.ok(stats);
  const { cpuSeconds, memoryBytes, ...counts } = stats;
  assert.ok(cpuSeconds > 0 && cpuSeconds < 60);
  assert.ok(memoryBytes > 1_000_000 && memoryBytes < 1_000_000_000);
  assert.deepEqual(counts, { index: 0, pid: pool.workers()[0]?.pid, alive: true, routers: 1, transports: 4, producers: 1, consumers: 1 });
});

test('[SFU8] closing the pool closes rooms, ends the processes and leaves no timer', async () => {
  const timersBefore = countTimers();
  const signalListeners = process.listenerCount('SIGTERM') + process.listenerCount('SIGINT');
  const pool = await startPool({ workerCount: 2 });
  assert.equal(process.listenerCount('SIGTERM') + process.listenerCount('SIGINT'), signalListeners, "signals stay the application's");
  const room = await pool.createRoom();
  room.addPeer('a');
  const pids = pool.workers().map(({ pid }) => pid);
  const order: string[] = [];
  room.on('closed', (reason) => order.push(`room ${reason}`));
  pool.on('closed', () => order.push(`pool, processes running: ${pids.filter(isRunning).length}`));
  await Promise.all([pool.close(), pool.close()]);
  await pool.close();
  assert.deepEqual(order, ['room closed', 'pool, processes running: 0']);
  assert.equal(countTimers(), timersBefore);
  await assertCode('media.unavailable', () => pool.createRoom());
});

test('[SFU8] a pool closed while a worker is being replaced leaves no process', async () => {
  const timersBefore = countTimers();
  const pool = await startPool();
  const starts: number[] = [];
  pool.on('workerStarted', ({ pid }) => starts.push(pid));
  const died = nextEvent(pool, 'workerDied');
  process.kill(pool.workers()[0]?.pid ?? 0, 'SIGKILL');
  await died;
  const waiting = assertCode('media.unavailable', () => pool.createRoom());
  await new Promise((resolve) => setImmediate(resolve));
  await pool.close();
  await waiting;
  assert.deepEqual(starts, []);
  assert.equal(countTimers(), timersBefore);
});

async function startOnFreeRange(workerCount: number): Promise<WorkerPool> {
  for (let attempt = 1; ; attempt += 1) {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    server.close();
    await once(server, 'close');
    assert.ok(address !== null && typeof address === 'object');
    try {
      return await startPool({ workerCount, basePort: address.port });
    } catch (error) {
      // The next port is somebody else's: another range.
      if (attempt === 20) throw error;
    }
  }
}
