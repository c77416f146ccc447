import type { NotificationSettings, Notification as ParleyNotification } from '../../protocol/notification.ts';
import type { ParleyError } from '../parley-error.ts';

/** The list of notifications as it is now. Never changed: each change makes a new one. */
export interface NotificationsView {
  /** `idle` until `notifications.load()` is called. */
  readonly status: 'idle' | 'loading' | 'ready';
  /** Newest first. */
  readonly notifications: readonly ParleyNotification[];
  /** Whether there are older ones to load. */
  readonly hasMore: boolean;
  /** All that are unread, loaded or not; known once connected. */
  readonly unreadCount: number;
}

/** What notifications tell. */
export interface NotificationsEvents {
  changed: NotificationsView;
  /** A new one has come. */
  received: { notification: ParleyNotification };
  /** Something in the background has given up. */
  error: { error: ParleyError };
}

export type { NotificationSettings, ParleyNotification };
