import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ParleyError } from '../../src/client/parley-error.ts';
import { RequestBook, type Send } from '../../src/client/request-book.ts';
import { afterReady, type WaitPolicy, waitPolicy } from '../../src/client/request-policy.ts';
import type { RequestName } from '../../src/protocol/index.ts';

/** A wire that keeps what was sent and answers when told to. */
function wire() {
  const sent: { name: string; payload: unknown; succeed: () => void; fail: () => void }[] = [];
  const send: Send = (name, payload, acknowledge) => {
    sent.push({
      name,
      payload,
      // Every request of these tests is answered by an empty object.
      succeed: () => acknowledge({ ok: true, data: {} as never }),
      fail: () => acknowledge({ ok: false, error: { code: 'auth.forbidden', message: 'no', details: { why: 'test' } } }),
    });
  };
  return { sent, send };
}

const hasCode = (code: string) => (error: unknown) => error instanceof ParleyError && error.code === code;

describe('[SDK6] requests that say what shall be wait for the connection, all others fail at once', () => {
  const rows: [RequestName, boolean | undefined, WaitPolicy][] = [
    ['room:raiseHand', undefined, 'wait'],
    ['room:leave', undefined, 'waitIfRecovered'],
    ['media:pauseProducer', undefined, 'waitIfRecovered'],
    ['media:setPreferredLayers', undefined, 'waitIfRecovered'],
    ['room:join', undefined, 'reject'],
    ['room:kick', undefined, 'reject'],
    ['media:produce', undefined, 'reject'],
    ['room:kick', true, 'wait'],
    ['media:pauseProducer', true, 'waitIfRecovered'],
    ['room:raiseHand', false, 'reject'],
  ];
  for (const [name, waits, policy] of rows)
    test(`${name}, asked for with ${waits}: ${policy}`, () => assert.equal(waitPolicy(name, waits), policy));

  const fates: [WaitPolicy, boolean, ReturnType<typeof afterReady>][] = [
    ['wait', true, 'send'],
    ['wait', false, 'sendAfterRejoin'],
    ['waitIfRecovered', true, 'send'],
    ['waitIfRecovered', false, 'reject'],
    ['reject', true, 'reject'],
    ['reject', false, 'reject'],
  ];
  for (const [policy, recovered, fate] of fates) {
    test(`${policy}, session ${recovered ? '' : 'not '}recovered: ${fate}`, () => assert.equal(afterReady(policy, recovered), fate));
  }

  test('without a connection', async () => {
    const { sent, send } = wire();
    const book = new RequestBook(send, 1000);
    await assert.rejects(book.request(false, 'room:lock', {}), hasCode('client.disconnected'));
    const waiting = book.request(false, 'room:raiseHand', { raised: true });
    assert.equal(sent.length, 0);
    book.ready(true);
    sent[0]?.succeed();
    await waiting;
    assert.equal(book.size, 0);
  });

  test('what was sent and not answered is sent again, before what was asked for later', async () => {
    const { sent, send } = wire();
    const book = new RequestBook(send, 1000);
    const answers = [book.request(true, 'media:pauseProducer', { producerId: 'a' })];
    const lost = book.request(true, 'room:lock', {});
    book.settleInFlight();
    await assert.rejects(lost, hasCode('client.disconnected'));
    answers.push(book.request(false, 'media:resumeProducer', { producerId: 'a' }));
    book.ready(true);
    assert.deepEqual(
      sent.map(({ name }) => name),
      ['media:pauseProducer', 'room:lock', 'media:pauseProducer', 'media:resumeProducer'],
    );
    // The answer to what was sent before is late and means nothing.
    sent[0]?.fail();
    sent[2]?.succeed();
    sent[3]?.succeed();
    await Promise.all(answers);
    assert.equal(book.size, 0);
  });

  test('after a session that was not recovered', async () => {
    const { sent, send } = wire();
    const book = new RequestBook(send, 1000);
    const hand = book.request(false, 'room:raiseHand', { raised: true });
    const pause = book.request(false, 'media:pauseProducer', { producerId: 'a' });
    book.ready(false);
    await assert.rejects(pause, hasCode('client.disconnected'));
    assert.equal(sent.length, 0);
    book.rejoined();
    assert.deepEqual(sent[0]?.payload, { raised: true });
    sent[0]?.succeed();
    await hand;
  });
});

describe('[SDK7] every request ends: with its answer, its error, a time-out or the close', () => {
  test('an error keeps its code and details', async () => {
    const { sent, send } = wire();
    const book = new RequestBook(send, 1000);
    const answer = book.request(true, 'room:lock', {});
    sent[0]?.fail();
    await assert.rejects(
      answer,
      (error) => hasCode('auth.forbidden')(error) && error instanceof ParleyError && error.details?.['why'] === 'test',
    );
  });

  test('no answer', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { sent, send } = wire();
    const book = new RequestBook(send, 1000);
    const answer = book.request(true, 'room:lock', {});
    t.mock.timers.tick(1000);
    await assert.rejects(answer, hasCode('client.timeout'));
    sent[0]?.succeed();
    assert.equal(book.size, 0);
  });

  test('closed', async () => {
    const { send } = wire();
    const book = new RequestBook(send, 1000);
    const all = [book.request(true, 'room:lock', {}), book.request(false, 'room:raiseHand', { raised: true })];
    book.rejectAll('client.closed');
    for (const answer of all) await assert.rejects(answer, hasCode('client.closed'));
    assert.equal(book.size, 0);
  });

  test('the answer is told in the tick in which it arrives', () => {
    const { sent, send } = wire();
    const book = new RequestBook(send, 1000);
    let told = false;
    void book.request(true, 'room:lock', {}, { onReply: () => (told = true) });
    sent[0]?.succeed();
    assert.equal(told, true);
  });
});
