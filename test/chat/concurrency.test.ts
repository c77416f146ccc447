import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { Message } from '../../src/protocol/chat.ts';
import { startTestApp } from '../support/test-app.ts';
import { caughtUp, direct, group, type Person, person, readAll, refused, say, unlimited, upTo, viewOf } from './chat-fixture.ts';

/** Does something for each of many, some at a time. */
async function inParts<T, R>(all: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let start = 0; start < all.length; start += 10) results.push(...(await Promise.all(all.slice(start, start + 10).map(work))));
  return results;
}

test('many at once', async (t) => {
  await using app = await startTestApp(unlimited);
  const seqsOf = async (conversationId: string) =>
    (await app.sql<{ seq: string }>('select seq from messages where conversation_id = $1 order by seq', [conversationId])).map(({ seq }) =>
      Number(seq),
    );

  await t.test(
    '[CH30] 200 members who write to one conversation at once get the seqs 1 to 200, and everybody’s unread count is exact',
    async () => {
      const senders = upTo(200).map((number) => person(app, `sender${number}`));
      const [owner, ...members] = senders as [Person, ...Person[]];
      const { conversationId } = await group(owner, members);
      const sockets = await inParts(senders, (sender) => sender.connect());
      const sent = await Promise.all(sockets.map((socket, index) => say(socket, conversationId, `${index}`)));
      assert.deepEqual(
        sent.map(({ seq }) => seq).sort((a, b) => a - b),
        upTo(200),
      );
      assert.deepEqual(await seqsOf(conversationId), upTo(200));
      const unread = await inParts(senders, (sender) => viewOf(sender, conversationId));
      assert.deepEqual([...new Set(unread.map(({ unreadCount }) => unreadCount))], [199]);
      await caughtUp(...sockets);
      for (const socket of sockets) assert.equal(socket.pending('chat:message'), 199);

      // Some read up to a place of their own while others write once more.
      await Promise.all(
        sockets
          .slice(0, 30)
          .map((socket, index) =>
            index % 2 ? say(socket, conversationId, 'again') : socket.request('chat:read', { conversationId, seq: index * 6 + 1 }),
          ),
      );
      const all = await readAll(sockets[0]!, conversationId);
      assert.deepEqual(
        all.map(({ seq }) => seq),
        upTo(215),
      );
      const views = await inParts(senders, (sender) => viewOf(sender, conversationId));
      for (const [index, { unreadCount }] of views.entries()) {
        const readSeq = index < 30 && index % 2 === 0 ? index * 6 + 1 : 0;
        const own = senders[index]!.userId;
        assert.equal(unreadCount, all.filter(({ seq, senderId }) => seq > readSeq && senderId !== own).length, own);
      }
      for (const socket of sockets) await socket.close();
    },
  );

  await t.test('[CH31] what fails among messages written together takes none of the others with it, and leaves no gap', async () => {
    const [ann, bob, eve] = [person(app, 'ann'), person(app, 'bob'), person(app, 'eve')];
    const open = await group(ann, [bob]);
    const closed = await group(ann, [bob]);
    const own = await direct(eve, bob);
    const [socket, stranger] = [await ann.connect(), await eve.connect()];
    const { messageId: elsewhere } = await say(stranger, own.conversationId, 'elsewhere');
    await ann.rest('PUT', `conversations/${closed.conversationId}/close`);
    const { conversationId } = open;
    const attempts = upTo(20).flatMap((number) => [
      say(socket, conversationId, `${number}`),
      say(stranger, conversationId, 'a stranger’s'),
      say(socket, closed.conversationId, 'closed'),
      say(socket, randomUUID(), 'nowhere'),
      say(socket, conversationId, 'reply to nothing', { replyToId: randomUUID() }),
      say(socket, conversationId, 'reply to elsewhere', { replyToId: elsewhere }),
      say(socket, conversationId, 'no such file', { attachmentIds: [randomUUID()] }),
      say(socket, conversationId, 'once', { clientId: 'the same' }),
    ]);
    const results = await Promise.allSettled(attempts);
    const codes = results.map((result) => (result.status === 'fulfilled' ? 'ok' : (result.reason as { code: string }).code));
    assert.deepEqual(
      codes,
      upTo(20).flatMap(() => [
        'ok',
        'chat.conversation_not_found',
        'chat.conversation_closed',
        'chat.conversation_not_found',
        'chat.message_not_found',
        'chat.message_not_found',
        'chat.attachment_not_found',
        'ok',
      ]),
    );
    assert.deepEqual(await seqsOf(conversationId), upTo(21));
    assert.equal((await viewOf(bob, conversationId)).unreadCount, 21);
    assert.deepEqual(await seqsOf(closed.conversationId), []);
  });

  await t.test(
    '[CH32] writing, reading, reacting, editing and coming and going across the same conversations never wait for each other for good',
    async () => {
      const people = upTo(10).map((number) => person(app, `p${number}`));
      const [owner, ...others] = people as [Person, ...Person[]];
      const conversations = await Promise.all(upTo(5).map(() => group(owner, others)));
      const sockets = await Promise.all(people.map((one) => one.connect()));
      const guest = person(app, 'guest');
      const failures: unknown[] = [];
      const kept = <T>(work: Promise<T>) => work.catch((error: unknown) => void failures.push(error));
      const rounds = 5;
      await Promise.all([
        ...sockets.map(async (socket, index) => {
          for (const round of upTo(rounds)) {
            const order = conversations.map((_, place) => conversations[(place * (index % 2 ? 1 : 4) + index + round) % 5]!);
            const sent = await Promise.all(order.map(({ conversationId }) => kept(say(socket, conversationId, `${round}`))));
            const { messageId } = sent[0] as Message;
            await Promise.all([
              ...order.map(({ conversationId }) => kept(socket.request('chat:read', { conversationId, seq: round * 5 }))),
              ...order.toReversed().map(({ conversationId }) => kept(socket.request('chat:delivered', { conversationId, seq: round * 8 }))),
              kept(socket.request('chat:react', { messageId, emoji: '👍' })),
              kept(socket.request('chat:edit', { messageId, content: 'edited' })),
            ]);
          }
        }),
        ...conversations.map(async ({ conversationId }) => {
          for (const _ of upTo(2)) {
            const added = await owner.rest('POST', `conversations/${conversationId}/members`, { userIds: [guest.userId] });
            const removed = await owner.rest('DELETE', `conversations/${conversationId}/members/${guest.userId}`);
            assert.deepEqual([added.status, removed.status], [201, 204]);
          }
        }),
      ]);
      assert.deepEqual(failures, []);
      for (const { conversationId } of conversations) {
        assert.deepEqual(await seqsOf(conversationId), upTo(rounds * people.length));
        const all = await readAll(sockets[0]!, conversationId);
        for (const one of people) {
          const { readSeq, unreadCount } = await viewOf(one, conversationId);
          assert.equal(unreadCount, all.filter(({ seq, senderId }) => seq > readSeq && senderId !== one.userId).length);
        }
      }
    },
  );

  await t.test('[CH33] a message is either before the removal of its sender or refused', async () => {
    const [ann, bob] = [person(app, 'ann'), person(app, 'bob')];
    const { conversationId } = await group(ann, [bob]);
    const [socket, watcher] = [await bob.connect(), await ann.connect()];
    const [results] = await Promise.all([
      Promise.allSettled(upTo(40).map((number) => say(socket, conversationId, `${number}`))),
      ann.rest('DELETE', `conversations/${conversationId}/members/${bob.userId}`),
    ]);
    const stored = results.filter(({ status }) => status === 'fulfilled').length;
    assert.deepEqual(await seqsOf(conversationId), upTo(stored));
    assert.equal((await viewOf(ann, conversationId)).unreadCount, stored);
    await caughtUp(watcher);
    assert.equal(watcher.pending('chat:message'), stored);
    await assert.rejects(say(socket, conversationId, 'late'), refused('chat.conversation_not_found'));
  });
});
