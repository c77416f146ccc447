import { execFileSync } from 'node:child_process';
import { allowedCores } from '../../src/sfu/cpu-affinity.ts';

/** Which cores the server and its load keep to, so that neither takes time from the other. */
export interface CorePlan {
  /** The core of the server's Node process and its media worker; undefined where cores cannot be told apart. */
  server: number | undefined;
  load: number | undefined;
}

/** The first core this process may use is the server's, the second the load's. */
export function planCores(): CorePlan {
  const [server, load] = allowedCores('self') ?? [];
  if (server === undefined || load === undefined || !hasTaskset()) return { server: undefined, load: undefined };
  return { server, load };
}

/** The command line that starts a program on one core (util-linux' `taskset`). */
export function onCore(core: number | undefined, file: string, args: readonly string[]): [file: string, args: string[]] {
  return core === undefined ? [file, [...args]] : ['taskset', ['-c', String(core), file, ...args]];
}

/** Moves this very process, with all its threads, to a core. */
export function moveToCore(core: number | undefined): void {
  if (core !== undefined) execFileSync('taskset', ['-a', '-p', '-c', String(core), String(process.pid)], { stdio: 'ignore' });
}

export function describeCores({ server, load }: CorePlan): string {
  if (server === undefined) return 'Cores: not pinned (needs Linux, two cores and taskset): server and load disturb each other';
  return `Cores: server (Node and media worker) on core ${server}, load on core ${load}`;
}

function hasTaskset(): boolean {
  try {
    execFileSync('taskset', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
