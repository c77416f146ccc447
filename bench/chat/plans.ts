/** What PostgreSQL did for one query. */
export interface Plan {
  /** The query's beginning, and the plan's nodes with their rows and pages. */
  readonly text: string;
  /** Pages of tables and indexes that were looked at, in memory or on disk (8 KiB each). */
  readonly pages: number;
  readonly rows: number;
}

/** Settings of auto_explain that write the plan of every query to PostgreSQL's log. */
export const explainAll = [
  `session_preload_libraries = 'auto_explain'`,
  'auto_explain.log_min_duration = 0',
  'auto_explain.log_analyze = on',
  'auto_explain.log_buffers = on',
  'auto_explain.log_timing = off',
];

/** The plans of a stretch of PostgreSQL's log; of transactions' beginnings and ends there are none, those of the job queue are left out. */
export function readPlans(log: string): Plan[] {
  return log
    .split(/^(?=\S)/m)
    .filter((entry) => /\bplan:$/m.test(entry) && !entry.includes('graphile_worker'))
    .map((entry) => {
      const [, ...lines] = entry.trimEnd().split('\n');
      const begin = lines.findIndex((line) => /\((cost|actual)/.test(line));
      const query = lines.slice(0, begin).join(' ').replace('Query Text:', '').replace(/\s+/g, ' ').trim();
      const nodes = lines.slice(begin).map((line) => line.replace(/^\t/, ''));
      const [top = '', buffers = ''] = [nodes[0], nodes.find((line) => line.trimStart().startsWith('Buffers:'))];
      const pages = [...buffers.matchAll(/(?:hit|read)=(\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0);
      return {
        text: [`${query.slice(0, 100)}…`, ...nodes.filter(isTelling).map(shorten)].join('\n'),
        pages,
        rows: Number(/actual.*?rows=([\d.]+)/.exec(top)?.[1] ?? 0),
      };
    });
}

const isTelling = (line: string) => /->|actual|Index Cond|Recheck Cond/.test(line);

/** Without estimates and long lists of ids. */
function shorten(line: string): string {
  return line
    .replace(/\(cost=.*?\) /, '')
    .replace(/\{[^}]{40,}\}/g, '{…}')
    .slice(0, 160);
}
