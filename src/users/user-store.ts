import { and, eq, isNotNull, isNull, sql } from 'drizzle-orm';
import type { Sql, Transaction } from '../db/database.ts';
import { users } from '../db/tables.ts';
import type { Role } from '../protocol/ids.ts';

export type UserRow = typeof users.$inferSelect;

/** One user, or undefined. */
export async function findUser(db: Sql | Transaction, userId: string): Promise<UserRow | undefined> {
  const [row] = await db.select().from(users).where(eq(users.userId, userId));
  return row;
}

/** Inserts the user, or takes over name, role and address when the token's differ. */
export async function upsertUser(
  db: Sql | Transaction,
  user: { userId: string; tokenName: string; role: Role; tokenEmail: string | null },
): Promise<UserRow> {
  const [row] = await db
    .insert(users)
    .values(user)
    .onConflictDoUpdate({ target: users.userId, set: { tokenName: user.tokenName, role: user.role, tokenEmail: user.tokenEmail } })
    .returning();
  if (!row) throw new Error('upsert returned no row');
  return row;
}

/** Changes a user's own settings. */
export async function updateUser(
  db: Sql | Transaction,
  userId: string,
  changes: Partial<Pick<UserRow, 'chosenName' | 'locale' | 'privacy'>>,
): Promise<UserRow | undefined> {
  const [row] = await db.update(users).set(changes).where(eq(users.userId, userId)).returning();
  return row;
}

/** Suspends a user, known or not; answers since when. */
export async function suspendUser(db: Sql | Transaction, userId: string): Promise<Date> {
  const [row] = await db
    .insert(users)
    .values({ userId, tokenName: userId, role: 'patient', suspendedAt: sql`now()` })
    .onConflictDoUpdate({ target: users.userId, set: { suspendedAt: sql`coalesce(${users.suspendedAt}, now())` } })
    .returning({ suspendedAt: users.suspendedAt });
  if (!row?.suspendedAt) throw new Error('suspension returned no row');
  return row.suspendedAt;
}

/** Those of these users who are suspended. */
export async function findSuspended(db: Sql | Transaction, userIds: readonly string[]): Promise<string[]> {
  if (userIds.length === 0) return [];
  const rows = await db
    .select({ userId: users.userId })
    .from(users)
    .where(and(sql`${users.userId} = any(${sql.param([...userIds])})`, isNotNull(users.suspendedAt)));
  return rows.map(({ userId }) => userId);
}

/** Lifts a suspension; answers whether there was one. */
export async function unsuspendUser(db: Sql | Transaction, userId: string): Promise<boolean> {
  const { rowCount } = await db
    .update(users)
    .set({ suspendedAt: null })
    .where(and(eq(users.userId, userId), sql`not ${isNull(users.suspendedAt)}`));
  return (rowCount ?? 0) > 0;
}
