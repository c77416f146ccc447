import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import type { Logger } from '../log.ts';
import { migrate } from './migrate.ts';
import * as tables from './tables.ts';

/** Something that runs SQL: the pool, or a transaction of it. */
export type Sql = NodePgDatabase<typeof tables>;
/** A transaction in progress; what must commit together takes one. */
export type Transaction = Parameters<Parameters<Sql['transaction']>[0]>[0];

/** The server's PostgreSQL: a pool with drizzle on it. */
export interface Database {
  readonly sql: Sql;
  readonly pool: pg.Pool;
  /** Runs `work` in one transaction; it commits when `work` resolves. */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** Rejects when the database does not answer. */
  ping(): Promise<void>;
  /** Waits for queries under way, then closes every connection; idempotent. */
  close(): Promise<void>;
}

/** Connects to PostgreSQL 14 or newer and brings its tables up to date. */
export async function openDatabase({ url, log, poolSize = 10 }: { url: string; log: Logger; poolSize?: number }): Promise<Database> {
  const pool = new pg.Pool({
    connectionString: url,
    max: poolSize,
    application_name: 'parley',
    connectionTimeoutMillis: 5_000,
    // Queries asked for at once go out at once, still answered in order: one wait in the place of several.
    pipeline: true,
  });
  pool.on('error', (error) => log.warn({ err: error }, 'idle database connection lost'));
  // Without a listener, a connection lost in mid query would end the process; the query itself fails and tells its caller.
  pool.on('connect', (client) => client.on('error', (error) => log.debug({ err: error }, 'database connection lost')));
  try {
    await migrate(pool, log);
  } catch (error) {
    await pool.end();
    throw error;
  }
  const sql = drizzle(pool, { schema: tables });
  /** Drizzle on each connection; kept, because making it walks through all tables. */
  const sqlOf = new WeakMap<pg.PoolClient, ReturnType<typeof sqlOn>>();
  const sqlOn = (client: pg.PoolClient) => drizzle(client, { schema: tables });

  /** Not `sql.transaction`, which keeps its connection for good when the very first statement fails. */
  async function transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const client = await pool.connect();
    try {
      const own = sqlOf.get(client) ?? sqlOn(client);
      sqlOf.set(client, own);
      return await own.transaction(work);
    } finally {
      client.release();
    }
  }
  let closing: Promise<void> | undefined;
  return {
    sql,
    pool,
    transaction,
    ping: async () => {
      await pool.query('select 1');
    },
    close: () => {
      closing ??= pool.end();
      return closing;
    },
  };
}
