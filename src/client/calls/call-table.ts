import type { Call, CallEndReason, CallStatus, PartyState } from '../../protocol/call.ts';

/**
 * Where a call is for this device.
 *
 * - `calling`: started here; nobody's device rings yet. `ringing`: one does
 * - `incoming`: it rings here. `accepting`: it was accepted here, and the server has not said whether it is ours
 * - `connecting`: ours, media is not flowing yet. `connected`: it is
 * - `elsewhere`: one is in it with another device
 * - `ended`: over for this user; the call itself may go on between others
 */
export type CallPhase = 'calling' | 'ringing' | 'incoming' | 'accepting' | 'connecting' | 'connected' | 'elsewhere' | 'ended';

/** Why a call is over for this device: the call's own end, or another device has answered it. */
export type CallOutcome = CallEndReason | 'answered_elsewhere';

/** What is known here of one call. Never changed in place. */
export interface LocalCall {
  /** Whose device this is. */
  readonly userId: string;
  readonly phase: CallPhase | 'unknown';
  /** As the server told it last; undefined while it is `unknown`. */
  readonly call: Call | undefined;
  /** Once it has ended. */
  readonly outcome: CallOutcome | undefined;
}

/** What may happen to a call, as a device hears of it. */
export type CallEvent =
  /** The answer to `call:initiate`: a new call, or the one that the other side has just started. */
  | { type: 'startAnswered'; call: Call }
  /** `call:incoming` */
  | { type: 'rang'; call: Call }
  /** Every other word of the server on the call: a notice, or the answer to a question. */
  | { type: 'told'; call: Call }
  /** `call:answeredElsewhere` */
  | { type: 'answeredElsewhere'; call: Call }
  /** The user takes it, and `call:accept` is under way. */
  | { type: 'acceptSent' }
  | { type: 'acceptAnswered'; call: Call }
  /** Refused; `call` is what the server says of it now, when it could be asked. */
  | { type: 'acceptRefused'; call: Call | undefined }
  /** The user goes on with it here instead of on another device. */
  | { type: 'takenHere' }
  /** The user has declined, cancelled or hung up: it is over here, whenever the server hears it. */
  | { type: 'left'; outcome: CallOutcome }
  /** The server does not know it any more, or cannot be asked any more. */
  | { type: 'lost' };

/** Nothing was heard of it yet. */
export function unknownCall(userId: string): LocalCall {
  return { userId, phase: 'unknown', call: undefined, outcome: undefined };
}

/**
 * A call's whole behaviour as one device sees it: one pure table. What has ended stays so; an event that means nothing in a phase changes at most
 * what is known of the call.
 */
export function next(state: LocalCall, event: CallEvent): LocalCall {
  if (state.phase === 'ended') return state;
  switch (event.type) {
    case 'startAnswered':
    case 'acceptAnswered':
      return here(known(state, event.call));
    case 'rang':
    case 'told':
      return told(known(state, event.call));
    case 'answeredElsewhere': {
      const heard = known(state, event.call);
      // While our own answer is on its way only the answer to it says whether it was ours.
      return state.phase === 'incoming' || state.phase === 'unknown' ? end(heard, endOf(heard) ?? 'answered_elsewhere') : told(heard);
    }
    case 'acceptSent':
      return state.phase === 'incoming' ? { ...state, phase: 'accepting' } : state;
    case 'acceptRefused': {
      if (state.phase !== 'accepting') return event.call === undefined ? state : told(known(state, event.call));
      const again: LocalCall = { ...state, phase: 'incoming' };
      return told(event.call === undefined ? again : known(again, event.call));
    }
    case 'takenHere':
      return state.phase === 'elsewhere' ? here(state) : state;
    case 'left':
      return end(state, event.outcome);
    case 'lost':
      return end(state, state.phase === 'incoming' ? 'missed' : 'network_error');
  }
}

/** Whether this device takes part in the call, or asks to. */
export function isHere({ phase }: LocalCall): boolean {
  return phase === 'calling' || phase === 'ringing' || phase === 'accepting' || phase === 'connecting' || phase === 'connected';
}

/** The call is this device's. */
function here(state: LocalCall): LocalCall {
  const over = overOf(state);
  return over === undefined ? { ...state, phase: phaseHere(state) } : end(state, over);
}

function told(state: LocalCall): LocalCall {
  const over = endOf(state);
  if (over !== undefined) return end(state, over);
  const mine = ownState(state);
  switch (state.phase) {
    case 'unknown':
    case 'elsewhere':
      return { ...state, phase: mine === 'ringing' ? 'incoming' : 'elsewhere' };
    case 'incoming':
      // Another device of ours has taken it, and its notice is still to come.
      return mine === 'joined' ? end(state, 'answered_elsewhere') : state;
    case 'calling':
    case 'ringing':
    case 'connecting':
    case 'connected':
      return { ...state, phase: phaseHere(state) };
    default:
      return state;
  }
}

function end(state: LocalCall, outcome: CallOutcome): LocalCall {
  return { ...state, phase: 'ended', outcome };
}

/** What the server has said last, with the older of two words left out: a notice may overtake an answer. */
function known(state: LocalCall, call: Call): LocalCall {
  return state.call !== undefined && progress[call.status] < progress[state.call.status] ? state : { ...state, call };
}

/** How far a call has come; it never goes back. */
const progress: Record<CallStatus, number> = {
  initiated: 0,
  ringing: 1,
  accepted: 2,
  connecting: 3,
  connected: 4,
  ended: 5,
  missed: 5,
  declined: 5,
  cancelled: 5,
  busy: 5,
  failed: 5,
};

const phases: Partial<Record<CallStatus, CallPhase>> = {
  initiated: 'calling',
  ringing: 'ringing',
  accepted: 'connecting',
  connecting: 'connecting',
  connected: 'connected',
};

function phaseHere({ call }: LocalCall): CallPhase {
  return (call && phases[call.status]) ?? 'connecting';
}

/** Why the call is over for everybody; undefined while it is not. */
function overOf({ call }: LocalCall): CallOutcome | undefined {
  if (call === undefined || progress[call.status] < progress.ended) return undefined;
  return call.endReason ?? outcomes[call.status] ?? 'user_hangup';
}

/** Why it is over for this user; undefined while it is not. */
function endOf(state: LocalCall): CallOutcome | undefined {
  return overOf(state) ?? ownOutcomes[ownState(state)];
}

const outcomes: Partial<Record<CallStatus, CallOutcome>> = {
  missed: 'missed',
  declined: 'callee_declined',
  cancelled: 'caller_cancelled',
  busy: 'busy',
  failed: 'connection_failed',
};

const ownOutcomes: Partial<Record<PartyState, CallOutcome>> = {
  declined: 'callee_declined',
  missed: 'missed',
  elsewhere: 'answered_elsewhere',
  busy: 'busy',
  left: 'user_hangup',
};

/** How this user stands to the call. Who started it is in it from the beginning. */
function ownState({ userId, call }: LocalCall): PartyState {
  const party = call?.parties.find((one) => one.userId === userId);
  return party?.state ?? (call?.callerId === userId ? 'joined' : 'ringing');
}
