import type { Call } from '../../../src/protocol/call.ts';
import { navigate } from '../router.ts';
import type { Identity } from '../sign-in/identity.ts';
import { strings } from '../strings.ts';
import { Icon } from '../ui/icon.tsx';
import { MessagePage } from '../ui/message-page.tsx';
import { reasonOf, titleOf } from './call-words.ts';

interface CallSummaryProps {
  identity: Identity;
  call: Call;
  onCallAgain: () => void;
  onMessage: () => void;
}

/** After a call: with whom it was, how long it lasted, how it ended, and what one may want next. */
export function CallSummary({ identity, call, onCallAgain, onMessage }: CallSummaryProps) {
  const words = strings.calls.after;
  const length = call.connectedAt === null ? words.neverConnected : words.lasted(strings.calls.duration(call.durationSeconds ?? 0));
  const text = [`${strings.calls.type[call.type]}, ${titleOf(call, identity.userId)}.`, length, reasonOf(call, identity.userId)]
    .join(' ')
    .trim();
  return (
    <MessagePage title={words.title} text={text} identity={identity}>
      <button type="button" className="button primary" onClick={onCallAgain}>
        <Icon name={call.type === 'video' ? 'camera' : 'phone'} size={20} />
        {words.callAgain}
      </button>
      <button type="button" className="button" onClick={onMessage}>
        <Icon name="chat" size={20} />
        {words.message}
      </button>
      <button type="button" className="button quiet" onClick={() => navigate('/history')}>
        {words.toHistory}
      </button>
    </MessagePage>
  );
}
