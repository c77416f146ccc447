import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Logger } from 'pino';

const execFileAsync = promisify(execFile);

/** How long `taskset` may take before the process stays unpinned. */
const tasksetTimeoutMs = 5_000;

/** Binds worker processes to cores. Where that is impossible (no Linux, no `taskset`) it says so once and does nothing. */
export interface CpuAffinity {
  /** The core of the worker with this index, going round the allowed cores; undefined where cores cannot be told. */
  coreOf(workerIndex: number): number | undefined;
  /** Binds all threads of a process to one core. Never throws; answers whether it is bound. */
  pin(pid: number, core: number): Promise<boolean>;
}

/**
 * The cores are those that this process itself may use, read once: a container or a service manager may allow fewer than the machine has.
 */
export function createCpuAffinity(log: Logger): CpuAffinity {
  const cores = allowedCores('self') ?? [];
  let warned = false;
  const warnOnce = (error?: unknown): void => {
    if (warned) return;
    warned = true;
    log.warn({ err: error }, 'media workers are not pinned to cores');
  };
  return {
    coreOf: (workerIndex) => (cores.length === 0 ? undefined : cores[workerIndex % cores.length]),
    async pin(pid, core) {
      if (process.platform !== 'linux') {
        warnOnce();
        return false;
      }
      try {
        // util-linux; -a takes the threads that the process already has.
        await execFileAsync('taskset', ['-a', '-p', '-c', String(core), String(pid)], { timeout: tasksetTimeoutMs });
        const bound = allowedCores(pid)?.toString() === String(core);
        if (!bound) warnOnce();
        return bound;
      } catch (error) {
        warnOnce(error);
        return false;
      }
    },
  };
}

/** The cores a process may run on, as the kernel has them; undefined where there is no `/proc` or no such process. */
export function allowedCores(pid: number | 'self'): number[] | undefined {
  const list = readProcessStatus(pid, 'Cpus_allowed_list');
  return list === undefined ? undefined : parseCpuList(list);
}

/** Resident memory of a process in bytes; undefined where there is no `/proc` or no such process. */
export function residentMemoryBytes(pid: number): number | undefined {
  const kibibytes = readProcessStatus(pid, 'VmRSS')?.match(/^(\d+) kB$/)?.[1];
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
}

/** Reads the kernel's list format (`cpuset(7)`): `0-2,5` is `[0, 1, 2, 5]`. */
export function parseCpuList(list: string): number[] {
  return list
    .split(',')
    .filter((part) => part.trim() !== '')
    .flatMap((part) => {
      const [first = Number.NaN, last = first] = part.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, offset) => first + offset);
    });
}

function readProcessStatus(pid: number | 'self', field: string): string | undefined {
  let status: string;
  try {
    status = readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return undefined;
  }
  const line = status.split('\n').find((candidate) => candidate.startsWith(`${field}:`));
  return line?.slice(field.length + 1).trim();
}
