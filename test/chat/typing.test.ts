import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { startTestApp } from '../support/test-app.ts';
import { caughtUp, direct, group, person, refused, unlimited, upTo } from './chat-fixture.ts';

test('typing', async (t) => {
  await using app = await startTestApp({ ...unlimited, LIMIT_TYPING_SECONDS: '60' });

  await t.test('[RC10] typing is told to the other members once, until it ends; not to oneself', async () => {
    const [ann, bob, eve] = [person(app, 'ann'), person(app, 'bob'), person(app, 'eve')];
    const { conversationId } = await group(ann, [bob, eve]);
    const [socket, device, one, two] = [await ann.connect(), await ann.connect(), await bob.connect(), await eve.connect()];
    const type = (typing: boolean) => socket.request('chat:typing', { conversationId, typing });
    await type(true);
    await type(true);
    await type(false);
    await type(false);
    for (const hearer of [one, two]) {
      for (const typing of [true, false])
        assert.deepEqual(await hearer.notice('chat:typing'), { conversationId, userId: ann.userId, typing });
    }
    await caughtUp(one, two, device, socket);
    for (const client of [one, two, device, socket]) assert.equal(client.pending('chat:typing'), 0);
  });

  await t.test('[RC11] what is said last about typing counts, however quickly it changes', async () => {
    const [ann, bob] = [person(app, 'ann'), person(app, 'bob')];
    const { conversationId } = await direct(ann, bob);
    const [socket, other] = [await ann.connect(), await bob.connect()];
    for (let round = 0; round < 10; round += 1) {
      await Promise.all(upTo(5).flatMap(() => [true, false].map((typing) => socket.request('chat:typing', { conversationId, typing }))));
      await caughtUp(other);
      let isTyping = false;
      while (other.pending('chat:typing') > 0) isTyping = (await other.notice('chat:typing')).typing;
      assert.equal(isTyping, false);
    }
    await Promise.all([true, false, true].map((typing) => socket.request('chat:typing', { conversationId, typing })));
    await other.notice('chat:typing', ({ typing }) => typing);
    await socket.request('chat:typing', { conversationId, typing: false });
  });

  await t.test('[RC12] it ends with a lost socket, also while it is just beginning', async () => {
    const [ann, bob] = [person(app, 'ann'), person(app, 'bob')];
    const { conversationId } = await direct(ann, bob);
    const other = await bob.connect();
    for (const way of ['drop', 'close'] as const) {
      const socket = await ann.connect();
      await socket.request('chat:typing', { conversationId, typing: true });
      assert.equal((await other.notice('chat:typing')).typing, true);
      await socket[way]();
      assert.equal((await other.notice('chat:typing')).typing, false);
    }
    for (let round = 0; round < 5; round += 1) {
      const socket = await ann.connect();
      socket.socket.emit('chat:typing', { conversationId, typing: true });
      socket.drop();
    }
    // A timer that was begun nevertheless is found when the server is closed.
  });

  await t.test('[RC13] who hides typing is not told about', async () => {
    const [ann, bob] = [person(app, 'ann'), person(app, 'bob')];
    const { conversationId } = await direct(ann, bob);
    const [socket, other] = [await ann.connect(), await bob.connect()];
    await ann.rest('PATCH', 'users/me', { privacy: { showTyping: false } });
    await socket.request('chat:typing', { conversationId, typing: true });
    await caughtUp(other);
    assert.equal(other.pending('chat:typing'), 0);
  });

  await t.test('[RC14] a stranger’s conversation and a missing one get the same answer', async () => {
    const [ann, bob, eve] = [person(app, 'ann'), person(app, 'bob'), person(app, 'eve')];
    const { conversationId } = await direct(ann, bob);
    const stranger = await eve.connect();
    for (const id of [conversationId, randomUUID()]) {
      for (const typing of [true, false]) {
        await assert.rejects(stranger.request('chat:typing', { conversationId: id, typing }), refused('chat.conversation_not_found'));
      }
    }
  });
});

test('[RC15] typing ends by itself after LIMIT_TYPING_SECONDS, and lasts anew when it is said again', async () => {
  await using app = await startTestApp({ ...unlimited, LIMIT_TYPING_SECONDS: '0.3' });
  const [ann, bob] = [person(app, 'ann'), person(app, 'bob')];
  const { conversationId } = await direct(ann, bob);
  const [socket, other] = [await ann.connect(), await bob.connect()];
  const began = performance.now();
  await socket.request('chat:typing', { conversationId, typing: true });
  await socket.request('chat:typing', { conversationId, typing: true });
  assert.equal((await other.notice('chat:typing')).typing, true);
  assert.equal((await other.notice('chat:typing')).typing, false);
  assert.ok(performance.now() - began > 290);
  await caughtUp(other);
  assert.equal(other.pending('chat:typing'), 0);
  await socket.request('chat:typing', { conversationId, typing: true });
});
