import { z } from 'zod';
import { timestamp, timestampInput, userId } from './ids.ts';

export const appointmentBody = z.strictObject({
  participantIds: z.array(userId).min(1).max(50),
  scheduledAt: timestampInput,
  durationMinutes: z.int().min(1).max(1440),
});
export type AppointmentBody = z.infer<typeof appointmentBody>;

export const appointment = z.object({
  appointmentId: z.string(),
  participantIds: z.array(userId),
  scheduledAt: timestamp,
  durationMinutes: z.number(),
});
export type Appointment = z.infer<typeof appointment>;
