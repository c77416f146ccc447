import type { CallView } from '../../../src/client/index.ts';
import { navigate } from '../router.ts';
import type { Identity } from '../sign-in/identity.ts';
import { strings } from '../strings.ts';
import { Icon } from '../ui/icon.tsx';
import { MessagePage } from '../ui/message-page.tsx';
import { reasonOf, titleOf } from './call-words.ts';

interface CallSummaryProps {
  identity: Identity;
  call: CallView;
  /** How long both sides were connected; undefined when they never were. */
  lastedSeconds: number | undefined;
  /** Why the last click did nothing. */
  problem: string | undefined;
  onCallAgain: () => void;
  onMessage: () => void;
}

/** After a call: with whom it was, how long it lasted, how it ended, and what one may want next. */
export function CallSummary({ identity, call: { call, outcome }, lastedSeconds, problem, onCallAgain, onMessage }: CallSummaryProps) {
  const words = strings.calls.after;
  const length = lastedSeconds === undefined ? words.neverConnected : words.lasted(strings.calls.duration(lastedSeconds));
  // The server's word on one's own hanging up comes later than the page.
  const reason = call.endReason === null && outcome === 'user_hangup' ? strings.calls.youHungUp : reasonOf(call, identity.userId);
  const whom = `${strings.calls.type[call.type]}, ${titleOf(call, identity.userId)}.`;
  return (
    <MessagePage title={words.title} text={problem ?? `${whom} ${length} ${reason}`.trim()} identity={identity}>
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
