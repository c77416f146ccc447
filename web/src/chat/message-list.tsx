import { useMemo, useState } from 'react';
import type { ConversationView } from '../../../src/client/index.ts';
import { strings } from '../strings.ts';
import { Avatar } from '../ui/avatar.tsx';
import { Icon } from '../ui/icon.tsx';
import { useChatContext } from './chat-context.ts';
import { MessageBubble } from './message-bubble.tsx';
import { keyOf, type MessageGroup, type MessageRow, messageRows } from './message-rows.ts';
import { useMessageScroll } from './use-message-scroll.ts';

interface MessageListProps {
  view: ConversationView;
  /** The message that was jumped to; a new object for each jump. */
  target: { readonly seq: number } | undefined;
}

/** The messages of a conversation, the latest at the bottom. */
export function MessageList({ view, target }: MessageListProps) {
  const { conversation, userId } = useChatContext();
  // What was unread when one came in stays marked until one leaves or has answered.
  const [newAfterSeq, setNewAfterSeq] = useState(() => (view.status === 'ready' && view.unreadCount > 0 ? view.readSeq : undefined));
  const { scroller, content, isAtEnd, toEnd } = useMessageScroll({ conversation, view, target, newAfterSeq, setNewAfterSeq });
  const rows = useMemo(() => messageRows(view.messages, userId, newAfterSeq), [view.messages, userId, newAfterSeq]);
  const awayFromEnd = !isAtEnd || view.hasNewer;
  return (
    <div className="messages">
      <div ref={scroller} className="messages-scroller">
        <div ref={content} className="messages-content">
          {view.hasOlder && <p className="messages-note">{strings.chat.loadingOlder}</p>}
          {view.status === 'ready' && view.messages.length === 0 && <p className="messages-note">{strings.chat.empty}</p>}
          <ol aria-label={strings.chat.messages}>
            {rows.map((row) => (
              <Row key={row.key} row={row} foundSeq={target?.seq} />
            ))}
          </ol>
        </div>
      </div>
      {awayFromEnd && view.messages.length > 0 && (
        <button type="button" className="button to-latest compact" title={strings.chat.toLatest} onClick={toEnd}>
          <Icon name="down" size={18} />
          {view.unreadCount > 0 ? strings.chat.newCount(view.unreadCount) : strings.chat.toLatest}
        </button>
      )}
    </div>
  );
}

function Row({ row, foundSeq }: { row: MessageRow; foundSeq: number | undefined }) {
  switch (row.kind) {
    case 'day':
      return <li className="day-line">{dayText(row.date)}</li>;
    case 'new':
      return <li className="new-line">{strings.chat.newMessages}</li>;
    case 'system':
      return (
        <li className="system-line" data-seq={row.message.state === 'sent' ? row.message.seq : undefined}>
          {row.message.content}
        </li>
      );
    case 'group':
      return <Group group={row} foundSeq={foundSeq} />;
  }
}

function Group({ group, foundSeq }: { group: MessageGroup; foundSeq: number | undefined }) {
  const { nameOf } = useChatContext();
  const name = nameOf(group.senderId);
  return (
    <li className={group.isOwn ? 'message-group own' : 'message-group'}>
      {!group.isOwn && <Avatar name={name} />}
      <div className="message-stack">
        <span className={group.isOwn ? 'unseen' : 'message-sender'}>{group.isOwn ? strings.chat.you : name}</span>
        <ul>
          {group.messages.map((message) => (
            <MessageBubble
              key={keyOf(message)}
              message={message}
              isOwn={group.isOwn}
              isFound={message.state === 'sent' && message.seq === foundSeq}
            />
          ))}
        </ul>
      </div>
    </li>
  );
}

function dayText(date: Date): string {
  const today = new Date();
  if (date.toDateString() === today.toDateString()) return strings.chat.today;
  const yesterday = new Date(today.getFullYear(), today.getMonth(), today.getDate() - 1);
  if (date.toDateString() === yesterday.toDateString()) return strings.chat.yesterday;
  return date.toLocaleDateString(undefined, {
    weekday: 'short',
    day: 'numeric',
    month: 'long',
    ...(date.getFullYear() !== today.getFullYear() && { year: 'numeric' }),
  });
}
