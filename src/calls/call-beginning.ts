import { v7 as uuidv7 } from 'uuid';
import type { ConversationService } from '../chat/conversation-service.ts';
import { audit } from '../db/audit-log.ts';
import type { Database } from '../db/database.ts';
import { AppError } from '../protocol/errors.ts';
import type { RequestPayload } from '../protocol/index.ts';
import type { RoomService } from '../rooms/room-service.ts';
import type { CallActor } from './call-actor.ts';
import { notifyMissed, tellStoryLater } from './call-changes.ts';
import { endReasonOf } from './call-state.ts';
import * as store from './call-store.ts';

/** What calls need to know of people. */
export interface People {
  /** Errors: `auth.forbidden` unless the actor may reach every one of them. */
  assertMayReach(actor: CallActor, userIds: readonly string[]): Promise<void>;
  /** Those who have a device connected. */
  findOnline(userIds: readonly string[]): Promise<ReadonlySet<string>>;
  /** Those who want no disturbance. */
  findUndisturbed(userIds: readonly string[]): Promise<ReadonlySet<string>>;
}

/** How a call begins: with its room and conversation, in one transaction, unless it is there already or everybody is busy. */
export function createCallBeginning(parts: {
  db: Database;
  people: Pick<People, 'findOnline' | 'findUndisturbed'>;
  conversations: Pick<ConversationService, 'ensureDirect'>;
  rooms: Pick<RoomService, 'insertForCall'>;
  limits: { ringSeconds: number };
}) {
  const { db, people, conversations, rooms, limits } = parts;

  /** Begins a call under a lock on all its users; answers the call to accept instead where one of them is ringing the actor already. */
  async function begin(actor: CallActor, request: RequestPayload<'call:initiate'>, calleeIds: readonly string[]) {
    const { type, appointmentId, wait = false } = request;
    const [online, undisturbed] = await Promise.all([people.findOnline(calleeIds), people.findUndisturbed(calleeIds)]);
    return await db.transaction(async (tx) => {
      await store.lockUsers(tx, [actor.userId, ...calleeIds]);
      const engaged = await store.findEngaged(tx, [actor.userId, ...calleeIds]);
      const glare = engaged.find(
        ({ userId, state, callerId }) =>
          userId === actor.userId && state === 'ringing' && calleeIds.length === 1 && callerId === calleeIds[0],
      );
      if (glare) return { glareId: glare.callId };
      const isInCall = (id: string) => engaged.some(({ userId, state }) => userId === id && state === 'joined');
      if (isInCall(actor.userId)) throw new AppError('call.busy');
      const isBusy = (id: string) => undisturbed.has(id) || (!wait && isInCall(id));
      const rung = calleeIds.filter((id) => !isBusy(id));
      const [onlyCallee] = calleeIds;
      const direct =
        calleeIds.length === 1 && onlyCallee !== undefined
          ? await conversations.ensureDirect(tx, actor, onlyCallee, appointmentId)
          : undefined;
      const directId = direct?.row.conversationId ?? null;
      const callId = uuidv7();
      const room =
        rung.length === 0
          ? { roomId: null, conversationId: directId }
          : await rooms.insertForCall(tx, { callerId: actor.userId, calleeIds, appointmentId, type, conversationId: directId });
      const reached = rung.some((id) => online.has(id));
      const status = rung.length === 0 ? ('busy' as const) : reached ? ('ringing' as const) : ('initiated' as const);
      const parties = [
        { userId: actor.userId, state: status === 'busy' ? ('left' as const) : ('joined' as const) },
        ...calleeIds.map((userId) => ({ userId, state: isBusy(userId) ? ('busy' as const) : ('ringing' as const) })),
      ];
      const row = {
        ...room,
        callerId: actor.userId,
        appointmentId: appointmentId ?? null,
        type,
        status,
        ...(status === 'ringing' && { ringingAt: store.now }),
        ...(status === 'busy'
          ? { endedAt: store.now, endReason: endReasonOf('allBusy') }
          : { deadlineAt: store.inSeconds(limits.ringSeconds) }),
      };
      await store.insertCall(tx, callId, row, parties);
      await notifyMissed(tx, { callId, callerId: actor.userId, type }, calleeIds.filter(isBusy));
      await audit(tx, { actor, action: 'call.initiated', subject: callId, details: { calleeIds, type, status } });
      if (status === 'busy') await tellStoryLater(tx, callId, directId);
      const call = await store.findCall(tx, callId);
      if (!call) throw new Error('the call was just written');
      return { call, newConversationId: direct?.isNew ? directId : null };
    });
  }

  return begin;
}
