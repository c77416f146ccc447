import type { ErrorCode } from '../protocol/errors.ts';
import type { ClientErrorCode } from './parley-error.ts';

/** How often a lost connection is tried again before it counts as failed. */
export const maxRetries = 10;

/** Milliseconds before the retry with this number (1 is the first): 1, 2, 4, 8, 16 s, then 16 s each. */
export function retryDelayMs(attempt: number): number {
  return 1000 * 2 ** Math.min(attempt - 1, 4);
}

/** Where the connection is; each state carries only what it needs. */
export type MachineState =
  | { status: 'idle' }
  /** The first connection. `tokenRenewed`: a fresh token was asked for once already. */
  | { status: 'connecting'; tokenRenewed: boolean }
  /** `returnAfterMs`: the server is going down and has said when to come back. */
  | { status: 'connected'; returnAfterMs: number | undefined }
  /** `phase`: the delay of `delayMs` is running, or the socket is being opened. */
  | { status: 'reconnecting'; attempt: number; delayMs: number; phase: 'waiting' | 'opening'; tokenRenewed: boolean }
  | { status: 'failed'; code: ErrorCode | ClientErrorCode; message: string }
  | { status: 'closed' };

/** What may happen to a connection. */
export type MachineEvent =
  | { type: 'connectRequested' }
  /** `session:ready` has arrived. */
  | { type: 'ready'; recovered: boolean }
  /** The socket could not be opened, was refused, or `session:ready` did not come. `code` is the server's, when it gave one. */
  | { type: 'connectFailed'; code: ErrorCode | undefined; message: string }
  | { type: 'socketLost' }
  /** The delay that `scheduleRetry` began is over. */
  | { type: 'retryDue' }
  /** The browser says that it is online again. */
  | { type: 'networkBack' }
  /** `session:shutdown` has arrived. */
  | { type: 'shutdownAnnounced'; reconnectAfterMs: number }
  | { type: 'closeRequested' };

/** What is to be done, in this order. */
export type MachineEffect =
  /** Asks for a token (a fresh one when so told) and opens a socket with it. */
  | { type: 'openSocket'; freshToken: boolean }
  /** `goodbye`: tell the server that this is a leave; otherwise it keeps the session for a while. */
  | { type: 'closeSocket'; goodbye: boolean }
  | { type: 'scheduleRetry'; delayMs: number }
  | { type: 'cancelRetry' }
  /** Requests that were sent and not answered: those that may wait are queued, the others rejected. */
  | { type: 'settleInFlight' }
  /** `recovered`: everything on the server is as it was. */
  | { type: 'announceReady'; recovered: boolean }
  /** Nothing will be sent any more. */
  | { type: 'rejectAll'; code: ErrorCode | ClientErrorCode };

/** A state and what follows from having come there. */
export interface Transition {
  readonly state: MachineState;
  readonly effects: readonly MachineEffect[];
}

/** The connection's whole behaviour: one pure table. An event that means nothing in a state changes nothing. */
export function transition(state: MachineState, event: MachineEvent): Transition {
  if (event.type === 'closeRequested') return close(state);
  switch (state.status) {
    case 'idle':
    case 'failed':
      return event.type === 'connectRequested'
        ? to({ status: 'connecting', tokenRenewed: false }, { type: 'openSocket', freshToken: state.status === 'failed' })
        : to(state);
    case 'connecting':
      if (event.type === 'ready') return ready(event.recovered);
      if (event.type === 'connectFailed') return refused(state, 0, state.tokenRenewed, event);
      if (event.type === 'socketLost') return retry(1);
      return to(state);
    case 'connected':
      if (event.type === 'socketLost') return retry(1, state.returnAfterMs);
      if (event.type === 'shutdownAnnounced') return to({ status: 'connected', returnAfterMs: event.reconnectAfterMs });
      return to(state);
    case 'reconnecting':
      return reconnecting(state, event);
    case 'closed':
      return to(state);
  }
}

function reconnecting(state: Extract<MachineState, { status: 'reconnecting' }>, event: MachineEvent): Transition {
  if (state.phase === 'waiting') {
    if (event.type === 'retryDue') return open(state);
    if (event.type === 'networkBack') return open(state, { type: 'cancelRetry' });
    return to(state);
  }
  if (event.type === 'ready') return ready(event.recovered);
  if (event.type === 'connectFailed') return refused(state, state.attempt, state.tokenRenewed, event);
  if (event.type === 'socketLost') return afterFailure(state.attempt);
  return to(state);
}

/** The server has refused, or cannot be reached: only the latter is worth another try. */
function refused(
  state: Extract<MachineState, { status: 'connecting' | 'reconnecting' }>,
  attempt: number,
  tokenRenewed: boolean,
  event: Extract<MachineEvent, { type: 'connectFailed' }>,
): Transition {
  const { code } = event;
  if (code === 'auth.expired_token' && !tokenRenewed) {
    return to({ ...state, tokenRenewed: true }, { type: 'closeSocket', goodbye: false }, { type: 'openSocket', freshToken: true });
  }
  if (code !== undefined && isFinal(code)) return fail(code, event.message);
  return afterFailure(attempt);
}

/** An address that was refused too often is let in again after a while; every other refusal of an identity stands. */
function isFinal(code: ErrorCode): boolean {
  return code.startsWith('auth.') && code !== 'auth.too_many_attempts';
}

function afterFailure(attempt: number): Transition {
  return attempt >= maxRetries ? fail('client.disconnected', 'The server cannot be reached.') : retry(attempt + 1);
}

function retry(attempt: number, delayMs = retryDelayMs(attempt)): Transition {
  return to(
    { status: 'reconnecting', attempt, delayMs, phase: 'waiting', tokenRenewed: false },
    { type: 'closeSocket', goodbye: false },
    { type: 'settleInFlight' },
    { type: 'scheduleRetry', delayMs },
  );
}

function open(state: Extract<MachineState, { status: 'reconnecting' }>, ...before: MachineEffect[]): Transition {
  return to({ ...state, phase: 'opening' }, ...before, { type: 'openSocket', freshToken: false });
}

function ready(recovered: boolean): Transition {
  return to({ status: 'connected', returnAfterMs: undefined }, { type: 'announceReady', recovered });
}

function fail(code: ErrorCode | ClientErrorCode, message: string): Transition {
  return to({ status: 'failed', code, message }, { type: 'closeSocket', goodbye: false }, { type: 'rejectAll', code });
}

function close(state: MachineState): Transition {
  if (state.status === 'closed') return to(state);
  return to(
    { status: 'closed' },
    { type: 'cancelRetry' },
    { type: 'closeSocket', goodbye: true },
    { type: 'rejectAll', code: 'client.closed' },
  );
}

function to(state: MachineState, ...effects: MachineEffect[]): Transition {
  return { state, effects };
}

/** The connection as an app sees it. */
export type ConnectionState =
  | { status: 'idle' }
  | { status: 'connecting' }
  | { status: 'connected' }
  /** `attempt` counts from 1 to {@link maxRetries}; the try begins `delayMs` after the state did. */
  | { status: 'reconnecting'; attempt: number; delayMs: number }
  | { status: 'failed'; code: ErrorCode | ClientErrorCode; message: string }
  | { status: 'closed' };

/** Leaves out what only the machine needs. */
export function publicState(state: MachineState): ConnectionState {
  switch (state.status) {
    case 'connecting':
      return { status: 'connecting' };
    case 'connected':
      return { status: 'connected' };
    case 'reconnecting':
      return { status: 'reconnecting', attempt: state.attempt, delayMs: state.delayMs };
    default:
      return state;
  }
}

/** Whether an app sees no difference: opening a socket after the delay is still the same try. */
export function isSameState(a: ConnectionState, b: ConnectionState): boolean {
  return a.status === b.status && (a.status !== 'reconnecting' || b.status !== 'reconnecting' || a.attempt === b.attempt);
}
