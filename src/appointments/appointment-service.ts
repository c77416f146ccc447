import { type Actor, audit } from '../db/audit-log.ts';
import type { Database } from '../db/database.ts';
import type { Facts } from '../facts.ts';
import type { Appointment, AppointmentBody } from '../protocol/appointment.ts';
import { AppError } from '../protocol/errors.ts';
import * as store from './appointment-store.ts';

function toAppointment({ appointmentId, participantIds, scheduledAt, durationMinutes }: store.AppointmentRow): Appointment {
  return { appointmentId, participantIds, scheduledAt: scheduledAt.toISOString(), durationMinutes };
}

export type AppointmentService = ReturnType<typeof createAppointmentService>;

/** Who asks; a token for one room has no appointments. */
interface Requester extends Actor {
  readonly onlyRoomId: string | undefined;
}

/** Rules about appointments: the host application declares who may meet, and when. */
export function createAppointmentService({ db, facts }: { db: Database; facts: Facts }) {
  function assertMayDeclare({ role, onlyRoomId }: Requester): void {
    if (onlyRoomId !== undefined || (role !== 'service' && role !== 'admin')) throw new AppError('auth.forbidden');
  }

  return {
    /** Declares an appointment, or declares it anew. Errors: `auth.forbidden`. */
    async put(actor: Requester, appointmentId: string, body: AppointmentBody): Promise<{ appointment: Appointment; isNew: boolean }> {
      assertMayDeclare(actor);
      const participantIds = [...new Set(body.participantIds)].sort();
      const scheduledAt = new Date(body.scheduledAt);
      const { durationMinutes } = body;
      const declared = await db.transaction(async (tx) => {
        const isNew = await store.putAppointment(tx, {
          appointmentId,
          scheduledAt,
          durationMinutes,
          createdBy: actor.userId,
          participantIds,
        });
        await audit(tx, { actor, action: 'appointment.declared', subject: appointmentId, details: { participantIds } });
        return { appointment: { appointmentId, participantIds, scheduledAt: scheduledAt.toISOString(), durationMinutes }, isNew };
      });
      facts.emit('appointment.declared', { appointmentId, scheduledAt, participantIds });
      return declared;
    },

    /** One appointment, for its participants, admins and the host application. Errors: `appointment.not_found`, also for strangers; `auth.forbidden` with a token for one room. */
    async get({ userId, role, onlyRoomId }: Requester, appointmentId: string): Promise<Appointment> {
      if (onlyRoomId !== undefined) throw new AppError('auth.forbidden');
      const row = await store.findAppointment(db.sql, appointmentId);
      const maySee = role === 'service' || role === 'admin' || row?.participantIds.includes(userId);
      if (!row || !maySee) throw new AppError('appointment.not_found');
      return toAppointment(row);
    },

    /** Takes an appointment back. Errors: `auth.forbidden`, `appointment.not_found`. */
    async remove(actor: Requester, appointmentId: string): Promise<void> {
      assertMayDeclare(actor);
      await db.transaction(async (tx) => {
        if (!(await store.deleteAppointment(tx, appointmentId))) throw new AppError('appointment.not_found');
        await audit(tx, { actor, action: 'appointment.removed', subject: appointmentId });
      });
      facts.emit('appointment.removed', { appointmentId });
    },
  };
}
