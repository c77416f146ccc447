import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { AppError } from '../../src/protocol/errors.ts';
import { startTestApp } from '../support/test-app.ts';
import type { TestClient } from '../support/test-client.ts';
import { caughtUp, direct, outcomeOf, person, readAll, refused, say, unlimited, viewOf } from './chat-fixture.ts';

test('strangers and staff', async (t) => {
  await using app = await startTestApp(unlimited);
  const [ann, bob, eve, boss] = [person(app, 'ann'), person(app, 'bob'), person(app, 'eve'), person(app, 'boss', 'admin')];
  const { conversationId } = await direct(ann, bob);
  const own = await direct(eve, person(app, 'friend'));
  const [socket, stranger, staff] = [await ann.connect(), await eve.connect(), await boss.connect()];
  const message = await say(socket, conversationId, 'private matter');
  const { messageId } = message;

  const answerTo = async (client: TestClient, name: string, payload: unknown) => {
    try {
      return { data: await client.send(name, payload) };
    } catch (error) {
      assert.ok(error instanceof AppError);
      return { code: error.code, message: error.message, details: error.details };
    }
  };

  await t.test('[AP20] over the socket a stranger’s conversation and message get the answers that missing ones get', async () => {
    const content = 'x';
    const asked = (conversation: string, ofMessage: string): [string, Record<string, unknown>][] => [
      ['chat:history', { conversationId: conversation }],
      ['chat:search', { conversationId: conversation, query: 'private' }],
      ['chat:send', { conversationId: conversation, clientId: randomUUID(), type: 'text', content }],
      ['chat:delivered', { conversationId: conversation, seq: 1 }],
      ['chat:read', { conversationId: conversation, seq: 1 }],
      ['chat:typing', { conversationId: conversation, typing: true }],
      ['chat:typing', { conversationId: conversation, typing: false }],
      ['chat:edit', { messageId: ofMessage, content }],
      ['chat:delete', { messageId: ofMessage, forEveryone: true }],
      ['chat:delete', { messageId: ofMessage, forEveryone: false }],
      ['chat:react', { messageId: ofMessage, emoji: '👍' }],
      ['chat:unreact', { messageId: ofMessage, emoji: '👍' }],
      ['chat:send', { conversationId: own.conversationId, clientId: randomUUID(), type: 'text', content, replyToId: ofMessage }],
    ];
    const missing = asked(randomUUID(), randomUUID());
    for (const [index, [name, payload]] of asked(conversationId, messageId).entries()) {
      const answer = await answerTo(stranger, name, payload);
      assert.match(String(answer.code), /^chat\.(conversation|message)_not_found$/, name);
      assert.deepEqual(answer, await answerTo(stranger, ...missing[index]!), name);
    }
    assert.deepEqual((await stranger.request('chat:search', { query: 'private' })).hits, []);
    assert.deepEqual(await readAll(socket, conversationId), [message], 'and nothing has happened');
  });

  await t.test('[AP21] over REST too, on every route', async () => {
    const asked = (conversation: string, ofMessage: string): [string, string, unknown?][] => {
      const base = `conversations/${conversation}`;
      return [
        ['GET', base],
        ['PATCH', base, { name: 'x' }],
        ['PUT', `${base}/archive`],
        ['DELETE', `${base}/archive`],
        ['PUT', `${base}/mute`],
        ['DELETE', `${base}/mute`],
        ['PUT', `${base}/close`],
        ['GET', `${base}/members`],
        ['POST', `${base}/members`, { userIds: ['x'] }],
        ['PATCH', `${base}/members/${ann.userId}`, { role: 'member' }],
        ['DELETE', `${base}/members/${ann.userId}`],
        ['DELETE', `${base}/members/${eve.userId}`],
        ['POST', `${base}/leave`],
        ['GET', `${base}/messages`],
        ['POST', `${base}/messages`, { clientId: 'x', type: 'text', content: 'x' }],
        ['GET', `${base}/messages/stats`],
        ['POST', `${base}/read`, { seq: 1 }],
        ['POST', `${base}/delivered`, { seq: 1 }],
        ['GET', `messages/search?q=private&conversationId=${conversation}`],
        ['GET', `messages/${ofMessage}`],
        ['PATCH', `messages/${ofMessage}`, { content: 'x' }],
        ['DELETE', `messages/${ofMessage}`],
        ['DELETE', `messages/${ofMessage}?forEveryone=true`],
        ['PUT', `messages/${ofMessage}/reactions/%F0%9F%91%8D`],
        ['DELETE', `messages/${ofMessage}/reactions/%F0%9F%91%8D`],
        ['GET', `messages/${ofMessage}/receipts`],
      ];
    };
    const missing = asked(randomUUID(), randomUUID());
    for (const [index, [method, where, body]] of asked(conversationId, messageId).entries()) {
      const answer = await eve.rest(method, where, body);
      const [missingMethod, missingWhere, missingBody] = missing[index]!;
      assert.equal(answer.status, 404, `${method} ${where}`);
      assert.deepEqual(answer.body, (await eve.rest(missingMethod, missingWhere, missingBody)).body, `${method} ${where}`);
    }
    for (const [method, where, body] of missing) {
      const { status } = await app.rest(method, where, body === undefined ? {} : { body });
      assert.equal(status, 401, `${method} ${where} without a token`);
    }
    assert.deepEqual(await readAll(socket, conversationId), [message]);
  });

  await t.test('[AP22] admins read every conversation, and each reading is written down; they change nothing in it', async () => {
    const readings = async () =>
      (
        await app.sql("select 1 from audit_log where action = 'conversation.read_by_staff' and subject = $1 and actor_id = $2", [
          conversationId,
          boss.userId,
        ])
      ).length;
    const before = await viewOf(bob, conversationId);
    const reads: (() => Promise<unknown>)[] = [
      async () => assert.deepEqual(await readAll(staff, conversationId), [message]),
      async () => assert.deepEqual((await boss.rest('GET', `conversations/${conversationId}/messages`)).body.messages, [message]),
      async () => assert.deepEqual((await boss.rest('GET', `messages/${messageId}`)).body.message, message),
      async () => assert.equal((await boss.rest('GET', `messages/${messageId}/receipts`)).status, 200),
      async () => assert.equal((await boss.rest('GET', `conversations/${conversationId}/members`)).body.members.length, 2),
      async () => assert.equal((await boss.rest('GET', `conversations/${conversationId}/messages/stats`)).body.total, 1),
      async () => assert.equal((await staff.request('chat:search', { query: 'private', conversationId })).hits.length, 1),
      async () => {
        const view = await viewOf(boss, conversationId);
        assert.deepEqual([view.memberIds.length, view.lastMessage, view.unreadCount], [2, message, 0]);
      },
    ];
    for (const [index, read] of reads.entries()) {
      await read();
      assert.equal(await readings(), index + 1);
    }
    await assert.rejects(say(staff, conversationId, 'from above'), refused('chat.conversation_not_found'));
    await assert.rejects(staff.request('chat:read', { conversationId, seq: 1 }), refused('chat.conversation_not_found'));
    await assert.rejects(staff.request('chat:typing', { conversationId, typing: true }), refused('chat.conversation_not_found'));
    await assert.rejects(staff.request('chat:edit', { messageId, content: 'x' }), refused('chat.message_not_found'));
    await assert.rejects(staff.request('chat:delete', { messageId, forEveryone: true }), refused('chat.message_not_found'));
    await assert.rejects(staff.request('chat:react', { messageId, emoji: '👍' }), refused('chat.message_not_found'));
    assert.deepEqual(outcomeOf(await boss.rest('PUT', `conversations/${conversationId}/close`)), [404, 'chat.conversation_not_found']);
    assert.deepEqual((await boss.rest('GET', 'conversations')).body.conversations, [], 'it is not among their own');
    assert.deepEqual(outcomeOf(await boss.rest('GET', `messages/${randomUUID()}`)), [404, 'chat.message_not_found']);
    assert.deepEqual(await viewOf(bob, conversationId), before);
    await caughtUp(socket);
    assert.deepEqual([socket.pending('chat:read'), socket.pending('chat:membersChanged')], [0, 0]);
    assert.equal(await readings(), reads.length);
  });

  await t.test('[AP23] members’ own reading is not written down', async () => {
    const count = async () => (await app.sql('select 1 from audit_log')).length;
    const before = await count();
    await ann.rest('GET', `conversations/${conversationId}`);
    await readAll(socket, conversationId);
    await ann.rest('GET', `messages/${messageId}`);
    assert.equal(await count(), before);
  });
});
