import type { Facts } from '../facts.ts';
import type { Logger } from '../log.ts';

/** Changes of so short a time are said together. */
const gatherMs = 50;
/** When what could not be written is tried again. */
const retryMs = 2_000;

export type Announcer = ReturnType<typeof createAnnouncer>;

/**
 * Says which users stand otherwise than before: first to the other servers' store, with when they were last there to the database, then, by the
 * fact `presence.changed`, to whoever tells others. What changes while one batch is under way goes with the next.
 */
export function createAnnouncer(parts: {
  facts: Facts;
  log: Logger;
  /** Makes what these users' devices here are known to other servers. Never rejects. */
  publish: (userIds: readonly string[]) => Promise<void>;
  saveLastSeen: (lastSeenAt: ReadonlyMap<string, Date>) => Promise<void>;
}) {
  const { facts, log, publish, saveLastSeen } = parts;
  let changed = new Set<string>();
  let seen = new Map<string, Date>();
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  let isRunning = false;
  let isClosed = false;

  function soon(inMs = gatherMs): void {
    if (isClosed || isRunning || timer) return;
    timer = setTimeout(() => {
      timer = undefined;
      running = run();
    }, inMs);
  }

  async function run(): Promise<void> {
    isRunning = true;
    const userIds = [...changed];
    changed = new Set();
    await publish(userIds);
    const isWritten = await save();
    isRunning = false;
    if (userIds.length > 0) facts.emit('presence.changed', { userIds });
    if (changed.size > 0) soon();
    else if (!isWritten) soon(retryMs);
  }

  async function save(): Promise<boolean> {
    const batch = seen;
    seen = new Map();
    try {
      await saveLastSeen(batch);
      return true;
    } catch (error) {
      log.warn({ err: error, users: batch.size }, 'when users were last there was not written; it is tried again');
      seen = new Map([...batch, ...seen]);
      return false;
    }
  }

  return {
    /** Somebody stands otherwise, or may do. */
    changed(userId: string): void {
      changed.add(userId);
      soon();
    },

    /** Somebody was there at that time. */
    seen(userId: string, at: Date): void {
      seen.set(userId, at);
      soon();
    },

    /** Says what is left; then nothing more. */
    async close(): Promise<void> {
      if (isClosed) return await running;
      isClosed = true;
      clearTimeout(timer);
      running = running.then(run);
      await running;
    },
  };
}
