import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import jwt from 'jsonwebtoken';
import { startEmbeddedDatabase } from '../../src/db/embedded.ts';
import { createLog } from '../../src/log.ts';
import type { Message } from '../../src/protocol/chat.ts';
import { AppError } from '../../src/protocol/errors.ts';
import { group, outcomeOf, person, readAll, unlimited, upTo } from '../chat/chat-fixture.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { startTestApp } from '../support/test-app.ts';
import { TestClient } from '../support/test-client.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { waitFor } from '../support/wait-for.ts';

/** One who keeps sending, and what was acknowledged to them. */
class Sender {
  readonly name: string;
  /** By client id. */
  readonly acknowledged = new Map<string, Message>();
  /** Sent, with no answer yet or with an error for one. */
  readonly open = new Set<string>();
  #count = 0;

  constructor(name: string) {
    this.name = name;
  }

  async send(client: TestClient, conversationId: string, clientId: string): Promise<void> {
    this.open.add(clientId);
    const { message } = await client.request('chat:send', { conversationId, clientId, type: 'text', content: `says ${clientId}` });
    const before = this.acknowledged.get(clientId);
    assert.equal(message.messageId, before?.messageId ?? message.messageId);
    this.acknowledged.set(clientId, message);
    this.open.delete(clientId);
  }

  next(): string {
    this.#count += 1;
    return `${this.name}-${this.#count}`;
  }
}

test('[CH50] a server killed in the middle of many messages loses none that it acknowledged, and doubles none that is sent again', async () => {
  await using database = await createTestDatabase();
  const secret = randomBytes(32).toString('hex');
  const env = { ...unlimited, DATABASE_URL: database.url, AUTH_SECRET: secret, ENCRYPTION_KEYS: `k:${randomBytes(32).toString('base64')}` };
  const tokenOf = (sub: string) => jwt.sign({ sub, name: sub, role: 'provider', exp: Math.floor(Date.now() / 1000) + 3600 }, secret);
  const senders = ['ann', 'bob', 'eve'].map((name) => new Sender(name));
  const heard: Message[] = [];
  let conversationId = '';

  const connect = async ({ url }: ServerProcess) => {
    const reader = await TestClient.connect(url, { token: tokenOf('reader') });
    reader.socket.on('chat:message', ({ message }: { message: Message }) => heard.push(message));
    const clients = await Promise.all(senders.map(({ name }) => TestClient.connect(url, { token: tokenOf(name) })));
    return { reader, clients };
  };

  for (const round of [1, 2]) {
    await using server = await startServerProcess(env);
    if (conversationId === '') {
      const response = await fetch(new URL('/api/v1/conversations/group', server.url), {
        method: 'POST',
        headers: { authorization: `Bearer ${tokenOf('reader')}`, 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'Ward', memberIds: senders.map(({ name }) => name) }),
      });
      ({ conversationId } = (await response.json()) as { conversationId: string });
    }
    const { reader, clients } = await connect(server);
    // Back after the last time: what was not acknowledged is sent again, what was told meanwhile is caught up with.
    await Promise.all(
      senders.map((sender, index) => Promise.all([...sender.open].map((id) => sender.send(clients[index]!, conversationId, id)))),
    );
    if (round > 1) heard.push(...(await readAll(reader, conversationId, contiguous(heard))));
    const total = () => senders.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0);
    const goal = total() + 150;
    let isKilled = false;
    const streams = senders.flatMap((sender, index) =>
      upTo(10).map(async () => {
        while (!isKilled) {
          try {
            await sender.send(clients[index]!, conversationId, sender.next());
          } catch (error) {
            assert.ok(isKilled, `refused by a living server: ${error}`);
          }
        }
      }),
    );
    await waitFor('many messages to be acknowledged', () => total() >= goal);
    isKilled = true;
    await server.kill();
    await Promise.all(streams);
    for (const client of [reader, ...clients]) await client.close();
  }

  await using server = await startServerProcess(env);
  const { reader, clients } = await connect(server);
  await Promise.all(
    senders.map((sender, index) => Promise.all([...sender.open].map((id) => sender.send(clients[index]!, conversationId, id)))),
  );
  heard.push(...(await readAll(reader, conversationId, contiguous(heard))));
  const all = await readAll(reader, conversationId);
  const expected = senders.flatMap(({ acknowledged }) => [...acknowledged.values()]);
  assert.deepEqual(
    all.map(({ seq }) => seq),
    upTo(all.length),
    'no gap',
  );
  assert.equal(all.length, expected.length, 'nothing doubled, nothing lost');
  const stored = new Map(all.map((message) => [message.messageId, message]));
  for (const { messageId, seq, clientId } of expected) {
    assert.deepEqual(
      [stored.get(messageId)?.seq, stored.get(messageId)?.clientId, stored.get(messageId)?.content],
      [seq, clientId, `says ${clientId}`],
    );
  }
  assert.deepEqual(
    [...new Set(heard.map(({ seq }) => seq))].sort((a, b) => a - b),
    upTo(all.length),
    'whoever comes back misses nothing',
  );
  for (const client of [reader, ...clients]) await client.close();
});

/** The seq up to which nothing is missing. */
function contiguous(messages: readonly Message[]): number {
  const seqs = new Set(messages.map(({ seq }) => seq));
  let last = 0;
  while (seqs.has(last + 1)) last += 1;
  return last;
}

test('[CH51] a database that dies and comes back loses no acknowledged message; what fails meanwhile says so and succeeds when sent again', async () => {
  const dataDir = mkdtempSync(path.join(tmpdir(), 'parley-restart-'));
  await using parts = new AsyncDisposableStack();
  parts.defer(() => rmSync(dataDir, { recursive: true, force: true }));
  const log = createLog('silent');
  let embedded = await startEmbeddedDatabase({ dataDir, log });
  parts.defer(() => embedded.close());
  const app = parts.use(await startTestApp({ ...unlimited, DATABASE_URL: embedded.url }));
  const people = ['ann', 'bob', 'eve'].map((name) => person(app, name));
  const [ann, bob, eve] = people as [(typeof people)[0], (typeof people)[0], (typeof people)[0]];
  const { conversationId } = await group(ann, [bob, eve]);
  const clients = await Promise.all(people.map((one) => one.connect()));
  const senders = people.map(({ userId }) => new Sender(userId));

  const codes = new Set<string>();
  const total = () => senders.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0);
  let isOver = false;
  const streams = senders.flatMap((sender, index) =>
    upTo(8).map(async () => {
      while (!isOver) {
        const clientId = sender.next();
        await waitFor('the message to be taken', async () => {
          try {
            await sender.send(clients[index]!, conversationId, clientId);
            return true;
          } catch (error) {
            codes.add(error instanceof AppError ? error.code : String(error));
            return false;
          }
        });
      }
    }),
  );
  for (const _round of [1, 2]) {
    const before = total();
    await waitFor('messages to flow', () => total() > before + 100);
    await killDatabase(dataDir);
    assert.deepEqual(outcomeOf(await ann.rest('GET', 'conversations')), [503, 'server.unavailable']);
    assert.equal((await app.rest('GET', '/readyz')).status, 503);
    await assert.rejects(
      TestClient.connect(app.url, { token: bob.token }),
      (error: { data?: { code?: string } }) => error.data?.code === 'server.unavailable',
    );
    embedded = await startEmbeddedDatabase({ dataDir, log });
  }
  const after = total();
  await waitFor('messages to flow again', () => total() > after + 100);
  isOver = true;
  await Promise.all(streams);
  assert.deepEqual([...codes], ['server.unavailable']);

  const all = await readAll(clients[0]!, conversationId);
  const expected = senders.flatMap(({ acknowledged }) => [...acknowledged.values()]);
  assert.deepEqual(
    all.map(({ seq }) => seq),
    upTo(all.length),
  );
  assert.deepEqual(new Set(all.map(({ messageId }) => messageId)), new Set(expected.map(({ messageId }) => messageId)));
  assert.equal(all.length, expected.length);
  await app.sqlOn(embedded.url, "select graphile_worker.add_job('rooms:endOverdue')");
  const left = () => app.sqlOn(embedded.url, 'select 1 from graphile_worker._private_jobs');
  await waitFor('jobs to run again', async () => (await left()).length === 0, 20_000);
});

/** Ends PostgreSQL at once, without a word to its clients and without a checkpoint. */
async function killDatabase(dataDir: string): Promise<void> {
  const pidFile = path.join(dataDir, 'postgres', 'data', 'postmaster.pid');
  const pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0]);
  process.kill(pid, 'SIGQUIT');
  await waitFor('the database to be gone', () => {
    try {
      process.kill(pid, 0);
      return false;
    } catch {
      return true;
    }
  });
}
