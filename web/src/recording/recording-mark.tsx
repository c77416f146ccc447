import { useState } from 'react';
import type { Recordings, RecordingsView } from '../../../src/client/index.ts';
import { strings } from '../strings.ts';
import { Icon } from '../ui/icon.tsx';
import { PopoverButton } from '../ui/popover-button.tsx';
import { nameIn } from './use-room-recording.ts';
import { WithdrawDialog } from './withdraw-dialog.tsx';

interface RecordingMarkProps {
  recordings: Recordings;
  view: RecordingsView;
}

/** Always there while people are asked or recorded: whether they are; opens who is, why, and the way out. */
export function RecordingMark({ recordings, view: { recording, standing } }: RecordingMarkProps) {
  const [isWithdrawing, setWithdrawing] = useState(false);
  if (recording === null) return null;
  const words = strings.recording.indicator;
  const { status } = recording;
  const state = status === 'requested' ? words.asking : status === 'paused' ? words.paused : words.recording;
  const mayWithdraw = standing === 'recorded' || standing === 'paused' || standing === 'agreed';
  return (
    <>
      <span className="unseen" role="status">
        {state}
      </span>
      <PopoverButton
        className={`recording-mark ${status}`}
        label={words.more(state)}
        face={
          <>
            <span className="recording-dot" aria-hidden="true" />
            <span className="recording-mark-text">{state}</span>
            <Icon name="down" size={14} />
          </>
        }
      >
        {(close) => (
          <div className="recording-details">
            <h2>{state}</h2>
            <p className="soft small">{strings.recording.page.askedBy(nameIn(recording, recording.requestedBy))}</p>
            <dl className="consent-facts">
              <div>
                <dt>{strings.recording.question.purpose}</dt>
                <dd>{recording.purpose}</dd>
              </div>
              <div>
                <dt>{strings.recording.question.kinds}</dt>
                <dd>{strings.recording.kindsOf(recording.kinds)}</dd>
              </div>
            </dl>
            <ul className="recording-people" aria-label={words.answers}>
              {recording.consents.map((consent) => (
                <li key={consent.userId}>
                  <span>{consent.displayName}</span>
                  <span className={consent.state === 'granted' ? 'chip live' : 'chip'}>{words.consents[consent.state]}</span>
                </li>
              ))}
            </ul>
            {mayWithdraw && (
              <button
                type="button"
                className="button danger-ink"
                onClick={() => {
                  close();
                  setWithdrawing(true);
                }}
              >
                {words.withdraw}
              </button>
            )}
          </div>
        )}
      </PopoverButton>
      {isWithdrawing && <WithdrawDialog recordings={recordings} onClose={() => setWithdrawing(false)} />}
    </>
  );
}
