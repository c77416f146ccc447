import { actorOf, type EntryService } from '../../rooms/entry-service.ts';
import type { LiveRooms } from '../../rooms/live-rooms.ts';
import type { ModerationService } from '../../rooms/moderation-service.ts';
import type { RoomService } from '../../rooms/room-service.ts';
import { done, type Handlers, type RequestsOf } from '../dispatch.ts';

/** `room:*`. */
export function createRoomHandlers(parts: {
  entry: EntryService;
  moderation: ModerationService;
  roomService: RoomService;
  rooms: LiveRooms;
}): Handlers<RequestsOf<'room'>> {
  const { entry, moderation, roomService, rooms } = parts;
  return {
    'room:join': (session, payload) => entry.join(session, payload),
    'room:leave': done((session) => entry.leave(session, 'left')),
    'room:participants': async (session, { roomId }) => ({ participants: await entry.participants(session, roomId) }),
    'room:admit': done((session, payload) => moderation.admit(session, payload)),
    'room:deny': done((session, payload) => moderation.deny(session, payload)),
    'room:lock': done((session) => moderation.lock(session)),
    'room:unlock': done((session) => moderation.unlock(session)),
    'room:end': done(async (session) => {
      const { live } = rooms.getModeratorSeat(session.sessionId);
      await roomService.end(actorOf(session), live.roomId, 'ended_by_moderator');
    }),
    'room:mute': done((session, payload) => moderation.mute(session, payload)),
    'room:kick': done((session, payload) => moderation.kick(session, payload)),
    'room:raiseHand': done((session, payload) => moderation.raiseHand(session, payload)),
  };
}
