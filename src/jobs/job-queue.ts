import { EventEmitter } from 'node:events';
import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { type AddJobFunction, Logger as GraphileLogger, type Runner, run, type TaskList, type WorkerEvents } from 'graphile-worker';
import type pg from 'pg';
import type { Sql, Transaction } from '../db/database.ts';
import type { Logger } from '../log.ts';
import type { CallType } from '../protocol/call.ts';
import { AppError } from '../protocol/errors.ts';
import { LifeSign } from './life-sign.ts';

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
  /** Seals what a recording's capture has left in its server's data folder and brings it into the store. */
  'recordings:keep': { recordingId: string };
  /** Puts a recording together from its tracks. */
  'recordings:compose': { recordingId: string };
  /** Deletes blobs of recordings that nothing refers to any more. */
  'recordings:deleteBlobs': { blobKeys: string[] };
  /** Fails recordings whose server did not come back; every minute. */
  'recordings:failLost': Record<string, never>;
  /** Deletes recordings whose time is over; every night. */
  'recordings:removeOld': Record<string, never>;
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
const crontab = [
  '* * * * * rooms:endOverdue',
  '* * * * * recordings:failLost',
  '7 * * * * attachments:removeOld',
  '40 2 * * * recordings:removeOld',
  '23 3 * * * notifications:removeOld',
].join('\n');

/** Jobs that take their time: they have workers of their own, one a core, so that the others need not wait for them. */
const slowJobs: ReadonlySet<string> = new Set<JobName>(['recordings:keep', 'recordings:compose']);
/** How many of the others run at once. */
const quickWorkers = 6;

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

/**
 * Starts working on jobs. The queue's own tables are made or brought up to date first. Jobs that were added `on` a folder run where `folderId` is
 * that one.
 */
export async function startJobQueue(options: { pool: pg.Pool; handlers: JobHandlers; log: Logger; folderId?: string }): Promise<JobQueue> {
  const { pool, handlers, log, folderId } = options;
  const quick: TaskList = {};
  const slow: TaskList = {};
  for (const [name, handler] of Object.entries<(payload: never) => Promise<void>>(handlers)) {
    const taskList = slowJobs.has(name) ? slow : quick;
    taskList[name] = async (payload) => {
      try {
        await handler(payload as never);
      } catch (error) {
        log.warn({ job: name, code: error instanceof AppError ? error.code : 'internal', err: error }, 'job failed; it is tried again');
        throw error;
      }
    };
    if (folderId !== undefined && slowJobs.has(name)) taskList[onFolder(name, folderId)] = taskList[name];
  }
  await using parts = new AsyncDisposableStack();
  const quickWork = await keepRunning({ pool, taskList: quick, crontab, concurrentJobs: quickWorkers, log });
  parts.defer(quickWork.close);
  const slowWork = await keepRunning({ pool, taskList: slow, crontab: '', concurrentJobs: availableParallelism(), log });
  parts.defer(slowWork.close);
  const lifeSign = new LifeSign({ pool, log, poolIds: () => [...quickWork.poolIds(), ...slowWork.poolIds()] });
  parts.defer(() => lifeSign.close());
  const running = parts.move();

  let closing: Promise<void> | undefined;
  return {
    add: async (name, payload, { key, runAt } = {}) => {
      const spec = { ...(key !== undefined && { jobKey: key }), ...(runAt && { runAt }) };
      await quickWork.addJob(name as string, payload, spec);
    },
    close: () => {
      closing ??= running.disposeAsync();
      return closing;
    },
  };
}

const onFolder = (name: string, folderId: string) => `${name}@${folderId}`;

/** Workers that are started again when they have stopped by themselves. */
interface SteadyWorkers {
  readonly addJob: AddJobFunction;
  poolIds(): readonly string[];
  close(): Promise<void>;
}

/** The library gives up when it loses the database at a bad moment; it is started again until the workers are closed. */
async function keepRunning(options: RunnerOptions): Promise<SteadyWorkers> {
  const { pool, log } = options;
  let current = await startRunner(options);
  const stopping = new AbortController();

  async function watch(): Promise<void> {
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
          current = await startRunner(options);
          isDown = false;
        } catch (error) {
          if (!stopping.signal.aborted) log.warn({ err: error }, 'job queue does not start');
        }
      }
    }
  }
  const watching = watch();
  return {
    addJob: (name, payload, spec) => current.runner.addJob(name, payload, spec),
    poolIds: () => current.poolIds,
    close: async () => {
      stopping.abort();
      // A runner that has given up already refuses to be stopped.
      const stopped = () => current.runner.stop().catch((error: unknown) => log.debug({ err: error }, 'job queue had stopped'));
      await stopped();
      await watching;
      await stopped();
    },
  };
}

/**
 * Adds a job inside a transaction: it is there when the transaction commits and never was when it rolls back. With a `key` an equal one that has not
 * begun is replaced; an urgent one goes before all others; `on` a folder it waits for the server that has it.
 */
export async function addJobIn<N extends JobName>(
  tx: Transaction | Sql,
  name: N,
  payload: JobMap[N],
  { key, runAt, on, isUrgent = false }: { key?: string; runAt?: Date; on?: string; isUrgent?: boolean } = {},
): Promise<void> {
  const identifier: string = on === undefined ? name : onFolder(name, on);
  await tx.execute(sql`
    select graphile_worker.add_job(${identifier}, ${JSON.stringify(payload)}::json, run_at => ${runAt?.toISOString() ?? null}::timestamptz,
      job_key => ${key ?? null}, priority => ${isUrgent ? -10 : 0})`);
}

/** Takes back a job that was added with a `key`, inside a transaction. */
export async function removeJobIn(tx: Transaction | Sql, key: string): Promise<void> {
  await tx.execute(sql`select graphile_worker.remove_job(${key})`);
}

interface RunnerOptions {
  readonly pool: pg.Pool;
  readonly taskList: TaskList;
  readonly crontab: string;
  readonly concurrentJobs: number;
  readonly log: Logger;
}

/** One life of the library's workers; it ends by itself when it can't go on. */
async function startRunner({ pool, taskList, crontab, concurrentJobs, log }: RunnerOptions) {
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
    preset: { worker: { concurrentJobs, pollInterval: 2_000, completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
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
