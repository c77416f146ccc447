import { once } from 'node:events';
import { createServer } from 'node:net';
import { createWorker, type types } from 'mediasoup';

/** How long a worker may take to end before it is killed. */
const exitTimeoutMs = 3_000;

/**
 * Starts a mediasoup worker. mediasoup would close it by itself on SIGINT and SIGTERM, before anybody could say goodbye to the people in its rooms.
 * Shutting down in order is the application's business, so those listeners are taken away again.
 */
export async function startProcess(workerBin: string | undefined): Promise<types.Worker> {
  const signals = ['SIGINT', 'SIGTERM'] as const;
  const before = new Set(signals.flatMap((signal) => process.listeners(signal)));
  const creating = createWorker({ logLevel: 'error', ...(workerBin !== undefined && { workerBin }) });
  for (const signal of signals) {
    for (const listener of process.listeners(signal)) if (!before.has(listener)) process.removeListener(signal, listener);
  }
  return creating;
}

/** Ends a worker; resolves when its process is gone, which is killed when it takes too long. */
export async function endProcess(worker: types.Worker): Promise<void> {
  if (worker.subprocessClosed) return;
  const gone = once(worker, 'subprocessclose');
  worker.close();
  const killTimer = setTimeout(() => {
    try {
      process.kill(worker.pid, 'SIGKILL');
    } catch {
      // Gone in this very moment.
    }
  }, exitTimeoutMs);
  await gone;
  clearTimeout(killTimer);
}

/** A port that is free for TCP on an address at this moment. */
export async function findFreePort(host: string): Promise<number> {
  const server = createServer();
  server.listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}
