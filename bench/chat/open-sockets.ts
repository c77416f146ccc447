import pg from 'pg';
import { cpuTimeNs, databaseCpuTimeNs } from '../support/cpu-time.ts';
import { residentBytes } from '../support/process-memory.ts';
import { Clinic, type Person } from './clinic.ts';

/** People who come and stay before anything is measured, so that the server's code is compiled and its heap has its working size. */
const earlyCount = 200;
const settleMs = 3_000;

export interface SocketFigures {
  readonly count: number;
  readonly connectMs: number;
  readonly connectServerCpuNs: number;
  readonly connectDatabaseCpuNs: number;
  readonly residentBytesBefore: number;
  readonly residentBytesHalfway: number;
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
  const firstHalf = await clinic.admit(Math.floor(count / 2));
  const residentBytesHalfway = residentBytes(server.pid);
  const people = [...firstHalf, ...(await clinic.admit(count - firstHalf.length))];
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
    residentBytesHalfway,
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
  const conversationId = await clinic.gather([owner, ...others.slice(0, 1)]);
  await addMembers(clinic.server.databaseUrl, conversationId, others.slice(1));
  const broadcasts: Broadcast[] = [];
  for (let round = 0; round < times; round += 1) broadcasts.push(await broadcast(owner, others, conversationId, round));
  return broadcasts;
}

/** Past the server, which tells every newcomer to all: with thousands of members that would be another figure. */
async function addMembers(databaseUrl: string, conversationId: string, people: readonly Person[]): Promise<void> {
  const database = new pg.Client({ connectionString: databaseUrl });
  await database.connect();
  try {
    await database.query(
      `insert into conversation_members (conversation_id, user_id, role) select $1, user_id, 'member' from unnest($2::text[]) as user_id`,
      [conversationId, people.map(({ userId }) => userId)],
    );
  } finally {
    await database.end();
  }
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
