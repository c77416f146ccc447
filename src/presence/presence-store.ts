import { and, eq, gt, inArray, isNull, lte, or, sql } from 'drizzle-orm';
import type { Sql, Transaction } from '../db/database.ts';
import { userPresence } from '../db/tables.ts';
import type { SettableStatus } from '../protocol/presence.ts';

type Db = Sql | Transaction;

/** What somebody says of themselves, and when they were last there. What has ended is left out, and so is what they hide. */
export interface Said {
  readonly status: SettableStatus | null;
  readonly note: string | null;
  readonly endsAt: Date | null;
  readonly lastSeenAt: Date | null;
}

/** What some users say of themselves; those who never said anything and were never there are left out. */
export async function findSaid(db: Db, userIds: readonly string[]): Promise<Map<string, Said>> {
  if (userIds.length === 0) return new Map();
  const { rows } = await db.execute<{
    user_id: string;
    status: SettableStatus | null;
    note: string | null;
    ends_at: string | null;
    last_seen_at: string | null;
    holds: boolean;
    shows_last_seen: boolean;
  }>(sql`
    select p.user_id, p.status, p.note, p.ends_at, p.last_seen_at,
      p.ends_at is null or p.ends_at > now() as holds,
      coalesce((u.privacy ->> 'showLastSeen')::boolean, true) as shows_last_seen
    from user_presence p left join users u on u.user_id = p.user_id
    where p.user_id = any(${sql.param(userIds)}::text[])`);
  const time = (value: string | null) => (value === null ? null : new Date(value));
  return new Map(
    rows.map(({ user_id, status, note, ends_at, last_seen_at, holds, shows_last_seen }) => [
      user_id,
      {
        status: holds ? status : null,
        note: holds ? note : null,
        endsAt: holds ? time(ends_at) : null,
        lastSeenAt: shows_last_seen ? time(last_seen_at) : null,
      },
    ]),
  );
}

/** Those among some users who are in a room, or in a call that was taken and has not ended. */
export async function findEngaged(db: Db, userIds: readonly string[]): Promise<Set<string>> {
  if (userIds.length === 0) return new Set();
  const { rows } = await db.execute<{ user_id: string }>(sql`
    select user_id from room_participants where left_at is null and user_id = any(${sql.param(userIds)}::text[])
    union
    select p.user_id from call_parties p join calls c using (call_id)
    where p.state = 'joined' and p.user_id = any(${sql.param(userIds)}::text[])
      and c.status in ('accepted', 'connecting', 'connected')`);
  return new Set(rows.map(({ user_id }) => user_id));
}

/** Those among some users who do not want to be disturbed now. */
export async function findUndisturbed(db: Db, userIds: readonly string[]): Promise<Set<string>> {
  if (userIds.length === 0) return new Set();
  const rows = await db
    .select({ userId: userPresence.userId })
    .from(userPresence)
    .where(
      and(
        inArray(userPresence.userId, [...userIds]),
        eq(userPresence.status, 'do_not_disturb'),
        or(isNull(userPresence.endsAt), gt(userPresence.endsAt, sql`now()`)),
      ),
    );
  return new Set(rows.map(({ userId }) => userId));
}

/** Keeps what somebody says of themselves. */
export async function putSaid(tx: Transaction, userId: string, said: Omit<Said, 'lastSeenAt'>): Promise<void> {
  await tx
    .insert(userPresence)
    .values({ userId, ...said })
    .onConflictDoUpdate({ target: userPresence.userId, set: said });
}

/** Forgets what somebody said of themselves if its end has passed; answers whether it has. */
export async function endSaid(db: Db, userId: string): Promise<boolean> {
  const { rowCount } = await db
    .update(userPresence)
    .set({ status: null, note: null, endsAt: null })
    .where(and(eq(userPresence.userId, userId), lte(userPresence.endsAt, sql`now()`)));
  return (rowCount ?? 0) > 0;
}

/** Keeps when some users were last there; what is known to be later stays. */
export async function saveLastSeen(db: Db, lastSeenAt: ReadonlyMap<string, Date>): Promise<void> {
  if (lastSeenAt.size === 0) return;
  const times = [...lastSeenAt.values()].map((at) => at.toISOString());
  await db.execute(sql`
    insert into user_presence (user_id, last_seen_at)
    select * from unnest(${sql.param([...lastSeenAt.keys()])}::text[], ${sql.param(times)}::timestamptz[])
    on conflict (user_id) do update set last_seen_at = greatest(user_presence.last_seen_at, excluded.last_seen_at)`);
}
