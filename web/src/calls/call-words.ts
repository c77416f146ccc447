import type { Call } from '../../../src/protocol/call.ts';
import { strings } from '../strings.ts';

/** The names of everybody in a call but oneself, the caller first. */
export function namesOf(call: Pick<Call, 'parties' | 'callerId'>, myId: string): readonly string[] {
  const others = call.parties.filter(({ userId }) => userId !== myId);
  const inOrder = [...others.filter(({ userId }) => userId === call.callerId), ...others.filter(({ userId }) => userId !== call.callerId)];
  return inOrder.map(({ displayName }) => displayName);
}

/** Whom a call is with, in one line. */
export function titleOf(call: Pick<Call, 'parties' | 'callerId'>, myId: string): string {
  const names = namesOf(call, myId);
  return names.length === 0 ? strings.calls.someone : strings.calls.names(names);
}

/** Whom one is in a call with right now: those who are in it, and those who are being rung. */
export function currentTitleOf(call: Pick<Call, 'parties' | 'callerId'>, myId: string): string {
  const parties = call.parties.filter(({ state }) => state === 'joined' || state === 'ringing');
  const isAlone = parties.every(({ userId }) => userId === myId);
  return titleOf(isAlone ? call : { ...call, parties }, myId);
}

/** The name of the one who rings. */
export function callerName(call: Pick<Call, 'parties' | 'callerId'>): string {
  return call.parties.find(({ userId }) => userId === call.callerId)?.displayName ?? strings.calls.someone;
}

/** Whom one would ring to ring the same people again. */
export function otherIds(call: Pick<Call, 'callerId' | 'calleeIds'>, myId: string): readonly string[] {
  return [...new Set([call.callerId, ...call.calleeIds])].filter((userId) => userId !== myId);
}

/** What came of a call, to whoever looks at it. `isBad`: something that one may want to make good. */
export function outcomeOf(call: Call, myId: string): { text: string; isBad: boolean } {
  const words = strings.calls.outcome;
  const isMine = call.callerId === myId;
  switch (call.status) {
    case 'initiated':
    case 'ringing':
    case 'accepted':
    case 'connecting':
    case 'connected':
      return { text: words.running, isBad: false };
    case 'ended':
      if (call.connectedAt === null) return { text: words.notConnected, isBad: false };
      return { text: words.lasted(call.durationSeconds ?? 0), isBad: false };
    case 'missed':
      return { text: isMine ? words.noAnswer : words.missed, isBad: !isMine };
    case 'declined':
      return { text: isMine ? words.declined : words.youDeclined, isBad: false };
    case 'cancelled':
      return { text: isMine ? words.youCancelled : words.callerGaveUp, isBad: !isMine };
    case 'busy':
      return { text: isMine ? words.busy : words.missedWhileBusy, isBad: !isMine };
    case 'failed':
      return { text: words.failed, isBad: true };
  }
}

/** Why a call is over, in a sentence; empty when there is nothing to say. */
export function reasonOf(call: Pick<Call, 'endReason' | 'endedBy' | 'parties'>, myId: string): string {
  if (call.endReason === null) return '';
  if (call.endReason === 'user_hangup' && call.endedBy !== null) {
    if (call.endedBy === myId) return strings.calls.youHungUp;
    const name = call.parties.find(({ userId }) => userId === call.endedBy)?.displayName;
    return name === undefined ? '' : strings.calls.hungUp(name);
  }
  return strings.calls.endedBecause[call.endReason];
}
