import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { Conversation } from '../../src/protocol/chat.ts';
import { startTestApp } from '../support/test-app.ts';
import { caughtUp, direct, group, outcomeOf, person, refused, say, unlimited, viewOf } from './chat-fixture.ts';

test('conversations', async (t) => {
  await using app = await startTestApp(unlimited);

  await t.test('[CV1] a direct conversation is made once (201), then answered (200), whoever of the two asks', async () => {
    const [doctor, ann] = [person(app, 'doctor'), person(app, 'ann', 'patient')];
    const socket = await ann.connect();
    const made = await doctor.rest('POST', 'conversations/direct', { userId: ann.userId });
    assert.equal(made.status, 201);
    const { conversationId } = made.body as Conversation;
    const { createdAt, ...rest } = made.body;
    assert.ok(Date.parse(createdAt) <= Date.now());
    assert.deepEqual(rest, {
      conversationId,
      type: 'direct',
      name: `Name of ${ann.userId}`,
      avatarId: null,
      appointmentId: null,
      roomId: null,
      status: 'active',
      role: 'member',
      memberIds: [ann.userId, doctor.userId].sort(),
      lastMessage: null,
      lastSeq: 0,
      unreadCount: 0,
      deliveredSeq: 0,
      readSeq: 0,
      mutedUntil: null,
    });
    assert.equal((await socket.notice('chat:conversationAdded')).conversation.name, `Name of ${doctor.userId}`);
    const again = await ann.rest('POST', 'conversations/direct', { userId: doctor.userId });
    assert.deepEqual([again.status, again.body.conversationId], [200, conversationId]);
    await caughtUp(socket);
    assert.equal(socket.pending('chat:conversationAdded'), 0, 'told once');
  });

  await t.test('[CV2] both asking at once, many times over, get one conversation, and one of them made it', async () => {
    const [doctor, ann] = [person(app, 'doctor'), person(app, 'ann', 'patient')];
    // Both have been seen, so that neither is asked for before the server knows what they are.
    await doctor.rest('GET', 'users/me');
    await ann.rest('GET', 'users/me');
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        index % 2 === 0
          ? doctor.rest('POST', 'conversations/direct', { userId: ann.userId })
          : ann.rest('POST', 'conversations/direct', { userId: doctor.userId }),
      ),
    );
    assert.equal(new Set(answers.map(({ body }) => body.conversationId)).size, 1);
    assert.equal(answers.filter(({ status }) => status === 201).length, 1);
    assert.equal(answers.filter(({ status }) => status === 200).length, 19);
  });

  await t.test('[CV3] a direct conversation is begun with a first message, which the answer shows and the other hears', async () => {
    const [doctor, ann] = [person(app, 'doctor'), person(app, 'ann', 'patient')];
    const socket = await ann.connect();
    const { conversationId, lastMessage } = await direct(doctor, ann, { initialMessage: 'Good morning' });
    assert.deepEqual([lastMessage?.content, lastMessage?.seq, lastMessage?.senderId], ['Good morning', 1, doctor.userId]);
    assert.deepEqual((await socket.notice('chat:message')).message, lastMessage);
    assert.equal((await viewOf(ann, conversationId)).unreadCount, 1);
    const bob = person(app, 'bob', 'patient');
    for (const initialMessage of [' \n', 'x'.repeat(10_001)]) {
      assert.deepEqual(outcomeOf(await doctor.rest('POST', 'conversations/direct', { userId: bob.userId, initialMessage })), [
        400,
        'protocol.invalid_payload',
      ]);
    }
    assert.deepEqual((await bob.rest('GET', 'conversations')).body.conversations, [], 'what is refused makes no conversation');
  });

  await t.test('[CV4] two users have one more direct conversation for each of their appointments', async () => {
    const [doctor, ann, other] = [person(app, 'doctor'), person(app, 'ann', 'patient'), person(app, 'other')];
    const portal = person(app, 'portal', 'service');
    const appointmentId = `visit ${randomUUID()}`;
    await portal.rest('PUT', `appointments/${encodeURIComponent(appointmentId)}`, {
      participantIds: [doctor.userId, ann.userId],
      scheduledAt: '2030-01-01T10:00:00Z',
      durationMinutes: 30,
    });
    const plain = await direct(doctor, ann);
    const visit = await direct(doctor, ann, { appointmentId });
    assert.notEqual(plain.conversationId, visit.conversationId);
    assert.deepEqual([plain.appointmentId, visit.appointmentId], [null, appointmentId]);
    assert.equal((await direct(ann, doctor, { appointmentId })).conversationId, visit.conversationId);
    const asked = { userId: ann.userId, appointmentId };
    assert.deepEqual(outcomeOf(await other.rest('POST', 'conversations/direct', asked)), [404, 'appointment.not_found']);
    const missing = { userId: ann.userId, appointmentId: 'no such' };
    assert.deepEqual(outcomeOf(await doctor.rest('POST', 'conversations/direct', missing)), [404, 'appointment.not_found']);
  });

  await t.test('[CV5] a group is made by its owner with members of one role; each hears of it once', async () => {
    const [owner, ann, bob] = [person(app, 'owner'), person(app, 'ann', 'patient'), person(app, 'bob')];
    const [annSocket, bobSocket] = [await ann.connect(), await bob.connect()];
    const { status, body } = await owner.rest('POST', 'conversations/group', {
      name: ' Ward 3 ',
      memberIds: [bob.userId, ann.userId, bob.userId, owner.userId],
    });
    assert.equal(status, 201);
    const made = body as Conversation;
    assert.deepEqual([made.type, made.name, made.role, made.memberIds.length], ['group', 'Ward 3', 'owner', 3]);
    for (const socket of [annSocket, bobSocket]) {
      assert.equal((await socket.notice('chat:conversationAdded')).conversation.role, 'member');
      await caughtUp(socket);
      assert.equal(socket.pending('chat:conversationAdded'), 0);
    }
    const { body: listed } = await ann.rest('GET', `conversations/${made.conversationId}/members`);
    assert.deepEqual(
      listed.members.map((one: { userId: string; role: string; displayName: string }) => [one.userId, one.role, one.displayName]).sort(),
      [
        [owner.userId, 'owner', `Name of ${owner.userId}`],
        [ann.userId, 'member', `Name of ${ann.userId}`],
        [bob.userId, 'member', `Name of ${bob.userId}`],
      ].sort(),
    );
  });

  await t.test('[CV6] a malformed conversation is refused with the field’s name, and nothing is stored', async () => {
    const owner = person(app, 'owner');
    const count = async () => (await app.sql<{ count: string }>('select count(*) from conversations'))[0]?.count;
    const before = await count();
    const groups: [Record<string, unknown>, string][] = [
      [{ memberIds: ['a'] }, 'name'],
      [{ name: ' ', memberIds: ['a'] }, 'name'],
      [{ name: 'x'.repeat(201), memberIds: ['a'] }, 'name'],
      [{ name: 'a\0b', memberIds: ['a'] }, 'name'],
      [{ name: 'half \ud800', memberIds: ['a'] }, 'name'],
      [{ name: 'n' }, 'memberIds'],
      [{ name: 'n', memberIds: [] }, 'memberIds'],
      [{ name: 'n', memberIds: ['no spaces'] }, 'memberIds.0'],
      [{ name: 'n', memberIds: Array.from({ length: 201 }, (_, index) => `u${index}`) }, 'memberIds'],
      [{ name: 'n', memberIds: ['a'], appointmentId: '' }, 'appointmentId'],
    ];
    for (const [body, field] of groups) {
      const answer = await owner.rest('POST', 'conversations/group', body);
      assert.deepEqual(
        [...outcomeOf(answer), answer.body.error.details.field],
        [400, 'protocol.invalid_payload', field],
        JSON.stringify(body),
      );
    }
    for (const body of [{}, { userId: 'no spaces' }, { userId: 'a', colour: 'red' }, { userId: 'a', initialMessage: 7 }]) {
      assert.deepEqual(
        outcomeOf(await owner.rest('POST', 'conversations/direct', body)),
        [400, 'protocol.invalid_payload'],
        JSON.stringify(body),
      );
    }
    assert.deepEqual(outcomeOf(await owner.rest('POST', 'conversations/direct', { userId: owner.userId })), [403, 'auth.forbidden']);
    assert.equal(await count(), before);
  });

  await t.test('[CV7] conversations are listed by what happened last, in pages without gap or double, by status and type', async () => {
    const owner = person(app, 'owner');
    const others = Array.from({ length: 5 }, (_, index) => person(app, `friend${index}`));
    const made: Conversation[] = [];
    for (const other of others) made.unshift(await direct(owner, other));
    made.unshift(await group(owner, others));
    const socket = await owner.connect();
    const oldest = made.at(-1)!;
    await say(socket, oldest.conversationId, 'first again');
    const expected = [oldest, ...made.slice(0, -1)].map(({ conversationId }) => conversationId);
    const pages: string[][] = [];
    let cursor: string | undefined;
    do {
      const page = await socket.request('chat:conversations', { limit: 4, ...(cursor !== undefined && { cursor }) });
      pages.push(page.conversations.map(({ conversationId }) => conversationId));
      cursor = page.cursor ?? undefined;
    } while (cursor !== undefined);
    assert.deepEqual(
      pages.map(({ length }) => length),
      [4, 2],
    );
    assert.deepEqual(pages.flat(), expected);
    const { body } = await owner.rest('GET', 'conversations?limit=4');
    assert.deepEqual(
      body.conversations.map(({ conversationId }: Conversation) => conversationId),
      pages[0],
    );

    const list = async (query: string) =>
      (await owner.rest('GET', `conversations?${query}`)).body.conversations.map(({ conversationId }: Conversation) => conversationId);
    const [archived, closed, both] = expected.slice(1, 4) as [string, string, string];
    for (const id of [archived, both]) await owner.rest('PUT', `conversations/${id}/archive`);
    for (const id of [closed, both]) await owner.rest('PUT', `conversations/${id}/close`);
    assert.deepEqual(await list('status=archived'), [archived]);
    assert.deepEqual((await list('status=closed')).sort(), [closed, both].sort());
    assert.equal((await list('status=active')).length, 3);
    assert.deepEqual(await list('type=group'), [made[0]?.conversationId]);
    assert.equal((await list('type=direct')).length, 5);
    for (const query of [
      'limit=0',
      'limit=101',
      'limit=many',
      'cursor=7',
      `cursor=${Buffer.from('["x",1]').toString('base64url')}`,
      'status=odd',
      'type=odd',
    ]) {
      assert.deepEqual(outcomeOf(await owner.rest('GET', `conversations?${query}`)), [400, 'protocol.invalid_payload'], query);
    }
    await assert.rejects(socket.request('chat:conversations', { limit: 101 }), refused('protocol.invalid_payload'));
  });

  await t.test('[CV8] each member archives and mutes for themselves alone; their other devices hear of it', async () => {
    const [ann, bob] = [person(app, 'ann'), person(app, 'bob')];
    const { conversationId } = await direct(ann, bob);
    const where = `conversations/${conversationId}`;
    const [annSocket, bobSocket] = [await ann.connect(), await bob.connect()];
    const archived = await ann.rest('PUT', `${where}/archive`);
    assert.deepEqual([archived.status, archived.body.status], [200, 'archived']);
    assert.equal((await annSocket.notice('chat:conversationUpdated')).conversation.status, 'archived');
    assert.equal((await viewOf(bob, conversationId)).status, 'active');
    assert.equal((await ann.rest('DELETE', `${where}/archive`)).status, 204);
    assert.equal((await viewOf(ann, conversationId)).status, 'active');

    const until = new Date(Date.now() + 3_600_000).toISOString();
    const muted = await ann.rest('PUT', `${where}/mute`, { until });
    assert.deepEqual([muted.status, muted.body.mutedUntil], [200, until]);
    assert.equal((await viewOf(bob, conversationId)).mutedUntil, null);
    assert.ok(Date.parse((await ann.rest('PUT', `${where}/mute`)).body.mutedUntil) > Date.now() + 1e12, 'for good without an end');
    assert.equal((await ann.rest('DELETE', `${where}/mute`)).status, 204);
    assert.equal((await viewOf(ann, conversationId)).mutedUntil, null);
    for (const bad of ['soon', '0000-06-01T00:00:00Z', '9999-12-31T23:59:59-01:00']) {
      assert.deepEqual(outcomeOf(await ann.rest('PUT', `${where}/mute`, { until: bad })), [400, 'protocol.invalid_payload'], bad);
    }
    await caughtUp(bobSocket);
    assert.equal(bobSocket.pending('chat:conversationUpdated'), 0);
  });

  await t.test(
    '[CV9] owner and admins rename a group and give it a picture; changes of both at once hold; members and direct ones do not',
    async () => {
      const [owner, ann, bob] = [person(app, 'owner'), person(app, 'ann'), person(app, 'bob', 'patient')];
      const { conversationId } = await group(owner, [ann, bob]);
      const where = `conversations/${conversationId}`;
      await owner.rest('PATCH', `${where}/members/${ann.userId}`, { role: 'admin' });
      const socket = await bob.connect();
      const renamed = await ann.rest('PATCH', where, { name: 'Ward 4' });
      assert.deepEqual([renamed.status, renamed.body.name, renamed.body.avatarId], [200, 'Ward 4', null]);
      assert.equal(
        (await socket.notice('chat:conversationUpdated', ({ conversation }) => conversation.name === 'Ward 4')).conversation.role,
        'member',
      );
      for (let round = 0; round < 5; round += 1) {
        await app.sql('update conversations set avatar_id = $2 where conversation_id = $1', [conversationId, randomUUID()]);
        const answers = await Promise.all([
          owner.rest('PATCH', where, { name: `Round ${round}` }),
          ann.rest('PATCH', where, { avatarId: null }),
        ]);
        assert.deepEqual(
          answers.map(({ status }) => status),
          [200, 200],
        );
        const { name, avatarId } = await viewOf(owner, conversationId);
        assert.deepEqual([name, avatarId], [`Round ${round}`, null]);
      }
      assert.deepEqual(outcomeOf(await owner.rest('PATCH', where, { avatarId: randomUUID() })), [404, 'chat.attachment_not_found']);
      assert.deepEqual(outcomeOf(await bob.rest('PATCH', where, { name: 'Mine' })), [403, 'auth.forbidden']);
      for (const body of [{ name: '' }, { colour: 'red' }, { avatarId: 'x' }]) {
        assert.deepEqual(outcomeOf(await owner.rest('PATCH', where, body)), [400, 'protocol.invalid_payload']);
      }
      const pair = await direct(owner, ann);
      assert.deepEqual(outcomeOf(await owner.rest('PATCH', `conversations/${pair.conversationId}`, { name: 'Us' })), [
        409,
        'chat.direct_conversation',
      ]);
    },
  );

  await t.test(
    '[CV10] in a closed conversation nothing more is sent, edited, reacted, typed or added; it is read and deleted from as before',
    async () => {
      const [owner, ann, bob] = [person(app, 'owner'), person(app, 'ann'), person(app, 'bob', 'patient')];
      const { conversationId } = await group(owner, [ann]);
      const where = `conversations/${conversationId}`;
      const [socket, other] = [await owner.connect(), await ann.connect()];
      const message = await say(socket, conversationId, 'before');
      const { messageId } = message;
      assert.deepEqual(outcomeOf(await ann.rest('PUT', `${where}/close`)), [403, 'auth.forbidden']);
      const closed = await owner.rest('PUT', `${where}/close`);
      assert.deepEqual([closed.status, closed.body.status], [200, 'closed']);
      assert.equal((await other.notice('chat:conversationUpdated')).conversation.status, 'closed');
      assert.equal((await owner.rest('PUT', `${where}/close`)).status, 200, 'a second time changes nothing');
      await assert.rejects(say(socket, conversationId, 'after'), refused('chat.conversation_closed'));
      await assert.rejects(socket.request('chat:edit', { messageId, content: 'after' }), refused('chat.conversation_closed'));
      await assert.rejects(socket.request('chat:react', { messageId, emoji: '👍' }), refused('chat.conversation_closed'));
      await assert.rejects(socket.request('chat:typing', { conversationId, typing: true }), refused('chat.conversation_closed'));
      const sent = await owner.rest('POST', `${where}/messages`, { clientId: 'c', type: 'text', content: 'after' });
      assert.deepEqual(outcomeOf(sent), [409, 'chat.conversation_closed']);
      assert.deepEqual(outcomeOf(await owner.rest('POST', `${where}/members`, { userIds: [bob.userId] })), [
        409,
        'chat.conversation_closed',
      ]);
      assert.deepEqual(outcomeOf(await owner.rest('PATCH', where, { name: 'New' })), [409, 'chat.conversation_closed']);
      assert.deepEqual((await other.request('chat:history', { conversationId })).messages, [message]);
      const again = { conversationId, clientId: message.clientId, type: 'text' as const, content: 'before' };
      assert.equal((await socket.request('chat:send', again)).message.messageId, messageId, 'what was stored before is still acknowledged');
      await other.request('chat:read', { conversationId, seq: 1 });
      assert.equal((await viewOf(ann, conversationId)).unreadCount, 0);
      await socket.request('chat:delete', { messageId, forEveryone: true });

      const [doctor, patient] = [person(app, 'doctor'), person(app, 'patient', 'patient')];
      const pair = await direct(doctor, patient);
      assert.deepEqual(outcomeOf(await patient.rest('PUT', `conversations/${pair.conversationId}/close`)), [403, 'auth.forbidden']);
      assert.equal((await doctor.rest('PUT', `conversations/${pair.conversationId}/close`)).body.status, 'closed');
    },
  );

  await t.test('[CV11] the last message is the last one that a member has not deleted for themselves', async () => {
    const [ann, bob] = [person(app, 'ann'), person(app, 'bob')];
    const { conversationId } = await direct(ann, bob);
    const socket = await ann.connect();
    await say(socket, conversationId, 'one');
    const { messageId } = await say(socket, conversationId, 'two');
    await socket.request('chat:delete', { messageId, forEveryone: false });
    assert.equal((await viewOf(ann, conversationId)).lastMessage?.content, 'one');
    assert.equal((await viewOf(bob, conversationId)).lastMessage?.content, 'two');
    await socket.request('chat:delete', { messageId: (await viewOf(ann, conversationId)).lastMessage!.messageId, forEveryone: false });
    assert.equal((await viewOf(ann, conversationId)).lastMessage, null);
    const { conversations } = await socket.request('chat:conversations', {});
    assert.equal(conversations[0]?.lastMessage, null);
  });

  await t.test('[CV12] one’s conversations in numbers', async () => {
    const [ann, bob, eve] = [person(app, 'ann'), person(app, 'bob'), person(app, 'eve')];
    const stats = async (of = ann) => (await of.rest('GET', 'conversations/stats')).body;
    assert.deepEqual(await stats(), { total: 0, direct: 0, group: 0, archived: 0, unreadConversations: 0, unreadMessages: 0 });
    const pair = await direct(ann, bob);
    const { conversationId } = await group(bob, [ann, eve]);
    const socket = await bob.connect();
    for (const content of ['1', '2']) await say(socket, pair.conversationId, content);
    await say(socket, conversationId, '3');
    await ann.rest('PUT', `conversations/${conversationId}/archive`);
    assert.deepEqual(await stats(), { total: 2, direct: 1, group: 1, archived: 1, unreadConversations: 2, unreadMessages: 3 });
    await ann.rest('POST', `conversations/${pair.conversationId}/read`, { seq: 2 });
    assert.deepEqual(await stats(), { total: 2, direct: 1, group: 1, archived: 1, unreadConversations: 1, unreadMessages: 1 });
    assert.equal((await stats(bob)).unreadMessages, 0, 'one’s own are never unread');
  });
});
