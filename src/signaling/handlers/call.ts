import type { CallActor } from '../../calls/call-actor.ts';
import type { CallService } from '../../calls/call-service.ts';
import { done, type Handlers, type RequestsOf } from '../dispatch.ts';
import type { Session } from '../session.ts';

function callActorOf({ identity, address, sessionId }: Session): CallActor {
  return { userId: identity.userId, role: identity.role, address, sessionId, onlyRoomId: identity.grants?.roomId };
}

/** `call:*`. */
export function createCallHandlers(calls: CallService): Handlers<RequestsOf<'call'>> {
  return {
    'call:initiate': (session, payload) => calls.initiate(callActorOf(session), payload),
    'call:accept': async (session, { callId }) => ({ call: await calls.accept(callActorOf(session), callId) }),
    'call:decline': async (session, { callId, reason }) => ({ call: await calls.decline(callActorOf(session), callId, reason) }),
    'call:cancel': async (session, { callId }) => ({ call: await calls.cancel(callActorOf(session), callId) }),
    'call:end': async (session, { callId, reason }) => ({ call: await calls.end(callActorOf(session), callId, reason) }),
    'call:invite': async (session, payload) => ({ call: await calls.invite(callActorOf(session), payload) }),
    'call:requestVideo': async (session, { callId }) => ({ call: await calls.requestVideo(callActorOf(session), callId) }),
    'call:answerVideo': async (session, payload) => ({ call: await calls.answerVideo(callActorOf(session), payload) }),
    'call:signal': done((session, payload) => calls.signal(callActorOf(session), payload)),
  };
}
