import type { Call, CallStatus, PartyState } from '../../src/protocol/call.ts';

const at = '2026-01-01T12:00:00.000Z';
const over: readonly CallStatus[] = ['ended', 'missed', 'declined', 'cancelled', 'busy', 'failed'];

/** A call from `caller` to `callee` as the server tells it. */
export function callOf(status: CallStatus, change: Partial<Call> = {}, states: Record<string, PartyState> = {}): Call {
  const { callerId = 'caller', calleeIds = ['callee'] } = change;
  const isTaken = status === 'accepted' || status === 'connecting' || status === 'connected';
  const parties = [callerId, ...calleeIds].map((userId) => ({
    userId,
    displayName: `Name of ${userId}`,
    state: states[userId] ?? (userId === callerId || isTaken ? ('joined' as const) : ('ringing' as const)),
  }));
  return {
    callId: 'call',
    roomId: 'room',
    conversationId: 'talk',
    callerId,
    calleeIds,
    appointmentId: null,
    type: 'video',
    status,
    parties,
    endReason: null,
    endedBy: null,
    reason: null,
    answeredBy: isTaken ? (calleeIds[0] ?? null) : null,
    initiatedAt: at,
    ringingAt: status === 'initiated' ? null : at,
    acceptedAt: isTaken ? at : null,
    connectedAt: status === 'connected' ? at : null,
    endedAt: over.includes(status) ? at : null,
    durationSeconds: status === 'connected' ? 1 : null,
    setupMs: null,
    ...change,
  };
}
