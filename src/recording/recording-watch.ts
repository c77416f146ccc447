import type { Facts } from '../facts.ts';
import type { Logger } from '../log.ts';
import type { RecordingService } from './recording-service.ts';
import type { RunningRecordings } from './running-recordings.ts';

/** How often the disk is looked at, and the database told that this server is alive, in milliseconds. */
const lookEveryMs = 5_000;
/** A recording of this server that it has not been seen at for so long is none of those that run: its end was not written down. */
const leftAfterSeconds = 60;

/** Turns what happens in rooms, and on the disk, into what happens to recordings. */
export class RecordingWatch {
  readonly #recordings: RecordingService;
  readonly #recoverLeft: (unseenSeconds: number) => Promise<void>;
  readonly #log: Logger;
  readonly #running = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(parts: {
    recordings: RecordingService;
    running: Pick<RunningRecordings, 'serverDied' | 'recover'>;
    facts: Facts;
    log: Logger;
  }) {
    const { recordings, running, facts, log } = parts;
    this.#recordings = recordings;
    this.#recoverLeft = running.recover;
    this.#log = log;
    facts.on('participant.joined', ({ roomId, userId }) => this.#run(() => recordings.joined(roomId, userId)));
    facts.on('participant.left', ({ roomId }) => this.#run(() => recordings.left(roomId)));
    facts.on('room.ended', ({ roomId }) => this.#run(() => recordings.roomEnded(roomId)));
    facts.on('server.died', ({ roomIds }) => this.#run(() => running.serverDied(roomIds)));
    this.#wait();
  }

  #wait(): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => this.#run(() => this.#look().finally(() => this.#wait())), lookEveryMs);
  }

  async #look(): Promise<void> {
    await this.#recordings.watchDisk();
    await this.#recordings.markSeen();
    await this.#recoverLeft(leftAfterSeconds);
  }

  #run(work: () => Promise<void>): void {
    if (this.#closed) return;
    const running = work()
      .catch((error: unknown) => this.#log.warn({ err: error }, 'a recording could not be brought up to date'))
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** No timer runs after this; waits for what is under way. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await Promise.all(this.#running);
  }
}
