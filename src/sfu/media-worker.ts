import { EventEmitter } from 'node:events';
import type { types } from 'mediasoup';
import type { Logger } from 'pino';
import { AppError } from '../protocol/errors.ts';
import type { PeerLimits } from './codecs.ts';
import { type CpuAffinity, residentMemoryBytes } from './cpu-affinity.ts';
import { mediasoupCall } from './media-error.ts';
import { MediaRoom } from './media-room.ts';
import { endProcess, findFreePort, startProcess } from './worker-process.ts';

/** The first restart comes at once, then each waits twice as long as the one before, from and to: */
const firstRestartDelayMs = 100;
const maxRestartDelayMs = 10_000;
/** A worker that has lived this long may restart at once again. */
const stableAfterMs = 1_000;
/** How many free ports are tried before giving up, when any port will do. */
const portAttempts = 20;
/** What a room counts at least, since the people it was made for are still to come: two with microphone and camera, seeing each other. */
const minRoomLoad = 8;

/** Where and how a worker runs. */
export interface MediaWorkerOptions {
  index: number;
  listenIp: string;
  announcedAddress?: string | undefined;
  /** Its UDP and TCP port; 0: any that is free, kept over restarts. */
  port: number;
  workerBin?: string | undefined;
  affinity: CpuAffinity;
  limits: PeerLimits;
  log: Logger;
}

/** What a worker tells its pool. */
export interface MediaWorkerEvents {
  /** A process serves, the first or a new one. */
  started: [worker: { pid: number }];
  /** The process died; its rooms are closed already. */
  died: [worker: { pid: number }];
}

/** Counters of one worker. */
export interface WorkerStats {
  index: number;
  /** Undefined between a death and the restart. */
  pid: number | undefined;
  alive: boolean;
  /** User and system time of the present process. */
  cpuSeconds: number;
  /** Resident memory of the present process. */
  memoryBytes: number;
  routers: number;
  transports: number;
  producers: number;
  consumers: number;
}

interface Running {
  worker: types.Worker;
  webRtcServer: types.WebRtcServer;
  startedAt: number;
}

/** One core's place in the pool: a worker process with its ports and its rooms, and its successor when it dies. */
export class MediaWorker extends EventEmitter<MediaWorkerEvents> {
  readonly index: number;
  readonly core: number | undefined;
  readonly #options: MediaWorkerOptions;
  readonly #log: Logger;
  readonly #rooms = new Set<MediaRoom>();
  #port: number;
  #running: Running | undefined;
  #starting: Promise<void> | undefined;
  #restartTimer: NodeJS.Timeout | undefined;
  #failuresInRow = 0;
  /** Rooms about to be made. */
  #reservedRooms = 0;
  #closed = false;
  #ending: Promise<void> | undefined;

  constructor(options: MediaWorkerOptions) {
    super();
    this.index = options.index;
    this.core = options.affinity.coreOf(options.index);
    this.#options = options;
    this.#port = options.port;
    this.#log = options.log.child({ workerIndex: options.index });
  }

  get pid(): number | undefined {
    return this.#running?.worker.pid;
  }

  get alive(): boolean {
    return this.#running !== undefined;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Its UDP and TCP port; 0 before the first start when any will do. */
  get port(): number {
    return this.#port;
  }

  get roomCount(): number {
    return this.#rooms.size + this.#reservedRooms;
  }

  /** Producers and consumers, with every room counted as eight at least: new rooms are about to fill. */
  get load(): number {
    let load = this.#reservedRooms * minRoomLoad;
    for (const { counts } of this.#rooms) load += Math.max(minRoomLoad, counts.producers + counts.consumers);
    return load;
  }

  /** Starts the first process. Throws an Error that says which worker cannot start and why. */
  async start(): Promise<void> {
    try {
      await this.#startProcess();
    } catch (error) {
      throw new Error(`media worker ${this.index} cannot start: ${describe(error)}`, { cause: error });
    }
  }

  /** Makes a room here. `media.unavailable` when the process is dead or dies meanwhile. */
  async createRoom(): Promise<MediaRoom> {
    const running = this.#running;
    if (running === undefined) throw new AppError('media.unavailable');
    const { worker, webRtcServer } = running;
    this.#reservedRooms += 1;
    let room: MediaRoom;
    try {
      room = await MediaRoom.create({ worker, webRtcServer, limits: this.#options.limits, log: this.#log });
    } finally {
      this.#reservedRooms -= 1;
    }
    if (this.#running !== running || this.closed) {
      room.close();
      throw new AppError('media.unavailable');
    }
    this.#rooms.add(room);
    room.on('closed', () => this.#rooms.delete(room));
    return room;
  }

  async stats(): Promise<WorkerStats> {
    const running = this.#running;
    const counts = { routers: this.#rooms.size, transports: 0, producers: 0, consumers: 0 };
    for (const room of this.#rooms) {
      counts.transports += room.counts.transports;
      counts.producers += room.counts.producers;
      counts.consumers += room.counts.consumers;
    }
    const dead = { index: this.index, pid: undefined, alive: false, cpuSeconds: 0, memoryBytes: 0, ...counts };
    if (running === undefined) return dead;
    const { worker } = running;
    try {
      const usage = await worker.getResourceUsage();
      return {
        ...counts,
        index: this.index,
        pid: worker.pid,
        alive: true,
        cpuSeconds: (usage.ru_utime + usage.ru_stime) / 1_000,
        // The peak stands in where the present value cannot be read.
        memoryBytes: residentMemoryBytes(worker.pid) ?? usage.ru_maxrss * 1024,
      };
    } catch {
      return dead;
    }
  }

  /** What the process itself still holds: for finding leaks. */
  async dump(): Promise<{ index: number; routerIds: string[]; transportIds: string[] }> {
    if (this.#running === undefined) return { index: this.index, routerIds: [], transportIds: [] };
    const { worker, webRtcServer } = this.#running;
    const [{ routerIds }, { webRtcTransportIds }] = await mediasoupCall(
      Promise.all([worker.dump(), webRtcServer.dump()]),
      'media.unavailable',
    );
    return { index: this.index, routerIds, transportIds: webRtcTransportIds };
  }

  /** Closes its rooms, then the process; resolves when that is gone. */
  close(): Promise<void> {
    this.#closed = true;
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async #end(): Promise<void> {
    clearTimeout(this.#restartTimer);
    for (const room of [...this.#rooms]) room.close();
    const running = this.#running;
    this.#running = undefined;
    if (running !== undefined) await endProcess(running.worker);
    await this.#starting;
  }

  async #startProcess(): Promise<void> {
    const { affinity, workerBin } = this.#options;
    const worker = await startProcess(workerBin);
    // Dead before it serves anybody: what is awaited below fails.
    try {
      if (this.core !== undefined) await affinity.pin(worker.pid, this.core);
      const webRtcServer = await this.#listen(worker);
      if (this.closed) throw new Error('closed while starting');
      if (worker.closed) throw new Error('died while starting');
      this.#running = { worker, webRtcServer, startedAt: performance.now() };
    } catch (error) {
      await endProcess(worker);
      throw error;
    }
    worker.on('died', (error) => this.#onDied(worker, error));
    this.#log.info({ workerPid: worker.pid, core: this.core, port: this.#port }, 'media worker started');
    this.emit('started', { pid: worker.pid });
  }

  async #listen(worker: types.Worker): Promise<types.WebRtcServer> {
    const { listenIp, announcedAddress } = this.#options;
    const address = { ip: listenIp, ...(announcedAddress !== undefined && { announcedAddress }) };
    const listenOn = (port: number): Promise<types.WebRtcServer> =>
      worker.createWebRtcServer({
        listenInfos: [
          { protocol: 'udp', port, ...address },
          { protocol: 'tcp', port, ...address },
        ],
      });
    if (this.#port !== 0) return listenOn(this.#port);
    for (let attempt = 1; ; attempt += 1) {
      const port = await findFreePort(listenIp);
      try {
        const webRtcServer = await listenOn(port);
        this.#port = port;
        return webRtcServer;
      } catch (error) {
        // Free for TCP, taken for UDP, or taken meanwhile.
        if (attempt === portAttempts || worker.closed) throw error;
      }
    }
  }

  #onDied(worker: types.Worker, error: Error): void {
    const running = this.#running;
    if (running?.worker !== worker) return;
    this.#running = undefined;
    if (performance.now() - running.startedAt >= stableAfterMs) this.#failuresInRow = 0;
    this.#log.error({ err: error, workerPid: worker.pid, rooms: this.#rooms.size }, 'media worker died');
    for (const room of [...this.#rooms]) room.workerDied();
    this.emit('died', { pid: worker.pid });
    this.#restart();
  }

  #restart(): void {
    if (this.closed) return;
    const delayMs = this.#failuresInRow === 0 ? 0 : Math.min(firstRestartDelayMs * 2 ** (this.#failuresInRow - 1), maxRestartDelayMs);
    this.#failuresInRow += 1;
    this.#restartTimer = setTimeout(() => {
      this.#starting = this.#startProcess().catch((error: unknown) => {
        if (this.closed) return;
        this.#log.error({ err: error, failuresInRow: this.#failuresInRow }, 'media worker cannot restart');
        this.#restart();
      });
    }, delayMs);
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
