import { memo } from 'react';
import type { OutgoingMessage, TimelineMessage } from '../../../src/client/index.ts';
import { errorText } from '../error-text.ts';
import { strings } from '../strings.ts';
import { AttachmentList } from './attachment-list.tsx';
import { useChatContext } from './chat-context.ts';
import { MessageActions } from './message-actions.tsx';
import { MessageMeta } from './message-meta.tsx';
import { MessageText } from './message-text.tsx';
import { Quote } from './quote.tsx';
import { Reactions } from './reactions.tsx';

/** One message. */
export const MessageBubble = memo(function MessageBubble({
  message,
  isOwn,
  isFound,
}: {
  message: TimelineMessage;
  isOwn: boolean;
  isFound: boolean;
}) {
  const { nameOf } = useChatContext();
  const isDeleted = message.state === 'sent' && message.deletedAt !== undefined;
  const classes = ['bubble', isFound && 'found', message.state === 'failed' && 'bad', isDeleted && 'gone'].filter(Boolean).join(' ');
  return (
    <li
      className="message-line"
      tabIndex={-1}
      data-seq={message.state === 'sent' ? message.seq : undefined}
      data-client-id={message.clientId}
    >
      <div className="bubble-row">
        <div className={classes}>
          {message.replyTo !== undefined && !isDeleted && <Quote replied={message.replyTo} />}
          {message.attachments.length > 0 && <AttachmentList attachments={message.attachments} />}
          {isDeleted && <p className="message-text">{isOwn ? strings.chat.deletedByYou : strings.chat.deleted}</p>}
          {message.content !== null && <MessageText text={message.content} mentionedNames={message.mentions.map(nameOf)} />}
          <MessageMeta message={message} isOwn={isOwn && !isDeleted} />
        </div>
        {message.state === 'sent' && !isDeleted && <MessageActions message={message} isOwn={isOwn} />}
      </div>
      {message.state === 'sent' && <Reactions message={message} />}
      {message.state === 'failed' && <Failed message={message} />}
    </li>
  );
});

function Failed({ message }: { message: OutgoingMessage }) {
  const { conversation } = useChatContext();
  return (
    <div className="failed">
      <span role="alert">{strings.chat.notSent(errorText(message.error))}</span>
      <button type="button" className="button compact" onClick={() => conversation.retry(message.clientId)}>
        {strings.chat.retry}
      </button>
      <button type="button" className="button quiet danger-ink compact" onClick={() => conversation.discard(message.clientId)}>
        {strings.chat.discard}
      </button>
    </div>
  );
}
