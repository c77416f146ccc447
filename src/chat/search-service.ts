import { and, desc, eq, gte, inArray, isNotNull, lt, lte, notExists, or, type SQL, sql } from 'drizzle-orm';
import { assertWholeToken } from '../auth/access.ts';
import { decodeCursor, encodeCursor } from '../db/cursor.ts';
import type { Database } from '../db/database.ts';
import { messageHidden, messages } from '../db/tables.ts';
import type { SearchPayload } from '../protocol/chat.ts';
import type { Reply } from '../protocol/index.ts';
import { listConversationIds } from './conversation-store.ts';
import { assertMayRead, type Chatter } from './membership.ts';
import type { MessageSeal } from './message-seal.ts';
import type { MessageRow } from './message-store.ts';
import type { MessageViews } from './message-view.ts';
import { findHighlights, type QueryWord, queryWordsOf, type SearchIndex } from './search-index.ts';

/** Matches of the index that one search opens at the most; facets count among these. */
const maxCandidates = 1_000;

/** A match whose text, once open, really holds the words. */
interface Hit {
  readonly row: MessageRow;
  readonly highlights: [number, number][];
}

export type SearchService = ReturnType<typeof createSearchService>;

/** Search in conversations one is in: the blind index finds candidates, their opened texts decide. */
export function createSearchService(parts: { db: Database; searchIndex: SearchIndex; seal: MessageSeal; views: MessageViews }) {
  const { db, searchIndex, seal, views } = parts;

  /** Each word must be in the message; each has a token of its own in each conversation. */
  function holdsAll(words: readonly QueryWord[], conversationIds: readonly string[]): SQL | undefined {
    return and(
      ...words.map((word) => {
        const tokens = conversationIds.map((conversationId) => searchIndex.queryToken(conversationId, word).toString());
        return sql`${messages.searchTokens} && ${sql.param(tokens)}::bigint[]`;
      }),
    );
  }

  async function findCandidates(userId: string, request: SearchPayload, words: readonly QueryWord[], conversationIds: readonly string[]) {
    const { senderId, from, to } = request;
    const before = request.cursor === undefined ? undefined : decodeCursor(request.cursor);
    return await db.sql
      .select()
      .from(messages)
      .where(
        and(
          inArray(messages.conversationId, [...conversationIds]),
          holdsAll(words, conversationIds),
          isNotNull(messages.sealed),
          senderId === undefined ? undefined : eq(messages.senderId, senderId),
          from === undefined ? undefined : gte(messages.sentAt, new Date(from)),
          to === undefined ? undefined : lte(messages.sentAt, new Date(to)),
          before && or(lt(messages.sentAt, before.at), and(eq(messages.sentAt, before.at), lt(messages.messageId, before.id))),
          notExists(
            db.sql
              .select({ one: sql`1` })
              .from(messageHidden)
              .where(and(eq(messageHidden.userId, userId), eq(messageHidden.messageId, messages.messageId))),
          ),
        ),
      )
      .orderBy(desc(messages.sentAt), desc(messages.messageId))
      .limit(maxCandidates + 1);
  }

  return {
    /** See `chat:search`. Errors: `chat.conversation_not_found` for a conversation one is not in. */
    async search(chatter: Chatter, request: SearchPayload): Promise<Reply<'chat:search'>> {
      const { conversationId, query, limit } = request;
      const { userId } = chatter;
      const words = queryWordsOf(query);
      if (conversationId === undefined) assertWholeToken(chatter);
      if (conversationId !== undefined) await assertMayRead(db.sql, chatter, conversationId);
      const conversationIds = conversationId === undefined ? await listConversationIds(db.sql, userId) : [conversationId];
      if (words.length === 0 || conversationIds.length === 0) {
        return { hits: [], facets: { byConversation: [], byType: [], isComplete: true }, cursor: null };
      }
      const found = await findCandidates(userId, request, words, conversationIds);
      const candidates = found.slice(0, maxCandidates);
      const hits = candidates.flatMap((row): Hit[] => {
        const highlights = findHighlights(seal.open(row) ?? '', words);
        return highlights ? [{ row, highlights }] : [];
      });
      const page = hits.slice(0, limit);
      const shown = await views.toMessages(
        db.sql,
        page.map(({ row }) => row),
      );
      // Behind the last hit shown, or behind the last candidate opened when none is left but there may be older ones.
      const isExhausted = hits.length <= limit && found.length <= maxCandidates;
      const last = hits.length > limit ? page.at(-1)?.row : candidates.at(-1);
      return {
        hits: shown.map((message, index) => ({ message, highlights: page[index]?.highlights ?? [] })),
        facets: {
          byConversation: count(hits, ({ row }) => row.conversationId).map(([id, total]) => ({ conversationId: id, count: total })),
          byType: count(hits, ({ row }) => row.type).map(([type, total]) => ({ type, count: total })),
          isComplete: request.cursor === undefined && found.length <= maxCandidates,
        },
        cursor: isExhausted || !last ? null : encodeCursor({ at: last.sentAt, id: last.messageId }),
      };
    },
  };
}

/** How many hits there are of each kind, the most first. */
function count<K>(hits: readonly Hit[], keyOf: (hit: Hit) => K): [K, number][] {
  return [...Map.groupBy(hits, keyOf)].map(([key, all]): [K, number] => [key, all.length]).sort(([, a], [, b]) => b - a);
}
