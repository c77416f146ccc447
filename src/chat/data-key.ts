import { randomBytes } from 'node:crypto';
import { eq } from 'drizzle-orm';
import type { Database } from '../db/database.ts';
import { dataKeys } from '../db/tables.ts';
import type { KeyRing } from '../storage/key-ring.ts';

const context = (name: string) => `data-key:${name}`;

/**
 * A random 256-bit key by name, made on first use and kept in the database wrapped by the key ring, so that all servers share it.
 * @throws Error with one clear line when the ring does not open it.
 */
export async function readOrMakeDataKey(db: Database, keyRing: KeyRing, name: string): Promise<Buffer> {
  const { keyId, bytes } = keyRing.seal(randomBytes(32), context(name));
  await db.sql.insert(dataKeys).values({ name, keyId, sealed: bytes }).onConflictDoNothing();
  const [row] = await db.sql.select().from(dataKeys).where(eq(dataKeys.name, name));
  if (!row) throw new Error(`data key ${name} was not kept`);
  try {
    return keyRing.open({ keyId: row.keyId, bytes: row.sealed }, context(name));
  } catch (error) {
    throw new Error(
      `This database was encrypted with another key "${row.keyId}"; put it into ENCRYPTION_KEYS or restore the data folder.`,
      { cause: error },
    );
  }
}

/** Wraps every data key anew that is not wrapped by the current key. */
export async function rewrapDataKeys(db: Database, keyRing: KeyRing): Promise<void> {
  await db.transaction(async (tx) => {
    for (const { name, keyId, sealed } of await tx.select().from(dataKeys).for('update')) {
      if (keyId === keyRing.currentKeyId) continue;
      const fresh = keyRing.seal(keyRing.open({ keyId, bytes: sealed }, context(name)), context(name));
      await tx.update(dataKeys).set({ keyId: fresh.keyId, sealed: fresh.bytes }).where(eq(dataKeys.name, name));
    }
  });
}
