import type { Sql, Transaction } from '../db/database.ts';
import type { Conversation, Member } from '../protocol/chat.ts';
import type { MemberView, Membership } from './conversation-store.ts';
import * as store from './conversation-store.ts';
import * as messageStore from './message-store.ts';
import { type MessageViews, visibleReceipt } from './message-view.ts';

export type ConversationViews = ReturnType<typeof createConversationViews>;

/** Turns memberships into conversations as the wire shows them to that member. */
export function createConversationViews({ messageViews }: { messageViews: MessageViews }) {
  /** Each membership as its member sees the conversation, in the same order. */
  async function toConversations(db: Sql | Transaction, memberships: readonly Membership[]): Promise<Conversation[]> {
    const ids = memberships.map(({ conversation }) => conversation.conversationId);
    const lastIds = memberships.flatMap(({ conversation: { lastMessageId } }) => (lastMessageId === null ? [] : [lastMessageId]));
    const [members, lastRows] = await Promise.all([store.listMembers(db, ids), messageStore.findMessages(db, lastIds)]);
    const lastMessages = new Map((await messageViews.toMessages(db, lastRows)).map((message) => [message.messageId, message]));
    const membersOf = Map.groupBy(members, ({ conversationId }) => conversationId);
    return memberships.map(({ conversation, member }) => {
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
        lastMessage: (conversation.lastMessageId && lastMessages.get(conversation.lastMessageId)) || null,
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
