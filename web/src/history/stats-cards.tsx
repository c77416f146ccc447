import type { CallStats } from '../../../src/protocol/call.ts';
import { strings } from '../strings.ts';

/** The last 30 days in figures. Undefined while they are asked for. */
export function StatsCards({ stats }: { stats: CallStats | undefined }) {
  const words = strings.calls.stats;
  const figures: readonly (readonly [string, string])[] = [
    [words.total, stats ? String(stats.total) : words.none],
    [words.completed, stats ? String(stats.completed) : words.none],
    [words.missed, stats ? String(stats.missed) : words.none],
    [words.declined, stats ? String(stats.declined) : words.none],
    [words.average, stats && stats.completed > 0 ? strings.calls.duration(stats.averageDurationSeconds) : words.none],
    [words.kinds, stats ? words.kindCounts(stats.video, stats.voice) : words.none],
  ];
  return (
    <section className="stats" aria-labelledby="stats-title">
      <h2 id="stats-title">{words.title}</h2>
      <dl>
        {figures.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
