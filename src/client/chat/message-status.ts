import type { Member, Message, MessageStatus } from '../../protocol/chat.ts';

const order: readonly MessageStatus[] = ['sent', 'delivered', 'read'];

/** How far a message has come: as far as the slowest of the others, and never back from what the server has said of it. */
export function statusOf(message: Message, members: readonly Pick<Member, 'userId' | 'deliveredSeq' | 'readSeq'>[]): MessageStatus {
  const others = members.filter(({ userId }) => userId !== message.senderId);
  if (others.length === 0) return message.status;
  const seen = others.every(({ readSeq }) => readSeq >= message.seq)
    ? 'read'
    : others.every(({ deliveredSeq, readSeq }) => Math.max(deliveredSeq, readSeq) >= message.seq)
      ? 'delivered'
      : 'sent';
  return order.indexOf(seen) > order.indexOf(message.status) ? seen : message.status;
}

/** The members after a receipt; the same array when it is nothing new. */
export function withReceipt(members: readonly Member[], kind: 'delivered' | 'read', userId: string, seq: number): readonly Member[] {
  const member = members.find((one) => one.userId === userId);
  if (member === undefined) return members;
  const readSeq = kind === 'read' ? Math.max(member.readSeq, seq) : member.readSeq;
  const deliveredSeq = Math.max(member.deliveredSeq, seq);
  if (readSeq === member.readSeq && deliveredSeq === member.deliveredSeq) return members;
  return members.map((one) => (one === member ? { ...one, readSeq, deliveredSeq } : one));
}
