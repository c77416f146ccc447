const units = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const;

/** How long ago something was, in words: "5 minutes ago", "yesterday". A time ahead counts as now. */
export function relativeTime(at: Date, nowMs: number = Date.now()): string {
  const seconds = Math.max(0, (nowMs - at.getTime()) / 1000);
  const format = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
  for (const [unit, unitSeconds] of units) if (seconds >= unitSeconds) return format.format(-Math.floor(seconds / unitSeconds), unit);
  return format.format(0, 'second');
}
