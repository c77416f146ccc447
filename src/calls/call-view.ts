import type { Call } from '../protocol/call.ts';
import { isOver } from './call-state.ts';
import type { CallRecord } from './call-store.ts';

const iso = (time: Date | null) => time?.toISOString() ?? null;

/** A call as the wire shows it. */
export function toCall(record: CallRecord): Call {
  const { acceptedAt, connectedAt, parties, callerId } = record;
  return {
    callId: record.callId,
    roomId: record.roomId,
    conversationId: record.conversationId,
    callerId,
    calleeIds: parties.filter(({ userId }) => userId !== callerId).map(({ userId }) => userId),
    appointmentId: record.appointmentId,
    type: record.type,
    status: record.status,
    parties: parties.map(({ userId, displayName, state }) => ({ userId, displayName, state })),
    endReason: record.endReason,
    endedBy: record.endedBy,
    reason: record.reason,
    answeredBy: record.answeredBy,
    initiatedAt: record.initiatedAt.toISOString(),
    ringingAt: iso(record.ringingAt),
    acceptedAt: iso(acceptedAt),
    connectedAt: iso(connectedAt),
    endedAt: iso(record.endedAt),
    durationSeconds: connectedAt && durationSeconds(record),
    setupMs: acceptedAt && connectedAt && connectedAt.getTime() - acceptedAt.getTime(),
  };
}

/** How long a call was, or has been, connected, in whole seconds. */
export function durationSeconds({ connectedAt, endedAt }: CallRecord): number {
  if (!connectedAt) return 0;
  return Math.max(0, Math.round(((endedAt ?? new Date()).getTime() - connectedAt.getTime()) / 1000));
}

/** Users of a call in one of some states. */
export function usersIn({ parties }: CallRecord, ...states: CallRecord['parties'][number]['state'][]): string[] {
  return parties.filter(({ state }) => states.includes(state)).map(({ userId }) => userId);
}

/** What a conversation says of a call that is over. */
export function storyOf(record: CallRecord): string | undefined {
  if (!isOver(record.status)) return undefined;
  const kind = record.type === 'video' ? 'video call' : 'voice call';
  const { status } = record;
  if (status === 'declined') return `Declined ${kind}`;
  if (status === 'failed' || (status === 'ended' && !record.connectedAt)) return `Failed ${kind}`;
  if (status !== 'ended') return `Missed ${kind}`;
  return `${kind[0]?.toUpperCase()}${kind.slice(1)}, ${spoken(durationSeconds(record))}`;
}

function spoken(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
