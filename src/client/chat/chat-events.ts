import type { Conversation, Message } from '../../protocol/chat.ts';
import type { ParleyError } from '../parley-error.ts';

/** The list of conversations as it is now. Never changed: each change makes a new one. */
export interface ChatView {
  /** `idle` until `loadConversations()` is called. */
  readonly status: 'idle' | 'loading' | 'ready';
  /** Those that are not archived or closed; the one that was active last comes first. */
  readonly conversations: readonly Conversation[];
  /** Whether there are more to load. */
  readonly hasMore: boolean;
  /** Unread messages of all conversations that are loaded. */
  readonly unreadCount: number;
}

/** What a chat tells. */
export interface ChatEvents {
  changed: ChatView;
  /** Somebody else's message has come, in any conversation. */
  messageReceived: { message: Message };
  /** The server has stored one's own message. */
  messageSent: { message: Message };
  /** The server will never take it: `conversation.retry()` or `discard()`. */
  messageRefused: { conversationId: string; clientId: string; error: ParleyError };
  conversationAdded: { conversation: Conversation };
  conversationRemoved: { conversationId: string };
  /** Something in the background has given up; the chat goes on. */
  error: { error: ParleyError };
}
