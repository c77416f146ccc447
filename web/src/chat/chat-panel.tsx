import { type KeyboardEvent, useCallback, useRef, useState } from 'react';
import type { ConnectionState, ParleyClient } from '../../../src/client/index.ts';
import { SidePanel } from '../call/side-panel.tsx';
import { strings } from '../strings.ts';
import { ChatView } from './chat-view.tsx';
import { SearchButton } from './search-button.tsx';

interface ChatPanelProps {
  client: ParleyClient;
  conversationId: string;
  connection: ConnectionState;
  onClose: () => void;
}

/** The chat beside a call; on a phone over all of it. */
export function ChatPanel({ client, conversationId, connection, onClose }: ChatPanelProps) {
  const [isSearching, setSearching] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const conversation = client.chat.open(conversationId);
  // On a touch screen the keyboard would come up over the messages.
  const isTouch = window.matchMedia('(pointer: coarse)').matches;
  const closeSearch = useCallback(() => setSearching(false), []);

  function onKeyDown(event: KeyboardEvent) {
    if (event.key !== 'Escape' || event.defaultPrevented) return;
    event.preventDefault();
    onClose();
  }

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes the panel from every part of it.
    <div className="chat-panel" onKeyDown={onKeyDown}>
      <SidePanel
        title={strings.chat.title}
        onClose={onClose}
        {...(!isTouch && { focus: field })}
        actions={<SearchButton isSearching={isSearching} onClick={() => setSearching(!isSearching)} />}
      >
        <ChatView
          chat={client.chat}
          conversation={conversation}
          connection={connection}
          isSearching={isSearching}
          onSearchClosed={closeSearch}
          field={field}
        />
      </SidePanel>
    </div>
  );
}
