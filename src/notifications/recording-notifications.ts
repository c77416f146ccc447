import type { Database } from '../db/database.ts';
import type { FactMap } from '../facts.ts';
import type { NotificationService } from './notification-service.ts';
import { findRecipients } from './notification-store.ts';

/** Notifies those who are asked whether they may be recorded, once for each recording: the page may be behind another one. */
export function createRecordingNotifications({ db, notifications }: { db: Database; notifications: NotificationService }) {
  return {
    async requested({ recordingId, roomId, requestedBy, userIds }: FactMap['recording.requested'][0]): Promise<void> {
      if (userIds.length === 0) return;
      const asker = (await findRecipients(db.sql, [requestedBy])).get(requestedBy)?.displayName ?? requestedBy;
      await notifications.create({
        userIds,
        type: 'recording.requested',
        priority: 'high',
        dedupeKey: `recording:${recordingId}`,
        content: (texts) => ({ title: texts.recordingRequested(asker), body: null, data: { recordingId, roomId } }),
      });
    },
  };
}
