import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestApp } from '../support/test-app.ts';
import { direct, outcomeOf, person, readAll, refused, say, unlimited, upTo } from './chat-fixture.ts';

test('history', async (t) => {
  await using app = await startTestApp(unlimited);
  const [ann, bob] = [person(app, 'ann'), person(app, 'bob')];
  const { conversationId } = await direct(ann, bob);
  const [socket, other] = [await ann.connect(), await bob.connect()];
  await Promise.all(upTo(250).map((number) => say(socket, conversationId, `${number}`)));
  const seqs = (messages: readonly { seq: number }[]) => messages.map(({ seq }) => seq);

  await t.test('[CH20] the latest 50 messages are answered, ascending, unless told how many', async () => {
    const latest = await other.request('chat:history', { conversationId });
    assert.deepEqual(seqs(latest.messages), upTo(250).slice(-50));
    assert.equal(latest.hasMore, true);
    assert.deepEqual(
      latest.messages.map(({ content }) => content),
      upTo(250).slice(-50).map(String),
    );
    const { body } = await bob.rest('GET', `conversations/${conversationId}/messages?limit=3`);
    assert.deepEqual([seqs(body.messages), body.hasMore], [[248, 249, 250], true]);
  });

  await t.test('[CH21] pages backwards and forwards have every message once, and say when there is no more', async () => {
    for (const limit of [1, 7, 50, 100]) {
      const backwards: number[] = [];
      let beforeSeq: number | undefined;
      for (let hasMore = true; hasMore; ) {
        const page = await other.request('chat:history', { conversationId, limit, ...(beforeSeq !== undefined && { beforeSeq }) });
        assert.ok(page.messages.length === limit || !page.hasMore);
        backwards.unshift(...seqs(page.messages));
        beforeSeq = page.messages[0]?.seq;
        hasMore = page.hasMore && backwards.length < 60;
      }
      assert.deepEqual(backwards, upTo(250).slice(-backwards.length));
      const forwards: number[] = [];
      for (let hasMore = true; hasMore; ) {
        const page = await other.request('chat:history', { conversationId, limit, afterSeq: forwards.at(-1) ?? 0 });
        forwards.push(...seqs(page.messages));
        hasMore = page.hasMore && forwards.length < 60;
      }
      assert.deepEqual(forwards, upTo(forwards.length));
    }
    assert.deepEqual(seqs(await readAll(other, conversationId)), upTo(250));
    const exact = await other.request('chat:history', { conversationId, afterSeq: 150, limit: 100 });
    assert.deepEqual([seqs(exact.messages), exact.hasMore], [upTo(250).slice(150), false]);
    const between = await other.request('chat:history', { conversationId, afterSeq: 10, beforeSeq: 14 });
    assert.deepEqual([seqs(between.messages), between.hasMore], [[11, 12, 13], false]);
    for (const empty of [{ afterSeq: 250 }, { afterSeq: 9_000_000_000 }, { beforeSeq: 1 }]) {
      assert.deepEqual(await other.request('chat:history', { conversationId, ...empty }), { messages: [], hasMore: false });
    }
  });

  await t.test('[CH22] a client that comes back asks for what is after the last it has, and misses and doubles nothing', async () => {
    const tab = await bob.connect();
    const last = (await readAll(tab, conversationId)).at(-1)?.seq ?? 0;
    await Promise.all([...upTo(20).map((number) => say(socket, conversationId, `while away ${number}`)), tab.close()]);
    const back = await bob.connect();
    const missed = await readAll(back, conversationId, last);
    assert.deepEqual(
      seqs(missed),
      upTo(20).map((number) => number + last),
    );
  });

  await t.test('[CH23] a page has 1 to 100 messages, and its bounds are whole numbers', async () => {
    for (const bad of [
      { limit: 0 },
      { limit: 101 },
      { limit: 1.5 },
      { beforeSeq: 0 },
      { beforeSeq: -1 },
      { afterSeq: -1 },
      { afterSeq: 0.5 },
      { before: 3 },
    ]) {
      await assert.rejects(
        other.send('chat:history', { conversationId, ...bad }),
        refused('protocol.invalid_payload'),
        JSON.stringify(bad),
      );
    }
    for (const query of ['limit=0', 'limit=101', 'limit=x', 'beforeSeq=0', 'afterSeq=-1', 'afterSeq=0.5']) {
      assert.deepEqual(
        outcomeOf(await bob.rest('GET', `conversations/${conversationId}/messages?${query}`)),
        [400, 'protocol.invalid_payload'],
        query,
      );
    }
  });
});
