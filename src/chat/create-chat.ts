import type { CreateLimiter } from '../cluster/limiters.ts';
import type { Database, Transaction } from '../db/database.ts';
import type { Facts } from '../facts.ts';
import type { Logger } from '../log.ts';
import type { Notifier } from '../notifier.ts';
import type { KeyRing } from '../storage/key-ring.ts';
import type { AcquaintanceService } from '../users/acquaintance-service.ts';
import { createConversationService } from './conversation-service.ts';
import { findMembership } from './conversation-store.ts';
import { createConversationViews } from './conversation-view.ts';
import { readOrMakeDataKey, rewrapDataKeys } from './data-key.ts';
import { createMemberService } from './member-service.ts';
import { type Chatter, isWithin } from './membership.ts';
import { createMessageSeal } from './message-seal.ts';
import { createMessageService } from './message-service.ts';
import { findMessages } from './message-store.ts';
import { createMessageViews, type FindAttachments } from './message-view.ts';
import { type ClaimAttachments, createMessageWriter } from './message-writer.ts';
import { createReceiptService } from './receipt-service.ts';
import { createSearchIndex } from './search-index.ts';
import { createSearchService } from './search-service.ts';
import { createTypingService } from './typing-service.ts';

/** Messages that are sealed anew in one transaction. */
const resealBatch = 200;

/** What chat needs of uploaded files. */
export interface MessageAttachments {
  readonly claimForMessage: ClaimAttachments;
  readonly findForMessages: FindAttachments;
  readonly releaseForMessages: (tx: Transaction, messageIds: readonly string[]) => Promise<void>;
  readonly assertMayUseAsAvatar: (userId: string, attachmentId: string) => Promise<void>;
}

export type Chat = Awaited<ReturnType<typeof createChat>>;

/** Puts the parts of chat together. */
export async function createChat(parts: {
  db: Database;
  facts: Facts;
  notifier: Notifier;
  log: Logger;
  keyRing: KeyRing;
  attachments: MessageAttachments;
  assertMayReach: AcquaintanceService['assertMayReach'];
  limits: { messageCharacters: number; messagesPerMinute: number; typingSeconds: number };
  createLimiter: CreateLimiter;
  showsTyping: (userId: string) => Promise<boolean>;
}) {
  const { db, facts, notifier, log, keyRing, attachments, assertMayReach, limits, createLimiter, showsTyping } = parts;
  const seal = createMessageSeal(keyRing, log);
  const searchIndex = createSearchIndex(await readOrMakeDataKey(db, keyRing, 'search-index'));
  const views = createMessageViews({ seal, findAttachments: attachments.findForMessages });
  const writer = createMessageWriter({ db, claimAttachments: attachments.claimForMessage });
  const messages = createMessageService({
    db,
    facts,
    notifier,
    writer,
    views,
    seal,
    searchIndex,
    releaseAttachments: attachments.releaseForMessages,
    limits,
    createLimiter,
  });
  const conversations = createConversationService({
    db,
    notifier,
    views: createConversationViews({ messageViews: views }),
    messages,
    assertMayReach,
    assertMayUseAsAvatar: attachments.assertMayUseAsAvatar,
  });
  const receipts = createReceiptService({ db, facts, notifier });
  // One after another, so that the last notice has all members.
  let telling = Promise.resolve();
  facts.on('conversation.entered', ({ conversationId, userId }) => {
    telling = telling
      .then(() => conversations.tellEntered(conversationId, userId))
      .catch((error: unknown) => log.warn({ err: error, conversationId }, 'a new member was not announced'));
  });
  const typing = createTypingService({ db, notifier, typingSeconds: limits.typingSeconds, showsTyping });

  return {
    conversations,
    members: createMemberService({ db, notifier, conversations, assertMayReach }),
    messages,
    receipts,
    typing,
    search: createSearchService({ db, searchIndex, seal, views }),

    /** Whether somebody may see what is in a conversation. */
    async isMember(conversationId: string, chatter: Chatter): Promise<boolean> {
      const membership = await findMembership(db.sql, conversationId, chatter.userId);
      return membership !== undefined && isWithin(chatter, membership.conversation);
    },

    /** What a message says, for those whom it is for; undefined when it says nothing or is gone. */
    async textOf(messageId: string): Promise<string | undefined> {
      const [row] = await findMessages(db.sql, [messageId]);
      return row && (seal.open(row) ?? undefined);
    },

    /** Seals anew whatever a former key has sealed. */
    async reseal(): Promise<void> {
      const { currentKeyId, formerKeyIds } = keyRing;
      await rewrapDataKeys(db, keyRing);
      const unreadable = { messages: new Set<string>(), versions: new Set<string>() };
      let total = 0;
      for (let count = -1; count !== 0; total += Math.max(count, 0)) count = await messages.reseal(formerKeyIds, unreadable, resealBatch);
      if (total > 0)
        log.info(
          { contents: total, unreadable: unreadable.messages.size + unreadable.versions.size, keyId: currentKeyId },
          'messages sealed by the current key',
        );
    },

    /** Waits for what is being written. */
    async close(): Promise<void> {
      await Promise.all([writer.idle(), receipts.idle(), telling]);
    },
  };
}
