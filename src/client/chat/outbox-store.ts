import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import type { OutboxEntry } from './outbox-plan.ts';

/** Where messages wait that are not sent yet. */
export interface OutboxStore {
  /** A user's messages, in no order. */
  load(userId: string): Promise<readonly OutboxEntry[]>;
  /** False only when it is known to be gone: another tab has sent or dropped it. */
  has(entry: OutboxEntry): Promise<boolean>;
  /** Answers whether it is kept. */
  put(entry: OutboxEntry): Promise<boolean>;
  delete(entry: OutboxEntry): Promise<void>;
  close(): void;
}

interface OutboxSchema extends DBSchema {
  outbox: { key: [userId: string, clientId: string]; value: OutboxEntry; indexes: { userId: string } };
}

const databaseName = 'parley-outbox';

/** In IndexedDB, so that a reload loses nothing; in memory where there is none, or where the browser refuses it. */
export function createOutboxStore(): OutboxStore {
  return typeof globalThis.indexedDB === 'undefined' ? createMemoryStore() : createIndexedStore();
}

/** Keeps messages for as long as the client lives. */
export function createMemoryStore(): OutboxStore {
  const entries = new Map<string, OutboxEntry>();
  return {
    load: async (userId) => [...entries.values()].filter((entry) => entry.userId === userId),
    has: async (entry) => entries.has(keyOf(entry).join(' ')),
    put: async (entry) => {
      entries.set(keyOf(entry).join(' '), entry);
      return true;
    },
    delete: async (entry) => {
      entries.delete(keyOf(entry).join(' '));
    },
    close: () => undefined,
  };
}

/** A browser that refuses (private window, disk full) keeps nobody from sending: the outbox holds every message in memory, too. */
function createIndexedStore(): OutboxStore {
  const opening = openDatabase();
  opening.catch(() => undefined);

  async function attempt<T>(use: (database: IDBPDatabase<OutboxSchema>) => Promise<T>, otherwise: T): Promise<T> {
    try {
      return await use(await opening);
    } catch {
      return otherwise;
    }
  }

  return {
    load: (userId) => attempt((database) => database.getAllFromIndex('outbox', 'userId', userId), []),
    has: (entry) => attempt(async (database) => (await database.count('outbox', keyOf(entry))) > 0, true),
    put: (entry) =>
      attempt(async (database) => {
        const transaction = database.transaction('outbox', 'readwrite');
        const put = transaction.store.put(entry);
        // Without waiting for the put to be told: the page may be gone by then.
        transaction.commit();
        await Promise.all([put, transaction.done]);
        return true;
      }, false),
    delete: (entry) => attempt((database) => database.delete('outbox', keyOf(entry)), undefined),
    close: () => {
      opening.then(
        (database) => database.close(),
        () => undefined,
      );
    },
  };
}

function keyOf({ userId, clientId }: OutboxEntry): [string, string] {
  return [userId, clientId];
}

async function openDatabase(): Promise<IDBPDatabase<OutboxSchema>> {
  return openDB<OutboxSchema>(databaseName, 1, {
    upgrade(fresh) {
      fresh.createObjectStore('outbox', { keyPath: ['userId', 'clientId'] }).createIndex('userId', 'userId');
    },
    // A newer page in another tab wants to change the database: it goes first.
    blocking: (_current, _blocked, event) => (event.target as IDBDatabase).close(),
  });
}
