import { useId } from 'react';
import type { Call } from '../../../src/protocol/call.ts';
import { strings } from '../strings.ts';
import { Avatar } from '../ui/avatar.tsx';
import { callerName } from './call-words.ts';

interface WaitingCallCardProps {
  call: Call;
  isBusy: boolean;
  onAccept: () => void;
  onDecline: () => void;
}

/** A second call while one is in a call: it stands beside what goes on and takes nothing away. */
export function WaitingCallCard({ call, isBusy, onAccept, onDecline }: WaitingCallCardProps) {
  const id = useId();
  const name = callerName(call);
  const words = strings.calls.incoming;
  return (
    <section className="waiting-call" role="alertdialog" aria-labelledby={`${id}-title`} aria-describedby={`${id}-text`}>
      <Avatar name={name} />
      <div className="waiting-call-text">
        <h2 id={`${id}-title`}>{words.title(name)}</h2>
        <p id={`${id}-text`} className="soft small">
          {words.waitingText(call.type)}
        </p>
      </div>
      <div className="row">
        <button type="button" className="button compact" disabled={isBusy} onClick={onDecline}>
          {words.decline}
        </button>
        <button type="button" className="button primary compact" disabled={isBusy} onClick={onAccept}>
          {words.endAndAccept}
        </button>
      </div>
    </section>
  );
}
