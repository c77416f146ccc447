import { useId } from 'react';
import type { CallStatus, CallType } from '../../../src/protocol/call.ts';
import { strings } from '../strings.ts';
import { Icon } from '../ui/icon.tsx';
import { Notice } from '../ui/notice.tsx';
import { ModalScreen } from './modal-screen.tsx';
import { RingingAvatar } from './ringing-avatar.tsx';

/**
 * Where a call that one places has come to: `starting` before the server has answered, `refused` when it said no, `undisturbed` when the other side
 * does not want to be rung.
 */
export type OutgoingState = CallStatus | 'starting' | 'refused' | 'undisturbed';

interface OutgoingCallScreenProps {
  /** Whom one calls, in one line. */
  name: string;
  type: CallType;
  state: OutgoingState;
  /** It rings beside another call of theirs. */
  isWaiting: boolean;
  /** Why it was refused, or why the last click did nothing. */
  problem: string | undefined;
  /** Whether a message can be left: a call to one person. */
  mayLeaveMessage: boolean;
  onCancel: () => void;
  onLetItWait: () => void;
  onCallAgain: () => void;
  onLeaveMessage: () => void;
  onClose: () => void;
}

const running: readonly OutgoingState[] = ['starting', 'initiated', 'ringing', 'accepted', 'connecting', 'connected'];

/** A call that one has placed: ringing, and what came of it when nobody talks. */
export function OutgoingCallScreen(props: OutgoingCallScreenProps) {
  const { name, type, state, isWaiting, problem, mayLeaveMessage } = props;
  const id = useId();
  const isRunning = running.includes(state);
  const words = strings.calls.outgoing;
  const [title, text] = wordsOf(state, name, isWaiting);
  return (
    <ModalScreen
      className="dialog ring-dialog"
      labelledBy={`${id}-title`}
      describedBy={`${id}-text`}
      onEscape={isRunning ? undefined : props.onClose}
    >
      <RingingAvatar name={name} isRinging={isRunning} />
      <div>
        <h2 id={`${id}-title`} tabIndex={-1}>
          {title}
        </h2>
        <p id={`${id}-text`} className="soft row-icon" role="status">
          {isRunning && <Icon name={type === 'video' ? 'camera' : 'phone'} size={18} />}
          {text}
        </p>
      </div>
      {problem !== undefined && <Notice tone="bad">{problem}</Notice>}
      <div className="ring-actions">
        {isRunning && (
          <button type="button" className="button danger" onClick={props.onCancel}>
            <Icon name="leave" size={20} />
            {words.cancel}
          </button>
        )}
        {state === 'busy' && (
          <button type="button" className="button primary" onClick={props.onLetItWait}>
            {words.letItWait}
          </button>
        )}
        {!isRunning && state !== 'busy' && state !== 'undisturbed' && (
          <button type="button" className="button primary" onClick={props.onCallAgain}>
            <Icon name={type === 'video' ? 'camera' : 'phone'} size={20} />
            {words.callAgain}
          </button>
        )}
        {!isRunning && mayLeaveMessage && (
          <button type="button" className="button" onClick={props.onLeaveMessage}>
            <Icon name="chat" size={20} />
            {words.leaveMessage}
          </button>
        )}
        {!isRunning && (
          <button type="button" className="button quiet" onClick={props.onClose}>
            {words.close}
          </button>
        )}
      </div>
    </ModalScreen>
  );
}

function wordsOf(state: OutgoingState, name: string, isWaiting: boolean): readonly [string, string] {
  const words = strings.calls.outgoing;
  switch (state) {
    case 'starting':
    case 'initiated':
      return [name, words.starting];
    case 'ringing':
      return [name, isWaiting ? words.waitingBusy : words.ringing];
    case 'accepted':
    case 'connecting':
    case 'connected':
      return [name, words.connecting];
    case 'busy':
      return [words.busy(name), words.busyText];
    case 'undisturbed':
      return [words.undisturbed(name), words.undisturbedText];
    case 'refused':
      return [words.refused, name];
    default: {
      const [title, text] = words.ended[state];
      return [title, text(name)];
    }
  }
}
