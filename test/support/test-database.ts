import { randomUUID } from 'node:crypto';
import pg from 'pg';

export const templateName = 'parley_template';

/** The address of a database of the test run's PostgreSQL; its own main one without a name. */
export function databaseUrl(name?: string): string {
  const url = process.env['TEST_DATABASE_URL'];
  if (url === undefined) throw new Error('TEST_DATABASE_URL is not set; run the tests with npm test.');
  return name === undefined ? url : url.replace('/parley?', `/${name}?`);
}

async function administer(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl() });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

/** A database of one's own, cloned from the migrated template and dropped at the end. */
export async function createTestDatabase(): Promise<{ url: string; [Symbol.asyncDispose](): Promise<void> }> {
  const name = `t_${randomUUID().replaceAll('-', '')}`;
  await administer(`create database ${name} template ${templateName}`);
  return {
    url: databaseUrl(name),
    [Symbol.asyncDispose]: () => administer(`drop database ${name} with (force)`),
  };
}
