import type { Call } from '../../../src/protocol/call.ts';
import { outcomeOf, reasonOf, titleOf } from '../calls/call-words.ts';
import { strings } from '../strings.ts';
import { Icon } from '../ui/icon.tsx';

interface HistoryListProps {
  calls: readonly Call[];
  myId: string;
  isBusy: boolean;
  onCallAgain: (call: Call) => void;
}

/** Calls, the latest first. */
export function HistoryList({ calls, myId, isBusy, onCallAgain }: HistoryListProps) {
  return (
    <ul className="room-list history-list" aria-label={strings.calls.history.list}>
      {calls.map((call) => (
        <HistoryRow key={call.callId} call={call} myId={myId} isBusy={isBusy} onCallAgain={onCallAgain} />
      ))}
    </ul>
  );
}

function HistoryRow({ call, myId, isBusy, onCallAgain }: { call: Call } & Omit<HistoryListProps, 'calls'>) {
  const isMine = call.callerId === myId;
  const title = titleOf(call, myId);
  const { text, isBad } = outcomeOf(call, myId);
  const reason = call.status === 'ended' ? reasonOf(call, myId) : '';
  const words = strings.calls;
  const again = call.type === 'video' ? words.videoCallTo(title) : words.voiceCallTo(title);
  return (
    <li>
      <span
        className={isBad ? 'history-direction bad' : 'history-direction'}
        title={isMine ? words.history.outgoing : words.history.incoming}
      >
        <Icon name={isMine ? 'outgoing' : 'incoming'} size={20} />
        <span className="unseen">{isMine ? words.history.outgoing : words.history.incoming}</span>
      </span>
      <div className="room-row-text history-text">
        <span className="contact-name">{title}</span>
        <span className="room-row-meta">
          <span className={isBad ? 'history-outcome bad' : 'history-outcome'}>{text}</span>
          {reason !== '' && <span>{reason}</span>}
        </span>
      </div>
      <div className="history-when">
        <span className="row-icon">
          <Icon name={call.type === 'video' ? 'camera' : 'phone'} size={16} />
          {words.type[call.type]}
        </span>
        <time dateTime={call.initiatedAt}>{strings.formatTime(new Date(call.initiatedAt))}</time>
      </div>
      <button
        type="button"
        className="button quiet compact square"
        aria-label={again}
        title={again}
        disabled={isBusy}
        onClick={() => onCallAgain(call)}
      >
        <Icon name={call.type === 'video' ? 'camera' : 'phone'} size={22} />
      </button>
    </li>
  );
}
