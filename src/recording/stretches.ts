import type { Stretch } from './timeline.ts';

/** Whether a moment lies in a stretch; its end is not in it. */
export const isWithin = (ms: number, { fromMs, toMs }: Stretch): boolean => ms >= fromMs && ms < toMs;

/** The same time in ascending stretches that do not touch one another. */
export function unite(stretches: readonly Stretch[]): Stretch[] {
  const united: { fromMs: number; toMs: number }[] = [];
  for (const { fromMs, toMs } of [...stretches].sort((a, b) => a.fromMs - b.fromMs)) {
    if (toMs <= fromMs) continue;
    const last = united.at(-1);
    if (last && fromMs <= last.toMs) last.toMs = Math.max(last.toMs, toMs);
    else united.push({ fromMs, toMs });
  }
  return united;
}

/** What of some stretches lies outside of others. */
export function subtract(from: readonly Stretch[], others: readonly Stretch[]): Stretch[] {
  let left = unite(from);
  for (const other of others) {
    if (other.toMs <= other.fromMs) continue;
    left = left.flatMap(({ fromMs, toMs }) =>
      [
        { fromMs, toMs: Math.min(toMs, other.fromMs) },
        { fromMs: Math.max(fromMs, other.toMs), toMs },
      ].filter((stretch) => stretch.fromMs < stretch.toMs),
    );
  }
  return left;
}

/** What lies in both. */
export function intersect(some: readonly Stretch[], others: readonly Stretch[]): Stretch[] {
  return unite(some).flatMap((one) =>
    unite(others)
      .map((other) => ({ fromMs: Math.max(one.fromMs, other.fromMs), toMs: Math.min(one.toMs, other.toMs) }))
      .filter(({ fromMs, toMs }) => fromMs < toMs),
  );
}
