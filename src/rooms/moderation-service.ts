import { audit } from '../db/audit-log.ts';
import type { Database } from '../db/database.ts';
import type { Notifier } from '../notifier.ts';
import { AppError } from '../protocol/errors.ts';
import type { RequestPayload } from '../protocol/index.ts';
import { actorOf, type Caller, type EntryService } from './entry-service.ts';
import type { LiveRooms } from './live-rooms.ts';
import { pauseIfSending } from './media-service.ts';
import * as store from './room-store.ts';

export type ModerationService = ReturnType<typeof createModerationService>;

/** Rules of running a room from within: lobby, lock, mute, kick, raised hands. All but `raiseHand` are for moderators (`auth.forbidden`). */
export function createModerationService(parts: { db: Database; notifier: Notifier; rooms: LiveRooms; entry: EntryService }) {
  const { db, notifier, rooms, entry } = parts;

  async function decide(caller: Caller, participantId: string, isAdmitted: boolean): Promise<void> {
    const { live } = rooms.getModeratorSeat(caller.sessionId);
    const waiter = live.lobby.participants.find((participant) => participant.participantId === participantId);
    if (!waiter) throw new AppError('room.participant_not_found');
    await db.transaction(async (tx) => {
      await audit(tx, {
        actor: actorOf(caller),
        action: isAdmitted ? 'participant.admitted' : 'participant.denied',
        subject: live.roomId,
        details: { userId: waiter.userId },
      });
      // Within the transaction: of two moderators who decide at once only one does, and only that one's row stands.
      live.lobby.decide(participantId, isAdmitted);
    });
  }

  async function setLocked(caller: Caller, locked: boolean): Promise<void> {
    const { live } = rooms.getModeratorSeat(caller.sessionId);
    if (live.row.locked === locked) return;
    await db.transaction(async (tx) => {
      await store.updateRoom(tx, live.roomId, { locked });
      await audit(tx, { actor: actorOf(caller), action: locked ? 'room.locked' : 'room.unlocked', subject: live.roomId });
    });
    live.row = { ...live.row, locked };
    notifier.notify({ to: { roomId: live.roomId } }, locked ? 'room:locked' : 'room:unlocked', { roomId: live.roomId });
  }

  return {
    /** Errors: `room.participant_not_found` when nobody waits by that id. */
    admit: (caller: Caller, { participantId }: RequestPayload<'room:admit'>) => decide(caller, participantId, true),
    deny: (caller: Caller, { participantId }: RequestPayload<'room:deny'>) => decide(caller, participantId, false),

    lock: (caller: Caller) => setLocked(caller, true),
    unlock: (caller: Caller) => setLocked(caller, false),

    /** Pauses a participant's source on the server. With `allowUnmute: false` it stays so until a moderator calls again with `true`. */
    async mute(caller: Caller, { participantId, source, allowUnmute }: RequestPayload<'room:mute'>): Promise<void> {
      const { live } = rooms.getModeratorSeat(caller.sessionId);
      const { userId } = live.getParticipant(participantId).identity;
      await audit(db.sql, {
        actor: actorOf(caller),
        action: 'participant.muted',
        subject: live.roomId,
        details: { userId, source, allowUnmute },
      });
      const participant = live.getParticipant(participantId);
      participant.muted.set(source, { allowUnmute });
      await Promise.all([...participant.seats.values()].map((seat) => pauseIfSending(seat, source)));
      notifier.notify({ to: { roomId: live.roomId } }, 'room:muted', { participantId, source, allowUnmute });
      live.tellUpdated(participant);
    },

    /** Takes a participant out of the room, for good with `ban`. Errors: `auth.forbidden` for oneself and for the host. */
    async kick(caller: Caller, { participantId, ban = false }: RequestPayload<'room:kick'>): Promise<void> {
      const { live } = rooms.getModeratorSeat(caller.sessionId);
      const participant = live.getParticipant(participantId);
      const { userId } = participant.identity;
      if (userId === caller.identity.userId || userId === live.row.hostId) throw new AppError('auth.forbidden');
      const actor = actorOf(caller);
      await db.transaction(async (tx) => {
        if (ban) await store.insertBan(tx, { roomId: live.roomId, userId, bannedBy: actor.userId });
        await audit(tx, { actor, action: 'participant.kicked', subject: live.roomId, details: { userId, ban } });
      });
      live.lobby.withdrawAdmission(userId);
      await entry.remove({
        actor,
        live,
        userId,
        reason: ban ? 'banned' : 'kicked',
        beforehand: ({ seats }) => {
          for (const sessionId of seats.keys()) {
            notifier.notify({ to: { sessionId } }, 'room:kicked', { roomId: live.roomId, banned: ban });
          }
        },
      });
    },

    /** Raises or lowers one's own hand. */
    raiseHand(caller: Caller, { raised }: RequestPayload<'room:raiseHand'>): void {
      const { live, seat } = rooms.getSeat(caller.sessionId);
      if (seat.participant.handRaised === raised) return;
      seat.participant.handRaised = raised;
      live.tellUpdated(seat.participant);
    },
  };
}
