import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, mock, test } from 'node:test';
import { ReceiptSender } from '../../src/client/chat/receipt-sender.ts';
import { TypingSender, TypingWatch } from '../../src/client/chat/typing.ts';

beforeEach(() => mock.timers.enable({ apis: ['setTimeout', 'Date'] }));
afterEach(() => mock.timers.reset());

/** Lets answers arrive. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('[CC21] receipts', () => {
  function create(answers: (() => Promise<unknown>)[] = []) {
    const sent: string[] = [];
    const link = { isConnected: true };
    const sender = new ReceiptSender(
      async (kind, conversationId, seq) => {
        sent.push(`${kind} ${conversationId} ${seq}`);
        await answers.shift()?.();
      },
      () => link.isConnected,
    );
    return { sender, sent, link };
  }

  test('the highest alone goes out, with what comes within 200 ms', () => {
    const { sender, sent } = create();
    for (const seq of [1, 3, 2]) sender.acknowledge('delivered', 'a', seq);
    sender.acknowledge('delivered', 'b', 7);
    mock.timers.tick(199);
    assert.deepEqual(sent, []);
    mock.timers.tick(1);
    assert.deepEqual(sent, ['delivered a 3', 'delivered b 7']);
  });

  test('what is read need not be said to be delivered', () => {
    const { sender, sent } = create();
    sender.acknowledge('delivered', 'a', 3);
    sender.acknowledge('read', 'a', 3);
    mock.timers.tick(200);
    sender.acknowledge('delivered', 'a', 3);
    mock.timers.tick(200);
    assert.deepEqual(sent, ['read a 3']);
  });

  test('nothing is said twice, nor what another device has said', () => {
    const { sender, sent } = create();
    sender.known('read', 'a', 5);
    sender.acknowledge('read', 'a', 4);
    sender.acknowledge('read', 'a', 6);
    mock.timers.tick(200);
    sender.acknowledge('read', 'a', 6);
    mock.timers.tick(200);
    assert.deepEqual(sent, ['read a 6']);
  });

  test('without a connection it waits; one that failed is said again', async () => {
    const { sender, sent, link } = create([() => Promise.reject(new Error('lost'))]);
    sender.acknowledge('read', 'a', 2);
    mock.timers.tick(200);
    await settled();
    link.isConnected = false;
    sender.acknowledge('read', 'b', 1);
    mock.timers.tick(5000);
    assert.deepEqual(sent, ['read a 2']);
    link.isConnected = true;
    sender.flush();
    assert.deepEqual(sent.sort(), ['read a 2', 'read a 2', 'read b 1']);
  });

  test('[CC26] nothing goes out after the end', () => {
    const { sender, sent } = create();
    sender.acknowledge('read', 'a', 2);
    sender.close();
    mock.timers.tick(1000);
    assert.deepEqual(sent, []);
  });
});

describe('[CC22] typing', () => {
  test('is told at most every 4 s, and that it has stopped once', () => {
    const told: boolean[] = [];
    const sender = new TypingSender((typing) => told.push(typing));
    for (let key = 0; key < 10; key++) {
      sender.typed();
      mock.timers.tick(500);
    }
    assert.deepEqual(told, [true, true]);
    mock.timers.tick(6000);
    assert.deepEqual(told, [true, true, false]);
    sender.stopped();
    assert.deepEqual(told, [true, true, false]);
  });

  test('is told anew after it has stopped', () => {
    const told: boolean[] = [];
    const sender = new TypingSender((typing) => told.push(typing));
    sender.typed();
    sender.stopped();
    sender.typed();
    assert.deepEqual(told, [true, false, true]);
    sender.forget();
    mock.timers.tick(60_000);
    assert.deepEqual(told, [true, false, true]);
  });

  test('of others ends by itself', () => {
    let changes = 0;
    const watch = new TypingWatch(() => changes++);
    watch.set('a', true);
    mock.timers.tick(6000);
    watch.set('b', true);
    watch.set('a', true);
    assert.deepEqual(watch.userIds, ['a', 'b']);
    mock.timers.tick(11_999);
    assert.deepEqual(watch.userIds, ['a', 'b']);
    mock.timers.tick(1);
    assert.deepEqual([watch.userIds, changes], [[], 4]);
    watch.set('a', true);
    watch.clear();
    mock.timers.tick(60_000);
    assert.deepEqual([watch.userIds, changes], [[], 6]);
  });
});
