import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { createFacts, type Facts } from '../../src/facts.ts';
import { createLog } from '../../src/log.ts';
import type { Notifier } from '../../src/notifier.ts';
import { createPresence, type PresenceParts } from '../../src/presence/create-presence.ts';
import type { Device } from '../../src/presence/presence-status.ts';
import type { Presence } from '../../src/protocol/presence.ts';
import { createAcquaintanceService } from '../../src/users/acquaintance-service.ts';
import type { Person } from '../chat/chat-fixture.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { waitFor } from '../support/wait-for.ts';

export const log = createLog('silent');

/** A device that is there. */
export const device = (more: Partial<Device> = {}): Device => ({
  sessionId: randomUUID(),
  kind: 'desktop',
  status: 'online',
  sinceMs: 1_700_000_000_000,
  isLost: false,
  ...more,
});

/** How one person stands to another. */
export async function standing(watcher: Person, other: Pick<Person, 'userId'>): Promise<Presence> {
  const { status, body } = await watcher.rest('GET', `presence?userIds=${other.userId}`);
  assert.equal(status, 200, JSON.stringify(body));
  return body.presences[0] as Presence;
}

/** Waits until somebody stands so to another. */
export async function waitForStatus(watcher: Person, other: Pick<Person, 'userId'>, status: Presence['status'], timeoutMs = 10_000) {
  await waitFor(`${other.userId} to be ${status}`, async () => (await standing(watcher, other)).status === status, timeoutMs);
}

/** Presence of one server without its edges: facts go in, notices come out. */
export interface Part {
  readonly facts: Facts;
  readonly presence: PresenceParts;
  /** Each `presence:changed`, by session. */
  readonly told: { sessionId: string; presences: Presence[] }[];
  /** Opens a session and answers its id. */
  open(userId: string): string;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A database, and as many servers' presences on it as a test makes. */
export async function startParts() {
  await using parts = new AsyncDisposableStack();
  const own = parts.use(await createTestDatabase());
  const db: Database = parts.adopt(await openDatabase({ url: own.url, log }), (opened) => opened.close());
  const all = parts.move();
  return {
    db,
    /** Makes one server's presence. `policy`: who sees whom. */
    start({ redis, policy = 'open' }: { redis?: Redis; policy?: 'open' | 'appointment' } = {}): Part {
      const facts = createFacts();
      const told: Part['told'] = [];
      const nothing = () => undefined;
      const notifier: Notifier = {
        notify: ({ to }, _name, payload) => {
          if ('sessionId' in to) told.push({ sessionId: to.sessionId, presences: (payload as { presences: Presence[] }).presences });
        },
        enterRoom: nothing,
        enterConversation: nothing,
        leaveRoom: nothing,
      };
      const acquaintances = createAcquaintanceService({ db, accessPolicy: policy });
      const presence = createPresence({ db, facts, notifier, log, acquaintances, ...(redis && { redis }) });
      return {
        facts,
        presence,
        told,
        open: (userId) => {
          const sessionId = randomUUID();
          facts.emit('session.opened', { sessionId, userId, role: 'provider', onlyRoomId: undefined });
          return sessionId;
        },
        [Symbol.asyncDispose]: () => presence.close(),
      };
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** What `subscribe` and `get` take. */
export const watching = (userId: string, sessionId: string = randomUUID(), role = 'provider') => ({
  userId,
  sessionId,
  role,
  isOpen: () => true,
});
