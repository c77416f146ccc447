import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { caughtUp, direct, outcomeOf, type Person, person, readAll, refused, say, unlimited, viewOf } from './chat-fixture.ts';

/** A room of a host with an invited guest. */
async function makeRoom(app: TestApp, host: Person, guest: Person) {
  const room = await app.createRoom({ guestIds: [guest.userId], name: 'Knee' }, host.userId);
  const { body } = await host.rest('GET', 'conversations');
  const conversation = body.conversations.find(({ roomId }: { roomId: string }) => roomId === room.roomId);
  return { ...room, conversationId: conversation.conversationId as string, conversation };
}

test('a room’s conversation', async (t) => {
  await using app = await startTestApp(unlimited);

  await t.test('[CV30] it is there from the room’s making: host and guests write in it before the call', async () => {
    const [host, guest] = [person(app, 'host'), person(app, 'guest', 'patient')];
    const { roomId, conversation, conversationId } = await makeRoom(app, host, guest);
    assert.deepEqual([conversation.type, conversation.name, conversation.role, conversation.roomId], ['group', 'Knee', 'owner', roomId]);
    assert.equal((await viewOf(guest, conversationId)).role, 'member');
    const [socket, other] = [await host.connect(), await guest.connect()];
    const callId = randomUUID();
    const { message } = await socket.request('chat:send', {
      conversationId,
      clientId: 'c',
      type: 'text',
      content: 'See you at ten',
      callId,
    });
    assert.equal(message.callId, callId);
    assert.deepEqual((await other.notice('chat:message')).message, message);
    assert.equal((await readAll(other, conversationId))[0]?.callId, callId);
    assert.equal((await other.join(roomId)).conversationId, conversationId, 'in-call chat is the same chat');
    assert.equal((await readAll(other, conversationId)).length, 1);
    await other.request('room:leave', {});
  });

  await t.test('[CV31] whoever enters becomes a member, with nothing unread; moderators as admins; both sides hear of it', async () => {
    const [host, visitor, colleague] = [person(app, 'host'), person(app, 'visitor', 'patient'), person(app, 'boss', 'admin')];
    const { roomId } = await app.createRoom({}, host.userId);
    const [socket, visitorSocket, colleagueSocket] = [await host.connect(), await visitor.connect(), await colleague.connect()];
    const conversationId = (await socket.join(roomId)).conversationId ?? '';
    await say(socket, conversationId, 'before you came');
    await assert.rejects(readAll(visitorSocket, conversationId), refused('chat.conversation_not_found'));
    assert.equal((await visitorSocket.join(roomId)).conversationId, conversationId);
    const { conversation } = await visitorSocket.notice('chat:conversationAdded');
    assert.deepEqual([conversation.conversationId, conversation.role, conversation.unreadCount], [conversationId, 'member', 0]);
    assert.equal((await socket.notice('chat:membersChanged')).members.length, 2);
    await colleagueSocket.join(roomId);
    assert.equal((await colleagueSocket.notice('chat:conversationAdded')).conversation.role, 'admin');
    assert.equal((await socket.notice('chat:membersChanged')).members.length, 3);
    await visitorSocket.join(roomId);
    await caughtUp(visitorSocket);
    assert.equal(visitorSocket.pending('chat:conversationAdded'), 0, 'once');
    assert.equal((await readAll(visitorSocket, conversationId)).length, 1);
    for (const client of [visitorSocket, colleagueSocket, socket]) await client.request('room:leave', {});
    await say(visitorSocket, conversationId, 'afterwards');
    assert.equal((await socket.notice('chat:message', ({ message }) => message.content === 'afterwards')).message.senderId, visitor.userId);
  });

  await t.test('[CV32] many entering at once are all members, and the last notice has them all', async () => {
    const host = person(app, 'host');
    const { roomId } = await app.createRoom({}, host.userId);
    const socket = await host.connect();
    await socket.join(roomId);
    const visitors = await Promise.all(Array.from({ length: 10 }, (_, index) => person(app, `visitor${index}`, 'patient').connect()));
    await Promise.all(visitors.map((visitor) => visitor.join(roomId)));
    for (const visitor of visitors) await visitor.notice('chat:conversationAdded');
    await socket.notice('chat:membersChanged', ({ members }) => members.length === 11);
    await caughtUp(socket);
    while (socket.pending('chat:membersChanged') > 0) assert.ok((await socket.notice('chat:membersChanged')).members.length <= 11);
    for (const visitor of visitors) await visitor.close();
  });

  await t.test('[CV33] a token for the room reads and writes its conversation and no other, over the socket and over REST', async () => {
    const [host, guest] = [person(app, 'host'), person(app, 'guest', 'patient')];
    const { roomId, hostToken, conversationId } = await makeRoom(app, host, guest);
    const other = await makeRoom(app, host, guest);
    const pair = await direct(host, guest);
    const socket = await host.connect();
    const own = await say(socket, conversationId, 'public here');
    const inside = await app.connect(host.userId, 'provider', { token: hostToken });
    await inside.join(roomId);
    assert.deepEqual(await readAll(inside, conversationId), [own]);
    assert.equal((await say(inside, conversationId, 'and I answer')).seq, 2);
    assert.equal((await inside.request('chat:search', { query: 'public', conversationId })).hits.length, 1);
    await inside.request('chat:react', { messageId: own.messageId, emoji: '👍' });
    await inside.request('chat:edit', { messageId: own.messageId, content: 'still public' });
    await inside.request('chat:read', { conversationId, seq: 1 });
    await inside.request('chat:typing', { conversationId, typing: true });
    const rest = (method: string, where: string, body?: unknown) =>
      app.rest(method, where, { token: hostToken, ...(body !== undefined && { body }) });
    assert.equal((await rest('GET', `conversations/${conversationId}`)).status, 200);
    assert.equal((await rest('GET', `conversations/${conversationId}/members`)).status, 200);
    assert.equal((await rest('GET', `messages/${own.messageId}`)).status, 200);

    for (const foreign of [pair.conversationId, other.conversationId]) {
      const { messageId } = await say(socket, foreign, 'private elsewhere');
      const at = { conversationId: foreign };
      for (const [name, payload, code] of [
        ['chat:send', { ...at, clientId: 'x', type: 'text', content: 'x' }, 'chat.conversation_not_found'],
        ['chat:history', at, 'chat.conversation_not_found'],
        ['chat:search', { ...at, query: 'private' }, 'chat.conversation_not_found'],
        ['chat:read', { ...at, seq: 1 }, 'chat.conversation_not_found'],
        ['chat:delivered', { ...at, seq: 1 }, 'chat.conversation_not_found'],
        ['chat:typing', { ...at, typing: true }, 'chat.conversation_not_found'],
        ['chat:edit', { messageId, content: 'x' }, 'chat.message_not_found'],
        ['chat:delete', { messageId, forEveryone: true }, 'chat.message_not_found'],
        ['chat:react', { messageId, emoji: '👍' }, 'chat.message_not_found'],
        ['chat:send', { conversationId, clientId: 'y', type: 'text', content: 'x', replyToId: messageId }, 'chat.message_not_found'],
      ] as const) {
        await assert.rejects(inside.send(name, payload), refused(code), name);
      }
      const base = `conversations/${foreign}`;
      for (const [method, where, body] of [
        ['GET', base],
        ['PATCH', base, { name: 'x' }],
        ['PUT', `${base}/archive`],
        ['DELETE', `${base}/archive`],
        ['PUT', `${base}/mute`],
        ['PUT', `${base}/close`],
        ['GET', `${base}/members`],
        ['POST', `${base}/members`, { userIds: ['x'] }],
        ['PATCH', `${base}/members/${guest.userId}`, { role: 'owner' }],
        ['DELETE', `${base}/members/${guest.userId}`],
        ['POST', `${base}/leave`],
        ['GET', `${base}/messages`],
        ['POST', `${base}/messages`, { clientId: 'x', type: 'text', content: 'x' }],
        ['GET', `${base}/messages/stats`],
        ['POST', `${base}/read`, { seq: 1 }],
        ['GET', `messages/${messageId}`],
        ['GET', `messages/${messageId}/receipts`],
        ['GET', `messages/search?q=private&conversationId=${foreign}`],
      ] as const) {
        assert.equal((await rest(method, where, body)).status, 404, `${method} ${where}`);
      }
    }
    for (const [method, where, body] of [
      ['GET', 'conversations'],
      ['GET', 'conversations/stats'],
      ['GET', 'messages/search?q=private'],
      ['POST', 'conversations/direct', { userId: guest.userId }],
      ['POST', 'conversations/group', { name: 'x', memberIds: [guest.userId] }],
      ['GET', 'appointments/any'],
    ] as const) {
      assert.deepEqual(outcomeOf(await rest(method, where, body)), [403, 'auth.forbidden'], `${method} ${where}`);
    }
    for (const [name, payload] of [
      ['chat:conversations', {}],
      ['chat:search', { query: 'private' }],
    ] as const) {
      await assert.rejects(inside.send(name, payload), refused('auth.forbidden'));
    }
    await inside.close();
  });

  await t.test('[CV34] such a session hears what is told of that conversation from its entering on, and nothing of others', async () => {
    const [host, guest] = [person(app, 'host'), person(app, 'guest', 'patient')];
    const { roomId, guestToken, conversationId } = await makeRoom(app, host, guest);
    const pair = await direct(host, guest);
    const socket = await host.connect();
    const inside = await app.connect(guest.userId, 'patient', { token: guestToken });
    await say(socket, conversationId, 'before');
    await inside.join(roomId);
    await say(socket, pair.conversationId, 'elsewhere');
    const { messageId } = await say(socket, conversationId, 'here');
    assert.equal((await inside.notice('chat:message')).message.content, 'here');
    await socket.request('chat:typing', { conversationId, typing: true });
    assert.equal((await inside.notice('chat:typing')).typing, true);
    await socket.request('chat:read', { conversationId, seq: 1 });
    assert.equal((await inside.notice('chat:read')).seq, 1);
    await socket.request('chat:edit', { messageId, content: 'here!' });
    await inside.notice('chat:messageEdited');
    await socket.request('chat:react', { messageId, emoji: '👍' });
    await inside.notice('chat:reactionsChanged');
    await socket.request('chat:delete', { messageId, forEveryone: true });
    await inside.notice('chat:messageDeleted');
    await caughtUp(inside);
    assert.equal(inside.pending('chat:message'), 0);
    await socket.request('chat:typing', { conversationId, typing: false });
    await inside.close();
  });

  await t.test('[CV35] what concerns one member alone, and everything after their removal, no other’s such session hears', async () => {
    const [host, guest] = [person(app, 'host'), person(app, 'guest', 'patient')];
    const { roomId, hostToken, guestToken, conversationId } = await makeRoom(app, host, guest);
    const guestInside = await app.connect(guest.userId, 'patient', { token: guestToken });
    const hostInside = await app.connect(host.userId, 'provider', { token: hostToken });
    for (const client of [guestInside, hostInside]) await client.join(roomId);
    const { messageId } = await say(guestInside, conversationId, 'hello');
    await hostInside.request('chat:delete', { messageId, forEveryone: false });
    assert.equal((await hostInside.notice('chat:messageDeleted')).forEveryone, false);
    await guest.rest('PATCH', 'users/me', { privacy: { showReadReceipts: false } });
    await guest.rest('POST', `conversations/${conversationId}/read`, { seq: 1 });
    assert.equal((await guestInside.notice('chat:read')).seq, 1, 'one’s own device');
    await caughtUp(guestInside, hostInside);
    assert.deepEqual([guestInside.pending('chat:messageDeleted'), hostInside.pending('chat:read')], [0, 0]);

    assert.equal((await host.rest('DELETE', `conversations/${conversationId}/members/${guest.userId}`)).status, 204);
    assert.deepEqual(await guestInside.notice('chat:conversationRemoved'), { conversationId });
    await say(hostInside, conversationId, 'between us');
    await caughtUp(guestInside);
    assert.equal(guestInside.pending('chat:message'), 0);
    await assert.rejects(readAll(guestInside, conversationId), refused('chat.conversation_not_found'));
    for (const client of [guestInside, hostInside]) await client.close();
  });
});
