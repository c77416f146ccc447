import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { Member, MemberRole } from '../../src/protocol/chat.ts';
import { startTestApp } from '../support/test-app.ts';
import { caughtUp, direct, group, outcomeOf, type Person, person, refused, say, unlimited, viewOf } from './chat-fixture.ts';

test('members', async (t) => {
  await using app = await startTestApp(unlimited);

  const rolesIn = async (reader: Person, conversationId: string) => {
    const { body } = await reader.rest('GET', `conversations/${conversationId}/members`);
    return new Map<string, MemberRole>(body.members.map((member: Member) => [member.userId, member.role]));
  };
  const giveRole = (giver: Person, conversationId: string, taker: Person, role: string) =>
    giver.rest('PATCH', `conversations/${conversationId}/members/${taker.userId}`, { role });

  /** A group with somebody of each role, and one more admin and member. */
  async function fullGroup() {
    const [owner, admin, other, member, last] = ['owner', 'admin', 'other', 'member', 'last'].map((name) => person(app, name)) as [
      Person,
      Person,
      Person,
      Person,
      Person,
    ];
    const { conversationId } = await group(owner, [admin, other, member, last]);
    for (const one of [admin, other]) assert.equal((await giveRole(owner, conversationId, one, 'admin')).status, 200);
    return { owner, admin, other, member, last, conversationId };
  }

  await t.test('[CV20] what each role may do to whom', async () => {
    const { owner, admin, other, member, last, conversationId } = await fullGroup();
    const stranger = person(app, 'stranger');
    const forbidden = [403, 'auth.forbidden'] as const;
    const refusals: [Person, Person, MemberRole, readonly [number, string]][] = [
      [member, last, 'admin', forbidden],
      [member, last, 'member', forbidden],
      [member, member, 'admin', forbidden],
      [member, owner, 'member', forbidden],
      [admin, last, 'admin', forbidden],
      [admin, last, 'owner', forbidden],
      [admin, admin, 'owner', forbidden],
      [admin, other, 'member', forbidden],
      [admin, owner, 'member', forbidden],
      [owner, owner, 'member', forbidden],
      [owner, owner, 'owner', forbidden],
      [owner, stranger, 'admin', [404, 'chat.member_not_found']],
      [stranger, member, 'admin', [404, 'chat.conversation_not_found']],
    ];
    for (const [giver, taker, role, outcome] of refusals) {
      assert.deepEqual(outcomeOf(await giveRole(giver, conversationId, taker, role)), outcome, `${giver.userId} ${taker.userId} ${role}`);
    }
    assert.deepEqual(outcomeOf(await giveRole(owner, conversationId, member, 'king')), [400, 'protocol.invalid_payload']);
    const remove = (who: Person, whom: Person) => who.rest('DELETE', `conversations/${conversationId}/members/${whom.userId}`);
    for (const [who, whom] of [
      [member, last],
      [member, admin],
      [admin, other],
      [admin, owner],
    ] as const) {
      assert.deepEqual(outcomeOf(await remove(who, whom)), forbidden);
    }
    assert.deepEqual(outcomeOf(await remove(stranger, member)), [404, 'chat.conversation_not_found']);
    assert.deepEqual(outcomeOf(await remove(owner, stranger)), [404, 'chat.member_not_found']);
    assert.deepEqual(
      outcomeOf(await member.rest('POST', `conversations/${conversationId}/members`, { userIds: [stranger.userId] })),
      forbidden,
    );
    assert.deepEqual(
      await rolesIn(owner, conversationId),
      new Map<string, MemberRole>([
        [owner.userId, 'owner'],
        ...[admin, other].map(({ userId }): [string, MemberRole] => [userId, 'admin']),
        ...[member, last].map(({ userId }): [string, MemberRole] => [userId, 'member']),
      ]),
    );
    assert.equal((await remove(admin, last)).status, 204);
    assert.equal((await remove(owner, other)).status, 204);
    assert.equal((await giveRole(owner, conversationId, admin, 'member')).status, 200);
    assert.deepEqual([...(await rolesIn(owner, conversationId)).values()].sort(), ['member', 'member', 'owner']);
  });

  await t.test('[CV21] who is added sees all that was said, with nothing unread; everybody hears who is in the group now', async () => {
    const [owner, ann, bob] = [person(app, 'owner'), person(app, 'ann'), person(app, 'bob')];
    const { conversationId } = await group(owner, [ann]);
    const [ownerSocket, annSocket, bobSocket] = [await owner.connect(), await ann.connect(), await bob.connect()];
    await say(ownerSocket, conversationId, 'before');
    const added = await owner.rest('POST', `conversations/${conversationId}/members`, { userIds: [bob.userId, bob.userId, ann.userId] });
    assert.equal(added.status, 201);
    assert.equal(added.body.members.length, 3);
    for (const socket of [ownerSocket, annSocket, bobSocket]) {
      const { members } = await socket.notice('chat:membersChanged');
      assert.deepEqual(members, added.body.members);
    }
    const { conversation } = await bobSocket.notice('chat:conversationAdded');
    assert.deepEqual([conversation.unreadCount, conversation.lastMessage?.content, conversation.role], [0, 'before', 'member']);
    assert.equal((await bobSocket.request('chat:history', { conversationId })).messages.length, 1);
    await say(ownerSocket, conversationId, 'after');
    assert.equal((await bobSocket.notice('chat:message')).message.content, 'after');
    assert.equal((await viewOf(bob, conversationId)).unreadCount, 1);
    await caughtUp(annSocket);
    assert.equal(annSocket.pending('chat:conversationAdded'), 0, 'not new to those who were there');
    for (const body of [{ userIds: [] }, { userIds: ['no spaces'] }, {}]) {
      assert.deepEqual(outcomeOf(await owner.rest('POST', `conversations/${conversationId}/members`, body)), [
        400,
        'protocol.invalid_payload',
      ]);
    }
  });

  await t.test('[CV22] who is removed hears of it, then nothing more, and is a stranger to it', async () => {
    const [owner, ann, bob] = [person(app, 'owner'), person(app, 'ann'), person(app, 'bob')];
    const { conversationId } = await group(owner, [ann, bob]);
    const [ownerSocket, annSocket, bobSocket] = [await owner.connect(), await ann.connect(), await bob.connect()];
    const { messageId } = await say(bobSocket, conversationId, 'mine');
    assert.equal((await owner.rest('DELETE', `conversations/${conversationId}/members/${bob.userId}`)).status, 204);
    assert.deepEqual(await bobSocket.notice('chat:conversationRemoved'), { conversationId });
    assert.equal((await annSocket.notice('chat:membersChanged')).members.length, 2);
    await annSocket.notice('chat:message');
    await say(ownerSocket, conversationId, 'among us');
    await annSocket.notice('chat:message');
    await caughtUp(bobSocket);
    assert.deepEqual([bobSocket.pending('chat:message'), bobSocket.pending('chat:membersChanged')], [0, 0]);
    await assert.rejects(say(bobSocket, conversationId, 'still here?'), refused('chat.conversation_not_found'));
    await assert.rejects(bobSocket.request('chat:edit', { messageId, content: 'still mine?' }), refused('chat.message_not_found'));
    assert.deepEqual(outcomeOf(await bob.rest('GET', `conversations/${conversationId}`)), [404, 'chat.conversation_not_found']);
    assert.equal((await bobSocket.request('chat:search', { query: 'mine' })).hits.length, 0);
    await owner.rest('POST', `conversations/${conversationId}/members`, { userIds: [bob.userId] });
    assert.equal((await viewOf(bob, conversationId)).unreadCount, 0);
    await say(annSocket, conversationId, 'welcome back');
    assert.equal((await viewOf(bob, conversationId)).unreadCount, 1);
    await say(bobSocket, conversationId, 'thanks');
    assert.equal((await viewOf(bob, conversationId)).unreadCount, 1);
  });

  await t.test('[CV23] members leave by themselves; an owner hands over first, unless nobody else is there', async () => {
    const { owner, admin, other, member, last, conversationId } = await fullGroup();
    const [ownerSocket, lastSocket] = [await owner.connect(), await last.connect()];
    const leave = (who: Person) => who.rest('POST', `conversations/${conversationId}/leave`);
    assert.equal((await leave(last)).status, 204);
    assert.deepEqual(await lastSocket.notice('chat:conversationRemoved'), { conversationId });
    assert.equal((await ownerSocket.notice('chat:membersChanged')).members.length, 4);
    assert.deepEqual(outcomeOf(await leave(last)), [404, 'chat.conversation_not_found']);
    assert.deepEqual(outcomeOf(await leave(owner)), [409, 'chat.owner_must_hand_over']);
    const own = `conversations/${conversationId}/members/${owner.userId}`;
    assert.deepEqual(outcomeOf(await owner.rest('DELETE', own)), [409, 'chat.owner_must_hand_over']);
    assert.equal((await giveRole(owner, conversationId, member, 'owner')).status, 200);
    assert.equal((await ownerSocket.notice('chat:conversationUpdated')).conversation.role, 'admin');
    const roles = await rolesIn(owner, conversationId);
    assert.deepEqual([roles.get(owner.userId), roles.get(member.userId)], ['admin', 'owner']);
    for (const one of [owner, admin, other, member]) assert.equal((await leave(one)).status, 204);
    assert.deepEqual(outcomeOf(await leave(member)), [404, 'chat.conversation_not_found']);
  });

  await t.test('[CV24] direct conversations have the two members that they were made for', async () => {
    const [ann, bob, eve] = [person(app, 'ann'), person(app, 'bob'), person(app, 'eve')];
    const { conversationId } = await direct(ann, bob);
    const where = `conversations/${conversationId}`;
    const outcome = [409, 'chat.direct_conversation'];
    assert.deepEqual(outcomeOf(await ann.rest('POST', `${where}/members`, { userIds: [eve.userId] })), outcome);
    assert.deepEqual(outcomeOf(await ann.rest('DELETE', `${where}/members/${bob.userId}`)), outcome);
    assert.deepEqual(outcomeOf(await giveRole(ann, conversationId, bob, 'admin')), outcome);
    assert.deepEqual(outcomeOf(await ann.rest('POST', `${where}/leave`)), outcome);
  });

  await t.test(
    '[CV25] changes of members at once happen one after another: one owner is left, and the last notice tells how it stands',
    async () => {
      const { owner, admin, other, member, last, conversationId } = await fullGroup();
      const crowd = Array.from({ length: 6 }, (_, index) => person(app, `new${index}`));
      const [ownerSocket, lastSocket] = [await owner.connect(), await last.connect()];
      for (let round = 0; round < 4; round += 1) {
        const roles = await rolesIn(last, conversationId);
        const current = [owner, admin, other, member].find(({ userId }) => roles.get(userId) === 'owner')!;
        const heirs = [owner, admin, other, member].filter((one) => one !== current);
        const answers = await Promise.all([
          ...heirs.map((heir) => giveRole(current, conversationId, heir, 'owner')),
          ...crowd.map(({ userId }) => current.rest('POST', `conversations/${conversationId}/members`, { userIds: [userId] })),
          ...crowd.map(({ userId }) => current.rest('DELETE', `conversations/${conversationId}/members/${userId}`)),
          ...[ownerSocket, lastSocket].map((socket) => say(socket, conversationId, 'meanwhile')),
        ]);
        for (const answer of answers)
          if ('status' in answer && typeof answer.status === 'number') assert.ok(answer.status < 500, JSON.stringify(answer.body));
        const after = await rolesIn(last, conversationId);
        assert.equal([...after.values()].filter((role) => role === 'owner').length, 1);
      }
      await caughtUp(lastSocket);
      let latest: Member[] = [];
      while (lastSocket.pending('chat:membersChanged') > 0) latest = (await lastSocket.notice('chat:membersChanged')).members;
      assert.deepEqual(new Map(latest.map(({ userId, role }) => [userId, role])), await rolesIn(last, conversationId));
      const seqs = (
        await app.sql<{ seq: string }>('select seq from messages where conversation_id = $1 order by seq', [conversationId])
      ).map(({ seq }) => Number(seq));
      assert.deepEqual(seqs, [1, 2, 3, 4, 5, 6, 7, 8]);
    },
  );

  await t.test('[CV26] handing over while both read their messages locks nobody out', async () => {
    const [zoe, ann] = [person(app, 'zoe'), person(app, 'ann')];
    const { conversationId } = await group(zoe, [ann]);
    const [zoeSocket, annSocket] = [await zoe.connect(), await ann.connect()];
    let owner = zoe;
    for (let round = 1; round <= 15; round += 1) {
      const heir = owner === zoe ? ann : zoe;
      await say(zoeSocket, conversationId, `${round}`);
      const [answer] = await Promise.all([
        giveRole(owner, conversationId, heir, 'owner'),
        zoeSocket.request('chat:read', { conversationId, seq: round }),
        annSocket.request('chat:read', { conversationId, seq: round }),
      ]);
      assert.equal(answer.status, 200);
      owner = heir;
    }
  });

  await t.test('[CV27] every change of members is written down with who did it', async () => {
    const [owner, ann, bob] = [person(app, 'owner'), person(app, 'ann'), person(app, 'bob')];
    const { conversationId } = await group(owner, [ann]);
    await owner.rest('POST', `conversations/${conversationId}/members`, { userIds: [bob.userId] });
    await giveRole(owner, conversationId, ann, 'admin');
    await owner.rest('DELETE', `conversations/${conversationId}/members/${bob.userId}`);
    await ann.rest('POST', `conversations/${conversationId}/leave`);
    await owner.rest('PATCH', `conversations/${conversationId}`, { name: 'New' });
    await owner.rest('PUT', `conversations/${conversationId}/close`);
    const rows = await app.sql<{ actor_id: string; action: string; details: object }>(
      'select actor_id, action, details from audit_log where subject = $1 order by seq',
      [conversationId],
    );
    assert.deepEqual(
      rows.map(({ actor_id, action, details }) => [actor_id, action, details]),
      [
        [owner.userId, 'conversation.created', { type: 'group', memberIds: [ann.userId] }],
        [owner.userId, 'conversation.members_changed', { what: 'added', userIds: [bob.userId] }],
        [owner.userId, 'conversation.members_changed', { what: 'role', userId: ann.userId, role: 'admin' }],
        [owner.userId, 'conversation.members_changed', { what: 'removed', userId: bob.userId }],
        [ann.userId, 'conversation.members_changed', { what: 'left' }],
        [owner.userId, 'conversation.updated', { fields: ['name'] }],
        [owner.userId, 'conversation.closed', {}],
      ],
    );
    assert.deepEqual(outcomeOf(await owner.rest('GET', `conversations/${randomUUID()}/members`)), [404, 'chat.conversation_not_found']);
  });
});
