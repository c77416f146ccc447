import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { type AddJobFunction, Logger as GraphileLogger, type Runner, run, type TaskList, type WorkerEvents } from 'graphile-worker';
import type pg from 'pg';
import type { Sql, Transaction } from '../db/database.ts';
import type { Logger } from '../log.ts';
import type { CallType } from '../protocol/call.ts';
import { AppError } from '../protocol/errors.ts';

/** Every job of the product and what it carries. */
export interface JobMap {
  /** Seals by the current encryption key what another one has sealed; at start, while several keys are configured. */
  'chat:reseal': Record<string, never>;
  /** Writes how a call went into its conversation. */
  'calls:tellStory': { callId: string };
  /** Ends rooms whose time limit has passed while nobody was in them; every minute. */
  'rooms:endOverdue': Record<string, never>;
  /** Removes files that were never sent within a day, and expired ones; every hour. */
  'attachments:removeOld': Record<string, never>;
  /** Deletes blobs that nothing refers to any more. */
  'attachments:deleteBlobs': { blobKeys: string[] };
  /** Deletes an upload's blobs unless the attachment is there: its server died between storing and writing it down. */
  'attachments:sweepUpload': { attachmentId: string; blobKeys: string[] };
  /** Wraps every file's key by the current encryption key; at start, while several keys are configured. */
  'attachments:rewrapKeys': Record<string, never>;
  /** What somebody says of themselves, with a note, has come to its end. */
  'presence:end': { userId: string };
  /** Decides which stored notifications are pushed and mailed, and when. */
  'notifications:deliver': { notificationIds: string[]; isUpdate: boolean };
  /** Pushes one notification to one browser. */
  'notifications:push': { notificationId: string; subscriptionId: string };
  /** Mails one notification. */
  'notifications:email': { notificationId: string };
  /** Rings somebody's browsers, or tells them that it rings no more (`isOver`); worth nothing after `until`. */
  'notifications:ring': { callId: string; callerId: string; type: CallType; userId: string; until: string; isOver: boolean };
  /** Makes notifications of a call for those who missed it, one each however often it is said. */
  'notifications:missedCall': { callId: string; callerId: string; type: CallType; userIds: string[] };
  /** Reminds an appointment's participants of it, unless it was declared anew for another time. */
  'notifications:remind': { appointmentId: string; scheduledAt: string };
  /** Removes old notifications; every night. */
  'notifications:removeOld': Record<string, never>;
  /** Seals by the current encryption key what another one has sealed; at start, while several keys are configured. */
  'notifications:reseal': Record<string, never>;
}
export type JobName = keyof JobMap;

/** What runs each job. A job that throws is tried again with growing delay, up to 25 times. */
export type JobHandlers = { readonly [N in JobName]: (payload: JobMap[N]) => Promise<void> };

/** When the recurring ones run, in crontab's words (UTC). */
const crontab = ['* * * * * rooms:endOverdue', '7 * * * * attachments:removeOld', '23 3 * * * notifications:removeOld'].join('\n');

/** How long the queue rests after it has stopped by itself. */
const restartDelayMs = 1_000;
/** Fetching a job fails so often in a row before the workers are started anew. */
const maxFailures = 6;

/** The product's jobs, kept in PostgreSQL: they outlive the server, and each runs on one server only. */
export interface JobQueue {
  /** Adds a job; with a `key` an equal one that has not begun is replaced. */
  add<N extends JobName>(name: N, payload: JobMap[N], options?: { key?: string; runAt?: Date }): Promise<void>;
  /** Waits for jobs under way, then stops; idempotent. */
  close(): Promise<void>;
}

/** Starts working on jobs. The queue's own tables are made or brought up to date first. */
export async function startJobQueue({ pool, handlers, log }: { pool: pg.Pool; handlers: JobHandlers; log: Logger }): Promise<JobQueue> {
  const taskList: TaskList = {};
  for (const [name, handler] of Object.entries<(payload: never) => Promise<void>>(handlers)) {
    taskList[name] = async (payload) => {
      try {
        await handler(payload as never);
      } catch (error) {
        log.warn({ job: name, code: error instanceof AppError ? error.code : 'internal', err: error }, 'job failed; it is tried again');
        throw error;
      }
    };
  }
  const start = () => startRunner({ pool, taskList, log });
  let current = await start();
  const stopping = new AbortController();

  /** The library gives up when it loses the database at a bad moment; it is started again until the queue is closed. */
  async function keepRunning(): Promise<void> {
    for (;;) {
      const fault = await current.runner.promise.then(
        () => undefined,
        (error: unknown) => error,
      );
      for (let isDown = true; isDown; ) {
        if (stopping.signal.aborted) return;
        log.warn({ err: fault }, 'job queue stopped; starting it again');
        try {
          await delay(restartDelayMs, undefined, { signal: stopping.signal });
          // Whatever was under way is taken up at once instead of hours later.
          await pool.query('select graphile_worker.force_unlock_workers($1::text[])', [current.poolIds]);
          current = await start();
          isDown = false;
        } catch (error) {
          if (!stopping.signal.aborted) log.warn({ err: error }, 'job queue does not start');
        }
      }
    }
  }
  const running = keepRunning();

  let closing: Promise<void> | undefined;
  return {
    add: async (name, payload, { key, runAt } = {}) => {
      const addJob: AddJobFunction = current.runner.addJob;
      await addJob(name as string, payload, { ...(key !== undefined && { jobKey: key }), ...(runAt && { runAt }) });
    },
    close: () => {
      closing ??= (async () => {
        stopping.abort();
        // A runner that has given up already refuses to be stopped.
        const stopped = () => current.runner.stop().catch((error: unknown) => log.debug({ err: error }, 'job queue had stopped'));
        await stopped();
        await running;
        await stopped();
      })();
      return closing;
    },
  };
}

/**
 * Adds a job inside a transaction: it is there when the transaction commits and never was when it rolls back. With a `key` an equal one that has not
 * begun is replaced; an urgent one goes before all others.
 */
export async function addJobIn<N extends JobName>(
  tx: Transaction | Sql,
  name: N,
  payload: JobMap[N],
  { key, runAt, isUrgent = false }: { key?: string; runAt?: Date; isUrgent?: boolean } = {},
): Promise<void> {
  await tx.execute(sql`
    select graphile_worker.add_job(${name}, ${JSON.stringify(payload)}::json, run_at => ${runAt?.toISOString() ?? null}::timestamptz,
      job_key => ${key ?? null}, priority => ${isUrgent ? -10 : 0})`);
}

/** Takes back a job that was added with a `key`, inside a transaction. */
export async function removeJobIn(tx: Transaction | Sql, key: string): Promise<void> {
  await tx.execute(sql`select graphile_worker.remove_job(${key})`);
}

/** One life of the library's workers; it ends by itself when it can't go on. */
async function startRunner({ pool, taskList, log }: { pool: pg.Pool; taskList: TaskList; log: Logger }) {
  const events: WorkerEvents = new EventEmitter();
  const poolIds: string[] = [];
  let failures = 0;
  let runner: Runner | undefined;
  events.on('pool:create', ({ workerPool }) => poolIds.push(workerPool.id));
  for (const wellDone of ['job:start', 'worker:getJob:empty'] as const) {
    events.on(wellDone, () => {
      failures = 0;
    });
  }
  events.on('worker:getJob:error', () => {
    failures += 1;
    // A failure of its first query is remembered by the library for good.
    if (failures === maxFailures) runner?.stop('jobs can not be fetched').catch(() => undefined);
  });
  runner = await run({
    pgPool: pool,
    taskList,
    crontab,
    noHandleSignals: true,
    logger: quietLogger(log),
    events,
    // With a delay, even of 0, a job whose end could not be written stops the workers; without, it would be an unhandled rejection.
    preset: { worker: { concurrentJobs: 6, pollInterval: 2_000, completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
  });
  return { runner, poolIds };
}

/** The library's chatter goes to debug; its errors and warnings keep their level. */
function quietLogger(log: Logger): GraphileLogger {
  return new GraphileLogger(() => (level, message) => {
    if (level === 'error') log.error({ part: 'jobs' }, message);
    else if (level === 'warning') log.warn({ part: 'jobs' }, message);
    else log.debug({ part: 'jobs' }, message);
  });
}
