import type { Facts } from '../facts.ts';
import type { Notifier } from '../notifier.ts';
import type { CallEvent } from './call-state.ts';
import { isOver } from './call-state.ts';
import type { CallRecord } from './call-store.ts';
import { durationSeconds, toCall, usersIn } from './call-view.ts';

/** Something that has happened to a call and is committed. */
export interface CallChange {
  readonly before: CallRecord;
  readonly after: CallRecord;
  /** Undefined: the call's status is as it was, somebody's part in it is not. */
  readonly event: CallEvent | undefined;
  /** Who did it; the session is spared what it is answered. */
  readonly by?: { readonly userId: string; readonly sessionId?: string | undefined } | undefined;
}

/** Tells browsers, and the server's own parts, what happens to calls. */
export function createCallNotices({ notifier, facts }: { notifier: Notifier; facts: Facts }) {
  function to(userIds: readonly string[], exceptSessionId?: string) {
    return { to: { userIds }, ...(exceptSessionId !== undefined && { exceptSessionId }) };
  }

  function emitChanged(record: CallRecord): void {
    const { callId, roomId, status } = record;
    facts.emit('call.changed', { callId, roomId, status, userIds: record.parties.map(({ userId }) => userId) });
  }

  function emitMissed({ callId, callerId, type }: CallRecord, userIds: readonly string[]): void {
    if (userIds.length > 0) facts.emit('call.missed', { callId, callerId, type, userIds });
  }

  function tellRung(record: CallRecord, userIds: readonly string[]): void {
    if (userIds.length === 0) return;
    const { callId, callerId, type } = record;
    notifier.notify(to(userIds), 'call:incoming', { call: toCall(record) });
    facts.emit('call.rang', { callId, callerId, type, userIds });
  }

  /** An accepted ring: the caller learns of it, and whoever else was rung stops ringing. */
  function tellAccepted({ before, after, by }: CallChange): void {
    const call = toCall(after);
    notifier.notify(to([after.callerId]), 'call:accepted', { call });
    const others = usersIn(before, 'ringing').filter((userId) => userId !== by?.userId);
    if (others.length > 0) notifier.notify(to(others), 'call:answeredElsewhere', { call });
    if (by) notifier.notify(to([by.userId], by.sessionId), 'call:answeredElsewhere', { call });
  }

  function tellOver({ before, after, by, event }: CallChange): void {
    const call = toCall(after);
    const concerned = usersIn(before, 'ringing', 'joined');
    const { status, endReason } = after;
    if (status === 'missed') notifier.notify(to(concerned), 'call:missed', { call });
    else if (status === 'declined') notifier.notify(to(concerned, by?.sessionId), 'call:declined', { call });
    else if (status === 'failed') notifier.notify(to(concerned), 'call:failed', { call });
    else notifier.notify(to(concerned), 'call:ended', { call, reason: endReason ?? 'room_ended', durationSeconds: durationSeconds(after) });
    if (event !== 'decline') emitMissed(after, usersIn(before, 'ringing'));
  }

  /** Somebody's part has changed while the call goes on. */
  function tellParties({ before, after, by }: CallChange): void {
    const call = toCall(after);
    const was = new Map(before.parties.map(({ userId, state }) => [userId, state]));
    const changed = after.parties.filter(({ userId, state }) => was.get(userId) !== state);
    const inState = (state: string) => changed.filter((party) => party.state === state).map(({ userId }) => userId);
    tellRung(after, inState('ringing'));
    const declined = inState('declined');
    if (declined.length > 0) notifier.notify(to(declined, by?.sessionId), 'call:declined', { call });
    const missed = inState('missed');
    if (missed.length > 0) notifier.notify(to(missed), 'call:missed', { call });
    emitMissed(after, missed);
    const left = inState('left');
    const reason = 'user_hangup' as const;
    if (left.length > 0) notifier.notify(to(left), 'call:ended', { call, reason, durationSeconds: durationSeconds(after) });
    const joined = inState('joined');
    if (joined.length > 0) notifier.notify(to(joined, by?.sessionId), 'call:answeredElsewhere', { call });
    notifier.notify(to(usersIn(after, 'joined'), by?.sessionId), 'call:updated', { call });
  }

  return {
    /** A call has begun, or found everybody busy. */
    tellBegun(record: CallRecord): void {
      const call = toCall(record);
      const busy = usersIn(record, 'busy');
      tellRung(record, usersIn(record, 'ringing'));
      if (record.status === 'ringing') notifier.notify(to([record.callerId]), 'call:ringing', { call });
      if (record.status === 'busy') notifier.notify(to([record.callerId]), 'call:busy', { call });
      if (busy.length > 0) notifier.notify(to(busy), 'call:missed', { call });
      emitMissed(record, busy);
      emitChanged(record);
    },

    /** Something has happened to a call. */
    tell(change: CallChange): void {
      const { after, event } = change;
      const call = toCall(after);
      if (event === undefined) tellParties(change);
      else if (event === 'ring') notifier.notify(to([after.callerId]), 'call:ringing', { call });
      else if (event === 'accept') tellAccepted(change);
      else if (event === 'mediaFlows') notifier.notify(to(usersIn(after, 'joined')), 'call:connected', { call });
      else if (isOver(after.status)) tellOver(change);
      emitChanged(after);
    },

    /** A device of somebody who is rung has connected. */
    tellSession(record: CallRecord, sessionId: string): void {
      notifier.notify({ to: { sessionId } }, 'call:incoming', { call: toCall(record) });
    },

    tellVideoRequested(record: CallRecord, userId: string): void {
      const others = usersIn(record, 'joined').filter((other) => other !== userId);
      notifier.notify(to(others), 'call:videoRequested', { call: toCall(record), userId });
    },

    tellVideoAnswered(record: CallRecord, userId: string, accepted: boolean): void {
      notifier.notify(to(usersIn(record, 'joined')), 'call:videoAnswered', { call: toCall(record), userId, accepted });
    },

    relaySignal(recipientId: string, signal: Parameters<typeof notifier.notify<'call:signal'>>[2]): void {
      notifier.notify(to([recipientId]), 'call:signal', signal);
    },
  };
}

export type CallNotices = ReturnType<typeof createCallNotices>;
