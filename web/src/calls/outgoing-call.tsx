import { useState } from 'react';
import type { CallOutcome, CallView } from '../../../src/client/index.ts';
import { errorText } from '../error-text.ts';
import { useClient } from '../shell/client-context.tsx';
import type { Identity } from '../sign-in/identity.ts';
import { otherIds, titleOf } from './call-words.ts';
import { useCallDesk } from './calls-context.tsx';
import { openMessages } from './open-messages.ts';
import { OutgoingCallScreen, type OutgoingState } from './outgoing-call-screen.tsx';

/** The screen of a call that one has placed, here or before the page was loaded again. */
export function OutgoingCall({ identity }: { identity: Identity }) {
  const client = useClient();
  const { calls, view, placed, place, putAway } = useCallDesk();
  const [problem, setProblem] = useState<string>();
  const { current } = view;
  const ringing = current !== undefined && (current.phase === 'calling' || current.phase === 'ringing') ? current : undefined;
  const call = placed?.callId === undefined ? ringing : calls.find(placed.callId);
  if (placed === undefined && ringing === undefined) return null;

  const calleeIds = placed?.calleeIds ?? (ringing === undefined ? [] : otherIds(ringing.call, identity.userId));
  const type = placed?.type ?? ringing?.call.type ?? 'voice';
  const name = placed?.name ?? (ringing === undefined ? '' : titleOf(ringing.call, identity.userId));
  const again = (isWaiting: boolean) => {
    setProblem(undefined);
    place({ calleeIds, type, name, isWaiting });
  };
  const state = stateOf(call, placed?.problem);
  const isUndisturbed = calleeIds.some((userId) => client.presence.get(userId)?.status === 'do_not_disturb');
  return (
    <OutgoingCallScreen
      name={name}
      type={type}
      state={state === 'busy' && isUndisturbed ? 'undisturbed' : state}
      isWaiting={placed?.isWaiting ?? false}
      problem={problem ?? placed?.problem}
      mayLeaveMessage={calleeIds.length === 1}
      onCancel={() => {
        if (call !== undefined) calls.hangUp(call.callId).catch(() => undefined);
        putAway();
      }}
      onLetItWait={() => again(true)}
      onCallAgain={() => again(false)}
      onLeaveMessage={() =>
        openMessages(client, calleeIds).then(
          () => {
            setProblem(undefined);
            putAway();
          },
          (error: unknown) => setProblem(errorText(error)),
        )
      }
      onClose={() => {
        setProblem(undefined);
        putAway();
      }}
    />
  );
}

const ends: Partial<Record<CallOutcome, OutgoingState>> = {
  busy: 'busy',
  missed: 'missed',
  callee_declined: 'declined',
  caller_cancelled: 'cancelled',
  connection_failed: 'failed',
  network_error: 'failed',
};

function stateOf(call: CallView | undefined, problem: string | undefined): OutgoingState {
  if (problem !== undefined) return 'refused';
  if (call === undefined) return 'starting';
  switch (call.phase) {
    case 'calling':
      return 'initiated';
    case 'ringing':
      return 'ringing';
    case 'ended':
      return (call.outcome && ends[call.outcome]) ?? 'ended';
    default:
      return 'connecting';
  }
}
