import type { z } from 'zod';
import { assertWholeToken } from '../auth/access.ts';
import type { Database } from '../db/database.ts';
import type { NotificationSettings, updateNotificationSettingsBody } from '../protocol/notification.ts';
import type { Notified } from './notification-service.ts';
import * as store from './notification-store.ts';

export type SettingsService = ReturnType<typeof createSettingsService>;

/** How users want to be told what happens while they are away. */
export function createSettingsService({ db }: { db: Database }) {
  return {
    /** One's own settings. Errors: `auth.forbidden` with a token for one room. */
    async get(actor: Notified): Promise<NotificationSettings> {
      assertWholeToken(actor);
      return (await store.findRecipients(db.sql, [actor.userId])).get(actor.userId)?.settings ?? store.defaultSettings;
    },

    /** Changes what is given. Errors: `auth.forbidden`. */
    async update(actor: Notified, changes: z.infer<typeof updateNotificationSettingsBody>): Promise<NotificationSettings> {
      assertWholeToken(actor);
      return await db.transaction(async (tx) => {
        const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
        const settings = { ...(await store.lockSettings(tx, actor.userId)), ...given };
        await store.putSettings(tx, actor.userId, settings);
        return settings;
      });
    },
  };
}
