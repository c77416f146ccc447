import type { Server } from 'socket.io';
import type { Audience, Notifier } from '../notifier.ts';
import type { NoticeName } from '../protocol/index.ts';
import { conversationChannel, moderatorChannel, roomChannel, type Session, sessionChannel, userChannel } from './session.ts';

/** Sends notices through socket.io's rooms. */
export function createFanOut(io: Server, findSession: (sessionId: string) => Session | undefined): Notifier {
  const emit = (channel: string | string[], exceptSessionId: string | undefined, name: NoticeName, payload: unknown) => {
    const target = io.to(channel);
    (exceptSessionId === undefined ? target : target.except(sessionChannel(exceptSessionId))).emit(name, payload);
  };
  return {
    notify: ({ to, exceptSessionId }, name, payload) => emit(channelOf(to), exceptSessionId, name, payload),
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
