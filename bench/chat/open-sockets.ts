import { cpuTimeNs, databaseCpuTimeNs } from '../support/cpu-time.ts';
import { residentBytes } from '../support/process-memory.ts';
import { Clinic, type Person } from './clinic.ts';

/** People who come and stay before anything is measured, so that the server's code is compiled and its heap has its working size. */
const earlyCount = 200;
const settleMs = 3_000;
const membersAddedAtOnce = 200;

export interface SocketFigures {
  readonly count: number;
  readonly connectMs: number;
  readonly connectServerCpuNs: number;
  readonly connectDatabaseCpuNs: number;
  readonly residentBytesBefore: number;
  readonly residentBytesAfter: number;
  readonly idleSeconds: number;
  readonly idleServerCpuNs: number;
  readonly broadcasts: readonly Broadcast[];
}

/** From the sending of one message until the first and the last of those who hear it have it, milliseconds. */
export interface Broadcast {
  readonly receivers: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

/** Opens sockets that say nothing, and then tells all of them one message. */
export async function measureSockets(
  core: number | undefined,
  { count, idleSeconds, broadcasts }: { count: number; idleSeconds: number; broadcasts: number },
): Promise<SocketFigures> {
  await using clinic = await Clinic.open(core);
  const { server } = clinic;
  const early = await clinic.admit(earlyCount);
  await sleep(settleMs);
  const residentBytesBefore = residentBytes(server.pid);
  const [cpuBefore, databaseCpuBefore] = [cpuTimeNs(server.pid), databaseCpuTimeNs(server.databasePid)];
  const beganAt = performance.now();
  const people = await clinic.admit(count);
  const connectMs = performance.now() - beganAt;
  const [cpuAfter, databaseCpuAfter] = [cpuTimeNs(server.pid), databaseCpuTimeNs(server.databasePid)];
  await sleep(settleMs);
  const residentBytesAfter = residentBytes(server.pid);

  const idleCpuBefore = cpuTimeNs(server.pid);
  await sleep(idleSeconds * 1000);
  const idleServerCpuNs = cpuTimeNs(server.pid) - idleCpuBefore;

  return {
    count,
    connectMs,
    connectServerCpuNs: cpuAfter - cpuBefore,
    connectDatabaseCpuNs: databaseCpuAfter - databaseCpuBefore,
    residentBytesBefore,
    residentBytesAfter,
    idleSeconds,
    idleServerCpuNs,
    broadcasts: await broadcastToAll(clinic, [...early.slice(0, 1), ...people], broadcasts),
  };
}

/** One conversation with everybody in it, in which its owner speaks a few times. */
async function broadcastToAll(clinic: Clinic, people: readonly Person[], times: number): Promise<Broadcast[]> {
  const [owner, ...others] = people;
  if (owner === undefined) throw new Error('nobody is there to speak');
  const conversationId = await clinic.gather([owner, ...others.slice(0, membersAddedAtOnce)]);
  for (let first = membersAddedAtOnce; first < others.length; first += membersAddedAtOnce) {
    const userIds = others.slice(first, first + membersAddedAtOnce).map(({ userId }) => userId);
    await clinic.server.post(`/api/v1/conversations/${conversationId}/members`, { userIds }, owner.token);
  }
  const broadcasts: Broadcast[] = [];
  for (let round = 0; round < times; round += 1) broadcasts.push(await broadcast(owner, others, conversationId, round));
  return broadcasts;
}

function broadcast(owner: Person, others: readonly Person[], conversationId: string, round: number): Promise<Broadcast> {
  const { promise, resolve } = Promise.withResolvers<Broadcast>();
  let receivers = 0;
  let firstMs = Number.NaN;
  const sentAt = performance.now();
  for (const { socket } of others) {
    socket.onNotice = (packet) => {
      if (!packet.startsWith('42["chat:message"')) return;
      receivers += 1;
      if (receivers === 1) firstMs = performance.now() - sentAt;
      if (receivers === others.length) resolve({ receivers, firstMs, lastMs: performance.now() - sentAt });
    };
  }
  owner.socket.request(round, 'chat:send', {
    conversationId,
    clientId: `broadcast-${round}`,
    type: 'text',
    content: 'The clinic closes early.',
  });
  return promise;
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
