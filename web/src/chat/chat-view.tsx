import { type DragEvent, useCallback, useMemo, useRef, useState } from 'react';
import type { Chat, ChatConversation, ConnectionState } from '../../../src/client/index.ts';
import { errorText } from '../error-text.ts';
import { strings } from '../strings.ts';
import { Notice } from '../ui/notice.tsx';
import { type ChatContext, chatContext } from './chat-context.ts';
import { ComposerBar } from './composer-bar.tsx';
import { composerOf } from './composer-state.ts';
import { MessageList } from './message-list.tsx';
import { NewMessageSpeaker } from './new-message-speaker.tsx';
import { SearchView } from './search-view.tsx';
import { TypingLine } from './typing-line.tsx';
import { useConversation } from './use-chat.ts';

interface ChatViewProps {
  chat: Chat;
  conversation: ChatConversation;
  connection: ConnectionState;
  isSearching: boolean;
  onSearchClosed: () => void;
  /** The field that one writes in; whoever shows the chat may give it the focus. */
  field: React.RefObject<HTMLTextAreaElement | null>;
}

/** One conversation: its messages, search in them, and the field to write the next one. */
export function ChatView({ chat, conversation, connection, isSearching, onSearchClosed, field }: ChatViewProps) {
  const view = useConversation(conversation);
  const composer = composerOf(conversation);
  const [target, setTarget] = useState<{ readonly seq: number }>();
  const [problem, setProblem] = useState<string>();
  const drop = useFileDrop((files) => composer.attach(files));
  const { members, userId } = view;

  const act = useCallback((action: Promise<unknown>) => {
    setProblem(undefined);
    action.catch((error: unknown) => setProblem(errorText(error)));
  }, []);
  const jumpTo = useCallback((seq: number) => act(conversation.jumpTo(seq).then(() => setTarget({ seq }))), [act, conversation]);
  const context = useMemo<ChatContext>(() => {
    const names = new Map(members.map((member) => [member.userId, member.displayName]));
    return {
      chat,
      conversation,
      composer,
      userId,
      nameOf: (id) => (id === userId ? strings.chat.you : (names.get(id) ?? strings.chat.someone)),
      act,
      jumpTo,
      focusComposer: () => field.current?.focus(),
      brief: ({ type, content }) => content ?? (type === 'text' ? strings.chat.deleted : strings.chat.types[type]),
    };
  }, [chat, conversation, composer, userId, members, act, jumpTo, field]);

  const isClosed = view.info?.status === 'closed';
  return (
    <chatContext.Provider value={context}>
      <section className="chat" aria-label={strings.chat.title} {...drop.handlers}>
        {isSearching && <SearchView onClose={onSearchClosed} />}
        <div className="chat-main" hidden={isSearching}>
          {view.status === 'failed' && (
            <div className="chat-notice">
              <Notice tone="bad">{view.error ? errorText(view.error) : strings.chat.loadFailed}</Notice>
            </div>
          )}
          {view.status === 'loading' && view.messages.length === 0 && <p className="messages-note">{strings.loading}</p>}
          {(view.status === 'ready' || view.messages.length > 0) && <MessageList key={view.status} view={view} target={target} />}
          <TypingLine names={view.typingUserIds.map(context.nameOf)} />
          {connection.status !== 'connected' && connection.status !== 'connecting' && (
            <p className="chat-offline" role="status">
              {strings.chat.offline}
            </p>
          )}
          {problem !== undefined && (
            <div className="chat-notice">
              <Notice tone="bad">{problem}</Notice>
            </div>
          )}
          {isClosed ? (
            <p className="messages-note">{strings.errors['chat.conversation_closed']}</p>
          ) : (
            view.status !== 'failed' && userId !== '' && <ComposerBar field={field} />
          )}
        </div>
        <NewMessageSpeaker messages={view.messages} />
        {drop.isOver && <div className="drop-here">{strings.chat.dropHere}</div>}
      </section>
    </chatContext.Provider>
  );
}

/** Files that are dragged over the chat and dropped on it. */
function useFileDrop(onFiles: (files: FileList) => void) {
  const [isOver, setOver] = useState(false);
  const depth = useRef(0);
  const hasFiles = (event: DragEvent) => event.dataTransfer.types.includes('Files');
  const leave = (left: number) => {
    depth.current = left;
    setOver(left > 0);
  };
  return {
    isOver,
    handlers: {
      onDragEnter: (event: DragEvent) => hasFiles(event) && leave(depth.current + 1),
      onDragLeave: (event: DragEvent) => hasFiles(event) && leave(Math.max(0, depth.current - 1)),
      onDragOver: (event: DragEvent) => hasFiles(event) && event.preventDefault(),
      onDrop: (event: DragEvent) => {
        if (!hasFiles(event)) return;
        event.preventDefault();
        leave(0);
        onFiles(event.dataTransfer.files);
      },
    },
  };
}
