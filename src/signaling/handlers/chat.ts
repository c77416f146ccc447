import type { ConversationService } from '../../chat/conversation-service.ts';
import type { Chatter } from '../../chat/membership.ts';
import type { MessageService } from '../../chat/message-service.ts';
import type { ReceiptService } from '../../chat/receipt-service.ts';
import type { SearchService } from '../../chat/search-service.ts';
import type { TypingService } from '../../chat/typing-service.ts';
import { done, type Handlers, type RequestsOf } from '../dispatch.ts';
import type { Session } from '../session.ts';

function chatterOf({ identity, address, sessionId }: Session): Chatter & { sessionId: string } {
  return { userId: identity.userId, role: identity.role, address, sessionId, onlyRoomId: identity.grants?.roomId };
}

/** `chat:*`. */
export function createChatHandlers(parts: {
  conversations: ConversationService;
  messages: MessageService;
  receipts: ReceiptService;
  typing: TypingService;
  search: SearchService;
}): Handlers<RequestsOf<'chat'>> {
  const { conversations, messages, receipts, typing, search } = parts;
  return {
    'chat:send': async (session, payload) => {
      const { message } = await messages.send(chatterOf(session), payload);
      return { message };
    },
    'chat:edit': (session, payload) => messages.edit(chatterOf(session), payload),
    'chat:delete': (session, payload) => messages.remove(chatterOf(session), payload),
    'chat:react': (session, payload) => messages.react(chatterOf(session), payload),
    'chat:unreact': (session, payload) => messages.unreact(chatterOf(session), payload),
    'chat:history': (session, payload) => messages.history(chatterOf(session), payload),
    'chat:search': (session, payload) => search.search(chatterOf(session), payload),
    'chat:delivered': done((session, payload) => receipts.delivered(chatterOf(session), payload)),
    'chat:read': done((session, payload) => receipts.read(chatterOf(session), payload)),
    'chat:typing': done((session, payload) => typing.set({ ...chatterOf(session), isConnected: () => session.isConnected }, payload)),
    'chat:conversations': (session, payload) => conversations.list(chatterOf(session), payload),
  };
}
