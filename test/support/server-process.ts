import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/** The server as a process of its own, so that it can be killed. */
export interface ServerProcess {
  readonly url: string;
  /** Ends it as a power cut would; resolves when it is gone. */
  kill(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts `src/main.ts` on a free port and waits until it listens. */
export async function startServerProcess(env: Record<string, string>): Promise<ServerProcess> {
  const dataDir = mkdtempSync(path.join(tmpdir(), 'parley-process-'));
  const workerBin = process.env['MEDIASOUP_WORKER_BIN'];
  const child = spawn(process.execPath, [main], {
    env: {
      PATH: process.env['PATH'],
      ...(workerBin !== undefined && { MEDIASOUP_WORKER_BIN: workerBin }),
      HOST: '127.0.0.1',
      PORT: '0',
      DATA_DIR: dataDir,
      MEDIA_LISTEN_IP: '127.0.0.1',
      MEDIA_BASE_PORT: '0',
      MEDIA_WORKERS: '1',
      // Of this process alone: test files run side by side.
      RECORDING_BASE_PORT: String(10_000 + (process.pid % 100) * 96),
      RECORDING_PORTS: '96',
      LOG_LEVEL: 'warn',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const { promise: listening, resolve, reject } = Promise.withResolvers<string>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      const [, url] = /Parley: (http\S+)/.exec(output) ?? [];
      if (url !== undefined) resolve(url);
    });
  }
  const gone = once(child, 'exit').then(() => reject(new Error(`The server has ended: ${output}`)));
  const kill = async () => {
    child.kill('SIGKILL');
    await gone;
    rmSync(dataDir, { recursive: true, force: true });
  };
  try {
    return { url: await listening, kill, [Symbol.asyncDispose]: kill };
  } catch (error) {
    await kill();
    throw error;
  }
}
