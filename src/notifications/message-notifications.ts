import { type BatchResult, createBatcher } from '../db/batcher.ts';
import type { Database } from '../db/database.ts';
import type { FactMap } from '../facts.ts';
import type { NotificationService } from './notification-service.ts';
import { findConcerned, findRecipients, untilReadPrefix } from './notification-store.ts';
import type { Draft, NotificationWriter } from './notification-writer.ts';
import { textsFor } from './texts.ts';

/** Messages, or readings, that share one transaction at the most. */
const maxBatchSize = 500;

/** One member's unread messages of a conversation are one notification. */
const dedupeKeyOf = (conversationId: string) => `${untilReadPrefix}conversation:${conversationId}`;

/** What came for one absent member in one conversation. */
interface Absent {
  readonly userId: string;
  readonly conversationId: string;
  readonly senderId: string;
  readonly messageId: string;
  readonly count: number;
}

/** Messages to members who are not there: one notification a conversation until it is read, which counts them and says nothing of what they say. */
export function createMessageNotifications(parts: {
  db: Database;
  notifications: NotificationService;
  writer: NotificationWriter;
  /** Of some users those who look at a device now. */
  findAttentive: (userIds: readonly string[]) => Promise<Set<string>>;
}) {
  const { db, notifications, writer, findAttentive } = parts;

  const created = batched(async (facts: readonly FactMap['message.created'][0][]) => {
    const memberIds = [...new Set(facts.flatMap((fact) => fact.memberIds))];
    const attentive = await findAttentive(memberIds);
    const absent = new Map<string, Absent>();
    for (const { conversationId, senderId, messageId, memberIds: members } of facts) {
      for (const userId of members) {
        if (userId === senderId || attentive.has(userId)) continue;
        const key = JSON.stringify([conversationId, userId]);
        absent.set(key, { userId, conversationId, senderId, messageId, count: (absent.get(key)?.count ?? 0) + 1 });
      }
    }
    if (absent.size === 0) return;
    const concerned = await findConcerned(db.sql, [...absent.values()], new Date());
    const told = concerned.flatMap(({ conversationId, userId }) => absent.get(JSON.stringify([conversationId, userId])) ?? []);
    if (told.length === 0) return;
    const people = await findRecipients(db.sql, [...new Set(told.flatMap(({ userId, senderId }) => [userId, senderId]))]);
    const drafts = told.map((one) => {
      const sender = people.get(one.senderId)?.displayName ?? one.senderId;
      return draftOf(one, sender, people.get(one.userId)?.locale ?? 'en');
    });
    const written = await db.transaction((tx) => writer.write(tx, drafts));
    await writer.tell(written);
  });

  const read = batched(async (facts: readonly FactMap['conversation.read'][0][]) =>
    notifications.readByKeys(facts.map(({ userId, conversationId }) => ({ userId, dedupeKey: dedupeKeyOf(conversationId) }))),
  );

  return {
    async created(fact: FactMap['message.created'][0]): Promise<void> {
      if (fact.type !== 'system') await created.add(fact);
    },
    /** Whoever reads a conversation has read what tells of it. */
    read: (fact: FactMap['conversation.read'][0]) => read.add(fact),
  };
}

function draftOf({ userId, conversationId, senderId, messageId, count }: Absent, senderName: string, locale: string): Draft {
  const texts = textsFor(locale);
  const content = (messages: number) => ({
    title: texts.newMessages(messages, senderName),
    body: null,
    data: { conversationId, messageId, senderId, senderName, count: messages },
  });
  return {
    userId,
    type: 'message.received',
    priority: 'normal',
    dedupe: {
      key: dedupeKeyOf(conversationId),
      merge: (previous) => {
        const before = previous?.data['count'];
        return content(count + (typeof before === 'number' ? before : 0));
      },
    },
    content: content(count),
  };
}

/** Facts that come at once are looked at at once. */
function batched<T>(run: (facts: readonly T[]) => Promise<void>) {
  return createBatcher<T, void>({
    maxSize: maxBatchSize,
    run: async (facts) => {
      await run(facts);
      return facts.map((): BatchResult<void> => ({ ok: true, value: undefined }));
    },
  });
}
