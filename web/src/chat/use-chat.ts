import { useEffect, useState, useSyncExternalStore } from 'react';
import type { Chat, ChatConversation, ChatView, ConversationView } from '../../../src/client/index.ts';

/** What a conversation looks like now. */
export function useConversation(conversation: ChatConversation): ConversationView {
  return useSyncExternalStore(conversation.subscribe, () => conversation.view);
}

/** What the conversations look like now. */
export function useChat(chat: Chat): ChatView {
  return useSyncExternalStore(chat.subscribe, () => chat.view);
}

/** An object URL of a stored file, revoked when it is no longer shown. `isLost`: it could not be fetched. */
export function useAttachmentUrl(chat: Chat, attachmentId: string, isThumbnail: boolean): { url: string | undefined; isLost: boolean } {
  const [state, setState] = useState<{ url: string | undefined; isLost: boolean }>({ url: undefined, isLost: false });
  useEffect(() => {
    const abort = new AbortController();
    let url: string | undefined;
    chat.readAttachment(attachmentId, { thumbnail: isThumbnail, signal: abort.signal }).then(
      (blob) => {
        if (abort.signal.aborted) return;
        url = URL.createObjectURL(blob);
        setState({ url, isLost: false });
      },
      () => {
        if (!abort.signal.aborted) setState({ url: undefined, isLost: true });
      },
    );
    return () => {
      abort.abort();
      if (url !== undefined) URL.revokeObjectURL(url);
    };
  }, [chat, attachmentId, isThumbnail]);
  return state;
}
