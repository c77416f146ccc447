import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runMigrations } from 'graphile-worker';
import pg from 'pg';
import { openDatabase } from '../../src/db/database.ts';
import { type EmbeddedDatabase, startEmbeddedDatabase } from '../../src/db/embedded.ts';
import { createLog } from '../../src/log.ts';
import { databaseUrl, templateName } from './test-database.ts';

let folder: string | undefined;
let embedded: EmbeddedDatabase | undefined;

/** Starts one PostgreSQL for the whole run, with a migrated template that every test clones. */
export async function globalSetup(): Promise<void> {
  const log = createLog('silent');
  folder = mkdtempSync(path.join(tmpdir(), 'parley-test-'));
  embedded = await startEmbeddedDatabase({ dataDir: folder, log });
  const admin = new pg.Client({ connectionString: embedded.url });
  await admin.connect();
  // Nothing here has to survive a power cut.
  for (const setting of ['fsync', 'synchronous_commit', 'full_page_writes']) await admin.query(`alter system set ${setting} = off`);
  await admin.query('select pg_reload_conf()');
  await admin.query(`create database ${templateName}`);
  await admin.end();
  process.env['TEST_DATABASE_URL'] = embedded.url;
  const template = await openDatabase({ url: databaseUrl(templateName), log });
  await runMigrations({ pgPool: template.pool });
  await template.close();
}

/** Stops it. */
export async function globalTeardown(): Promise<void> {
  await embedded?.close();
  if (folder) rmSync(folder, { recursive: true, force: true });
}
