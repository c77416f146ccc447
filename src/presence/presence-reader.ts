import type { Database } from '../db/database.ts';
import type { Presence } from '../protocol/presence.ts';
import type { LivePresence } from './live-presence.ts';
import { type Device, shownDevices, statusOf } from './presence-status.ts';
import * as store from './presence-store.ts';

export type PresenceReader = ReturnType<typeof createPresenceReader>;

/** How users stand, put together from their devices, what they say, and the calls and rooms they are in. Who may see it is not asked here. */
export function createPresenceReader({ db, live }: { db: Database; live: LivePresence }) {
  async function read(userIds: readonly string[], { onlyKnown }: { onlyKnown: boolean }): Promise<Map<string, Presence>> {
    const [{ devices, isWhole }, said, engaged] = await Promise.all([
      live.find(userIds),
      store.findSaid(db.sql, userIds),
      store.findEngaged(db.sql, userIds),
    ]);
    const presences = new Map<string, Presence>();
    for (const userId of userIds) {
      const own = devices.get(userId);
      if (onlyKnown && !isWhole && !own) continue;
      presences.set(userId, toPresence(userId, own ?? [], said.get(userId), engaged.has(userId)));
    }
    return presences;
  }

  return {
    /** How some users stand, as far as can be said now. */
    read: (userIds: readonly string[]) => read(userIds, { onlyKnown: false }),

    /** The same without those of whom another server might know more, which can't be asked now. */
    readKnown: (userIds: readonly string[]) => read(userIds, { onlyKnown: true }),

    /** Those among some users who have a device. */
    findOnline: async (userIds: readonly string[]): Promise<Set<string>> => new Set((await live.find(userIds)).devices.keys()),

    /** Those among some users who look at a device now: one that is connected and not away. */
    async findAttentive(userIds: readonly string[]): Promise<Set<string>> {
      const { devices } = await live.find(userIds);
      const isThere = ({ status, isLost }: Device) => status === 'online' && !isLost;
      return new Set([...devices].filter(([, own]) => own.some(isThere)).map(([userId]) => userId));
    },
  };
}

function toPresence(userId: string, devices: readonly Device[], said: store.Said | undefined, isEngaged: boolean): Presence {
  const status = statusOf({ devices, isEngaged, said: said?.status ?? null });
  return {
    userId,
    status,
    note: said?.note ?? null,
    noteEndsAt: said?.endsAt?.toISOString() ?? null,
    lastSeenAt: status === 'offline' ? (said?.lastSeenAt?.toISOString() ?? null) : null,
    devices: shownDevices(devices).map((device) => ({
      kind: device.kind,
      status: device.status,
      since: new Date(device.sinceMs).toISOString(),
    })),
  };
}

/** How somebody looks whom one may not see, and somebody who does not exist. */
export function unseen(userId: string): Presence {
  return { userId, status: 'offline', note: null, noteEndsAt: null, lastSeenAt: null, devices: [] };
}
