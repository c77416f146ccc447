import type { SentMessage } from '../../../src/client/index.ts';
import { strings } from '../strings.ts';
import { useChatContext } from './chat-context.ts';

/** Who has reacted how; a click adds one's own or takes it away. */
export function Reactions({ message }: { message: SentMessage }) {
  const { conversation, userId, nameOf, act } = useChatContext();
  if (message.reactions.length === 0) return null;
  return (
    <ul className="reactions">
      {message.reactions.map(({ emoji, count, userIds }) => {
        const isMine = userIds.includes(userId);
        const names = strings.chat.reactedBy(emoji, userIds.map(nameOf));
        return (
          <li key={emoji}>
            <button
              type="button"
              className="reaction"
              aria-pressed={isMine}
              aria-label={names}
              title={names}
              onClick={() => act(isMine ? conversation.unreact(message.messageId, emoji) : conversation.react(message.messageId, emoji))}
            >
              {emoji} {count > 1 && <span className="reaction-count">{count}</span>}
            </button>
          </li>
        );
      })}
    </ul>
  );
}
