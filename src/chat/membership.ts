import { type Actor, audit } from '../db/audit-log.ts';
import type { Sql, Transaction } from '../db/database.ts';
import type { MemberRole } from '../protocol/chat.ts';
import { AppError } from '../protocol/errors.ts';
import { type ConversationRow, findConversation, findMembership, type Membership } from './conversation-store.ts';

const rank: Record<MemberRole, number> = { member: 0, admin: 1, owner: 2 };

/** Somebody who chats: over the socket (with a session, which is spared its own notices) or over REST. */
export interface Chatter extends Actor {
  readonly sessionId?: string | undefined;
  /** Set for a token of one room: only that room's conversation is there for it. */
  readonly onlyRoomId?: string | undefined;
}

/** A user's membership. Errors: `chat.conversation_not_found`, also for strangers and for tokens of another room. */
export async function getMembership(db: Sql | Transaction, conversationId: string, chatter: Chatter): Promise<Membership> {
  const membership = await findMembership(db, conversationId, chatter.userId);
  if (!membership || !isWithin(chatter, membership.conversation)) throw new AppError('chat.conversation_not_found');
  return membership;
}

/** Errors: `chat.conversation_not_found` when the token is for a room with another conversation. */
export async function assertWithinToken(db: Sql | Transaction, conversationId: string, chatter: Chatter): Promise<void> {
  if (chatter.onlyRoomId === undefined) return;
  const conversation = await findConversation(db, conversationId);
  if (!conversation || !isWithin(chatter, conversation)) throw new AppError('chat.conversation_not_found');
}

/** Whether a token reaches a conversation: it is for no room alone, or for that conversation's. */
export function isWithin({ onlyRoomId }: Pick<Chatter, 'onlyRoomId'>, { roomId }: Pick<ConversationRow, 'roomId'>): boolean {
  return onlyRoomId === undefined || onlyRoomId === roomId;
}

/**
 * Members may read a conversation; so may admins, whose reading is written down. Errors: `chat.conversation_not_found` for everybody else.
 */
export async function assertMayRead(db: Sql | Transaction, actor: Chatter, conversationId: string): Promise<void> {
  await assertWithinToken(db, conversationId, actor);
  if (await findMembership(db, conversationId, actor.userId)) return;
  if (actor.role !== 'admin' || !(await findConversation(db, conversationId))) throw new AppError('chat.conversation_not_found');
  await audit(db, { actor, action: 'conversation.read_by_staff', subject: conversationId });
}

/** Whether one member's role stands above another's. */
export function outranks(role: MemberRole, other: MemberRole): boolean {
  return rank[role] > rank[other];
}

/** Errors: `auth.forbidden` for members below `role`. */
export function assertRole(membership: Membership, role: MemberRole): void {
  if (rank[membership.member.role] < rank[role]) throw new AppError('auth.forbidden');
}

/** Errors: `chat.direct_conversation` where something is for groups alone. */
export function assertGroup({ conversation }: Membership): void {
  if (conversation.type !== 'group') throw new AppError('chat.direct_conversation');
}
