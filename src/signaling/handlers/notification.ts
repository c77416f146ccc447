import type { NotificationService, Notified } from '../../notifications/notification-service.ts';
import type { Handlers, RequestsOf } from '../dispatch.ts';
import type { Session } from '../session.ts';

function notifiedOf({ identity, address }: Session): Notified {
  return { userId: identity.userId, role: identity.role, address, onlyRoomId: identity.grants?.roomId };
}

/** `notification:*`. */
export function createNotificationHandlers({
  notifications,
}: {
  notifications: NotificationService;
}): Handlers<RequestsOf<'notification'>> {
  return {
    'notification:list': (session, payload) => notifications.list(notifiedOf(session), payload),
    'notification:read': async (session, { notificationId }) => ({
      notification: await notifications.read(notifiedOf(session), notificationId),
    }),
    'notification:readAll': (session) => notifications.readAll(notifiedOf(session)),
    'notification:unreadCount': (session) => notifications.unreadCount(notifiedOf(session)),
    'notification:subscribe': (session, { topics }) => notifications.subscribe(notifiedOf(session), topics),
    'notification:unsubscribe': (session, { topics }) => notifications.unsubscribe(notifiedOf(session), topics),
  };
}
