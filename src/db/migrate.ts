import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate as applyMigrations } from 'drizzle-orm/node-postgres/migrator';
import type pg from 'pg';
import type { Logger } from '../log.ts';

const migrationsFolder = fileURLToPath(new URL('../../drizzle', import.meta.url));
/** Advisory lock under which one server at a time migrates ("migrate" in ASCII). */
const migrationLock = '30792318992869221';
const oldestVersion = 140_000;

/**
 * Applies the migrations that are missing; servers that start at once do it one after another.
 * @throws Error when the server is older than PostgreSQL 14.
 */
export async function migrate(pool: pg.Pool, log: Logger): Promise<void> {
  const client = await pool.connect();
  try {
    const { rows } = await client.query<{ server_version_num: string }>('show server_version_num');
    if (Number(rows[0]?.server_version_num) < oldestVersion) throw new Error('Parley needs PostgreSQL 14 or newer.');
    await client.query('select pg_advisory_lock($1)', [migrationLock]);
    try {
      await applyMigrations(drizzle(client), { migrationsFolder });
    } finally {
      await client.query('select pg_advisory_unlock($1)', [migrationLock]);
    }
    log.debug('database is up to date');
  } finally {
    client.release();
  }
}
