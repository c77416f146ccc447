import type { Database } from '../db/database.ts';
import { findCall } from './call-store.ts';
import { storyOf } from './call-view.ts';

/** The job that writes how a call went into its conversation, once however often it runs. */
export function createCallStory({
  db,
  sendSystem,
}: {
  db: Database;
  sendSystem: (message: { conversationId: string; clientId: string; content: string; callId: string }) => Promise<void>;
}) {
  return async ({ callId }: { callId: string }): Promise<void> => {
    const call = await findCall(db.sql, callId);
    const content = call && storyOf(call);
    if (!call?.conversationId || content === undefined) return;
    await sendSystem({ conversationId: call.conversationId, clientId: `call:${callId}`, content, callId });
  };
}
