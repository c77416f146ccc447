import type { Identity } from '../sign-in/identity.ts';
import { strings } from '../strings.ts';
import { Notice } from '../ui/notice.tsx';
import { PageHeader } from '../ui/page-header.tsx';
import { useTabTitle } from '../ui/use-tab-title.ts';
import { NotificationRow } from './notification-row.tsx';
import { useNotificationList } from './use-notifications.ts';

/** Everything that one was told, newest first. */
export function NotificationsPage({ identity }: { identity: Identity }) {
  const { view, problem, open, readAll, loadMore } = useNotificationList();
  const words = strings.notifications;
  useTabTitle(words.title);
  return (
    <div className="page">
      <PageHeader identity={identity} />
      <main className="listing">
        <div className="listing-head">
          <h1>{words.title}</h1>
          {view.unreadCount > 0 && (
            <button type="button" className="button compact" onClick={readAll}>
              {words.readAll}
            </button>
          )}
        </div>
        {problem !== undefined && <Notice tone="bad">{problem}</Notice>}
        {view.status !== 'ready' && view.notifications.length === 0 && problem === undefined && <p className="soft">{strings.loading}</p>}
        {view.status === 'ready' && view.notifications.length === 0 && <p className="soft empty">{words.none}</p>}
        {view.notifications.length > 0 && (
          <ul className="notification-list boxed" aria-label={words.title}>
            {view.notifications.map((notification) => (
              <NotificationRow key={notification.notificationId} notification={notification} onOpen={open} />
            ))}
          </ul>
        )}
        {view.hasMore && (
          <button type="button" className="button compact" disabled={view.status === 'loading'} onClick={loadMore}>
            {words.more}
          </button>
        )}
      </main>
    </div>
  );
}
