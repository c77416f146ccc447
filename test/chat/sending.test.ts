import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { sendableType } from '../../src/protocol/chat.ts';
import type { AppError } from '../../src/protocol/errors.ts';
import { startTestApp } from '../support/test-app.ts';
import { caughtUp, direct, group, outcomeOf, person, readAll, refused, say, unlimited, upTo, viewOf } from './chat-fixture.ts';

test('sending', async (t) => {
  await using app = await startTestApp(unlimited);
  const stored = async (conversationId: string) =>
    (await app.sql('select 1 from messages where conversation_id = $1', [conversationId])).length;

  await t.test('[CH2] messages of every type but the server’s own, with a call’s id, over the socket and over REST', async () => {
    const [ann, bob] = [person(app, 'ann'), person(app, 'bob')];
    const { conversationId } = await direct(ann, bob);
    const [socket, other] = [await ann.connect(), await bob.connect()];
    const callId = randomUUID();
    for (const [index, type] of sendableType.options.entries()) {
      const clientId = `c${index}`;
      const { message } = await socket.request('chat:send', { conversationId, clientId, type, content: `a ${type}`, callId });
      const { messageId, sentAt, ...rest } = message;
      assert.ok(Math.abs(Date.parse(sentAt) - Date.now()) < 60_000);
      assert.deepEqual(rest, {
        conversationId,
        seq: index + 1,
        senderId: ann.userId,
        type,
        content: `a ${type}`,
        attachments: [],
        mentions: [],
        callId,
        clientId,
        status: 'sent',
        reactions: [],
      });
      assert.deepEqual((await other.notice('chat:message')).message, message);
      assert.deepEqual((await bob.rest('GET', `messages/${messageId}`)).body, { message });
    }
    const posted = await bob.rest('POST', `conversations/${conversationId}/messages`, { clientId: 'r', type: 'text', content: 'by REST' });
    assert.equal(posted.status, 201);
    assert.deepEqual((await socket.notice('chat:message')).message, posted.body.message);
    await assert.rejects(
      socket.send('chat:send', { conversationId, clientId: 's', type: 'system', content: 'I am the server' }),
      refused('protocol.invalid_payload'),
    );
    await assert.rejects(
      socket.send('chat:send', { conversationId, clientId: 's', type: 'smoke', content: 'x' }),
      refused('protocol.invalid_payload'),
    );
  });

  await t.test(
    '[CH3] the same client id stores one message, told once: again, from two devices at once, over REST, with another content',
    async () => {
      const [ann, bob] = [person(app, 'ann'), person(app, 'bob')];
      const { conversationId } = await direct(ann, bob);
      const [one, two, other] = [await ann.connect(), await ann.connect(), await bob.connect()];
      const send = (socket: typeof one, clientId: string, content = 'once') =>
        socket.request('chat:send', { conversationId, clientId, type: 'text', content }).then(({ message }) => message);
      const post = (clientId: string) =>
        ann.rest('POST', `conversations/${conversationId}/messages`, { clientId, type: 'text', content: 'once' });
      const first = await send(one, 'a');
      assert.deepEqual(await send(one, 'a'), first);
      assert.deepEqual(await send(two, 'a', 'something else'), first);
      const again = await post('a');
      assert.deepEqual([again.status, again.body.message], [200, first], 'nothing was made');
      for (let round = 0; round < 10; round += 1) {
        const clientId = `round ${round}`;
        const [x, y, z] = await Promise.all([send(one, clientId), send(two, clientId), post(clientId)]);
        assert.equal(new Set([x.messageId, y.messageId, z.body.message.messageId]).size, 1);
      }
      assert.equal(await stored(conversationId), 11);
      await caughtUp(other, two);
      assert.equal(other.pending('chat:message'), 11);
      assert.equal((await viewOf(bob, conversationId)).unreadCount, 11);
      const theirs = await send(other, 'a');
      assert.equal(theirs.seq, 12, 'a client id is its sender’s own');
    },
  );

  await t.test('[CH4] a malformed message gets 400 and its field’s name, on the socket and over REST, and nothing is stored', async () => {
    const [ann, bob] = [person(app, 'ann'), person(app, 'bob')];
    const { conversationId } = await direct(ann, bob);
    const socket = await ann.connect();
    const good = { clientId: 'c', type: 'text', content: 'x' };
    const bad: [Record<string, unknown>, string][] = [
      [{ ...good, content: 'x'.repeat(10_001) }, 'content'],
      [{ ...good, content: '' }, 'content'],
      [{ ...good, content: ' \n\t\u3000' }, 'content'],
      [{ ...good, content: 7 }, 'content'],
      [{ clientId: 'c', type: 'text' }, 'content'],
      [{ clientId: 'c', type: 'text', attachmentIds: [] }, 'content'],
      [{ ...good, attachmentIds: Array.from({ length: 11 }, () => randomUUID()) }, 'attachmentIds'],
      [{ ...good, attachmentIds: ['x'] }, 'attachmentIds.0'],
      [{ ...good, clientId: '' }, 'clientId'],
      [{ ...good, clientId: 'x'.repeat(65) }, 'clientId'],
      [{ ...good, clientId: 'a\0b' }, 'clientId'],
      [{ ...good, clientId: '\ud800' }, 'clientId'],
      [{ type: 'text', content: 'x' }, 'clientId'],
      [{ ...good, replyToId: 'x' }, 'replyToId'],
      [{ ...good, callId: 'x' }, 'callId'],
      [{ ...good, mentions: ['no spaces'] }, 'mentions.0'],
      [{ ...good, senderId: bob.userId }, 'senderId'],
    ];
    for (const [payload, field] of bad) {
      await assert.rejects(socket.send('chat:send', { conversationId, ...payload }), (error: AppError) => {
        assert.deepEqual([error.code, error.details?.['field']], ['protocol.invalid_payload', field]);
        return true;
      });
      const answer = await ann.rest('POST', `conversations/${conversationId}/messages`, payload);
      assert.deepEqual(outcomeOf(answer), [400, 'protocol.invalid_payload'], field);
      if (field !== 'senderId') assert.equal(answer.body.error.details.field, field);
    }
    for (const payload of [
      { ...good, attachmentIds: [randomUUID()] },
      { clientId: 'c', type: 'file', attachmentIds: [randomUUID()] },
    ]) {
      await assert.rejects(socket.send('chat:send', { conversationId, ...payload }), refused('chat.attachment_not_found'));
    }
    assert.equal(await stored(conversationId), 0);
    const longest = await say(socket, conversationId, 'x'.repeat(10_000));
    assert.equal(longest.seq, 1);
  });

  await t.test('[CH5] what was said is stored and returned as it is, told as it is, and never trimmed', async () => {
    const [ann, bob] = [person(app, 'ann'), person(app, 'bob')];
    const { conversationId } = await direct(ann, bob);
    const [socket, other] = [await ann.connect(), await bob.connect()];
    const contents = [
      '<script>alert(1)</script> &amp; <b>',
      "'; drop table messages; --",
      '\u0000 NUL \u0007 bell \u001b[31m escape \u007f',
      'line\r\nline\ttab \u2028 separator',
      '  blanks around  ',
      '👩🏽‍⚕️ 🇻🇳 e\u0301 \u202eright to left\u202c \ufeff \uffff',
      'half of a pair \ud83d and the other \udc69',
      '{"$ne":1} $(x) %s \\u0000 \\',
      'đau đầu'.normalize('NFD'),
    ];
    for (const content of contents) {
      const message = await say(socket, conversationId, content);
      assert.equal(message.content, content);
      assert.equal((await other.notice('chat:message')).message.content, content);
      assert.equal((await bob.rest('GET', `messages/${message.messageId}`)).body.message.content, content);
    }
    assert.deepEqual(
      (await readAll(other, conversationId)).map(({ content }) => content),
      contents,
    );
    assert.equal((await viewOf(bob, conversationId)).lastMessage?.content, contents.at(-1));
  });

  await t.test('[CH6] a reply shows what it answers; only messages of the same conversation can be answered', async () => {
    const [ann, bob] = [person(app, 'ann'), person(app, 'bob')];
    const { conversationId } = await direct(ann, bob);
    const elsewhere = await group(ann, [bob]);
    const [socket, other] = [await ann.connect(), await bob.connect()];
    const asked = await say(socket, conversationId, 'How are you?');
    const foreign = await say(socket, elsewhere.conversationId, 'secret');
    const answered = await say(other, conversationId, 'Better', { replyToId: asked.messageId });
    const replyTo = { messageId: asked.messageId, seq: 1, senderId: ann.userId, type: 'text' as const, content: 'How are you?' };
    assert.deepEqual(answered.replyTo, replyTo);
    assert.deepEqual((await socket.notice('chat:message')).message, answered);
    assert.deepEqual((await readAll(socket, conversationId))[1]?.replyTo, replyTo);
    for (const replyToId of [foreign.messageId, randomUUID()]) {
      await assert.rejects(say(other, conversationId, 'x', { replyToId }), refused('chat.message_not_found'));
    }
    await socket.request('chat:delete', { messageId: asked.messageId, forEveryone: true });
    assert.deepEqual((await readAll(socket, conversationId))[1]?.replyTo, { ...replyTo, content: null });
    assert.equal(await stored(conversationId), 2);
  });

  await t.test(
    '[CH7] its author edits a message for 24 hours: what it said before is kept, and search finds what it says now',
    async () => {
      const [ann, bob] = [person(app, 'ann'), person(app, 'bob')];
      const { conversationId } = await direct(ann, bob);
      const [socket, other] = [await ann.connect(), await bob.connect()];
      const { messageId, ...sent } = await say(socket, conversationId, 'pneumonia');
      const { message } = await socket.request('chat:edit', { messageId, content: 'bronchitis' });
      const { editedAt, ...rest } = message;
      assert.ok(Date.parse(editedAt ?? '') >= Date.parse(sent.sentAt) - 1000);
      assert.deepEqual(rest, { messageId, ...sent, content: 'bronchitis' });
      assert.deepEqual((await other.notice('chat:messageEdited')).message, message);
      assert.deepEqual((await ann.rest('PATCH', `messages/${messageId}`, { content: 'asthma' })).body.message.content, 'asthma');
      const versions = await app.sql<{ version: number }>('select version from message_versions where message_id = $1 order by version', [
        messageId,
      ]);
      assert.deepEqual(
        versions.map(({ version }) => version),
        [0, 1],
      );
      assert.equal((await other.request('chat:search', { query: 'asthma', conversationId })).hits.length, 1);
      for (const query of ['pneumonia', 'bronchitis'])
        assert.equal((await other.request('chat:search', { query, conversationId })).hits.length, 0);
      assert.equal((await viewOf(bob, conversationId)).unreadCount, 1, 'an edit is nothing new to read');

      await assert.rejects(other.request('chat:edit', { messageId, content: 'mine' }), refused('auth.forbidden'));
      assert.deepEqual(outcomeOf(await bob.rest('PATCH', `messages/${messageId}`, { content: 'mine' })), [403, 'auth.forbidden']);
      for (const content of ['', ' ', 'x'.repeat(10_001)]) {
        await assert.rejects(socket.request('chat:edit', { messageId, content }), refused('protocol.invalid_payload'));
      }
      await app.sql("update messages set sent_at = sent_at - interval '23 hours 59 minutes' where message_id = $1", [messageId]);
      await socket.request('chat:edit', { messageId, content: 'just in time' });
      await app.sql("update messages set sent_at = sent_at - interval '1 minute' where message_id = $1", [messageId]);
      await assert.rejects(socket.request('chat:edit', { messageId, content: 'too late' }), refused('chat.too_late'));
      assert.deepEqual(outcomeOf(await ann.rest('PATCH', `messages/${messageId}`, { content: 'too late' })), [409, 'chat.too_late']);
      const entries = await app.sql("select 1 from audit_log where subject = $1 and action = 'message.edited'", [messageId]);
      assert.equal(entries.length, 3);
    },
  );

  await t.test('[CH8] edits of one message at once are all kept, one after another', async () => {
    const [ann, bob] = [person(app, 'ann'), person(app, 'bob')];
    const { conversationId } = await direct(ann, bob);
    const [one, two, other] = [await ann.connect(), await ann.connect(), await bob.connect()];
    const { messageId } = await say(one, conversationId, '0');
    await Promise.all(upTo(20).map((round) => (round % 2 ? one : two).request('chat:edit', { messageId, content: `${round}` })));
    const versions = await app.sql<{ version: number }>('select version from message_versions where message_id = $1 order by version', [
      messageId,
    ]);
    assert.deepEqual(
      versions.map(({ version }) => version),
      upTo(20).map((version) => version - 1),
    );
    await caughtUp(other);
    assert.equal(other.pending('chat:messageEdited'), 20);
  });

  await t.test('[CH9] deleted for oneself, a message is gone from one’s own view on all devices, and from nobody else’s', async () => {
    const [ann, bob] = [person(app, 'ann'), person(app, 'bob')];
    const { conversationId } = await direct(ann, bob);
    const [socket, device, other] = [await ann.connect(), await ann.connect(), await bob.connect()];
    const { messageId } = await say(other, conversationId, 'embarrassing');
    const { message } = await socket.request('chat:delete', { messageId, forEveryone: false });
    assert.equal(message.deletedAt, undefined);
    assert.deepEqual(await device.notice('chat:messageDeleted'), { conversationId, messageId, seq: 1, forEveryone: false });
    assert.deepEqual(await readAll(socket, conversationId), []);
    assert.equal((await socket.request('chat:search', { query: 'embarrassing' })).hits.length, 0);
    for (const [method, path] of [
      ['GET', ''],
      ['GET', '/receipts'],
      ['DELETE', ''],
    ] as const) {
      assert.deepEqual(outcomeOf(await ann.rest(method, `messages/${messageId}${path}`)), [404, 'chat.message_not_found']);
    }
    assert.equal((await readAll(other, conversationId)).length, 1);
    await caughtUp(other);
    assert.equal(other.pending('chat:messageDeleted'), 0);
    const { messageId: second } = await say(other, conversationId, 'again');
    assert.equal((await ann.rest('DELETE', `messages/${second}`)).status, 204);
    assert.deepEqual(await readAll(socket, conversationId), []);
  });

  await t.test('[CH10] deleted for everyone by its author, a message’s body is destroyed: the shell with its seq is left', async () => {
    const [ann, bob] = [person(app, 'ann'), person(app, 'bob')];
    const { conversationId } = await group(ann, [bob]);
    const [socket, other] = [await ann.connect(), await bob.connect()];
    const { messageId } = await say(other, conversationId, 'wrong patient', { mentions: [ann.userId] });
    await other.request('chat:edit', { messageId, content: 'wrong patient, sorry' });
    await socket.request('chat:react', { messageId, emoji: '👍' });
    await assert.rejects(
      socket.request('chat:delete', { messageId, forEveryone: true }),
      refused('auth.forbidden'),
      'not even by the owner',
    );
    const { message } = await other.request('chat:delete', { messageId, forEveryone: true });
    assert.ok(message.deletedAt);
    assert.deepEqual([message.content, message.reactions, message.mentions, message.seq], [null, [], [], 1]);
    assert.deepEqual(await socket.notice('chat:messageDeleted'), { conversationId, messageId, seq: 1, forEveryone: true });
    const [row] = await app.sql(
      `select key_id, sealed, search_tokens, mentions,
        (select count(*)::int from message_versions v where v.message_id = m.message_id) as versions,
        (select count(*)::int from message_reactions r where r.message_id = m.message_id) as reactions
      from messages m where message_id = $1`,
      [messageId],
    );
    assert.deepEqual(row, { key_id: null, sealed: null, search_tokens: [], mentions: [], versions: 0, reactions: 0 });
    for (const query of ['wrong', 'sorry']) assert.equal((await socket.request('chat:search', { query })).hits.length, 0);
    assert.deepEqual(await readAll(socket, conversationId), [message]);
    for (const ask of [
      () => other.request('chat:edit', { messageId, content: 'x' }),
      () => other.request('chat:delete', { messageId, forEveryone: true }),
      () => other.request('chat:react', { messageId, emoji: '👍' }),
    ]) {
      await assert.rejects(ask(), refused('chat.message_not_found'));
    }
    assert.equal((await say(socket, conversationId, 'next')).seq, 2);
    const [entry] = await app.sql("select actor_id from audit_log where subject = $1 and action = 'message.deleted'", [messageId]);
    assert.deepEqual(entry, { actor_id: bob.userId });
    const { messageId: byRest } = await say(other, conversationId, 'x');
    assert.equal((await bob.rest('DELETE', `messages/${byRest}?forEveryone=true`)).status, 204);
    assert.equal((await ann.rest('DELETE', `messages/${byRest}?forEveryone=maybe`)).status, 400);
  });

  await t.test('[CH11] everybody reacts with any emoji, once each; all hear how the reactions stand', async () => {
    const [ann, bob] = [person(app, 'ann'), person(app, 'bob')];
    const { conversationId } = await group(ann, [bob]);
    const [socket, other] = [await ann.connect(), await bob.connect()];
    const { messageId } = await say(socket, conversationId, 'done');
    const first = await other.request('chat:react', { messageId, emoji: '👍' });
    assert.deepEqual(first.message.reactions, [{ emoji: '👍', count: 1, userIds: [bob.userId] }]);
    assert.deepEqual(await socket.notice('chat:reactionsChanged'), { conversationId, messageId, reactions: first.message.reactions });
    assert.deepEqual((await other.request('chat:react', { messageId, emoji: '👍' })).message.reactions, first.message.reactions);
    const heart = `messages/${messageId}/reactions/${encodeURIComponent('❤️')}`;
    assert.equal((await bob.rest('PUT', heart)).status, 200);
    const both = await socket.request('chat:react', { messageId, emoji: '👍' });
    assert.deepEqual(both.message.reactions, [
      { emoji: '👍', count: 2, userIds: [bob.userId, ann.userId] },
      { emoji: '❤️', count: 1, userIds: [bob.userId] },
    ]);
    assert.equal((await bob.rest('DELETE', heart)).status, 204);
    assert.equal((await bob.rest('DELETE', heart)).status, 204);
    const left = await socket.request('chat:unreact', { messageId, emoji: '👍' });
    assert.deepEqual(left.message.reactions, [{ emoji: '👍', count: 1, userIds: [bob.userId] }]);
    await caughtUp(other);
    assert.equal(other.pending('chat:reactionsChanged'), 5, 'what changes nothing is not told');
    for (const emoji of ['', 'a', '👍👍', '1', '<b>', '👍 ', ':)']) {
      await assert.rejects(socket.request('chat:react', { messageId, emoji }), refused('protocol.invalid_payload'), emoji);
    }
    for (const emoji of ['👩🏽‍⚕️', '🇻🇳', '1️⃣', '❤']) await socket.request('chat:react', { messageId, emoji });
  });

  await t.test('[CH12] of reactions at once none is lost, and the last notice tells all of them', async () => {
    const owner = person(app, 'owner');
    const friends = Array.from({ length: 12 }, (_, index) => person(app, `friend${index}`));
    const { conversationId } = await group(owner, friends);
    const watcher = await owner.connect();
    const sockets = await Promise.all(friends.map((friend) => friend.connect()));
    const { messageId } = await say(watcher, conversationId, 'vote');
    await Promise.all(sockets.map((socket) => socket.request('chat:react', { messageId, emoji: '✅' })));
    await caughtUp(watcher);
    assert.equal(watcher.pending('chat:reactionsChanged'), 12);
    let last = await watcher.notice('chat:reactionsChanged');
    while (watcher.pending('chat:reactionsChanged') > 0) last = await watcher.notice('chat:reactionsChanged');
    assert.deepEqual([...(last.reactions[0]?.userIds ?? [])].sort(), friends.map(({ userId }) => userId).sort());
  });

  await t.test('[CH13] only members can be mentioned, each once', async () => {
    const [ann, bob, eve] = [person(app, 'ann'), person(app, 'bob'), person(app, 'eve')];
    const { conversationId } = await group(ann, [bob]);
    const socket = await ann.connect();
    const { mentions } = await say(socket, conversationId, 'look', { mentions: [bob.userId, eve.userId, bob.userId] });
    assert.deepEqual(mentions, [bob.userId]);
    assert.deepEqual((await readAll(socket, conversationId))[0]?.mentions, [bob.userId]);
  });

  await t.test('[CH14] what a session sends without waiting keeps its order, also by a token of one room', async () => {
    const [ann, bob] = [person(app, 'ann'), person(app, 'bob')];
    const { roomId, hostToken } = await app.createRoom({ guestIds: [bob.userId] }, ann.userId);
    const guest = await bob.connect();
    const inside = await app.connect(ann.userId, 'provider', { token: hostToken });
    const conversationId = (await inside.join(roomId)).conversationId ?? '';
    for (const socket of [guest, inside]) {
      const messages = await Promise.all(upTo(30).map((number) => say(socket, conversationId, `${number}`)));
      assert.deepEqual(
        messages.map(({ seq }) => seq),
        upTo(30).map((number) => number + (messages[0]?.seq ?? 0) - 1),
      );
    }
    await caughtUp(guest);
    const told = await Promise.all(upTo(30).map(() => guest.notice('chat:message')));
    assert.deepEqual(
      told.map(({ message }) => message.seq),
      upTo(30).map((number) => number + 30),
    );
    await inside.close();
  });

  await t.test('[CH15] an id in capitals is the same id', async () => {
    const [ann, bob] = [person(app, 'ann'), person(app, 'bob')];
    const { conversationId } = await direct(ann, bob);
    const [socket, other] = [await ann.connect(), await bob.connect()];
    const message = await say(socket, conversationId.toUpperCase(), 'hello');
    assert.equal(message.conversationId, conversationId);
    const reply = await say(other, conversationId, 'hi', { replyToId: message.messageId.toUpperCase() });
    assert.equal(reply.replyTo?.messageId, message.messageId);
    await other.request('chat:read', { conversationId: conversationId.toUpperCase(), seq: 2 });
    assert.deepEqual(await socket.notice('chat:read'), { conversationId, userId: bob.userId, seq: 2 });
    assert.equal((await ann.rest('GET', `messages/${message.messageId.toUpperCase()}`)).status, 200);
  });

  await t.test('[CH16] a conversation’s messages in numbers; the server’s own are not counted', async () => {
    const [ann, bob] = [person(app, 'ann'), person(app, 'bob')];
    const { conversationId } = await direct(ann, bob);
    const stats = async () => (await bob.rest('GET', `conversations/${conversationId}/messages/stats`)).body;
    assert.deepEqual(await stats(), { total: 0, byType: [], bySender: [], firstAt: null, lastAt: null });
    const [socket, other] = [await ann.connect(), await bob.connect()];
    const first = await say(socket, conversationId, '1');
    await say(other, conversationId, '2', { type: 'location' });
    const last = await say(socket, conversationId, '3');
    const { byType, bySender, ...rest } = await stats();
    assert.deepEqual(rest, { total: 3, firstAt: first.sentAt, lastAt: last.sentAt });
    assert.deepEqual(
      new Map(byType.map(({ type, count }: { type: string; count: number }) => [type, count])),
      new Map([
        ['text', 2],
        ['location', 1],
      ]),
    );
    assert.deepEqual(
      new Map(bySender.map(({ userId, count }: { userId: string; count: number }) => [userId, count])),
      new Map([
        [ann.userId, 2],
        [bob.userId, 1],
      ]),
    );
  });
});

test('[CH17] the 31st message of a minute is refused with the time to wait, on whatever device and edge; services and others are not', async () => {
  await using app = await startTestApp({ ACCESS_POLICY: 'open' });
  const [ann, bob, portal] = [person(app, 'ann'), person(app, 'bob'), person(app, 'portal', 'service')];
  const { conversationId } = await direct(ann, bob);
  const [one, two, other] = [await ann.connect(), await ann.connect(), await bob.connect()];
  const answers = await Promise.allSettled(upTo(40).map((number) => say(number % 2 ? one : two, conversationId, `${number}`)));
  assert.equal(answers.filter(({ status }) => status === 'fulfilled').length, 30);
  await assert.rejects(say(one, conversationId, 'more'), (error: AppError) => {
    assert.equal(error.code, 'protocol.rate_limited');
    const { retryAfterMs } = error.details as { retryAfterMs: number };
    assert.ok(retryAfterMs > 0 && retryAfterMs <= 60_000);
    return true;
  });
  const posted = await ann.rest('POST', `conversations/${conversationId}/messages`, { clientId: 'x', type: 'text', content: 'more' });
  assert.deepEqual(outcomeOf(posted), [429, 'protocol.rate_limited']);
  assert.ok(Number(posted.headers.get('retry-after')) > 0);
  await say(other, conversationId, 'I may');
  assert.equal((await readAll(other, conversationId)).length, 31);
  const own = await direct(portal, ann);
  const socket = await portal.connect();
  await Promise.all(upTo(35).map((number) => say(socket, own.conversationId, `${number}`)));
});
