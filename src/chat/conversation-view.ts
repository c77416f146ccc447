import type { Sql, Transaction } from '../db/database.ts';
import type { Conversation, Member } from '../protocol/chat.ts';
import type { Membership, MemberView } from './conversation-store.ts';
import * as store from './conversation-store.ts';
import * as messageStore from './message-store.ts';
import { type MessageViews, visibleReceipt } from './message-view.ts';

export type ConversationViews = ReturnType<typeof createConversationViews>;

/** Turns memberships into conversations as the wire shows them to that member. */
export function createConversationViews({ messageViews }: { messageViews: MessageViews }) {
  /** Each membership as its member sees the conversation, in the same order. */
  async function toConversations(db: Sql | Transaction, memberships: readonly Membership[]): Promise<Conversation[]> {
    const ids = [...new Set(memberships.map(({ conversation }) => conversation.conversationId))];
    const [members, lastIds] = await Promise.all([store.listMembers(db, ids), lastIdsOf(db, memberships)]);
    const lastRows = await messageStore.findMessages(db, [...new Set(lastIds.filter((id) => id !== null))]);
    const lastMessages = new Map((await messageViews.toMessages(db, lastRows)).map((message) => [message.messageId, message]));
    const membersOf = Map.groupBy(members, ({ conversationId }) => conversationId);
    return memberships.map(({ conversation, member }, index) => {
      const all = membersOf.get(conversation.conversationId) ?? [];
      return {
        conversationId: conversation.conversationId,
        type: conversation.type,
        name: conversation.type === 'direct' ? (all.find(({ userId }) => userId !== member.userId)?.displayName ?? '') : conversation.name,
        avatarId: conversation.avatarId,
        appointmentId: conversation.appointmentId,
        roomId: conversation.roomId,
        status: conversation.closedAt ? 'closed' : member.archivedAt ? 'archived' : 'active',
        role: member.role,
        memberIds: all.map(({ userId }) => userId),
        lastMessage: lastMessages.get(lastIds[index] ?? '') ?? null,
        lastSeq: conversation.lastSeq,
        unreadCount: unreadOf(conversation, member),
        deliveredSeq: member.deliveredSeq,
        readSeq: member.readSeq,
        mutedUntil: member.mutedUntil?.toISOString() ?? null,
        createdAt: conversation.createdAt.toISOString(),
      };
    });
  }

  return { toConversations };
}

/** The last message of each membership that its member has not deleted for themselves. */
async function lastIdsOf(db: Sql | Transaction, memberships: readonly Membership[]): Promise<(string | null)[]> {
  const lastIds = memberships.map(({ conversation }) => conversation.lastMessageId);
  const userIds = [...new Set(memberships.map(({ member }) => member.userId))];
  const hidden = await messageStore.listHidden(db, [...new Set(lastIds.filter((id) => id !== null))], userIds);
  if (hidden.length === 0) return lastIds;
  const isHidden = new Set(hidden.map(({ userId, messageId }) => `${userId} ${messageId}`));
  return await Promise.all(
    memberships.map(async ({ conversation: { conversationId, lastMessageId }, member: { userId } }) => {
      if (!isHidden.has(`${userId} ${lastMessageId}`)) return lastMessageId;
      const [row] = await messageStore.listMessages(db, { conversationId, userId, limit: 1 });
      return row?.messageId ?? null;
    }),
  );
}

/** What is unread: what can be unread less what is read, one's own aside. */
function unreadOf({ messageCount }: Membership['conversation'], { readCount, ownCount, readOwnCount }: Membership['member']): number {
  return Math.max(0, messageCount - readCount - (ownCount - readOwnCount));
}

/** A member as the wire shows them. */
export function toMember(member: MemberView): Member {
  const { userId, displayName, role, joinedAt } = member;
  const { deliveredSeq, readSeq } = visibleReceipt(member);
  return { userId, displayName, role, joinedAt: joinedAt.toISOString(), deliveredSeq, readSeq };
}
