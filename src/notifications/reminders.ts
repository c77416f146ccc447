import type { Database } from '../db/database.ts';
import type { FactMap } from '../facts.ts';
import { addJobIn, type JobHandlers, removeJobIn } from '../jobs/job-queue.ts';
import { reminderLeadMs } from './delivery-plan.ts';
import type { NotificationService } from './notification-service.ts';

const jobKey = (appointmentId: string) => `appointment:${appointmentId}`;

/** What is known of an appointment. */
export interface Reminded {
  readonly scheduledAt: Date;
  readonly durationMinutes: number;
  readonly participantIds: readonly string[];
}

/** Reminds participants of their appointments a quarter of an hour before, by a job that follows what is declared. */
export function createReminders(parts: {
  db: Database;
  notifications: NotificationService;
  findAppointment: (appointmentId: string) => Promise<Reminded | undefined>;
}) {
  const { db, notifications, findAppointment } = parts;
  const jobs: Pick<JobHandlers, 'notifications:remind'> = {
    'notifications:remind': async ({ appointmentId, scheduledAt }) => {
      const appointment = await findAppointment(appointmentId);
      const leftMs = Date.parse(scheduledAt) - Date.now();
      // Declared anew for another time, it has another job; one that has begun needs no reminder.
      if (appointment?.scheduledAt.toISOString() !== scheduledAt || leftMs <= 0) return;
      const { participantIds, durationMinutes } = appointment;
      await notifications.create({
        userIds: participantIds,
        type: 'appointment.reminder',
        // Urgent, because at the end of quiet hours it would come too late.
        priority: 'urgent',
        dedupeKey: `${jobKey(appointmentId)}:${scheduledAt}`,
        content: (texts) => ({
          title: texts.reminder(Math.max(1, Math.round(leftMs / 60_000))),
          body: null,
          data: { appointmentId, scheduledAt, durationMinutes },
        }),
      });
    },
  };

  return {
    jobs,

    async declared({ appointmentId, scheduledAt }: FactMap['appointment.declared'][0]): Promise<void> {
      if (scheduledAt <= new Date()) return await removeJobIn(db.sql, jobKey(appointmentId));
      const runAt = new Date(scheduledAt.getTime() - reminderLeadMs);
      const payload = { appointmentId, scheduledAt: scheduledAt.toISOString() };
      await addJobIn(db.sql, 'notifications:remind', payload, { key: jobKey(appointmentId), runAt });
    },

    removed: ({ appointmentId }: FactMap['appointment.removed'][0]) => removeJobIn(db.sql, jobKey(appointmentId)),
  };
}
