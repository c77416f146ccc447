import type { Notification } from '../../../src/protocol/notification.ts';
import { conversationPathOf, roomPathOf } from '../router.ts';

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Where a notification leads inside the page: its conversation, its room, the calls; undefined when nowhere. */
export function targetOf({ type, data }: Pick<Notification, 'type' | 'data'>): string | undefined {
  const { conversationId, roomId } = data;
  if (type === 'call.missed') return '/history';
  if (typeof conversationId === 'string' && uuid.test(conversationId)) return conversationPathOf(conversationId);
  if (typeof roomId === 'string' && uuid.test(roomId)) return roomPathOf(roomId);
  return undefined;
}
