import type { TimelineMessage } from '../../../src/client/index.ts';
import { strings } from '../strings.ts';
import { Icon, type IconName } from '../ui/icon.tsx';

const icons: Record<keyof typeof strings.chat.status, IconName> = {
  sending: 'clock',
  failed: 'info',
  sent: 'check',
  delivered: 'checks',
  read: 'checks',
};

/** When a message was written, whether it was edited, and how far one's own has come. */
export function MessageMeta({ message, isOwn }: { message: TimelineMessage; isOwn: boolean }) {
  const sentAt = new Date(message.sentAt);
  const status = message.state === 'sent' ? message.status : message.state;
  return (
    <span className="message-meta">
      {message.state === 'sent' && message.editedAt !== undefined && <span>{strings.chat.edited}</span>}
      <time dateTime={message.sentAt} title={strings.formatTime(sentAt)}>
        {sentAt.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' })}
      </time>
      {isOwn && (
        <span className={`tick ${status}`} title={strings.chat.status[status]}>
          <Icon name={icons[status]} size={15} />
          <span className="unseen">{strings.chat.status[status]}</span>
        </span>
      )}
    </span>
  );
}
