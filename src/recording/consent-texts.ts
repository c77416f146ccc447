import { and, desc, eq, inArray, sql } from 'drizzle-orm';
import { type Actor, audit } from '../db/audit-log.ts';
import type { Database, Sql, Transaction } from '../db/database.ts';
import { recordingTexts } from '../db/tables.ts';
import { AppError } from '../protocol/errors.ts';
import type { ConsentText } from '../protocol/recording.ts';

/** In force while the host application has set none. */
const builtIn: ConsentText = {
  language: 'en',
  textVersion: 1,
  text:
    'This conversation is to be recorded. Your sound and picture are recorded only if you agree. You may refuse without giving a reason, and you may ' +
    'take your consent back at any time; nothing more of you is recorded from then on, and you may have what was recorded of you erased.',
  createdAt: null,
};

export type ConsentTexts = ReturnType<typeof createConsentTexts>;

/** The texts that people read before they agree to be recorded: versions by language, set by the host application. */
export function createConsentTexts({ db }: { db: Database }) {
  /** The text in force for somebody who reads `locale`: in that language, in its main one, in English. */
  async function inForce(tx: Sql | Transaction, locale: string): Promise<ConsentText> {
    const wanted = [...new Set([locale.toLowerCase(), locale.toLowerCase().split(/[-_]/)[0] ?? '', 'en'])];
    const rows = await tx
      .selectDistinctOn([recordingTexts.language])
      .from(recordingTexts)
      .where(inArray(recordingTexts.language, wanted))
      .orderBy(recordingTexts.language, desc(recordingTexts.version));
    const row = wanted.map((language) => rows.find((candidate) => candidate.language === language)).find((found) => found !== undefined);
    return row ? toText(row) : builtIn;
  }

  return {
    inForce,

    /** A text by its version, as somebody once read it. */
    async find(language: string, version: number): Promise<ConsentText> {
      const [row] = await db.sql
        .select()
        .from(recordingTexts)
        .where(and(eq(recordingTexts.language, language), eq(recordingTexts.version, version)));
      return row ? toText(row) : builtIn;
    },

    /** All texts in force. */
    async list(): Promise<ConsentText[]> {
      const rows = await db.sql
        .selectDistinctOn([recordingTexts.language])
        .from(recordingTexts)
        .orderBy(recordingTexts.language, desc(recordingTexts.version));
      const texts = rows.map(toText);
      return texts.some(({ language }) => language === 'en') ? texts : [builtIn, ...texts];
    },

    /** Puts a new version in force; whoever has read an older one has to read this one. Errors: `auth.forbidden` but for admins and services. */
    async set(actor: Actor & { readonly onlyRoomId?: string | undefined }, given: string, text: string): Promise<ConsentText> {
      if (!['admin', 'service'].includes(actor.role) || actor.onlyRoomId !== undefined) throw new AppError('auth.forbidden');
      const language = given.toLowerCase();
      return await db.transaction(async (tx) => {
        // Two at once make two versions.
        await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended('recording texts', 0))`);
        const [last] = await tx
          .select()
          .from(recordingTexts)
          .where(eq(recordingTexts.language, language))
          .orderBy(desc(recordingTexts.version))
          .limit(1);
        const version = (last?.version ?? builtIn.textVersion) + 1;
        const [row] = await tx.insert(recordingTexts).values({ language, version, text, createdBy: actor.userId }).returning();
        if (!row) throw new Error('insert returned no row');
        await audit(tx, { actor, action: 'recording.text_set', subject: language, details: { version } });
        return toText(row);
      });
    },
  };
}

function toText(row: typeof recordingTexts.$inferSelect): ConsentText {
  return { language: row.language, textVersion: row.version, text: row.text, createdAt: row.createdAt.toISOString() };
}
