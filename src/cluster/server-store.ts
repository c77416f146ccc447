import { and, eq, isNull, ne, sql } from 'drizzle-orm';
import type { Sql, Transaction } from '../db/database.ts';
import { roomParticipants, servers } from '../db/tables.ts';

const olderThan = (seconds: number) => sql`${servers.seenAt} < now() - make_interval(secs => ${seconds})`;

/** Says that a server lives and where browsers reach it; answers whether its row had to be made. */
export async function upsertServer(db: Sql, server: { serverId: string; url: string }): Promise<{ isNew: boolean }> {
  const [row] = await db
    .insert(servers)
    .values(server)
    .onConflictDoUpdate({ target: servers.serverId, set: { seenAt: sql`now()`, url: server.url } })
    .returning({ isNew: sql<boolean>`xmax = 0` });
  return { isNew: row?.isNew ?? false };
}

/** Takes a server off the list; answers whether it was on it. With `unseenForSeconds` only when it has not been seen for so long. */
export async function deleteServer(db: Sql | Transaction, serverId: string, unseenForSeconds?: number): Promise<boolean> {
  const { rowCount } = await db
    .delete(servers)
    .where(and(eq(servers.serverId, serverId), unseenForSeconds === undefined ? undefined : olderThan(unseenForSeconds)));
  return (rowCount ?? 0) > 0;
}

/** Other servers that have not been seen for so long. */
export async function findUnseen(db: Sql, ownId: string, unseenForSeconds: number): Promise<string[]> {
  const rows = await db
    .select({ serverId: servers.serverId })
    .from(servers)
    .where(and(ne(servers.serverId, ownId), olderThan(unseenForSeconds)));
  return rows.map(({ serverId }) => serverId);
}

/** Other servers, all of them or those that browsers reach at an address. */
export async function findOthers(db: Sql, ownId: string, url?: string): Promise<string[]> {
  const rows = await db
    .select({ serverId: servers.serverId })
    .from(servers)
    .where(and(ne(servers.serverId, ownId), url === undefined ? undefined : eq(servers.url, url)));
  return rows.map(({ serverId }) => serverId);
}

/** The other server, seen within so many seconds, on which somebody is in a room. */
export async function findServerOfRoom(
  db: Sql,
  options: { roomId: string; ownId: string; seenWithinSeconds: number },
): Promise<{ serverId: string; url: string } | undefined> {
  const { roomId, ownId, seenWithinSeconds } = options;
  const [row] = await db
    .select({ serverId: servers.serverId, url: servers.url })
    .from(roomParticipants)
    .innerJoin(servers, eq(servers.serverId, roomParticipants.serverId))
    .where(
      and(
        eq(roomParticipants.roomId, roomId),
        isNull(roomParticipants.leftAt),
        ne(servers.serverId, ownId),
        sql`not ${olderThan(seenWithinSeconds)}`,
      ),
    )
    .limit(1);
  return row;
}
