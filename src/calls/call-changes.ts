import { validate as isUuid } from 'uuid';
import { type Actor, type AuditAction, audit, serverActor } from '../db/audit-log.ts';
import type { Database, Transaction } from '../db/database.ts';
import { addJobIn } from '../jobs/job-queue.ts';
import type { Logger } from '../log.ts';
import { AppError } from '../protocol/errors.ts';
import type { RoomService } from '../rooms/room-service.ts';
import type { CallActor } from './call-actor.ts';
import type { CallNotices } from './call-notices.ts';
import { type CallEvent, endReasonOf, isOver, next } from './call-state.ts';
import * as store from './call-store.ts';
import { usersIn } from './call-view.ts';

const auditActions: { readonly [E in CallEvent]?: AuditAction } = {
  accept: 'call.accepted',
  decline: 'call.declined',
  cancel: 'call.cancelled',
  mediaFlows: 'call.connected',
};

/** What is over tells its conversation so, whatever becomes of this server. */
export async function tellStoryLater(tx: Transaction, callId: string, conversationId: string | null): Promise<void> {
  if (conversationId !== null) await addJobIn(tx, 'calls:tellStory', { callId }, { key: `calls:tellStory:${callId}` });
}

/** Whoever misses a call is notified of it, whatever becomes of this server. */
export async function notifyMissed(
  tx: Transaction,
  { callId, callerId, type }: Pick<store.CallRecord, 'callId' | 'callerId' | 'type'>,
  userIds: readonly string[],
): Promise<void> {
  if (userIds.length > 0) await addJobIn(tx, 'notifications:missedCall', { callId, callerId, type, userIds: [...userIds] });
}

export type CallChanges = ReturnType<typeof createCallChanges>;

/**
 * How a call changes: whatever happens to it happens one after another under a lock on its row, whichever server it comes to; browsers are told
 * after commit.
 */
export function createCallChanges(parts: {
  db: Database;
  log: Logger;
  notices: CallNotices;
  rooms: Pick<RoomService, 'end'>;
  limits: { connectingSeconds: number };
}) {
  const { db, log, notices, rooms, limits } = parts;

  /** Changes one call under its lock, then tells what `work` says has happened. Errors: `call.not_found`. */
  async function change(
    callId: string,
    by: CallActor | undefined,
    work: (tx: Transaction, call: store.CallRecord) => Promise<CallEvent | 'parties' | 'nothing'>,
  ): Promise<store.CallRecord> {
    if (!isUuid(callId)) throw new AppError('call.not_found');
    const { before, after, event } = await db.transaction(async (tx) => {
      const found = await store.lockCall(tx, callId);
      if (!found) throw new AppError('call.not_found');
      const happened = await work(tx, found);
      return { before: found, after: (await store.findCall(tx, callId)) ?? found, event: happened };
    });
    if (event === 'nothing') return after;
    notices.tell({ before, after, by, event: event === 'parties' ? undefined : event });
    if (isOver(after.status)) await endRoom(after);
    return after;
  }

  /** What is over needs no room any more; one that has ended already stays as it is. */
  async function endRoom({ roomId, callId }: store.CallRecord): Promise<void> {
    if (roomId === null) return;
    try {
      await rooms.end(serverActor, roomId, 'call_ended');
    } catch (error) {
      // The call is over all the same; the room's own time limit ends it at the latest.
      log.warn({ err: error, callId, roomId }, 'the room of a call did not end');
    }
  }

  /** Moves a call by the table; `reason` is what the actor said of its end. Errors: `call.invalid_state`. */
  async function step(tx: Transaction, call: store.CallRecord, event: CallEvent, actor: Actor, reason?: string): Promise<CallEvent> {
    const { callId } = call;
    const status = next(call.status, event);
    const isEnd = status !== undefined && isOver(status);
    const changed =
      status !== undefined &&
      (await store.changeCall(tx, callId, call.status, {
        status,
        ...(status === 'ringing' && { ringingAt: store.now }),
        ...(status === 'accepted' && {
          acceptedAt: store.now,
          answeredBy: actor.userId,
          deadlineAt: store.inSeconds(limits.connectingSeconds),
        }),
        ...(status === 'connected' && { connectedAt: store.now, deadlineAt: null }),
        ...(isEnd && {
          endedAt: store.now,
          deadlineAt: null,
          endReason: endReasonOf(event),
          reason: reason || null,
          endedBy: actor === serverActor ? null : actor.userId,
        }),
      }));
    if (!changed) throw new AppError('call.invalid_state');
    const action = auditActions[event] ?? (isEnd ? 'call.ended' : undefined);
    if (action) await audit(tx, { actor, action, subject: callId, ...(isEnd && { details: { reason: endReasonOf(event) } }) });
    if (!isEnd) return event;
    const rung = usersIn(call, 'ringing');
    await store.changeParties(tx, callId, rung, event === 'decline' ? 'declined' : 'missed');
    if (event !== 'decline') await notifyMissed(tx, call, rung);
    await store.changeParties(tx, callId, usersIn(call, 'joined'), 'left');
    await tellStoryLater(tx, callId, call.conversationId);
    return event;
  }

  return { change, step };
}
