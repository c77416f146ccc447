import type { PresenceDevice, PresenceStatus, SettableStatus } from '../protocol/presence.ts';

/** Without a touch for that long a device is away. */
export const idleMs = 5 * 60_000;
/** A device that has sent signs of its user and then none for that long is away, too: it sleeps. */
export const heartbeatTimeoutMs = 90_000;

/** One of a user's devices as its server knows it. */
export interface Device {
  readonly sessionId: string;
  readonly kind: PresenceDevice['kind'];
  readonly status: PresenceDevice['status'];
  /** Since when it stands so; milliseconds of the Unix epoch. */
  readonly sinceMs: number;
  /** Its socket has just gone and may come back. */
  readonly isLost: boolean;
}

/** When a device becomes away by itself, unless its user gives another sign; milliseconds of the Unix epoch. */
export function awayAtMs({ heardAtMs, idleSeconds }: { heardAtMs: number; idleSeconds: number }): number {
  return Math.min(heardAtMs + heartbeatTimeoutMs, heardAtMs - idleSeconds * 1000 + idleMs);
}

/** What a device says that it is; anything unheard of is `unknown`. */
export function deviceKind(said: string | undefined): Device['kind'] {
  return kinds[said?.toLowerCase() ?? ''] ?? 'unknown';
}

const kinds: { readonly [said: string]: Device['kind'] | undefined } = Object.assign(Object.create(null), {
  desktop: 'desktop',
  laptop: 'desktop',
  web: 'desktop',
  mobile: 'mobile',
  phone: 'mobile',
  tablet: 'tablet',
});

/**
 * The devices that others see, in an order of their own. Of those that are lost one alone, and only while there is no other: whoever connects anew
 * again and again has one device, not a trail of them.
 */
export function shownDevices(devices: readonly Device[]): Device[] {
  const inOrder = devices.toSorted((a, b) => a.sinceMs - b.sinceMs || (a.sessionId < b.sessionId ? -1 : 1));
  const present = inOrder.filter(({ isLost }) => !isLost);
  if (present.length > 0) return present;
  const last = inOrder.findLast(({ status }) => status === 'online') ?? inOrder.at(-1);
  return last ? [last] : [];
}

/**
 * How a user stands: offline without a device; in a call before whatever they say of themselves; that before what their devices show, of which
 * one that is online is enough.
 */
export function statusOf({
  devices,
  isEngaged,
  said,
}: {
  devices: readonly Device[];
  isEngaged: boolean;
  said: SettableStatus | null;
}): PresenceStatus {
  const shown = shownDevices(devices);
  if (shown.length === 0) return 'offline';
  if (isEngaged) return 'in_call';
  if (said !== null && said !== 'online') return said;
  return shown.some(({ status }) => status === 'online') ? 'online' : 'away';
}
