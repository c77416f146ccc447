import type { ParleyClient } from '../../../src/client/index.ts';
import { conversationPathOf, navigate } from '../router.ts';

/** Goes to the conversation with somebody, making it when there is none; with several people to the first one's. Throws as `chat.openDirect()`. */
export async function openMessages(client: ParleyClient, userIds: readonly string[]): Promise<void> {
  const [userId] = userIds;
  if (userId === undefined) return;
  const { conversationId } = await client.chat.openDirect(userId);
  navigate(conversationPathOf(conversationId));
}
