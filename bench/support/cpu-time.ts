import { readdirSync, readFileSync } from 'node:fs';

const nanosecondsPerTick = 10_000_000;

/**
 * CPU time a living process has used so far, in nanoseconds, all threads together.
 *
 * The scheduler's own count where the kernel keeps it (`/proc/<pid>/task/<tid>/schedstat`), since the ticks of `/proc/<pid>/stat` are
 * 10 ms and a few seconds of ten subscribers take little more than a hundred.
 */
export function cpuTimeNs(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/task`)
      .map((thread) => Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]))
      .reduce((sum, ns) => sum + ns, 0);
  } catch {
    return tickedCpuTimeNs(pid);
  }
}

/** `utime` and `stime`, the 14th and 15th field of `/proc/<pid>/stat` (proc(5)); the name before them may hold spaces. */
function tickedCpuTimeNs(pid: number): number {
  const fields = statFields(pid);
  return (Number(fields[11]) + Number(fields[12])) * nanosecondsPerTick;
}

/** The fields of `/proc/<pid>/stat` from the third on. */
function statFields(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/**
 * CPU time that PostgreSQL has used so far, in nanoseconds: its first process, all that it started and that live, and those that have ended
 * (`cutime` and `cstime`, the 16th and 17th field of `/proc/<pid>/stat`).
 */
export function databaseCpuTimeNs(postmasterPid: number): number {
  const children = readFileSync(`/proc/${postmasterPid}/task/${postmasterPid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  const living = [postmasterPid, ...children].map((pid) => {
    try {
      return cpuTimeNs(pid);
    } catch {
      return 0; // It has ended in between.
    }
  });
  const fields = statFields(postmasterPid);
  return living.reduce((sum, ns) => sum + ns, 0) + (Number(fields[13]) + Number(fields[14])) * nanosecondsPerTick;
}

/** CPU time that this process's children have used, in nanoseconds, those that have ended and been waited for, with all that they had waited for. */
export function endedChildrenCpuTimeNs(): number {
  const fields = statFields(process.pid);
  return (Number(fields[13]) + Number(fields[14])) * nanosecondsPerTick;
}
