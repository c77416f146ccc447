import type { ChatConversation, ConversationView } from '../../src/client/index.ts';
import type { Message } from '../../src/protocol/chat.ts';

/** Somebody's message as the server shows it. */
export function messageAt(seq: number, change: Partial<Message> = {}): Message {
  return {
    messageId: `m${seq}`,
    conversationId: 'talk',
    seq,
    senderId: 'other',
    type: 'text',
    content: `text ${seq}`,
    attachments: [],
    mentions: [],
    clientId: `c${seq}`,
    status: 'sent',
    sentAt: new Date(Date.UTC(2026, 0, 1, 12, 0, seq)).toISOString(),
    reactions: [],
    ...change,
  };
}

/** Messages from one seq to another. */
export function messagesFrom(from: number, to: number): Message[] {
  return Array.from({ length: to - from + 1 }, (_, index) => messageAt(from + index));
}

/** Resolves with what `find` finds in a conversation's view, as soon as it does. */
export function untilIn<T>(conversation: ChatConversation, find: (view: ConversationView) => T | undefined | false): Promise<T> {
  return new Promise((resolve) => {
    const look = (): void => {
      const found = find(conversation.view);
      if (found === undefined || found === false) return;
      off();
      resolve(found);
    };
    const off = conversation.subscribe(look);
    look();
  });
}

/** What the messages of a view say, in order. */
export function textsOf({ messages }: ConversationView): (string | null)[] {
  return messages.map(({ content }) => content);
}
