import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { types } from 'mediasoup-client';
import { IceRestarter, type WatchedTransport } from '../../src/client/ice-restarter.ts';

type Listener = (state: types.ConnectionState) => void;

/** A transport whose state a test sets. */
function transport() {
  const listeners = new Set<Listener>();
  const watched = {
    closed: false,
    connectionState: 'connected' as types.ConnectionState,
    on: (_event: string, listener: unknown) => listeners.add(listener as Listener),
    off: (_event: string, listener: unknown) => listeners.delete(listener as Listener),
  };
  return {
    watched: watched as unknown as WatchedTransport,
    listeners,
    become(state: types.ConnectionState) {
      watched.connectionState = state;
      for (const listener of listeners) listener(state);
    },
  };
}

function watch(t: TestContext, restart: () => Promise<void> = () => Promise.resolve()) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const counts = { restarts: 0, givenUp: 0 };
  const subject = transport();
  const restarter = new IceRestarter(
    subject.watched,
    () => {
      counts.restarts++;
      return restart();
    },
    () => counts.givenUp++,
  );
  const pass = async (ms: number) => {
    t.mock.timers.tick(ms);
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  };
  return { ...subject, restarter, counts, pass };
}

describe('[SDK16] a lost path is looked for again', () => {
  test('disconnected: after two seconds', async (t) => {
    const { become, counts, pass } = watch(t);
    become('disconnected');
    await pass(1999);
    assert.equal(counts.restarts, 0);
    await pass(1);
    assert.equal(counts.restarts, 1);
  });
  test('healed meanwhile: not at all', async (t) => {
    const { become, counts, pass } = watch(t);
    become('disconnected');
    become('connected');
    await pass(60_000);
    assert.equal(counts.restarts, 0);
  });
  test('failed: at once', async (t) => {
    const { become, counts, pass } = watch(t);
    become('failed');
    await pass(0);
    assert.equal(counts.restarts, 1);
  });
  test('the socket is back: at once', async (t) => {
    const { become, restarter, counts, pass } = watch(t);
    become('disconnected');
    restarter.retryNow();
    await pass(0);
    assert.equal(counts.restarts, 1);
  });
  test('after four restarts without success it is given up, once', async (t) => {
    const { become, counts, pass, listeners } = watch(t, () => Promise.reject(new Error('no socket')));
    become('failed');
    await pass(0);
    for (let round = 0; round < 10; round++) await pass(5000);
    assert.deepEqual(counts, { restarts: 4, givenUp: 1 });
    assert.equal(listeners.size, 0);
  });
  test('a success starts the count anew', async (t) => {
    const { become, counts, pass } = watch(t);
    for (let round = 0; round < 6; round++) {
      become('failed');
      await pass(0);
      become('connected');
    }
    assert.deepEqual(counts, { restarts: 6, givenUp: 0 });
  });
  test('closed: nothing more', async (t) => {
    const { become, restarter, counts, pass, listeners } = watch(t);
    become('disconnected');
    restarter.close();
    restarter.close();
    await pass(60_000);
    assert.equal(counts.restarts, 0);
    assert.equal(listeners.size, 0);
  });
});
