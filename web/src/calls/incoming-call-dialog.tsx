import { useId } from 'react';
import type { Call } from '../../../src/protocol/call.ts';
import { strings } from '../strings.ts';
import { Icon } from '../ui/icon.tsx';
import { callerName } from './call-words.ts';
import { ModalScreen } from './modal-screen.tsx';
import { RingingAvatar } from './ringing-avatar.tsx';

interface IncomingCallDialogProps {
  call: Call;
  /** An answer is on its way. */
  isBusy: boolean;
  onAccept: (options: { video: boolean }) => void;
  onDecline: () => void;
  onSilence: () => void;
}

/** Somebody rings: who, and the answers. Escape silences it. */
export function IncomingCallDialog({ call, isBusy, onAccept, onDecline, onSilence }: IncomingCallDialogProps) {
  const id = useId();
  const name = callerName(call);
  const words = strings.calls.incoming;
  return (
    <ModalScreen className="dialog ring-dialog" labelledBy={`${id}-title`} describedBy={`${id}-text`} isUrgent onEscape={onSilence}>
      <RingingAvatar name={name} isRinging />
      <div>
        <h2 id={`${id}-title`} tabIndex={-1}>
          {words.title(name)}
        </h2>
        <p id={`${id}-text`} className="soft row-icon">
          <Icon name={call.type === 'video' ? 'camera' : 'phone'} size={18} />
          {words.text(call.type, call.calleeIds.length - 1)}
        </p>
      </div>
      <div className="ring-actions">
        <button
          type="button"
          className="button primary accept"
          disabled={isBusy}
          onClick={() => onAccept({ video: call.type === 'video' })}
        >
          <Icon name={call.type === 'video' ? 'camera' : 'phone'} size={20} />
          {words.accept}
        </button>
        {call.type === 'video' && (
          <button type="button" className="button" disabled={isBusy} onClick={() => onAccept({ video: false })}>
            <Icon name="cameraOff" size={20} />
            {words.acceptWithoutVideo}
          </button>
        )}
        <button type="button" className="button danger" disabled={isBusy} onClick={onDecline}>
          <Icon name="leave" size={20} />
          {words.decline}
        </button>
      </div>
    </ModalScreen>
  );
}
