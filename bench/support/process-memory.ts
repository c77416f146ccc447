import { readFileSync } from 'node:fs';

/** Resident memory of a living process in bytes (`VmRSS` of proc(5)). */
export function residentBytes(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kibibytes === undefined) throw new Error(`process ${pid} says nothing of its memory`);
  return Number(kibibytes) * 1024;
}
