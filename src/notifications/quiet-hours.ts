const minuteMs = 60_000;
const dayMinutes = 24 * 60;

/** Two times of day (`HH:MM`) by the clocks of a time zone (IANA's name). Past midnight when `to` is before `from`; equal ones are never. */
export interface QuietHours {
  readonly from: string;
  readonly to: string;
  readonly timeZone: string;
}

/**
 * When the quiet hours end in which a moment lies; undefined when it lies in none. Hours are what the clocks there show, so that they are shorter
 * or longer on the days on which clocks are changed.
 */
export function quietUntil(now: Date, { from, to, timeZone }: QuietHours): Date | undefined {
  const [start, end] = [minutesOf(from), minutesOf(to)];
  const isQuiet = (minute: number) => (start <= end ? minute >= start && minute < end : minute >= start || minute < end);
  const offsetAt = offsetsOf(timeZone);
  const wallMinute = (at: number) => mod(Math.floor((at + offsetAt(at)) / minuteMs), dayMinutes);
  /** The next moment at which the clocks show `to`, if they are not changed until then. */
  const nextEnd = (at: number) => {
    const wall = at + offsetAt(at);
    return at - mod(wall, minuteMs) + mod(end - wallMinute(at), dayMinutes) * minuteMs;
  };

  const at = now.getTime();
  if (!isQuiet(wallMinute(at))) return undefined;
  const expected = nextEnd(at);
  if (offsetAt(expected) === offsetAt(at)) return new Date(expected);
  const changed = firstChange(offsetAt, at, expected);
  return new Date(isQuiet(wallMinute(changed)) ? nextEnd(changed) : changed);
}

/** The first moment after `before` with the offset of `after`, given that it changes once between them. */
function firstChange(offsetAt: (at: number) => number, before: number, after: number): number {
  const offset = offsetAt(before);
  let [low, high] = [before, after];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(middle) === offset) low = middle;
    else high = middle;
  }
  return high;
}

/** By how many milliseconds a zone's clocks are ahead of UTC at a moment. */
function offsetsOf(timeZone: string): (at: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (at) => {
    const part = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
    return Date.UTC(year, month - 1, day, hour, minute, second) - (at - mod(at, 1_000));
  };
}

function minutesOf(clock: string): number {
  const [hours = 0, minutes = 0] = clock.split(':').map(Number);
  return hours * 60 + minutes;
}

/** The remainder that is never negative. */
const mod = (value: number, by: number) => ((value % by) + by) % by;
