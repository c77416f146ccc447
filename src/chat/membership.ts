import { type Actor, audit } from '../db/audit-log.ts';
import type { Sql, Transaction } from '../db/database.ts';
import type { MemberRole } from '../protocol/chat.ts';
import { AppError } from '../protocol/errors.ts';
import { findConversation, findMembership, type Membership } from './conversation-store.ts';

const rank: Record<MemberRole, number> = { member: 0, admin: 1, owner: 2 };

/** A user's membership. Errors: `chat.conversation_not_found`, also for strangers. */
export async function getMembership(db: Sql | Transaction, conversationId: string, userId: string): Promise<Membership> {
  const membership = await findMembership(db, conversationId, userId);
  if (!membership) throw new AppError('chat.conversation_not_found');
  return membership;
}

/**
 * Members may read a conversation; so may admins, whose reading is written down. Errors: `chat.conversation_not_found` for everybody else.
 */
export async function assertMayRead(db: Sql | Transaction, actor: Actor, conversationId: string): Promise<void> {
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
