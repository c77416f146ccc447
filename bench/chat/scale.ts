import { statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import pg from 'pg';
import { percentile } from '../support/percentiles.ts';
import { Clinic, type Person } from './clinic.ts';
import { fillMessages } from './filling.ts';
import { explainAll, type Plan, readPlans } from './plans.ts';
import { smallTalk } from './small-talk.ts';

/** What one member has said and heard; the same whatever the size of the database. */
const ownConversations = 50;
const ownMessagesEach = 100;
/** A word that comes in one of the member's messages of a hundred. */
const rareWord = 'xerophthalmia';
const repeats = 40;
const patienceMs = 300;

/** What one request costs in a database of some size. */
export interface QueryFigures {
  readonly name: string;
  readonly order: number;
  readonly messages: number;
  /** From the request to its answer through the whole server. */
  readonly p50Ms: number;
  readonly p95Ms: number;
  /** Of each query of one such request. */
  readonly plans: readonly Plan[];
}

/** Fills a server's database and asks it what a member would ask. */
export async function measureScale(messages: number, say: (text: string) => void): Promise<QueryFigures[]> {
  say(`\n${messages} messages`);
  await using clinic = await Clinic.open(undefined);
  const { server } = clinic;
  const database = new pg.Client({ connectionString: server.databaseUrl });
  await database.connect();
  try {
    await fillMessages(database, messages - ownConversations * ownMessagesEach, say);
    const people = await clinic.admit(4);
    const conversationIds: string[] = [];
    for (let index = 0; index < ownConversations; index += 1) conversationIds.push(await clinic.gather(people));
    await Promise.all(conversationIds.map((conversationId, index) => converse(people, conversationId, index)));
    await database.query('vacuum analyze');
    const { rows } = await database.query<{ size: string }>(`select pg_size_pretty(pg_total_relation_size('messages')) as size`);
    say(`  the table takes ${rows[0]?.size} with its indexes`);

    const [reader] = people;
    const [conversationId = ''] = conversationIds;
    if (!reader) throw new Error('nobody is there to read');
    const requests = requestsIn(conversationId);
    const times: number[][] = [];
    for (const { event, payloadOf } of requests) times.push(await time(reader, event, payloadOf));

    for (const setting of explainAll) await database.query(`alter system set ${setting}`);
    await database.query('select pg_reload_conf()');
    // The server's connections are made anew, with the settings.
    await database.query('select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1', ['parley']);
    await sleep(patienceMs);
    const figures: QueryFigures[] = [];
    for (const [order, { name, event, payloadOf }] of requests.entries()) {
      // Once for what a new connection has to find out about the tables.
      for (let index = 0; index < 12; index += 1) await ask(reader, event, payloadOf(repeats + index));
      const before = statSync(server.databaseLog).size;
      await ask(reader, event, payloadOf(repeats + 12));
      await sleep(patienceMs);
      const plans = readPlans(await readFrom(server.databaseLog, before));
      const own = times[order] ?? [];
      figures.push({ name, order, messages, p50Ms: percentile(own, 0.5), p95Ms: percentile(own, 0.95), plans });
    }
    return figures;
  } finally {
    await database.end();
  }
}

/** What a member asks; `payloadOf` makes each time another payload where the same one would do nothing. */
function requestsIn(conversationId: string): { name: string; event: string; payloadOf: (turn: number) => object }[] {
  return [
    { name: 'history, the latest 50', event: 'chat:history', payloadOf: () => ({ conversationId }) },
    { name: 'history, 50 after a seq', event: 'chat:history', payloadOf: () => ({ conversationId, afterSeq: 20 }) },
    { name: 'conversations with unread counts', event: 'chat:conversations', payloadOf: () => ({}) },
    { name: 'read up to a seq', event: 'chat:read', payloadOf: (turn) => ({ conversationId, seq: turn + 1 }) },
    { name: 'search a rare word everywhere', event: 'chat:search', payloadOf: () => ({ query: rareWord }) },
    { name: 'search a frequent word everywhere', event: 'chat:search', payloadOf: () => ({ query: 'patient' }) },
    { name: 'search two words in one', event: 'chat:search', payloadOf: () => ({ query: 'dau headache', conversationId }) },
    {
      name: 'send',
      event: 'chat:send',
      payloadOf: (turn) => ({ conversationId, clientId: `scale-${turn}`, type: 'text', content: smallTalk() }),
    },
  ];
}

/** Fills one of the member's conversations by way of the server, so that contents and search tokens are real. */
async function converse(people: readonly Person[], conversationId: string, conversation: number): Promise<void> {
  for (let index = 0; index < ownMessagesEach; index += 1) {
    const sender = people[index % people.length];
    const content = index === 50 ? `${smallTalk()} ${rareWord}` : smallTalk();
    if (sender) await ask(sender, 'chat:send', { conversationId, clientId: `own-${conversation}-${index}`, type: 'text', content });
  }
}

let lastId = 0;
const waiting = new Map<number, (isOk: boolean, packet: string) => void>();

function ask({ socket }: Person, event: string, payload: object): Promise<void> {
  const id = ++lastId;
  socket.onAcknowledgement = (answered, isOk, packet) => {
    waiting.get(answered)?.(isOk, packet);
    waiting.delete(answered);
  };
  return new Promise((resolve, reject) => {
    waiting.set(id, (isOk, packet) => (isOk ? resolve() : reject(new Error(packet))));
    socket.request(id, event, payload);
  });
}

async function time(person: Person, event: string, payloadOf: (turn: number) => object): Promise<number[]> {
  const times: number[] = [];
  for (let turn = 0; turn < repeats; turn += 1) {
    const beganAt = performance.now();
    await ask(person, event, payloadOf(turn));
    times.push(performance.now() - beganAt);
  }
  return times;
}

async function readFrom(file: string, offset: number): Promise<string> {
  await using handle = await open(file);
  const { size } = await handle.stat();
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - offset), 0, size - offset, offset);
  return buffer.toString('utf8', 0, bytesRead);
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
