import 'fake-indexeddb/auto';
import assert from 'node:assert/strict';
import { describe, mock, test } from 'node:test';
import { Outbox, type OutboxOptions } from '../../src/client/chat/outbox.ts';
import { fateOf, inOrder, maxAttempts, nextOf, type OutboxEntry } from '../../src/client/chat/outbox-plan.ts';
import { createMemoryStore, createOutboxStore, type OutboxStore } from '../../src/client/chat/outbox-store.ts';
import { ParleyError } from '../../src/client/parley-error.ts';
import type { Message, SendPayload } from '../../src/protocol/chat.ts';
import { waitFor } from '../support/wait-for.ts';
import { messageAt } from './chat-fixture.ts';

const entry = (clientId: string, change: Partial<OutboxEntry> = {}): OutboxEntry => {
  const conversationId = change.conversationId ?? 'talk';
  return {
    userId: 'me',
    conversationId,
    clientId,
    order: 1,
    payload: { conversationId, clientId, type: 'text', content: clientId },
    attachments: [],
    createdAt: '2026-01-01T12:00:00.000Z',
    ...change,
  };
};
const written = (clientId: string, conversationId = 'talk'): Omit<OutboxEntry, 'order'> => {
  const { order: _, ...rest } = entry(clientId, { conversationId });
  return rest;
};

/** An outbox whose wire is the test: what is sent waits to be answered. */
function createWire(store: OutboxStore = createMemoryStore(), isConnected = true) {
  const log: string[] = [];
  const wire = new Map<string, { resolve: (message: Message) => void; reject: (error: Error) => void }>();
  const link = { isConnected };
  const options: OutboxOptions = {
    store,
    isConnected: () => link.isConnected,
    send: ({ clientId }: SendPayload) => {
      log.push(clientId);
      return new Promise((resolve, reject) => wire.set(clientId, { resolve, reject }));
    },
    onQueued: ({ clientId }) => log.push(`queued ${clientId}`),
    onSent: ({ clientId }) => log.push(`sent ${clientId}`),
    onRefused: ({ clientId }, { code }) => log.push(`refused ${clientId}: ${code}`),
    onDropped: ({ clientId }) => log.push(`dropped ${clientId}`),
  };
  const outbox = new Outbox(options);
  /** Answers what is on the wire, as soon as it is. */
  async function answer(clientId: string, error?: ParleyError): Promise<void> {
    await waitFor(`${clientId} on the wire`, () => wire.has(clientId));
    const { resolve, reject } = wire.get(clientId) ?? {};
    wire.delete(clientId);
    if (error !== undefined) reject?.(error);
    else resolve?.(messageAt(1, { clientId }));
  }
  return { outbox, link, log, answer, sends: () => log.filter((line) => !line.includes(' ')) };
}

describe('[CC10] the order of sending', () => {
  const entries = [
    entry('c', { order: 3 }),
    entry('a', { order: 1 }),
    entry('b', { order: 1 }),
    entry('x', { order: 2, conversationId: 'else' }),
  ];
  test('by order, and then by id', () =>
    assert.deepEqual(
      inOrder(entries).map(({ clientId }) => clientId),
      ['a', 'b', 'x', 'c'],
    ));
  test('the first of a conversation that was not refused', () => {
    assert.equal(nextOf(entries, 'talk')?.clientId, 'a');
    const refused = entries.map((one) =>
      one.clientId === 'a' ? { ...one, refusal: { code: 'auth.forbidden' as const, message: '' } } : one,
    );
    assert.equal(nextOf(refused, 'talk')?.clientId, 'b');
    assert.equal(nextOf(entries, 'nowhere'), undefined);
  });

  test('one at a time in a conversation, conversations beside each other', async () => {
    const { outbox, answer, sends, log } = createWire();
    await Promise.all([outbox.add(written('a')), outbox.add(written('b')), outbox.add(written('x', 'else'))]);
    await waitFor('both conversations to send', () => sends().length === 2);
    assert.deepEqual(sends().sort(), ['a', 'x']);
    await answer('a');
    await answer('b');
    await answer('x');
    await waitFor('all to be sent', () => outbox.entries.length === 0);
    assert.ok(log.indexOf('sent a') < log.indexOf('b'));
    outbox.close();
  });
});

describe('[CC11] what becomes of a message that could not be sent', () => {
  const rows: [string, Record<string, unknown> | undefined, number, ReturnType<typeof fateOf>][] = [
    ['client.disconnected', undefined, 1, { type: 'whenConnected' }],
    ['server.shutting_down', undefined, 1, { type: 'whenConnected' }],
    ['client.closed', undefined, 1, { type: 'stay' }],
    ['protocol.rate_limited', { retryAfterMs: 1234 }, 50, { type: 'again', afterMs: 1234 }],
    ['protocol.rate_limited', undefined, 1, { type: 'again', afterMs: 1000 }],
    ['client.timeout', undefined, 1, { type: 'again', afterMs: 1000 }],
    ['internal', undefined, 2, { type: 'again', afterMs: 2000 }],
    ['internal', undefined, 5, { type: 'again', afterMs: 16_000 }],
    ['internal', undefined, maxAttempts, { type: 'giveUp' }],
    ['chat.conversation_not_found', undefined, 1, { type: 'giveUp' }],
    ['chat.conversation_closed', undefined, 1, { type: 'giveUp' }],
    ['protocol.invalid_payload', undefined, 1, { type: 'giveUp' }],
    ['auth.forbidden', undefined, 1, { type: 'giveUp' }],
  ];
  for (const [code, details, attempts, fate] of rows) {
    test(`${code}${details ? ' with details' : ''}, time ${attempts}`, () => {
      assert.deepEqual(fateOf({ code: code as ParleyError['code'], details }, attempts), fate);
    });
  }

  test('asked to slow down it waits as long as it is told, and then sends the same again', async () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const { outbox, answer, sends, log } = createWire();
      await outbox.add(written('a'));
      await settled();
      await answerNow(answer, 'a', new ParleyError('protocol.rate_limited', { details: { retryAfterMs: 5000 } }));
      mock.timers.tick(4999);
      await settled();
      assert.deepEqual(sends(), ['a']);
      mock.timers.tick(1);
      await settled();
      assert.deepEqual(sends(), ['a', 'a']);
      await answerNow(answer, 'a');
      assert.ok(log.includes('sent a'));
      outbox.close();
    } finally {
      mock.timers.reset();
    }
  });

  test('without a connection it waits for one', async () => {
    const { outbox, link, answer, sends } = createWire(createMemoryStore(), false);
    await outbox.add(written('a'));
    assert.deepEqual(sends(), []);
    link.isConnected = true;
    outbox.flush();
    await answer('a', new ParleyError('client.disconnected'));
    await settled();
    assert.deepEqual(sends(), ['a']);
    outbox.flush();
    await answer('a');
    await waitFor('it to be sent', () => outbox.entries.length === 0);
    outbox.close();
  });
});

describe('[CC12] messages survive a reload', () => {
  test('in order, each user’s apart', async () => {
    const before = createWire(createOutboxStore(), false);
    await before.outbox.add(written('first'));
    await before.outbox.add(written('second'));
    await before.outbox.add({ ...written('secret'), userId: 'somebody else' });
    before.outbox.close();

    const { outbox, answer, sends } = createWire(createOutboxStore());
    await outbox.load('me');
    await answer('first');
    await answer('second');
    await waitFor('all to be sent', () => outbox.entries.length === 0);
    assert.deepEqual(sends(), ['first', 'second']);
    outbox.close();

    const store = createOutboxStore();
    await waitFor('them to be forgotten', async () => (await store.load('me')).length === 0);
    assert.equal((await store.load('somebody else')).length, 1);
    store.close();
  });

  test('a browser that refuses the database keeps nobody from sending', async () => {
    const refusing = mock.method(globalThis.indexedDB, 'open', () => {
      throw new DOMException('no', 'SecurityError');
    });
    try {
      const { outbox, answer } = createWire(createOutboxStore());
      await outbox.load('me');
      await outbox.add(written('a'));
      await answer('a');
      await waitFor('it to be sent', () => outbox.entries.length === 0);
      outbox.close();
    } finally {
      refusing.mock.restore();
    }
  });
});

test('[CC13] after a lost answer the same clientId goes out again, and a notice that it is stored ends that', async () => {
  const { outbox, answer, sends, log } = createWire();
  await outbox.add(written('a'));
  await answer('a', new ParleyError('client.disconnected'));
  await settled();
  outbox.flush();
  await waitFor('it to be sent again', () => sends().length === 2);
  outbox.confirm('a');
  await answer('a', new ParleyError('client.disconnected'));
  await settled();
  assert.deepEqual(outbox.entries, []);
  assert.deepEqual(
    log.filter((line) => line.startsWith('refused')),
    [],
  );
  outbox.close();
});

test('[CC14] a refused message steps aside, stays through a reload, and is tried again as the last or thrown away', async () => {
  const store = createMemoryStore();
  const first = createWire(store);
  await first.outbox.add(written('a'));
  await first.outbox.add(written('b'));
  await first.answer('a', new ParleyError('protocol.invalid_payload'));
  await first.answer('b');
  await waitFor('b to be sent', () => first.log.includes('sent b'));
  assert.ok(first.log.includes('refused a: protocol.invalid_payload'));
  first.outbox.close();

  const { outbox, answer, sends, log } = createWire(store);
  await outbox.load('me');
  assert.equal(outbox.entries[0]?.refusal?.code, 'protocol.invalid_payload');
  await settled();
  assert.deepEqual(sends(), []);
  await outbox.add(written('c'));
  await outbox.retry('a');
  await answer('c');
  await answer('a', new ParleyError('auth.forbidden'));
  await waitFor('it to be refused again', () => log.includes('refused a: auth.forbidden'));
  await outbox.discard('a');
  assert.deepEqual(sends(), ['c', 'a']);
  assert.deepEqual(await store.load('me'), []);
  outbox.close();
});

test('[CC15] what another tab has sent meanwhile is not sent again', async () => {
  const store = createOutboxStore();
  const { outbox, link, log, sends } = createWire(createOutboxStore(), false);
  await outbox.add(written('shared'));
  await store.delete(entry('shared'));
  link.isConnected = true;
  outbox.flush();
  await waitFor('it to be dropped', () => log.includes('dropped shared'));
  assert.deepEqual(sends(), []);
  assert.deepEqual(outbox.entries, []);
  outbox.close();
  store.close();
});

test('[CC26] closing ends a wait and keeps what is not sent', async () => {
  const store = createMemoryStore();
  const { outbox, answer, sends } = createWire(store);
  await outbox.add(written('a'));
  await answer('a', new ParleyError('protocol.rate_limited', { details: { retryAfterMs: 60_000 } }));
  await settled();
  outbox.close();
  await settled();
  assert.deepEqual(sends(), ['a']);
  assert.equal((await store.load('me')).length, 1);
});

/** Lets everything happen that waits for nothing but promises. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Answers what is on the wire already, with the clock standing still. */
async function answerNow(
  answer: (clientId: string, error?: ParleyError) => Promise<void>,
  clientId: string,
  error?: ParleyError,
): Promise<void> {
  await answer(clientId, error);
  await settled();
}
