import type { Conversation, Message } from '../../protocol/chat.ts';

/** The conversations that are known, by id. Never changed in place. */
export type ConversationBook = ReadonlyMap<string, Conversation>;

/** A book, and the conversations whose counts can no longer be told from what was heard: the server has to be asked. */
export interface BookChange {
  readonly book: ConversationBook;
  readonly unsure: readonly string[];
}

/** The server has told a conversation whole. What it read before something that was heard since is not believed. */
export function withConversation(book: ConversationBook, told: Conversation): BookChange {
  const known = book.get(told.conversationId);
  if (known === undefined) return sure(put(book, told));
  const isOlder = told.lastSeq < known.lastSeq;
  const isReadLess = told.readSeq < known.readSeq;
  const merged: Conversation = {
    ...told,
    ...(isOlder && { lastSeq: known.lastSeq, lastMessage: known.lastMessage }),
    ...((isOlder || isReadLess) && { unreadCount: known.unreadCount }),
    readSeq: Math.max(told.readSeq, known.readSeq),
    deliveredSeq: Math.max(told.deliveredSeq, known.deliveredSeq),
  };
  return { book: put(book, merged), unsure: isOlder && !isReadLess ? [told.conversationId] : [] };
}

/** A message has come. One that is not the next leaves the count unsure, and so does one of a conversation that is not known. */
export function withMessage(book: ConversationBook, message: Message, userId: string): BookChange {
  const { conversationId, seq } = message;
  const known = book.get(conversationId);
  if (known === undefined) return { book, unsure: [conversationId] };
  if (seq <= known.lastSeq) return sure(withChangedMessage(book, message));
  const isUnread = message.senderId !== userId && message.type !== 'system' && seq > known.readSeq;
  const unreadCount = known.unreadCount + (isUnread ? 1 : 0);
  return {
    book: put(book, { ...known, lastSeq: seq, lastMessage: message, unreadCount }),
    unsure: seq > known.lastSeq + 1 ? [conversationId] : [],
  };
}

/** A message was edited, or its reactions changed. */
export function withChangedMessage(book: ConversationBook, message: Message): ConversationBook {
  const known = book.get(message.conversationId);
  if (known?.lastMessage?.messageId !== message.messageId) return book;
  return put(book, { ...known, lastMessage: message });
}

/** A message was deleted, for everyone or for oneself. */
export function withDeletedMessage(
  book: ConversationBook,
  { conversationId, messageId, forEveryone }: { conversationId: string; messageId: string; forEveryone: boolean },
): BookChange {
  const known = book.get(conversationId);
  if (known?.lastMessage?.messageId !== messageId) return sure(book);
  const lastMessage = { ...known.lastMessage, content: null, attachments: [], reactions: [] };
  return { book: put(book, { ...known, lastMessage }), unsure: forEveryone ? [] : [conversationId] };
}

/** One has read up to a seq, on this device or another. `unreadAfter`: what is left, where it can be counted. */
export function withRead(book: ConversationBook, conversationId: string, seq: number, unreadAfter?: number): BookChange {
  const known = book.get(conversationId);
  if (known === undefined || seq <= known.readSeq) return sure(book);
  const unreadCount = seq >= known.lastSeq ? 0 : unreadAfter;
  return {
    book: put(book, {
      ...known,
      readSeq: seq,
      deliveredSeq: Math.max(known.deliveredSeq, seq),
      unreadCount: unreadCount ?? known.unreadCount,
    }),
    unsure: unreadCount === undefined ? [conversationId] : [],
  };
}

/** One is no longer a member. */
export function withoutConversation(book: ConversationBook, conversationId: string): ConversationBook {
  if (!book.has(conversationId)) return book;
  const rest = new Map(book);
  rest.delete(conversationId);
  return rest;
}

/** The one that was active last comes first. */
export function sortedConversations(book: ConversationBook): readonly Conversation[] {
  const activeAt = ({ lastMessage, createdAt }: Conversation): string => lastMessage?.sentAt ?? createdAt;
  return [...book.values()].sort((a, b) => (activeAt(a) < activeAt(b) ? 1 : activeAt(a) > activeAt(b) ? -1 : 0));
}

/** Unread messages of all known conversations. */
export function totalUnread(book: ConversationBook): number {
  return [...book.values()].reduce((sum, { unreadCount }) => sum + unreadCount, 0);
}

function put(book: ConversationBook, conversation: Conversation): ConversationBook {
  return new Map(book).set(conversation.conversationId, conversation);
}

function sure(book: ConversationBook): BookChange {
  return { book, unsure: [] };
}
