import { AppError } from '../protocol/errors.ts';
import type { Role } from '../protocol/ids.ts';

/** What two users have in common. */
export interface Ties {
  readonly shareAppointment: boolean;
  readonly shareRoom: boolean;
  readonly shareConversation: boolean;
}

/**
 * Whether one user may chat with or ring another. Admins and the host application may reach everybody; patients never reach other patients;
 * under `open` providers reach everybody and everybody reaches providers; otherwise two need an appointment, a room or a conversation in common.
 * `otherRole` is undefined for somebody whom the server has not seen yet.
 */
export function mayMeet(policy: 'appointment' | 'open', role: Role, otherRole: Role | undefined, ties: Ties): boolean {
  if (role === 'admin' || role === 'service') return true;
  if (role === 'patient' && otherRole === 'patient') return false;
  if (policy === 'open' && (role === 'provider' || otherRole === 'provider')) return true;
  return hasTie(ties);
}

/**
 * Whether one user may see how another stands (online, away, in a call). Under `open` everybody signed in sees everybody; otherwise whoever may
 * reach them.
 */
export function maySee(policy: 'appointment' | 'open', role: Role, otherRole: Role | undefined, ties: Ties): boolean {
  return policy === 'open' || mayMeet(policy, role, otherRole, ties);
}

function hasTie({ shareAppointment, shareRoom, shareConversation }: Ties): boolean {
  return shareAppointment || shareRoom || shareConversation;
}

/** A token for one room alone opens that room and nothing of its user's. Errors: `auth.forbidden` for such a token. */
export function assertWholeToken({ onlyRoomId }: { readonly onlyRoomId?: string | undefined }): void {
  if (onlyRoomId !== undefined) throw new AppError('auth.forbidden');
}
