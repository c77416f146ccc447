import { useEffect, useState, useSyncExternalStore } from 'react';
import {
  type Chat,
  type ChatConversation,
  type ChatView,
  type ConversationView,
  createParleyClient,
  type ParleyClient,
} from '../../../src/client/index.ts';
import { errorCode } from '../error-text.ts';
import type { Identity } from '../sign-in/identity.ts';
import { signOut } from '../sign-in/session.ts';

/** What a conversation looks like now. */
export function useConversation(conversation: ChatConversation): ConversationView {
  return useSyncExternalStore(conversation.subscribe, () => conversation.view);
}

/** What the conversations look like now. */
export function useChat(chat: Chat): ChatView {
  return useSyncExternalStore(chat.subscribe, () => chat.view);
}

const signInCodes = new Set(['auth.missing_token', 'auth.invalid_token', 'auth.expired_token']);

/** A client for pages outside a call; connected for as long as the page is shown. Undefined at the very first. */
export function useChatClient({ token }: Identity): ParleyClient | undefined {
  const [client, setClient] = useState<ParleyClient>();
  useEffect(() => {
    const mine = createParleyClient({ url: window.location.origin, getToken: () => token });
    setClient(mine);
    mine.connect().catch((error: unknown) => {
      const code = errorCode(error);
      if (code !== undefined && signInCodes.has(code)) signOut({ expired: true });
    });
    return () => mine.close();
  }, [token]);
  return client;
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
