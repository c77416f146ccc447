import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Database } from '../db/database.ts';
import type { Facts } from '../facts.ts';
import type { Logger } from '../log.ts';
import type { Notifier } from '../notifier.ts';
import type { AcquaintanceService } from '../users/acquaintance-service.ts';
import { createAnnouncer } from './announcer.ts';
import type { LivePresence } from './live-presence.ts';
import { MemoryPresence } from './memory-presence.ts';
import { OwnDevices } from './own-devices.ts';
import { createPresenceReader } from './presence-reader.ts';
import { createPresenceService } from './presence-service.ts';
import { saveLastSeen } from './presence-store.ts';
import { createPresenceSubscriptions } from './presence-subscriptions.ts';
import { RedisPresence } from './redis-presence.ts';

export type PresenceParts = ReturnType<typeof createPresence>;

/** Puts the parts of presence together, and lets them hear what happens on this server. */
export function createPresence(parts: {
  db: Database;
  facts: Facts;
  notifier: Notifier;
  log: Logger;
  acquaintances: AcquaintanceService;
  /** What several servers share; undefined: this is the only one. It stays its owner's to close. */
  redis?: Redis | undefined;
  /** Another one for each start of a server. */
  serverId?: string;
}) {
  const { db, facts, notifier, log, acquaintances, redis, serverId = randomUUID() } = parts;
  const own = new OwnDevices({
    onChanged: (userId) => announcer.changed(userId),
    onSeen: (userId, at) => announcer.seen(userId, at),
  });
  const live: LivePresence = redis
    ? new RedisPresence({
        here: own,
        redis,
        serverId,
        log,
        onBack: () => {
          own.userIds.forEach(announcer.changed);
          subscriptions.missed();
        },
        onDied: (userIds) => {
          for (const userId of userIds) {
            announcer.seen(userId, new Date());
            announcer.changed(userId);
          }
        },
      })
    : new MemoryPresence(own);
  const announcer = createAnnouncer({
    facts,
    log,
    publish: (userIds) => live.publish(userIds),
    saveLastSeen: (lastSeenAt) => saveLastSeen(db.sql, lastSeenAt),
  });
  const reader = createPresenceReader({ db, live });
  const subscriptions = createPresenceSubscriptions({
    notifier,
    log,
    read: reader.readKnown,
    listVisible: async (subscriber, userIds) => (await acquaintances.listVisible(subscriber, userIds)).visible,
  });

  facts.on('session.opened', ({ sessionId, userId, onlyRoomId }) => {
    if (onlyRoomId === undefined) own.opened(sessionId, userId);
  });
  facts.on('session.lost', ({ sessionId }) => {
    own.lost(sessionId);
    subscriptions.lost(sessionId);
  });
  facts.on('session.resumed', ({ sessionId }) => {
    own.resumed(sessionId);
    subscriptions.resumed(sessionId);
  });
  facts.on('session.closed', ({ sessionId, reason }) => {
    own.closed(sessionId, { atOnce: reason === 'suspended' || reason === 'server_shutdown' });
    subscriptions.endOf(sessionId);
  });
  facts.on('server.died', ({ userIds }) => userIds.forEach(announcer.changed));
  facts.on('call.changed', ({ userIds }) => userIds.forEach(announcer.changed));
  facts.on('participant.joined', ({ userId }) => announcer.changed(userId));
  facts.on('participant.left', ({ userId }) => announcer.changed(userId));
  facts.on('presence.changed', ({ userIds }) => subscriptions.changed(userIds));

  const service = createPresenceService({ db, acquaintances, reader, subscriptions, own, announcer });
  let closing: Promise<void> | undefined;
  return {
    ...service,

    /** Takes this server's devices out, says so, and tells nothing more; idempotent. */
    close: () => {
      closing ??= (async () => {
        await subscriptions.close();
        await announcer.close();
        own.close();
        await live.close();
      })();
      return closing;
    },
  };
}
