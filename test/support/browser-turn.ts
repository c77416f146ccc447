import { availableParallelism } from 'node:os';
import pg from 'pg';
import { databaseUrl } from './test-database.ts';

/** Browsers that run at once in a test run, in however many processes: with more of them than cores pictures come too late for every test. */
const places = Math.max(1, availableParallelism());
/** Any number that no other lock of the test run's own database has. */
const lockSpace = 7_361;
/** PostgreSQL's word for a lock that was not to be had in time. */
const lockNotAvailable = '55P03';

let held: Promise<pg.Client> | undefined;
let users = 0;

/** Waits for a place among the browsers of the test run; a process has one for all its browsers. Answers what gives it back. */
export async function takeBrowserTurn(): Promise<() => Promise<void>> {
  users += 1;
  held ??= takePlace();
  await held;
  return async () => {
    users -= 1;
    if (users > 0 || !held) return;
    const place = held;
    held = undefined;
    // The lock goes with its connection, also when the process is killed.
    await (await place).end();
  };
}

async function takePlace(): Promise<pg.Client> {
  // It waits for one place after the other, half a second each.
  const client = new pg.Client({ connectionString: databaseUrl(), options: '-c lock_timeout=500' });
  await client.connect();
  for (let turn = 0; ; turn += 1) {
    try {
      await client.query('select pg_advisory_lock($1, $2)', [lockSpace, turn % places]);
      return client;
    } catch (error) {
      if (!(error instanceof pg.DatabaseError && error.code === lockNotAvailable)) throw error;
    }
  }
}
