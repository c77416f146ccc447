import { useEffect } from 'react';
import type { ParleyError, RoomCloseReason } from '../../../src/client/index.ts';
import { errorText } from '../error-text.ts';
import type { Identity } from '../sign-in/identity.ts';
import { strings } from '../strings.ts';
import { MessagePage } from '../ui/message-page.tsx';
import type { RoomEnd } from './in-room.tsx';

interface ClosedPageProps {
  identity: Identity;
  reason: RoomCloseReason;
  end: RoomEnd | undefined;
  /** What went wrong last. */
  fault: ParleyError | undefined;
  onComeBack: () => void;
}

const final: readonly RoomCloseReason[] = ['ended', 'banned'];

/** After the call: why it is over, and the way back where there is one. */
export function ClosedPage({ identity, reason, end, fault, onComeBack }: ClosedPageProps) {
  const [title, text] = strings.closed[reason];
  const words: string[] = [reason === 'error' && fault !== undefined ? errorText(fault) : text];
  if (reason === 'ended' && end !== undefined) {
    words.push(strings.endedReasons[end.reason], strings.lasted(Math.round(end.durationSeconds / 60)));
  }

  useEffect(() => {
    if (document.fullscreenElement !== null) document.exitFullscreen().catch(() => undefined);
  }, []);

  return (
    <MessagePage title={title} text={words.join(' ')} identity={identity}>
      {!final.includes(reason) && (
        <button type="button" className="button primary" onClick={onComeBack}>
          {strings.comeBack}
        </button>
      )}
    </MessagePage>
  );
}
