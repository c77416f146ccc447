import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/** The server as a process of its own. */
export class ServerProcess {
  stdout = '';
  stderr = '';
  readonly #child: ChildProcess;
  readonly #events = new EventTarget();
  /** Resolves when the process is gone. */
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;

  /** Starts it with these settings alone. */
  constructor(env: Record<string, string>) {
    const { PATH, HOME, MEDIASOUP_WORKER_BIN = '' } = process.env;
    const usual = { PORT: '0', MEDIA_BASE_PORT: '0', MEDIA_WORKERS: '1', MEDIA_LISTEN_IP: '127.0.0.1', MEDIASOUP_WORKER_BIN };
    this.#child = spawn(process.execPath, [main], { env: { PATH, HOME, ...usual, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      this.stdout += chunk.toString();
      this.#events.dispatchEvent(new Event('change'));
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString();
    });
    const { promise, resolve } = Promise.withResolvers<{ code: number | null; signal: NodeJS.Signals | null }>();
    this.exited = promise;
    this.#child.once('close', (code, signal) => {
      resolve({ code, signal });
      this.#events.dispatchEvent(new Event('change'));
    });
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Waits for words on its standard output; answers what the pattern's first group found. */
  async said(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = pattern.exec(this.stdout);
      if (found) return found[1] ?? found[0];
      if (!this.isRunning) throw new Error(`The server ended without saying ${pattern}: ${this.stderr}${this.stdout}`);
      await new Promise((resolve) => this.#events.addEventListener('change', resolve, { once: true }));
    }
  }

  /** Where it can be reached, once it can. */
  ready(): Promise<string> {
    return this.said(/Parley: (\S+)/);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isRunning) this.kill('SIGKILL');
    await this.exited;
  }
}
