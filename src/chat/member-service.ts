import { audit } from '../db/audit-log.ts';
import type { Database, Transaction } from '../db/database.ts';
import type { Notifier } from '../notifier.ts';
import type { Member, MemberRole } from '../protocol/chat.ts';
import { AppError } from '../protocol/errors.ts';
import type { AcquaintanceService } from '../users/acquaintance-service.ts';
import type { ConversationService } from './conversation-service.ts';
import * as store from './conversation-store.ts';
import { toMember } from './conversation-view.ts';
import { assertGroup, assertRole, type Chatter, getMembership, outranks } from './membership.ts';

export type MemberService = ReturnType<typeof createMemberService>;

/** Rules of who is in a group: owners and admins add and remove those below them; an owner hands over before leaving. */
export function createMemberService(parts: {
  db: Database;
  notifier: Notifier;
  conversations: ConversationService;
  assertMayReach: AcquaintanceService['assertMayReach'];
}) {
  const { db, notifier, conversations, assertMayReach } = parts;

  /** Changes a group's members one change after another, then tells those who are left. */
  async function change(actor: Chatter, conversationId: string, what: string, work: (tx: Transaction) => Promise<Record<string, unknown>>) {
    const members = await db.transaction(async (tx) => {
      if (!(await store.lockConversation(tx, conversationId))) throw new AppError('chat.conversation_not_found');
      assertGroup(await getMembership(tx, conversationId, actor));
      const details = await work(tx);
      await audit(tx, { actor, action: 'conversation.members_changed', subject: conversationId, details: { what, ...details } });
      // Before the next change can begin, so that the last notice tells how it stands.
      return (await store.listMembers(tx, [conversationId])).map(toMember);
    });
    notifier.notify({ to: { userIds: members.map(({ userId }) => userId), conversationId } }, 'chat:membersChanged', {
      conversationId,
      members,
    });
    return members;
  }

  /** Errors: `chat.member_not_found`. */
  async function getOther(tx: Transaction, conversationId: string, userId: string): Promise<store.Membership> {
    const membership = await store.findMembership(tx, conversationId, userId);
    if (!membership) throw new AppError('chat.member_not_found');
    return membership;
  }

  async function leave(actor: Chatter, conversationId: string): Promise<void> {
    await change(actor, conversationId, 'left', async (tx) => {
      const { member } = await getMembership(tx, conversationId, actor);
      const others = (await store.listMembers(tx, [conversationId])).filter(({ userId }) => userId !== actor.userId);
      if (member.role === 'owner' && others.length > 0) throw new AppError('chat.owner_must_hand_over');
      await store.deleteMember(tx, conversationId, actor.userId);
      return {};
    });
    notifier.notify({ to: { userIds: [actor.userId], conversationId } }, 'chat:conversationRemoved', { conversationId });
  }

  return {
    /** Adds people whom one may meet; for owner and admins. Errors: `auth.forbidden`. */
    async add(actor: Chatter, conversationId: string, userIds: readonly string[]): Promise<Member[]> {
      await getMembership(db.sql, conversationId, actor);
      await assertMayReach(
        actor,
        userIds.filter((userId) => userId !== actor.userId),
      );
      let added: string[] = [];
      const members = await change(actor, conversationId, 'added', async (tx) => {
        const membership = await getMembership(tx, conversationId, actor);
        assertRole(membership, 'admin');
        if (membership.conversation.closedAt) throw new AppError('chat.conversation_closed');
        added = await store.insertMembers(
          tx,
          conversationId,
          [...new Set(userIds)].map((userId) => ({ userId, role: 'member' as MemberRole })),
        );
        return { userIds: added };
      });
      if (added.length > 0) await conversations.tell('chat:conversationAdded', conversationId, added);
      return members;
    },

    /** Gives a member another role, below one's own; an owner who makes somebody else the owner becomes an admin. Errors: `auth.forbidden`, `chat.member_not_found`. */
    async setRole(actor: Chatter, conversationId: string, userId: string, role: MemberRole): Promise<Member[]> {
      const members = await change(actor, conversationId, 'role', async (tx) => {
        const own = await getMembership(tx, conversationId, actor);
        assertRole(own, 'admin');
        const other = await getOther(tx, conversationId, userId);
        const mayHandOver = own.member.role === 'owner' && userId !== actor.userId;
        const mayChange = outranks(own.member.role, other.member.role) && outranks(own.member.role, role);
        if (!mayChange && !(role === 'owner' && mayHandOver)) throw new AppError('auth.forbidden');
        await store.lockMembers(tx, conversationId, [userId, actor.userId]);
        if (role === 'owner') await store.updateMember(tx, conversationId, actor.userId, { role: 'admin' });
        await store.updateMember(tx, conversationId, userId, { role });
        return { userId, role };
      });
      await conversations.tell('chat:conversationUpdated', conversationId, [userId, actor.userId]);
      return members;
    },

    /** Takes a member out who stands below oneself; oneself by `leave`. Errors: `auth.forbidden`, `chat.member_not_found`. */
    async remove(actor: Chatter, conversationId: string, userId: string): Promise<void> {
      if (userId === actor.userId) return await leave(actor, conversationId);
      await change(actor, conversationId, 'removed', async (tx) => {
        const own = await getMembership(tx, conversationId, actor);
        const other = await getOther(tx, conversationId, userId);
        if (own.member.role === 'member' || !outranks(own.member.role, other.member.role)) throw new AppError('auth.forbidden');
        await store.deleteMember(tx, conversationId, userId);
        return { userId };
      });
      notifier.notify({ to: { userIds: [userId], conversationId } }, 'chat:conversationRemoved', { conversationId });
    },

    /** Leaves a group. Errors: `chat.owner_must_hand_over` while others are in it, `chat.direct_conversation`. */
    leave,
  };
}
