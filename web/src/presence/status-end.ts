/** When a status ends by itself: never, after so many minutes, or with the day. */
export const statusEnds = ['never', '30', '60', '240', 'today'] as const;
export type StatusEnd = (typeof statusEnds)[number];

/** The moment that a choice means. */
export function endOf(end: StatusEnd, now: Date): Date | undefined {
  if (end === 'never') return undefined;
  if (end === 'today') return new Date(now.getFullYear(), now.getMonth(), now.getDate(), 23, 59, 59, 999);
  return new Date(now.getTime() + Number(end) * 60_000);
}
