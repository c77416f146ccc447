import { useEffect, useState } from 'react';
import type { Conversation, ParleyClient } from '../../../src/client/index.ts';
import { errorText } from '../error-text.ts';
import { conversationPathOf, onLinkClick } from '../router.ts';
import { useClient } from '../shell/client-context.tsx';
import { strings } from '../strings.ts';
import { Avatar } from '../ui/avatar.tsx';
import { Notice } from '../ui/notice.tsx';
import { useChat } from './use-chat.ts';

/** One's conversations, the one that was active last first, kept current. */
export function Conversations() {
  const client = useClient();
  return (
    <section className="recent" aria-labelledby="conversations-title">
      <h2 id="conversations-title">{strings.chat.conversations}</h2>
      <List client={client} />
    </section>
  );
}

function List({ client }: { client: ParleyClient }) {
  const { chat } = client;
  const { status, conversations, hasMore } = useChat(chat);
  const [problem, setProblem] = useState<string>();

  useEffect(() => {
    client
      .connect()
      .then(() => chat.loadConversations())
      .catch((error: unknown) => setProblem(errorText(error)));
  }, [client, chat]);

  if (problem !== undefined) return <Notice tone="bad">{problem}</Notice>;
  if (status !== 'ready') return <p className="soft">{strings.loading}</p>;
  if (conversations.length === 0) return <p className="soft empty">{strings.chat.noConversations}</p>;
  return (
    <>
      <ul className="room-list">
        {conversations.map((conversation) => (
          <ConversationRow key={conversation.conversationId} conversation={conversation} />
        ))}
      </ul>
      {hasMore && (
        <button
          type="button"
          className="button compact"
          onClick={() => chat.loadConversations().catch((error: unknown) => setProblem(errorText(error)))}
        >
          {strings.chat.moreConversations}
        </button>
      )}
    </>
  );
}

function ConversationRow({ conversation }: { conversation: Conversation }) {
  const { conversationId, lastMessage, unreadCount } = conversation;
  const name = conversation.name || strings.chat.untitled;
  const path = conversationPathOf(conversationId);
  return (
    <li className="conversation-row">
      <Avatar name={name} />
      <div className="room-row-text">
        <a href={path} aria-label={strings.chat.openConversation(name)} onClick={onLinkClick}>
          {name}
        </a>
        <span className="room-row-meta conversation-last">
          {lastMessage === null
            ? strings.chat.empty
            : (lastMessage.content ?? (lastMessage.deletedAt ? strings.chat.deleted : strings.chat.types[lastMessage.type]))}
        </span>
      </div>
      {lastMessage !== null && <time className="conversation-time">{strings.formatTime(new Date(lastMessage.sentAt))}</time>}
      {unreadCount > 0 && (
        <span className="badge in-row" title={strings.chat.unread(unreadCount)}>
          <span aria-hidden="true">{unreadCount}</span>
          <span className="unseen">{strings.chat.unread(unreadCount)}</span>
        </span>
      )}
    </li>
  );
}
