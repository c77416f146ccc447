import { useCallback, useEffect, useSyncExternalStore } from 'react';
import type { ParleyClient, RoomView } from '../../../src/client/index.ts';
import { strings } from '../strings.ts';

/** The chat of the room: how much is unread. A message that comes while the panel is closed is announced, without its text. */
export function useRoomChat(client: ParleyClient, view: RoomView, isOpen: boolean, say: (text: string) => void): { unreadCount: number } {
  const { conversationId, participants } = view;

  const subscribe = useCallback(
    (listener: () => void) => (conversationId === null ? () => undefined : client.chat.open(conversationId).subscribe(listener)),
    [client, conversationId],
  );
  const unreadCount = useSyncExternalStore(subscribe, () =>
    conversationId === null ? 0 : client.chat.open(conversationId).view.unreadCount,
  );

  useEffect(() => {
    if (conversationId === null || isOpen) return;
    return client.chat.on('messageReceived', ({ message }) => {
      if (message.conversationId !== conversationId) return;
      const sender = participants.find(({ userId }) => userId === message.senderId);
      say(strings.chat.from(sender?.displayName ?? strings.chat.someone));
    });
  }, [client, conversationId, isOpen, participants, say]);

  return { unreadCount };
}
