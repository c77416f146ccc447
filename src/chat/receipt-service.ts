import { sql } from 'drizzle-orm';
import { type BatchResult, createBatcher } from '../db/batcher.ts';
import type { Database } from '../db/database.ts';
import type { Facts } from '../facts.ts';
import type { Notifier } from '../notifier.ts';
import { AppError } from '../protocol/errors.ts';
import type { RequestPayload } from '../protocol/index.ts';
import { assertWithinToken, type Chatter } from './membership.ts';

/** Receipts that share one transaction at the most. */
const maxBatchSize = 500;

interface Receipt {
  readonly chatter: Chatter;
  readonly conversationId: string;
  readonly seq: number;
  readonly isRead: boolean;
}

/** A member's receipts after a batch; undefined where they stayed what they were. */
interface Moved {
  readonly deliveredSeq: number | undefined;
  readonly readSeq: number | undefined;
  readonly memberIds: readonly string[];
  readonly showsReading: boolean;
}

export type ReceiptService = ReturnType<typeof createReceiptService>;

/** Rules of receipts: delivered and read up to a seq, never back, never past the last message; what is read is delivered. */
export function createReceiptService({ db, facts, notifier }: { db: Database; facts: Facts; notifier: Notifier }) {
  const batcher = createBatcher<Receipt, void>({
    maxSize: maxBatchSize,
    run: async (receipts) => {
      const moved = await write(db, receipts);
      return receipts.map((receipt): BatchResult<void> => {
        const result = moved.get(keyOf(receipt));
        if (!result) return { ok: false, error: new AppError('chat.conversation_not_found') };
        tell(receipt, result);
        // Told once, however many receipts of the batch moved it.
        moved.set(keyOf(receipt), { ...result, deliveredSeq: undefined, readSeq: undefined });
        return { ok: true, value: undefined };
      });
    },
  });

  function tell({ chatter, conversationId }: Receipt, { deliveredSeq, readSeq, memberIds, showsReading }: Moved): void {
    const { userId, sessionId } = chatter;
    const except = sessionId === undefined ? {} : { exceptSessionId: sessionId };
    if (deliveredSeq !== undefined) {
      notifier.notify({ to: { userIds: memberIds, conversationId }, ...except }, 'chat:delivered', {
        conversationId,
        userId,
        seq: deliveredSeq,
      });
    }
    if (readSeq !== undefined) {
      facts.emit('conversation.read', { conversationId, userId, seq: readSeq });
      // Who hides reading shows it to their own devices alone.
      const to = { userIds: showsReading ? memberIds : [userId], conversationId };
      notifier.notify({ to, ...except }, 'chat:read', { conversationId, userId, seq: readSeq });
    }
  }

  async function add(receipt: Receipt): Promise<void> {
    await assertWithinToken(db.sql, receipt.conversationId, receipt.chatter);
    await batcher.add(receipt);
  }

  return {
    /** Everything up to and including `seq` has arrived. Errors: `chat.conversation_not_found`. */
    delivered: (chatter: Chatter, request: RequestPayload<'chat:delivered'>) => add({ chatter, ...request, isRead: false }),
    /** Everything up to and including `seq` has been read. Errors: `chat.conversation_not_found`. */
    read: (chatter: Chatter, request: RequestPayload<'chat:read'>) => add({ chatter, ...request, isRead: true }),
    idle: () => batcher.idle(),
  };
}

/** Moves the receipts of a batch; answers each member's, by {@link keyOf}. Members who are none are missing. */
async function write(db: Database, receipts: readonly Receipt[]): Promise<Map<string, Moved>> {
  const furthest = new Map<string, { conversationId: string; userId: string; deliveredSeq: number; readSeq: number }>();
  for (const receipt of receipts) {
    const key = keyOf(receipt);
    const so = furthest.get(key) ?? { conversationId: receipt.conversationId, userId: receipt.chatter.userId, deliveredSeq: 0, readSeq: 0 };
    so.deliveredSeq = Math.max(so.deliveredSeq, receipt.seq);
    if (receipt.isRead) so.readSeq = Math.max(so.readSeq, receipt.seq);
    furthest.set(key, so);
  }
  const wanted = [...furthest.values()];
  const { rows } = await db.sql.execute<{
    conversation_id: string;
    user_id: string;
    delivered_seq: string | null;
    read_seq: string | null;
    member_ids: string[];
    shows_reading: boolean;
  }>(sql`
    with wanted as (
      select * from unnest(
        ${sql.param(wanted.map((one) => one.conversationId))}::uuid[],
        ${sql.param(wanted.map((one) => one.userId))}::text[],
        ${sql.param(wanted.map((one) => one.deliveredSeq))}::bigint[],
        ${sql.param(wanted.map((one) => one.readSeq))}::bigint[]
      ) as v (conversation_id, user_id, delivered_seq, read_seq)
    ), locked as (
      select m.conversation_id, m.user_id, m.delivered_seq as old_delivered, m.read_seq as old_read,
        greatest(m.delivered_seq, least(w.delivered_seq, c.last_seq)) as delivered_seq,
        greatest(m.read_seq, least(w.read_seq, c.last_seq)) as read_seq
      from conversation_members m
      join wanted w using (conversation_id, user_id)
      join conversations c using (conversation_id)
      -- In one order with whoever else locks members, or two transactions could wait for one another.
      order by m.conversation_id, m.user_id
      for no key update of m
    ), moved as (
      update conversation_members m
      set delivered_seq = l.delivered_seq,
        read_seq = l.read_seq,
        read_count = case when l.read_seq > l.old_read then
          (select r.ordinal from messages r where r.conversation_id = m.conversation_id and r.seq = l.read_seq)
          else m.read_count end,
        read_own_count = case when l.read_seq > l.old_read then
          coalesce((select r.sender_ordinal from messages r
            where r.conversation_id = m.conversation_id and r.sender_id = m.user_id and r.seq <= l.read_seq
            order by r.seq desc limit 1), 0)
          else m.read_own_count end
      from locked l
      where m.conversation_id = l.conversation_id and m.user_id = l.user_id
        and (l.delivered_seq > l.old_delivered or l.read_seq > l.old_read)
    )
    select l.conversation_id, l.user_id,
      case when l.delivered_seq > l.old_delivered then l.delivered_seq end as delivered_seq,
      case when l.read_seq > l.old_read then l.read_seq end as read_seq,
      (select array_agg(o.user_id) from conversation_members o where o.conversation_id = l.conversation_id) as member_ids,
      coalesce((select (u.privacy ->> 'showReadReceipts')::boolean from users u where u.user_id = l.user_id), true) as shows_reading
    from locked l`);
  return new Map(
    rows.map((row) => [
      JSON.stringify([row.conversation_id, row.user_id]),
      {
        deliveredSeq: row.delivered_seq === null ? undefined : Number(row.delivered_seq),
        readSeq: row.read_seq === null ? undefined : Number(row.read_seq),
        memberIds: row.member_ids,
        showsReading: row.shows_reading,
      },
    ]),
  );
}

const keyOf = ({ conversationId, chatter }: Receipt) => JSON.stringify([conversationId, chatter.userId]);
