import type { Sql, Transaction } from './database.ts';
import { auditLog } from './tables.ts';

/** Who does something: a user, or the server itself. */
export interface Actor {
  readonly userId: string;
  readonly role: string;
  readonly address?: string | undefined;
}

/** The server acting by itself (time limits, clean-up). */
export const serverActor: Actor = { userId: 'parley', role: 'server' };

/** What is written down. Names are `subject.verb`, in the past. */
export type AuditAction =
  | 'session.started'
  | 'room.created'
  | 'room.updated'
  | 'room.token_issued'
  | 'room.locked'
  | 'room.unlocked'
  | 'room.ended'
  | 'participant.joined'
  | 'participant.left'
  | 'participant.admitted'
  | 'participant.denied'
  | 'participant.muted'
  | 'participant.kicked'
  | 'appointment.declared'
  | 'appointment.removed'
  | 'call.initiated'
  | 'call.accepted'
  | 'call.declined'
  | 'call.cancelled'
  | 'call.connected'
  | 'call.invited'
  | 'call.left'
  | 'call.raised_to_video'
  | 'call.ended'
  | 'call.read_by_staff'
  | 'presence.read_by_staff'
  | 'notification.created'
  | 'conversation.created'
  | 'conversation.updated'
  | 'conversation.closed'
  | 'conversation.members_changed'
  | 'conversation.read_by_staff'
  | 'message.edited'
  | 'message.deleted'
  | 'attachment.read'
  | 'recording.requested'
  | 'recording.consent_granted'
  | 'recording.consent_refused'
  | 'recording.consent_withdrawn'
  | 'recording.started'
  | 'recording.paused'
  | 'recording.resumed'
  | 'recording.stopped'
  | 'recording.refused'
  | 'recording.ready'
  | 'recording.failed'
  | 'recording.recomposed'
  | 'recording.listed'
  | 'recording.read'
  | 'recording.played'
  | 'recording.downloaded'
  | 'recording.consents_exported'
  | 'recording.link_created'
  | 'recording.held'
  | 'recording.released'
  | 'recording.erased'
  | 'recording.deleted'
  | 'recording.text_set'
  | 'user.updated'
  | 'user.suspended'
  | 'user.unsuspended';

export interface AuditEntry {
  readonly actor: Actor;
  readonly action: AuditAction;
  /** What it was done to: a room's, participant's or user's id. */
  readonly subject?: string;
  readonly details?: Record<string, unknown>;
}

/** Writes one entry, inside the transaction it tells of. The table refuses changes and deletions. */
export async function audit(tx: Transaction | Sql, { actor, action, subject, details }: AuditEntry): Promise<void> {
  await tx.insert(auditLog).values({
    actorId: actor.userId,
    actorRole: actor.role,
    action,
    subject: subject ?? null,
    address: actor.address ?? null,
    details: details ?? {},
  });
}
