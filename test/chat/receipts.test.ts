import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { Member } from '../../src/protocol/chat.ts';
import { startTestApp } from '../support/test-app.ts';
import { caughtUp, direct, group, outcomeOf, type Person, person, refused, say, unlimited, upTo, viewOf } from './chat-fixture.ts';

test('receipts', async (t) => {
  await using app = await startTestApp(unlimited);

  const statusOf = async (reader: Person, messageId: string) => (await reader.rest('GET', `messages/${messageId}`)).body.message.status;
  const receiptsOf = async (reader: Person, messageId: string): Promise<Record<string, string>> => {
    const { body } = await reader.rest('GET', `messages/${messageId}/receipts`);
    return Object.fromEntries(body.receipts.map(({ userId, status }: { userId: string; status: string }) => [userId, status]));
  };

  await t.test('[RC1] a message is sent, then delivered, then read: as far as the slowest of the other members', async () => {
    const [ann, bob, eve] = [person(app, 'ann'), person(app, 'bob'), person(app, 'eve', 'patient')];
    const { conversationId } = await group(ann, [bob, eve]);
    const [socket, bobSocket, eveSocket] = [await ann.connect(), await bob.connect(), await eve.connect()];
    const { messageId, status } = await say(socket, conversationId, 'hello');
    assert.equal(status, 'sent');
    const steps = [
      [bobSocket, 'chat:delivered', 'sent', { [bob.userId]: 'delivered', [eve.userId]: 'sent' }],
      [eveSocket, 'chat:read', 'delivered', { [bob.userId]: 'delivered', [eve.userId]: 'read' }],
      [bobSocket, 'chat:read', 'read', { [bob.userId]: 'read', [eve.userId]: 'read' }],
    ] as const;
    for (const [reader, request, expected, each] of steps) {
      await reader.request(request, { conversationId, seq: 1 });
      assert.equal(await statusOf(ann, messageId), expected);
      assert.deepEqual(await receiptsOf(ann, messageId), each);
    }
    const late = await say(socket, conversationId, 'and another');
    assert.equal(await statusOf(ann, late.messageId), 'sent');
    assert.equal(await statusOf(ann, messageId), 'read');
  });

  await t.test(
    '[RC2] whoever moves a receipt is told to the others and to their own other devices; what is read is delivered',
    async () => {
      const [ann, bob] = [person(app, 'ann'), person(app, 'bob')];
      const { conversationId } = await direct(ann, bob);
      const [socket, one, two] = [await ann.connect(), await bob.connect(), await bob.connect()];
      for (const content of ['1', '2', '3']) await say(socket, conversationId, content);
      await one.request('chat:delivered', { conversationId, seq: 2 });
      for (const hearer of [socket, two])
        assert.deepEqual(await hearer.notice('chat:delivered'), { conversationId, userId: bob.userId, seq: 2 });
      await one.request('chat:read', { conversationId, seq: 3 });
      for (const hearer of [socket, two]) {
        assert.deepEqual(await hearer.notice('chat:delivered'), { conversationId, userId: bob.userId, seq: 3 });
        assert.deepEqual(await hearer.notice('chat:read'), { conversationId, userId: bob.userId, seq: 3 });
      }
      await caughtUp(one);
      assert.deepEqual([one.pending('chat:delivered'), one.pending('chat:read')], [0, 0], 'not to the session itself');
      assert.equal((await bob.rest('POST', `conversations/${conversationId}/read`, { seq: 3 })).status, 204);
      assert.equal((await bob.rest('POST', `conversations/${conversationId}/delivered`, { seq: 3 })).status, 204);
      const { deliveredSeq, readSeq, unreadCount } = await viewOf(bob, conversationId);
      assert.deepEqual([deliveredSeq, readSeq, unreadCount], [3, 3, 0]);
    },
  );

  await t.test('[RC3] receipts never go back, never past the last message, and what moves nothing is not told', async () => {
    const [ann, bob] = [person(app, 'ann'), person(app, 'bob')];
    const { conversationId } = await direct(ann, bob);
    const [socket, reader] = [await ann.connect(), await bob.connect()];
    for (const content of ['1', '2', '3', '4']) await say(socket, conversationId, content);
    await reader.request('chat:read', { conversationId, seq: 3 });
    for (const seq of [0, 1, 3]) {
      await reader.request('chat:read', { conversationId, seq });
      await reader.request('chat:delivered', { conversationId, seq });
    }
    await caughtUp(socket);
    assert.deepEqual([socket.pending('chat:read'), socket.pending('chat:delivered')], [1, 1]);
    await reader.request('chat:read', { conversationId, seq: Number.MAX_SAFE_INTEGER });
    assert.equal((await socket.notice('chat:read', ({ seq }) => seq > 3)).seq, 4);
    await say(socket, conversationId, '5');
    const { readSeq, unreadCount } = await viewOf(bob, conversationId);
    assert.deepEqual([readSeq, unreadCount], [4, 1], 'messages to come are not read ahead');
    for (const seq of [-1, 1.5, '3', null]) {
      await assert.rejects(reader.send('chat:read', { conversationId, seq }), refused('protocol.invalid_payload'));
      assert.deepEqual(outcomeOf(await bob.rest('POST', `conversations/${conversationId}/read`, { seq })), [
        400,
        'protocol.invalid_payload',
      ]);
    }
  });

  await t.test('[RC4] many receipts at once end at the furthest, and each step forward is told once', async () => {
    const [ann, bob] = [person(app, 'ann'), person(app, 'bob')];
    const { conversationId } = await direct(ann, bob);
    const [socket, reader] = [await ann.connect(), await bob.connect()];
    for (const number of upTo(30)) await say(socket, conversationId, `${number}`);
    await Promise.all(
      upTo(30)
        .toReversed()
        .map((seq) => reader.request('chat:read', { conversationId, seq })),
    );
    await caughtUp(socket);
    const told: number[] = [];
    while (socket.pending('chat:read') > 0) told.push((await socket.notice('chat:read')).seq);
    assert.equal(told.at(-1), 30);
    assert.deepEqual(
      told,
      [...new Set(told)].sort((a, b) => a - b),
      'never back, never twice',
    );
    assert.ok(told.length < 30, 'gathered');
    assert.equal((await viewOf(bob, conversationId)).unreadCount, 0);
  });

  await t.test('[RC5] who hides reading shows it to nobody but their own devices; delivery is shown', async () => {
    const [ann, bob] = [person(app, 'ann'), person(app, 'bob')];
    const { conversationId } = await direct(ann, bob);
    const [socket, one, two] = [await ann.connect(), await bob.connect(), await bob.connect()];
    assert.equal((await bob.rest('PATCH', 'users/me', { privacy: { showReadReceipts: false } })).status, 200);
    const { messageId } = await say(socket, conversationId, 'read this');
    await one.request('chat:read', { conversationId, seq: 1 });
    assert.equal((await two.notice('chat:read')).seq, 1);
    assert.equal((await socket.notice('chat:delivered')).seq, 1);
    await caughtUp(socket);
    assert.equal(socket.pending('chat:read'), 0);
    assert.equal(await statusOf(ann, messageId), 'delivered');
    assert.deepEqual(await receiptsOf(ann, messageId), { [bob.userId]: 'delivered' });
    const members: Member[] = (await ann.rest('GET', `conversations/${conversationId}/members`)).body.members;
    const seen = members.find(({ userId }) => userId === bob.userId);
    assert.deepEqual([seen?.deliveredSeq, seen?.readSeq], [1, 0]);
    const own = await viewOf(bob, conversationId);
    assert.deepEqual([own.readSeq, own.unreadCount], [1, 0]);
    await bob.rest('PATCH', 'users/me', { privacy: { showReadReceipts: true } });
    assert.equal(await statusOf(ann, messageId), 'read');
  });

  await t.test('[RC6] unread counts are exact among senders, readers and the server’s own messages', async () => {
    const [ann, bob] = [person(app, 'ann'), person(app, 'bob')];
    const { conversationId } = await direct(ann, bob);
    const [socket, other] = [await ann.connect(), await bob.connect()];
    // a: Ann's, b: Bob's; Bob reads up to each seq in turn.
    const senders = 'aabbabaab';
    for (const sender of senders) await say(sender === 'a' ? socket : other, conversationId, sender);
    assert.equal((await viewOf(bob, conversationId)).unreadCount, 5);
    for (const seq of upTo(senders.length)) {
      await other.request('chat:read', { conversationId, seq });
      const left = [...senders.slice(seq)].filter((sender) => sender === 'a').length;
      assert.equal((await viewOf(bob, conversationId)).unreadCount, left, `after ${seq}`);
    }
    assert.equal((await viewOf(ann, conversationId)).unreadCount, 4);
  });

  await t.test('[RC7] receipts for strangers’ conversations and for none get the same answer, and move nothing', async () => {
    const [ann, bob, eve] = [person(app, 'ann'), person(app, 'bob'), person(app, 'eve')];
    const { conversationId } = await direct(ann, bob);
    const [socket, stranger] = [await ann.connect(), await eve.connect()];
    await say(socket, conversationId, 'private');
    for (const id of [conversationId, randomUUID()]) {
      for (const name of ['read', 'delivered'] as const) {
        await assert.rejects(stranger.request(`chat:${name}`, { conversationId: id, seq: 1 }), refused('chat.conversation_not_found'));
        assert.deepEqual(outcomeOf(await eve.rest('POST', `conversations/${id}/${name}`, { seq: 1 })), [
          404,
          'chat.conversation_not_found',
        ]);
      }
    }
    assert.equal((await viewOf(bob, conversationId)).deliveredSeq, 0);
  });
});
