import type { PresenceService, WatchingSession } from '../../presence/presence-service.ts';
import { done, type Handlers, type RequestsOf } from '../dispatch.ts';
import type { Session } from '../session.ts';

function watcherOf(session: Session): WatchingSession {
  const { identity, address, sessionId } = session;
  const { userId, role, grants } = identity;
  return { userId, role, address, sessionId, onlyRoomId: grants?.roomId, isOpen: () => !session.closed };
}

/** `presence:*`. */
export function createPresenceHandlers({ presence }: { presence: PresenceService }): Handlers<RequestsOf<'presence'>> {
  return {
    'presence:get': async (session, { userIds }) => ({ presences: await presence.get(watcherOf(session), userIds) }),
    'presence:set': async (session, payload) => ({ presence: await presence.set(watcherOf(session), payload) }),
    'presence:subscribe': async (session, payload) => ({ presences: await presence.subscribe(watcherOf(session), payload) }),
    'presence:unsubscribe': done((session, payload) => presence.unsubscribe(session, payload)),
    'presence:heartbeat': done((session, payload) => presence.heartbeat(watcherOf(session), payload)),
  };
}
