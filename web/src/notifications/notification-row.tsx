import type { Notification } from '../../../src/protocol/notification.ts';
import { strings } from '../strings.ts';
import { Icon, type IconName } from '../ui/icon.tsx';
import { relativeTime } from '../ui/relative-time.ts';

interface NotificationRowProps {
  notification: Notification;
  onOpen: (notification: Notification) => void;
}

const icons: Record<string, IconName> = {
  'call.missed': 'phone',
  'message.received': 'chat',
  'appointment.reminder': 'clock',
  'recording.requested': 'camera',
};

/** One thing that one was told. A click reads it and goes to what it tells of. */
export function NotificationRow({ notification, onOpen }: NotificationRowProps) {
  const { type, title, body, priority, createdAt, readAt } = notification;
  const isUnread = readAt === null;
  const urgency = strings.notifications.priority[priority];
  return (
    <li>
      <button type="button" className={isUnread ? 'notification unread' : 'notification'} onClick={() => onOpen(notification)}>
        <span className={type === 'call.missed' ? 'notification-icon bad' : 'notification-icon'}>
          <Icon name={icons[type] ?? 'bell'} size={20} />
        </span>
        <span className="notification-text">
          <span className="notification-title">
            {isUnread && <span className="unseen">{strings.notifications.unread}: </span>}
            {title}
          </span>
          {body !== null && body !== '' && <span className="notification-body">{body}</span>}
          <span className="notification-meta">
            {urgency !== '' && <span className="chip warn">{urgency}</span>}
            <time dateTime={createdAt} title={strings.formatTime(new Date(createdAt))}>
              {relativeTime(new Date(createdAt))}
            </time>
          </span>
        </span>
        {isUnread && <span className="unread-dot" aria-hidden="true" />}
      </button>
    </li>
  );
}
