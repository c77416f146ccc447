/** Buckets of a histogram as [lower bound, count], ascending. */
export type Histogram = readonly (readonly [lowerBound: number, count: number])[];

/** The smallest sample that at least `fraction` (0–1) of all samples do not exceed; NaN without samples. */
export function percentile(samples: readonly number[], fraction: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * fraction) - 1)] ?? Number.NaN;
}

/** As {@link percentile}, to the lower bound of the bucket it falls into. */
export function histogramPercentile(histogram: Histogram, fraction: number): number {
  const total = histogram.reduce((sum, [, count]) => sum + count, 0);
  let seen = 0;
  for (const [lowerBound, count] of histogram) {
    seen += count;
    if (seen >= total * fraction) return lowerBound;
  }
  return Number.NaN;
}

/** One histogram of several with the same buckets. */
export function mergeHistograms(histograms: readonly Histogram[]): Histogram {
  const counts = new Map<number, number>();
  for (const [lowerBound, count] of histograms.flat()) counts.set(lowerBound, (counts.get(lowerBound) ?? 0) + count);
  return [...counts].sort(([a], [b]) => a - b);
}
