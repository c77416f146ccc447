import type { Message } from '../../../src/client/index.ts';
import { strings } from '../strings.ts';
import { useChatContext } from './chat-context.ts';

/** The message that another one answers; leads there. */
export function Quote({ replied }: { replied: NonNullable<Message['replyTo']> }) {
  const { nameOf, brief, jumpTo } = useChatContext();
  const name = nameOf(replied.senderId);
  return (
    <button type="button" className="quote" title={strings.chat.repliedTo(name)} onClick={() => jumpTo(replied.seq)}>
      <span className="quote-name">{name}</span>
      <span className="quote-text">{brief(replied)}</span>
    </button>
  );
}
