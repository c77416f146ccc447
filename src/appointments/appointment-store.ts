import { eq, sql } from 'drizzle-orm';
import type { Sql, Transaction } from '../db/database.ts';
import { appointmentParticipants, appointments } from '../db/tables.ts';

export type AppointmentRow = typeof appointments.$inferSelect & { participantIds: string[] };

/** One appointment with its participants, or undefined. */
export async function findAppointment(db: Sql | Transaction, appointmentId: string): Promise<AppointmentRow | undefined> {
  const [row] = await db.select().from(appointments).where(eq(appointments.appointmentId, appointmentId));
  if (!row) return undefined;
  const participants = await db
    .select({ userId: appointmentParticipants.userId })
    .from(appointmentParticipants)
    .where(eq(appointmentParticipants.appointmentId, appointmentId))
    .orderBy(appointmentParticipants.userId);
  return { ...row, participantIds: participants.map(({ userId }) => userId) };
}

/** Declares an appointment, or declares it anew; answers whether it was new. */
export async function putAppointment(
  tx: Transaction,
  { participantIds, ...row }: typeof appointments.$inferInsert & { participantIds: readonly string[] },
): Promise<boolean> {
  const { appointmentId, scheduledAt, durationMinutes } = row;
  const [result] = await tx
    .insert(appointments)
    .values(row)
    .onConflictDoUpdate({ target: appointments.appointmentId, set: { scheduledAt, durationMinutes } })
    .returning({ isNew: sql<boolean>`xmax = 0` });
  await tx.delete(appointmentParticipants).where(eq(appointmentParticipants.appointmentId, appointmentId));
  await tx.insert(appointmentParticipants).values(participantIds.map((userId) => ({ appointmentId, userId })));
  return result?.isNew ?? false;
}

/** Takes an appointment back; answers whether there was one. */
export async function deleteAppointment(tx: Transaction, appointmentId: string): Promise<boolean> {
  const { rowCount } = await tx.delete(appointments).where(eq(appointments.appointmentId, appointmentId));
  return (rowCount ?? 0) > 0;
}
