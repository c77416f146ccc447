import type { CallEndReason, CallStatus } from '../protocol/call.ts';

/** What may happen to a call. */
export type CallEvent =
  /** A device of somebody who is rung has it. */
  | 'ring'
  /** Everybody who would be rung is in a call, or wants no disturbance. */
  | 'allBusy'
  | 'accept'
  /** The last one who was rung has declined. */
  | 'decline'
  | 'cancel'
  | 'ringTimeout'
  /** Somebody has entered its room. */
  | 'join'
  /** Media of both sides is seen on the media server. */
  | 'mediaFlows'
  | 'connectTimeout'
  | 'hangUp'
  /** Nobody was connected for too long. */
  | 'idleTimeout'
  /** The room's time limit. */
  | 'timeLimit'
  | 'roomEnded';

type Row = { readonly [E in CallEvent]?: CallStatus };

const ringing: Row = {
  accept: 'accepted',
  decline: 'declined',
  cancel: 'cancelled',
  ringTimeout: 'missed',
  roomEnded: 'cancelled',
  timeLimit: 'cancelled',
};
const over: Row = {};
const running: Row = { hangUp: 'ended', roomEnded: 'ended', timeLimit: 'ended' };

/** A call's life; what is not here does not happen. */
const table: { readonly [S in CallStatus]: Row } = {
  initiated: { ring: 'ringing', allBusy: 'busy', ...ringing },
  ringing,
  accepted: { join: 'connecting', mediaFlows: 'connected', connectTimeout: 'failed', ...running },
  connecting: { mediaFlows: 'connected', connectTimeout: 'failed', ...running },
  connected: { idleTimeout: 'ended', ...running },
  ended: over,
  missed: over,
  declined: over,
  cancelled: over,
  busy: over,
  failed: over,
};

const endReasons: { readonly [E in CallEvent]?: CallEndReason } = {
  allBusy: 'busy',
  decline: 'callee_declined',
  cancel: 'caller_cancelled',
  ringTimeout: 'missed',
  connectTimeout: 'connection_failed',
  hangUp: 'user_hangup',
  idleTimeout: 'network_error',
  timeLimit: 'timeout',
  roomEnded: 'room_ended',
};

/** The status after an event, or undefined where the event does not fit. */
export function next(status: CallStatus, event: CallEvent): CallStatus | undefined {
  return table[status][event];
}

/** Why a call is over after an event that ends it. */
export function endReasonOf(event: CallEvent): CallEndReason {
  const reason = endReasons[event];
  if (reason === undefined) throw new Error(`${event} ends no call`);
  return reason;
}

/** Whether nothing more happens to a call. */
export function isOver(status: CallStatus): boolean {
  return table[status] === over;
}

/** Whether somebody is still rung to begin the call. */
export function isRinging(status: CallStatus): boolean {
  return status === 'initiated' || status === 'ringing';
}

/** Statuses of calls that are not over. */
export const runningStatuses = (Object.keys(table) as CallStatus[]).filter((status) => !isOver(status));

/** The table as a Mermaid state diagram; docs/calls.md shows it. */
export function drawCallTable(): string {
  const lines = Object.entries(table).flatMap(([from, row]) => {
    const byTarget = Map.groupBy(Object.entries(row), ([, to]) => to);
    return [...byTarget].map(([to, events]) => `  ${from} --> ${to}: ${events.map(([event]) => event).join(', ')}`);
  });
  const ends = (Object.keys(table) as CallStatus[]).filter(isOver).map((status) => `  ${status} --> [*]`);
  return ['stateDiagram-v2', '  [*] --> initiated', ...lines, ...ends].join('\n');
}
