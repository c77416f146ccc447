import { validate as isUuid } from 'uuid';
import { assertWholeToken } from '../auth/access.ts';
import type { ConversationService } from '../chat/conversation-service.ts';
import { audit, serverActor } from '../db/audit-log.ts';
import type { Database } from '../db/database.ts';
import type { Logger } from '../log.ts';
import type { Call, PartyState } from '../protocol/call.ts';
import { AppError } from '../protocol/errors.ts';
import type { Reply, RequestPayload } from '../protocol/index.ts';
import type { RoomService } from '../rooms/room-service.ts';
import type { CallActor } from './call-actor.ts';
import { createCallBeginning, type People } from './call-beginning.ts';
import { createCallChanges, notifyMissed } from './call-changes.ts';
import type { CallNotices } from './call-notices.ts';
import { type CallEvent, isOver, isRinging, next } from './call-state.ts';
import * as store from './call-store.ts';
import { toCall, usersIn } from './call-view.ts';

/** Bytes of one relayed signal. */
const maxSignalBytes = 65_536;

export type CallService = ReturnType<typeof createCallService>;

/** Rules of calls: who may do what, and when. */
export function createCallService(parts: {
  db: Database;
  log: Logger;
  notices: CallNotices;
  people: People;
  conversations: Pick<ConversationService, 'assertInAppointment' | 'createForRoom' | 'ensureDirect' | 'tell'>;
  rooms: Pick<RoomService, 'insertForCall' | 'inviteToCall' | 'end'>;
  limits: { ringSeconds: number; connectingSeconds: number; idleCallSeconds: number; participants: number };
}) {
  const { db, log, notices, people, conversations, rooms, limits } = parts;

  const { change, step } = createCallChanges({ db, log, notices, rooms, limits });
  const begin = createCallBeginning({ db, people, conversations, rooms, limits });

  /** The actor's part in a call. Errors: `call.not_found` for strangers, `auth.forbidden` with a token for one room. */
  function assertParty(call: store.CallRecord, { userId }: CallActor, ...states: PartyState[]): void {
    const party = call.parties.find((one) => one.userId === userId);
    if (!party) throw new AppError('call.not_found');
    if (states.length > 0 && !states.includes(party.state)) throw new AppError('call.invalid_state');
  }

  /** Errors: `call.invalid_state` unless people are in the call, or on the way into it. */
  function assertAnswered({ status }: store.CallRecord): void {
    if (isOver(status) || isRinging(status)) throw new AppError('call.invalid_state');
  }

  async function accept(actor: CallActor, callId: string): Promise<store.CallRecord> {
    assertWholeToken(actor);
    return await change(callId, actor, async (tx, call) => {
      assertParty(call, actor, 'ringing');
      if (!isRinging(call.status)) {
        assertAnswered(call);
        await store.changeParties(tx, callId, [actor.userId], 'joined');
        await audit(tx, { actor, action: 'call.accepted', subject: callId });
        return 'parties';
      }
      const event = await step(tx, call, 'accept', actor);
      const others = usersIn(call, 'ringing').filter((userId) => userId !== actor.userId);
      await store.changeParties(tx, callId, [actor.userId], 'joined');
      await store.changeParties(tx, callId, others, 'elsewhere');
      return event;
    });
  }

  async function initiate(actor: CallActor, request: RequestPayload<'call:initiate'>): Promise<store.CallRecord> {
    assertWholeToken(actor);
    const calleeIds = [...new Set(request.calleeIds)];
    if (calleeIds.includes(actor.userId)) throw new AppError('auth.forbidden', { message: 'Nobody can ring themselves.' });
    if (limits.participants > 0 && calleeIds.length + 1 > limits.participants) {
      throw new AppError('protocol.invalid_payload', { details: { field: 'calleeIds', limit: limits.participants - 1 } });
    }
    await conversations.assertInAppointment(actor, request.appointmentId);
    await people.assertMayReach(actor, calleeIds);
    const begun = await begin(actor, request, calleeIds);
    if (begun.glareId !== undefined) return await accept(actor, begun.glareId);
    if (begun.newConversationId !== null) await conversations.tell('chat:conversationAdded', begun.newConversationId);
    notices.tellBegun(begun.call);
    return begun.call;
  }

  return {
    /**
     * Rings users into a new room. Two who ring one another at once are in one call: the second one accepts the first one's.
     * Errors: `auth.forbidden` for oneself and strangers, `appointment.not_found`, `call.busy` when the actor is in a call, `protocol.invalid_payload`.
     */
    async initiate(actor: CallActor, request: RequestPayload<'call:initiate'>): Promise<Reply<'call:initiate'>> {
      const call = toCall(await initiate(actor, request));
      return { callId: call.callId, roomId: call.roomId, status: call.status, call };
    },

    /** The first to accept has the call. Errors: `call.not_found`, `call.invalid_state`. */
    accept: async (actor: CallActor, callId: string): Promise<Call> => toCall(await accept(actor, callId)),

    /** Takes oneself out of a ring; the last one to decline ends it. Errors: `call.not_found`, `call.invalid_state`. */
    async decline(actor: CallActor, callId: string, reason?: string): Promise<Call> {
      assertWholeToken(actor);
      const declined = await change(callId, actor, async (tx, call) => {
        assertParty(call, actor, 'ringing');
        const isLast = isRinging(call.status) && usersIn(call, 'ringing').length === 1;
        if (isLast) return await step(tx, call, 'decline', actor, reason);
        await store.changeParties(tx, callId, [actor.userId], 'declined');
        await audit(tx, { actor, action: 'call.declined', subject: callId });
        return 'parties';
      });
      return toCall(declined);
    },

    /** Stops one's own ringing. Errors: `call.not_found`, `auth.forbidden` for anybody but the caller, `call.invalid_state`. */
    async cancel(actor: CallActor, callId: string, reason?: string): Promise<Call> {
      assertWholeToken(actor);
      const cancelled = await change(callId, actor, async (tx, call) => {
        assertParty(call, actor);
        if (call.callerId !== actor.userId) throw new AppError('auth.forbidden');
        return await step(tx, call, 'cancel', actor, reason);
      });
      return toCall(cancelled);
    },

    /** Hangs up; the call goes on while two others are in it. Errors: `call.not_found`, `call.invalid_state`. */
    async end(actor: CallActor, callId: string, reason?: string): Promise<Call> {
      assertWholeToken(actor);
      const ended = await change(callId, actor, async (tx, call) => {
        assertParty(call, actor, 'joined');
        assertAnswered(call);
        if (usersIn(call, 'joined').length <= 2) return await step(tx, call, 'hangUp', actor, reason);
        await store.changeParties(tx, callId, [actor.userId], 'left');
        await audit(tx, { actor, action: 'call.left', subject: callId });
        return 'parties';
      });
      return toCall(ended);
    },

    /**
     * Rings one more user into a running call; a call between two, which has their own conversation, gets one for three.
     * Errors: `call.not_found`, `call.invalid_state`, `call.busy` when that user is, `auth.forbidden` for strangers, `room.full`.
     */
    async invite(actor: CallActor, { callId, userId }: RequestPayload<'call:invite'>): Promise<Call> {
      assertWholeToken(actor);
      if (userId === actor.userId) throw new AppError('auth.forbidden', { message: 'Nobody can ring themselves.' });
      await people.assertMayReach(actor, [userId]);
      const undisturbed = await people.findUndisturbed([userId]);
      let newConversationId: string | undefined;
      const invited = await change(callId, actor, async (tx, call) => {
        assertParty(call, actor, 'joined');
        assertAnswered(call);
        const { roomId } = call;
        const known = call.parties.find((party) => party.userId === userId);
        if (roomId === null || known?.state === 'ringing' || known?.state === 'joined') throw new AppError('call.invalid_state');
        const present = usersIn(call, 'joined', 'ringing');
        if (limits.participants > 0 && present.length >= limits.participants) throw new AppError('room.full');
        const engaged = await store.findEngaged(tx, [userId]);
        if (undisturbed.has(userId) || engaged.some(({ state }) => state === 'joined')) {
          throw new AppError('call.busy', { message: 'This user is in another call.' });
        }
        newConversationId = await rooms.inviteToCall(tx, { roomId, userId, memberIds: present });
        if (newConversationId !== undefined) await store.setConversation(tx, callId, newConversationId);
        await store.putRungParty(tx, callId, userId, known?.position ?? call.parties.length, limits.ringSeconds);
        await audit(tx, { actor, action: 'call.invited', subject: callId, details: { userId } });
        return 'parties';
      });
      if (newConversationId !== undefined) await conversations.tell('chat:conversationAdded', newConversationId);
      return toCall(invited);
    },

    /** Asks the others in a voice call for video. Errors: `call.not_found`, `call.invalid_state`. */
    async requestVideo(actor: CallActor, callId: string): Promise<Call> {
      assertWholeToken(actor);
      const asked = await change(callId, actor, async (tx, call) => {
        assertParty(call, actor, 'joined');
        assertAnswered(call);
        if (call.type === 'video') throw new AppError('call.invalid_state');
        await store.setVideo(tx, callId, { videoRequestedBy: actor.userId });
        return 'nothing';
      });
      notices.tellVideoRequested(asked, actor.userId);
      return toCall(asked);
    },

    /** Answers somebody else's wish for video; consent makes it a video call. Errors: `call.not_found`, `call.invalid_state` when nobody else has asked. */
    async answerVideo(actor: CallActor, { callId, accepted }: RequestPayload<'call:answerVideo'>): Promise<Call> {
      assertWholeToken(actor);
      const answered = await change(callId, actor, async (tx, call) => {
        assertParty(call, actor, 'joined');
        assertAnswered(call);
        if (call.videoRequestedBy === null || call.videoRequestedBy === actor.userId) throw new AppError('call.invalid_state');
        await store.setVideo(tx, callId, { videoRequestedBy: null, ...(accepted && { type: 'video' }) });
        if (accepted) await audit(tx, { actor, action: 'call.raised_to_video', subject: callId });
        return 'nothing';
      });
      notices.tellVideoAnswered(answered, actor.userId, accepted);
      return toCall(answered);
    },

    /** Passes a signal to another participant's devices. Errors: `call.not_found`, also for a recipient who is not in the call, `call.invalid_state` when one of them is out
     * of it, `protocol.too_large`. */
    async signal(actor: CallActor, { callId, recipientId, signalType, signal }: RequestPayload<'call:signal'>): Promise<void> {
      assertWholeToken(actor);
      if (Buffer.byteLength(JSON.stringify(signal ?? null)) > maxSignalBytes) {
        throw new AppError('protocol.too_large', { details: { field: 'signal', limitBytes: maxSignalBytes } });
      }
      const call = isUuid(callId) ? await store.findCall(db.sql, callId) : undefined;
      const isParty = (id: string) => call?.parties.some(({ userId }) => userId === id) ?? false;
      if (!call || !isParty(actor.userId) || !isParty(recipientId) || recipientId === actor.userId) throw new AppError('call.not_found');
      const inTouch = usersIn(call, 'ringing', 'joined');
      if (!inTouch.includes(actor.userId) || !inTouch.includes(recipientId)) throw new AppError('call.invalid_state');
      notices.relaySignal(recipientId, { callId, senderId: actor.userId, recipientId, signalType, signal });
    },

    /** Something that the server itself has seen; what does not fit any more is passed over. */
    async observe(callId: string, event: CallEvent): Promise<void> {
      await change(callId, undefined, async (tx, call) =>
        next(call.status, event) === undefined ? 'nothing' : await step(tx, call, event, serverActor),
      );
    },

    /** A user's device has connected: it learns what rings there. */
    async greet(userId: string, sessionId: string): Promise<void> {
      for (const call of await store.findCallsRinging(db.sql, userId)) {
        notices.tellSession(call, sessionId);
        if (call.status === 'initiated') await this.observe(call.callId, 'ring');
      }
    },

    /** Ends what has waited for too long, each once however many servers see it. */
    async endOverdue(): Promise<void> {
      for (const callId of await store.findOverdueCalls(db.sql, 100)) {
        await change(callId, undefined, async (tx, call) => {
          const late = await store.findOverdueParties(tx, callId);
          await store.changeParties(tx, callId, late, 'missed');
          await notifyMissed(tx, call, late);
          const event = (await store.isOverdue(tx, callId)) ? timeoutOf(call) : undefined;
          if (event !== undefined) return await step(tx, call, event, serverActor);
          return late.length > 0 ? 'parties' : 'nothing';
        });
      }
    },

    /** Somebody has entered or left a room, or its server has died: a connected call without anybody ends soon. */
    watchOccupancy: (roomId?: string): Promise<void> => store.watchOccupancy(db.sql, limits.idleCallSeconds, roomId),
  };
}

/** What a call has waited for in vain. */
function timeoutOf({ status }: store.CallRecord): CallEvent | undefined {
  if (isRinging(status)) return 'ringTimeout';
  if (status === 'accepted' || status === 'connecting') return 'connectTimeout';
  return status === 'connected' ? 'idleTimeout' : undefined;
}
