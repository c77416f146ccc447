import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { test } from 'node:test';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { addJobIn, type JobHandlers, type JobQueue, startJobQueue } from '../../src/jobs/job-queue.ts';
import { createLog } from '../../src/log.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { waitFor } from '../support/wait-for.ts';

const log = createLog('silent');

/** A queue with its own database, whose one job is `work`. */
async function startQueue(
  work: () => Promise<void>,
): Promise<{ jobs: JobQueue; database: Database; [Symbol.asyncDispose](): Promise<void> }> {
  await using parts = new AsyncDisposableStack();
  const own = parts.use(await createTestDatabase());
  const database = parts.adopt(await openDatabase({ url: own.url, log }), (opened) => opened.close());
  // What the crontab adds at each full minute is left out of the count.
  const idle = async () => undefined;
  const handlers: JobHandlers = {
    'rooms:endOverdue': async (payload) => ('_cron' in payload ? undefined : await work()),
    'calls:tellStory': idle,
    'chat:reseal': idle,
    'attachments:deleteBlobs': idle,
    'attachments:removeOld': idle,
    'attachments:rewrapKeys': idle,
    'attachments:sweepUpload': idle,
    'recordings:compose': idle,
    'recordings:deleteBlobs': idle,
    'recordings:failLost': idle,
    'recordings:keep': idle,
    'recordings:removeOld': idle,
    'notifications:deliver': idle,
    'notifications:email': idle,
    'notifications:missedCall': idle,
    'notifications:push': idle,
    'notifications:remind': idle,
    'notifications:removeOld': idle,
    'notifications:reseal': idle,
    'notifications:ring': idle,
    'presence:end': idle,
  };
  const jobs = parts.adopt(await startJobQueue({ pool: database.pool, handlers, log, folderId: 'here' }), (queue) => queue.close());
  const all = parts.move();
  return { jobs, database, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

const jobsLeft = async ({ database }: { database: Database }) =>
  (await database.pool.query("select * from graphile_worker.jobs where key like 'test%'")).rows;

test('[JB1] a job runs once, and is gone when it is done', async () => {
  let runs = 0;
  await using queue = await startQueue(async () => {
    runs += 1;
  });
  await queue.jobs.add('rooms:endOverdue', {}, { key: 'test' });
  await waitFor('the job to be done', async () => runs === 1 && (await jobsLeft(queue)).length === 0);
});

test('[JB2] a job that fails is kept with its error and tried again later', async () => {
  const events = new EventEmitter<{ ran: [] }>();
  let runs = 0;
  await using queue = await startQueue(async () => {
    runs += 1;
    events.emit('ran');
    if (runs === 1) throw new Error('not today');
  });
  const firstRun = once(events, 'ran');
  await queue.jobs.add('rooms:endOverdue', {}, { key: 'test' });
  await firstRun;
  await waitFor('the failure to be kept', async () => (await jobsLeft(queue))[0]?.last_error === 'not today');
  const [job] = await jobsLeft(queue);
  assert.deepEqual([job.attempts, job.max_attempts, job.run_at > new Date()], [1, 25, true]);
  // Its time has come.
  await queue.database.pool.query('update graphile_worker._private_jobs set run_at = now()');
  await waitFor('the second try', async () => runs === 2 && (await jobsLeft(queue)).length === 0);
});

test('[JB3] a job may wait for its time, and one with a key replaces an equal one that has not begun', async () => {
  await using queue = await startQueue(async () => undefined);
  const runAt = new Date(Date.now() + 3_600_000);
  await queue.jobs.add('rooms:endOverdue', {}, { key: 'test', runAt });
  await queue.jobs.add('rooms:endOverdue', {}, { key: 'test', runAt });
  const left = await jobsLeft(queue);
  assert.deepEqual([left.length, left[0].run_at], [1, runAt]);
});

test('[JB4] closing waits for the job under way and takes no other; closing twice is fine', async () => {
  const events = new EventEmitter<{ began: [] }>();
  const { promise: mayEnd, resolve: letEnd } = Promise.withResolvers<void>();
  let ended = 0;
  await using queue = await startQueue(async () => {
    events.emit('began');
    await mayEnd;
    ended += 1;
  });
  const began = once(events, 'began');
  await queue.jobs.add('rooms:endOverdue', {}, { key: 'test' });
  await began;
  const closing = Promise.all([queue.jobs.close(), queue.jobs.close()]);
  letEnd();
  await closing;
  assert.equal(ended, 1);
  assert.deepEqual(await jobsLeft(queue), [], 'its end is written down');
  await queue.database.pool.query("select graphile_worker.add_job('rooms:endOverdue', job_key := 'test')");
  const [left] = await jobsLeft(queue);
  assert.equal(left.attempts, 0, 'another waits for the next start');
});

test('[JB5] what recurs is known to the database, so that it runs once a time however many servers there are', async () => {
  await using queue = await startQueue(async () => undefined);
  await waitFor('the crontab to be known', async () => {
    const { rows } = await queue.database.pool.query('select identifier from graphile_worker._private_known_crontabs');
    return rows.some(({ identifier }) => identifier === 'rooms:endOverdue');
  });
});

test('[JB6] jobs go on after the database’s connections were lost', async () => {
  let runs = 0;
  await using queue = await startQueue(async () => {
    runs += 1;
  });
  for (let round = 1; round <= 3; round += 1) {
    await queue.database.pool
      .query('select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()')
      .catch(() => undefined);
    await waitFor('the database to answer', () =>
      queue.database.ping().then(
        () => true,
        () => false,
      ),
    );
    await queue.jobs.add('rooms:endOverdue', {}, { key: `test ${round}` });
    await waitFor(`run ${round}`, () => runs >= round, 30_000);
  }
  await waitFor('every job to be done', async () => (await jobsLeft(queue)).length === 0, 30_000);
});

test('[JB7] what a killed server’s workers hold is free for others soon', async () => {
  let runs = 0;
  await using queue = await startQueue(async () => {
    runs += 1;
  });
  const { pool } = queue.database;
  await pool.query("select graphile_worker.add_job('rooms:endOverdue', job_key := 'test dead', run_at := now() + interval '1 hour')");
  const hold =
    "update graphile_worker._private_jobs set locked_by = 'dead', locked_at = now() - interval '2 minutes', run_at = now() where key like 'test%'";
  await pool.query(hold);
  await waitFor('the job to be done', async () => runs === 1 && (await jobsLeft(queue)).length === 0, 30_000);
});

test('[JB8] a job for a folder runs only where that folder is', async () => {
  await using queue = await startQueue(async () => undefined);
  const { sql, pool } = queue.database;
  await addJobIn(sql, 'recordings:keep', { recordingId: 'x' }, { key: 'test here', on: 'here' });
  await addJobIn(sql, 'recordings:keep', { recordingId: 'x' }, { key: 'test there', on: 'there' });
  await waitFor('the job of this folder to be done', async () => (await jobsLeft(queue)).length === 1);
  const { rows } = await pool.query('select task_identifier from graphile_worker.jobs where attempts = 0');
  assert.deepEqual(rows, [{ task_identifier: 'recordings:keep@there' }]);
});
