import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';

/** What the figures were measured with; `software` are further programs with their versions. */
export function describeMachine(software: readonly string[]): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  const gibibytes = (totalmem() / 2 ** 30).toFixed(1);
  const load = loadavg().map((average) => average.toFixed(2));
  return [
    `Machine: ${model}, ${availableParallelism()} cores, ${gibibytes} GiB, ${type()} ${release()}`,
    `Software: ${[`Node ${process.versions.node}`, ...software].join(', ')}`,
    `Load average at the start: ${load.join(' ')}`,
  ].join('\n');
}
