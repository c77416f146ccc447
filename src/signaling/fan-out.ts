import type { Server } from 'socket.io';
import type { Audience, Notifier, RelayedNotice } from '../notifier.ts';
import { conversationChannel, moderatorChannel, roomChannel, type Session, sessionChannel, userChannel } from './session.ts';

/**
 * Sends notices through socket.io's rooms to the sessions of this server, in the tick in which they are told, and hands to `relay` what sessions
 * elsewhere may have to hear. A room's sessions are all on the server where the room is alive.
 */
export function createFanOut(
  io: Server,
  findSession: (sessionId: string) => Session | undefined,
  relay?: (notice: RelayedNotice) => void,
): Notifier & { deliver(notice: RelayedNotice): void } {
  const deliver = ({ audience: { to, exceptSessionId }, name, payload }: RelayedNotice) => {
    const target = io.to(channelOf(to));
    (exceptSessionId === undefined ? target : target.except(sessionChannel(exceptSessionId))).emit(name, payload);
  };
  const isForOthersToo = (to: Audience['to']) => 'userIds' in to || ('sessionId' in to && !findSession(to.sessionId));
  return {
    /** Sends what another server has handed on. */
    deliver,
    notify: (audience, name, payload) => {
      const notice = { audience, name, payload };
      deliver(notice);
      if (relay && isForOthersToo(audience.to)) relay(notice);
    },
    enterRoom: (sessionId, roomId, { moderator }) => {
      const session = findSession(sessionId);
      session?.join(roomChannel(roomId));
      if (moderator) session?.join(moderatorChannel(roomId));
      else session?.leave(moderatorChannel(roomId));
    },
    enterConversation: (sessionId, conversationId) => {
      const session = findSession(sessionId);
      session?.join(conversationChannel(conversationId, session.identity.userId));
    },
    leaveRoom: (sessionId, roomId) => {
      const session = findSession(sessionId);
      session?.leave(roomChannel(roomId));
      session?.leave(moderatorChannel(roomId));
    },
  };
}

function channelOf(to: Audience['to']): string | string[] {
  if ('sessionId' in to) return sessionChannel(to.sessionId);
  if ('userIds' in to) {
    const { userIds, conversationId } = to;
    const channels = userIds.map(userChannel);
    return conversationId === undefined ? channels : [...channels, ...userIds.map((userId) => conversationChannel(conversationId, userId))];
  }
  if ('moderatorsOf' in to) return moderatorChannel(to.moderatorsOf);
  return roomChannel(to.roomId);
}
