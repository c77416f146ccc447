import type { Notification as ParleyNotification } from '../../protocol/notification.ts';

/** Notifications, newest first; none twice. */
export type NotificationList = readonly ParleyNotification[];

/** With some that were told now; these go before what was known. Ids sort by time. */
export function withTold(list: NotificationList, told: NotificationList): NotificationList {
  const byId = new Map([...list, ...told].map((notification) => [notification.notificationId, notification]));
  return [...byId.values()].sort((a, b) => (a.notificationId < b.notificationId ? 1 : -1));
}

/** With one read, or (null) all. */
export function withRead(list: NotificationList, notificationId: string | null, readAt: string): NotificationList {
  const isMeant = (one: ParleyNotification): boolean =>
    one.readAt === null && (notificationId === null ? one.createdAt <= readAt : one.notificationId === notificationId);
  return list.some(isMeant) ? list.map((one) => (isMeant(one) ? { ...one, readAt } : one)) : list;
}

/** With its first page read anew: what the page spans and does not name is gone. `isWhole`: there is nothing older than the page. */
export function withFirstPage(list: NotificationList, page: NotificationList, isWhole: boolean): NotificationList {
  const oldest = page.at(-1)?.notificationId ?? '';
  return withTold(isWhole ? [] : list.filter(({ notificationId }) => notificationId < oldest), page);
}
