import type { Identity, RoomGrants } from '../auth/token.ts';
import { AppError } from '../protocol/errors.ts';
import { allSources, type Source } from '../protocol/ids.ts';
import type { RoomRow } from './room-store.ts';

/** What somebody may do in a room, decided once when they enter. */
export interface Rights {
  readonly canPublish: readonly Source[];
  readonly canSubscribe: boolean;
  readonly canModerate: boolean;
  readonly canRecord: boolean;
}

/** What a room's row says about one user. */
export interface Relation {
  readonly isInvited: boolean;
  readonly isBanned: boolean;
  /** The call that goes on in the room: whether the user has begun or accepted it, and not left. Undefined where there is none. */
  readonly call: { readonly isIn: boolean } | undefined;
  /** The room's appointment; undefined where the host application has declared none. */
  readonly appointment: { readonly scheduledAt: Date; readonly isParticipant: boolean } | undefined;
}

/** How long before its appointment a room opens for patients. */
const earlyMinutes = 15;

/**
 * Moderators are the host, whoever made the room, admins, and the providers of the room's declared appointment; a token's own word goes before
 * that.
 */
export function isModerator(
  room: Pick<RoomRow, 'hostId' | 'createdBy'>,
  identity: Identity,
  grants: RoomGrants | undefined,
  isInAppointment: boolean,
): boolean {
  const { userId, role } = identity;
  const isByRole = role === 'admin' || (role === 'provider' && isInAppointment);
  return grants?.canModerate ?? (isByRole || room.hostId === userId || room.createdBy === userId);
}

/**
 * Patients may enter the room of a declared appointment from 15 minutes before its time on, and come back as late as they like; everybody else
 * at any time, and so whoever is rung into it. Errors: `room.too_early` with `details.opensAt`.
 */
export function assertNotTooEarly(
  { role }: Pick<Identity, 'role'>,
  { appointment, call }: Relation,
  rights: Rights,
  now = new Date(),
): void {
  if (!appointment || call || role !== 'patient' || rights.canModerate) return;
  const opensAt = new Date(appointment.scheduledAt.getTime() - earlyMinutes * 60_000);
  if (now < opensAt) throw new AppError('room.too_early', { details: { opensAt: opensAt.toISOString() } });
}

/** A token of one room says nothing of any other, not even whether it exists. Errors: `auth.forbidden`. */
export function assertGrantsFit(grants: RoomGrants | undefined, roomId: string): void {
  if (grants && grants.roomId !== roomId) throw new AppError('auth.forbidden');
}

/**
 * Decides whether somebody may enter a room and with which rights.
 * A room with a guest list is for its host, those on the list, the participants of its declared appointment and holders of its tokens; without
 * one its address is the invitation. While a call goes on in it, it is for those in the call alone. Whom a lent token let in need not show it again
 * while they are there, and keep the rights it lent.
 * Errors: `room.not_found` (also for strangers), `room.banned`, `auth.forbidden` for a token of another room.
 */
export function assertMayEnter(
  room: RoomRow,
  identity: Identity,
  relation: Relation & { readonly held?: Rights | undefined },
  lent: RoomGrants | undefined,
  policy: 'appointment' | 'open',
): Rights {
  const grants = lent ?? identity.grants;
  assertGrantsFit(grants, room.roomId);
  if (relation.call && !relation.call.isIn && identity.role !== 'admin') throw new AppError('room.not_found');
  const isInAppointment = relation.appointment?.isParticipant ?? false;
  const canModerate = isModerator(room, identity, grants, isInAppointment);
  const isWelcome = canModerate || grants !== undefined || relation.isInvited || isInAppointment || !room.invitedOnly;
  const isWelcomeByPolicy = policy === 'open' && identity.role === 'provider';
  const held = isWelcome || isWelcomeByPolicy ? undefined : relation.held;
  if (!isWelcome && !isWelcomeByPolicy && !held) throw new AppError('room.not_found');
  if (relation.isBanned && identity.role !== 'admin') throw new AppError('room.banned');
  if (held) return held;
  return {
    canPublish: grants?.canPublish ?? allSources,
    canSubscribe: grants?.canSubscribe ?? true,
    canModerate,
    canRecord: grants?.canRecord ?? canModerate,
  };
}
