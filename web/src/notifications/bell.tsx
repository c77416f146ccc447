import { useEffect, useState, useSyncExternalStore } from 'react';
import { onLinkClick } from '../router.ts';
import { useClient } from '../shell/client-context.tsx';
import { strings } from '../strings.ts';
import { Icon } from '../ui/icon.tsx';
import { Notice } from '../ui/notice.tsx';
import { PopoverButton } from '../ui/popover-button.tsx';
import { NotificationRow } from './notification-row.tsx';
import { useNotificationList } from './use-notifications.ts';

const mostShown = 6;

/** How many notifications are unread; opens the newest of them. */
export function Bell() {
  const { notifications } = useClient();
  const { unreadCount } = useSyncExternalStore(notifications.subscribe, () => notifications.view);
  const [said, setSaid] = useState('');

  useEffect(
    () => notifications.on('received', ({ notification }) => setSaid(strings.notifications.arrived(notification.title))),
    [notifications],
  );

  return (
    <>
      <PopoverButton
        className="button quiet compact square bell"
        label={strings.notifications.bell(unreadCount)}
        face={
          <>
            <Icon name="bell" size={22} />
            {unreadCount > 0 && (
              <span className="badge news" aria-hidden="true">
                {unreadCount > 99 ? '99+' : unreadCount}
              </span>
            )}
          </>
        }
      >
        {(close) => <Panel onClose={close} />}
      </PopoverButton>
      <p className="unseen" role="status">
        {said}
      </p>
    </>
  );
}

function Panel({ onClose }: { onClose: () => void }) {
  const { view, problem, open, readAll } = useNotificationList();
  const words = strings.notifications;
  const shown = view.notifications.slice(0, mostShown);
  return (
    <div className="notification-panel">
      <div className="notification-head">
        <h2>{words.title}</h2>
        {view.unreadCount > 0 && (
          <button type="button" className="button quiet compact" onClick={readAll}>
            {words.readAll}
          </button>
        )}
      </div>
      {problem !== undefined && <Notice tone="bad">{problem}</Notice>}
      {view.status !== 'ready' && shown.length === 0 && problem === undefined && <p className="soft">{strings.loading}</p>}
      {view.status === 'ready' && shown.length === 0 && <p className="soft">{words.none}</p>}
      {shown.length > 0 && (
        <ul className="notification-list">
          {shown.map((notification) => (
            <NotificationRow
              key={notification.notificationId}
              notification={notification}
              onOpen={(one) => {
                onClose();
                open(one);
              }}
            />
          ))}
        </ul>
      )}
      <a
        className="button compact"
        href="/notifications"
        onClick={(event) => {
          onClose();
          onLinkClick(event);
        }}
      >
        {words.all}
      </a>
    </div>
  );
}
