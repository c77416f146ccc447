import { useCallback, useRef, useState } from 'react';
import type { ParleyClient } from '../../../src/client/index.ts';
import { useConnection } from '../call/use-room.ts';
import { navigate } from '../router.ts';
import { useClient } from '../shell/client-context.tsx';
import type { Identity } from '../sign-in/identity.ts';
import { strings } from '../strings.ts';
import { Icon } from '../ui/icon.tsx';
import { PageHeader } from '../ui/page-header.tsx';
import { useTabTitle } from '../ui/use-tab-title.ts';
import { ChatView } from './chat-view.tsx';
import { SearchButton } from './search-button.tsx';
import { useConversation } from './use-chat.ts';

interface ConversationPageProps {
  conversationId: string;
  identity: Identity;
}

/** A conversation by itself, before, after and beside calls. */
export function ConversationPage({ conversationId, identity }: ConversationPageProps) {
  const client = useClient();
  return (
    <div className="page chat-page">
      <PageHeader identity={identity} />
      <main>
        <OpenConversation client={client} conversationId={conversationId} />
      </main>
    </div>
  );
}

function OpenConversation({ client, conversationId }: { client: ParleyClient; conversationId: string }) {
  const conversation = client.chat.open(conversationId);
  const connection = useConnection(client);
  const { info } = useConversation(conversation);
  const [isSearching, setSearching] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const closeSearch = useCallback(() => setSearching(false), []);
  const name = info?.name || strings.chat.untitled;
  useTabTitle(name);
  return (
    <>
      <div className="chat-page-head">
        <button
          type="button"
          className="button quiet compact square"
          aria-label={strings.chat.back}
          title={strings.chat.back}
          onClick={() => navigate('/')}
        >
          <Icon name="back" size={22} />
        </button>
        <h1>{name}</h1>
        <SearchButton isSearching={isSearching} onClick={() => setSearching(!isSearching)} />
      </div>
      {connection.status === 'failed' && (
        <p className="chat-offline">
          <button type="button" className="button compact" onClick={() => client.connect().catch(() => undefined)}>
            {strings.tryAgain}
          </button>
        </p>
      )}
      <ChatView
        chat={client.chat}
        conversation={conversation}
        connection={connection}
        isSearching={isSearching}
        onSearchClosed={closeSearch}
        field={field}
      />
    </>
  );
}
