import { EventEmitter } from 'node:events';
import { isIP } from 'node:net';
import { setLogEventListeners } from 'mediasoup';
import type { Logger } from 'pino';
import { AppError } from '../protocol/errors.ts';
import { defaultPeerLimits, type PeerLimits } from './codecs.ts';
import { createCpuAffinity } from './cpu-affinity.ts';
import type { MediaRoom } from './media-room.ts';
import { MediaWorker, type WorkerStats } from './media-worker.ts';

export type { WorkerStats } from './media-worker.ts';

/** How long a new room waits for a worker when all are dead. */
const workerWaitMs = 5_000;
/** How often a room is made anew because its worker died under it. */
const roomAttempts = 3;

/** How the pool runs. */
export interface WorkerPoolOptions {
  /** One a core is the intention. */
  workerCount: number;
  /** The address the workers listen on. A wildcard needs an `announcedAddress`. */
  listenIp: string;
  /** The address browsers are told instead, behind NAT for instance. */
  announcedAddress?: string | undefined;
  /** Worker i has UDP and TCP port `basePort + i`; 0: each any that is free. */
  basePort: number;
  log: Logger;
  /** The worker's executable, if not where mediasoup looks. */
  workerBin?: string | undefined;
  limits?: Partial<PeerLimits> | undefined;
}

/** One worker as it is right now. */
export interface WorkerInfo {
  index: number;
  /** Undefined between a death and the restart. */
  pid: number | undefined;
  alive: boolean;
  /** Undefined where processes cannot be pinned. */
  core: number | undefined;
  port: number;
  rooms: number;
}

/** What the pool tells its owner. */
export interface WorkerPoolEvents {
  /** A worker died. Its rooms have fired `closed` already; a new worker is on its way. */
  workerDied: [worker: { index: number; pid: number }];
  /** A dead worker has its successor, on the same core and port. */
  workerStarted: [worker: { index: number; pid: number }];
  /** Once, when the last process is gone. */
  closed: [];
}

/** The mediasoup workers of this server, one pinned to each core, and the rooms on them. */
export class WorkerPool extends EventEmitter<WorkerPoolEvents> {
  readonly #workers: MediaWorker[];
  /** Settles when a worker has come up, shared by all who wait. */
  #waiting: Promise<void> | undefined;
  #closed = false;
  #ending: Promise<void> | undefined;

  private constructor(workers: MediaWorker[]) {
    super();
    this.#workers = workers;
    for (const worker of workers) {
      const { index } = worker;
      worker.on('died', ({ pid }) => this.emit('workerDied', { index, pid }));
      worker.on('started', ({ pid }) => this.emit('workerStarted', { index, pid }));
    }
  }

  /**
   * Starts all workers.
   *
   * @throws Error that says what is wrong (a port in use, no executable, a wildcard address without `announcedAddress`); nothing is left running then.
   */
  static async create(options: WorkerPoolOptions): Promise<WorkerPool> {
    const { workerCount, listenIp, announcedAddress, basePort, log, workerBin } = options;
    if (isIP(listenIp) === 0) throw new Error(`media workers cannot listen on ${listenIp}: not an IP address`);
    if (['0.0.0.0', '::'].includes(listenIp) && announcedAddress === undefined) {
      throw new Error(`media workers that listen on ${listenIp} need an address to announce to browsers`);
    }
    // Process-wide, as mediasoup has it: what a worker says on its last breath is found nowhere else.
    setLogEventListeners({
      onerror: (namespace, detail, error) => log.warn({ namespace, detail, err: error }, 'mediasoup reports an error'),
    });
    const affinity = createCpuAffinity(log);
    const limits = { ...defaultPeerLimits, ...options.limits };
    const workers = Array.from({ length: workerCount }, (_, index) => {
      const port = basePort === 0 ? 0 : basePort + index;
      return new MediaWorker({ index, listenIp, announcedAddress, port, workerBin, affinity, limits, log });
    });
    const started = await Promise.allSettled(workers.map((worker) => worker.start()));
    const failed = started.find((result) => result.status === 'rejected');
    if (failed !== undefined) {
      await Promise.all(workers.map((worker) => worker.close()));
      throw failed.reason;
    }
    return new WorkerPool(workers);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Makes a room on the least loaded worker: the one with the fewest producers and consumers, where every room counts as eight at least; of equals the one
   * with fewer rooms. A worker that is chosen is charged at once, so that rooms made together spread out.
   *
   * While all workers are dead it waits up to 5 s for one. `media.unavailable` after that, and when the pool is closed.
   */
  async createRoom(): Promise<MediaRoom> {
    for (let attempt = 1; ; attempt += 1) {
      const worker = this.#findLeastLoaded() ?? (await this.#waitForWorker());
      try {
        return await worker.createRoom();
      } catch (error) {
        if (this.closed || worker.alive || attempt === roomAttempts) throw error;
      }
    }
  }

  workers(): WorkerInfo[] {
    return this.#workers.map(({ index, pid, alive, core, port, roomCount }) => ({ index, pid, alive, core, port, rooms: roomCount }));
  }

  /** Counters for monitoring. They begin again at zero when a worker is replaced. */
  stats(): Promise<WorkerStats[]> {
    return Promise.all(this.#workers.map((worker) => worker.stats()));
  }

  /** What the worker processes themselves still hold: for finding leaks. */
  dump(): Promise<{ index: number; routerIds: string[]; transportIds: string[] }[]> {
    return Promise.all(this.#workers.map((worker) => worker.dump()));
  }

  /** Closes all rooms, then all workers; resolves when their processes are gone. */
  close(): Promise<void> {
    this.#closed = true;
    this.#ending ??= this.#end();
    return this.#ending;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #end(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.close()));
    this.emit('closed');
  }

  #findLeastLoaded(): MediaWorker | undefined {
    if (this.closed) throw new AppError('media.unavailable');
    return this.#workers
      .filter((worker) => worker.alive)
      .toSorted((a, b) => a.load - b.load || a.roomCount - b.roomCount || a.index - b.index)[0];
  }

  async #waitForWorker(): Promise<MediaWorker> {
    this.#waiting ??= this.#nextStart().finally(() => {
      this.#waiting = undefined;
    });
    await this.#waiting;
    return this.#findLeastLoaded() ?? this.#waitForWorker();
  }

  async #nextStart(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const giveUp = (): void => reject(new AppError('media.unavailable'));
    const timer = setTimeout(giveUp, workerWaitMs);
    const onStarted = (): void => resolve();
    this.on('workerStarted', onStarted);
    this.on('closed', giveUp);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.off('workerStarted', onStarted);
      this.off('closed', giveUp);
    }
  }
}
