import { useCallback, useEffect, useState, useSyncExternalStore } from 'react';
import type { Notifications, NotificationsView, ParleyNotification } from '../../../src/client/index.ts';
import { errorText } from '../error-text.ts';
import { navigate } from '../router.ts';
import { useClient } from '../shell/client-context.tsx';
import { targetOf } from './notification-target.ts';

interface NotificationList {
  readonly notifications: Notifications;
  readonly view: NotificationsView;
  readonly problem: string | undefined;
  /** Reads it and goes where it leads. */
  readonly open: (notification: ParleyNotification) => void;
  readonly readAll: () => void;
  readonly loadMore: () => void;
}

/** The notifications as they are now, read from the server while the caller is shown. */
export function useNotificationList(): NotificationList {
  const client = useClient();
  const { notifications } = client;
  const view = useSyncExternalStore(notifications.subscribe, () => notifications.view);
  const [problem, setProblem] = useState<string>();
  const fail = useCallback((error: unknown) => setProblem(errorText(error)), []);

  useEffect(() => {
    if (notifications.view.status === 'idle') {
      client
        .connect()
        .then(() => notifications.load())
        .catch(fail);
    }
  }, [client, notifications, fail]);

  const open = useCallback(
    (notification: ParleyNotification) => {
      if (notification.readAt === null) notifications.read(notification.notificationId).catch(fail);
      const target = targetOf(notification);
      if (target !== undefined) navigate(target);
    },
    [notifications, fail],
  );
  const readAll = useCallback(() => {
    notifications.readAll().catch(fail);
  }, [notifications, fail]);
  const loadMore = useCallback(() => {
    notifications.load().catch(fail);
  }, [notifications, fail]);
  return { notifications, view, problem, open, readAll, loadMore };
}
