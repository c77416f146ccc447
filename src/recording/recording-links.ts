import { createHmac, timingSafeEqual } from 'node:crypto';
import { and, eq, isNull, lt, or, sql } from 'drizzle-orm';
import { validate as isUuid, v7 as uuidv7 } from 'uuid';
import type { Database, Transaction } from '../db/database.ts';
import { recordingLinks } from '../db/tables.ts';
import { AppError } from '../protocol/errors.ts';

const keyName = 'recording-links';
/** How long a link lives that nobody gave a time, where there is no limit either. */
const usualMinutes = 15;

export type RecordingLinks = ReturnType<typeof createRecordingLinks>;

/** Links that open a recording without a token: signed, so that none can be made up; they expire, and count how often they are opened. */
export function createRecordingLinks(parts: {
  db: Database;
  dataKey: (name: string) => Promise<Buffer>;
  /** 0: no limit. */
  limitMinutes: number;
  publicUrl: () => string;
}) {
  const { db, dataKey, limitMinutes, publicUrl } = parts;

  async function sign(linkId: string): Promise<Buffer> {
    return createHmac('sha256', await dataKey(keyName))
      .update(linkId)
      .digest();
  }

  return {
    /** Makes a link, in the transaction that writes it down. */
    async create(
      tx: Transaction,
      options: { recordingId: string; createdBy: string; expiresInMinutes: number | undefined; maxUses: number | undefined },
    ): Promise<{ url: string; expiresAt: string; linkId: string }> {
      const { recordingId, createdBy, expiresInMinutes, maxUses } = options;
      const longest = limitMinutes > 0 ? limitMinutes : Number.POSITIVE_INFINITY;
      const lifeMinutes = Math.min(expiresInMinutes ?? Math.min(usualMinutes, longest), longest);
      const linkId = uuidv7();
      const expiresAt = new Date(Date.now() + lifeMinutes * 60_000);
      await tx.insert(recordingLinks).values({ linkId, recordingId, createdBy, expiresAt, maxUses: maxUses ?? null });
      const token = `${linkId}.${(await sign(linkId)).toString('base64url')}`;
      return { url: `${publicUrl()}/api/v1/recordings/links/${token}`, expiresAt: expiresAt.toISOString(), linkId };
    },

    /**
     * The recording that a link opens, counted as one use; going on with the reading of what the same address has opened (`isContinued`) counts
     * nothing. Errors: `recording.not_found` for one that was not made here, `recording.link_expired`, also when it is used up.
     */
    async open(token: string, address: string, isContinued: boolean): Promise<{ recordingId: string; linkId: string; createdBy: string }> {
      const [linkId = '', signature = ''] = token.split('.');
      const given = Buffer.from(signature, 'base64url');
      if (!isUuid(linkId)) throw new AppError('recording.not_found');
      const wanted = await sign(linkId);
      if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) throw new AppError('recording.not_found');
      const [link] = await db.sql.select().from(recordingLinks).where(eq(recordingLinks.linkId, linkId));
      if (!link) throw new AppError('recording.not_found');
      if (link.expiresAt.getTime() <= Date.now()) throw new AppError('recording.link_expired');
      if (isContinued && link.addresses.includes(address)) return link;
      const { rowCount } = await db.sql
        .update(recordingLinks)
        .set({
          uses: sql`${recordingLinks.uses} + 1`,
          addresses: sql`array_append(array_remove(${recordingLinks.addresses}, ${address}), ${address})`,
        })
        .where(and(eq(recordingLinks.linkId, linkId), or(isNull(recordingLinks.maxUses), lt(recordingLinks.uses, recordingLinks.maxUses))));
      if (rowCount !== 1) throw new AppError('recording.link_expired');
      return link;
    },
  };
}
