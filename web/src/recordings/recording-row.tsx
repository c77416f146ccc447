import type { Recording } from '../../../src/client/index.ts';
import { onLinkClick, recordingPathOf } from '../router.ts';
import { strings } from '../strings.ts';
import { ComposingBar } from './composing-bar.tsx';
import { StatusChip } from './status-chip.tsx';
import { isChanging } from './use-recordings.ts';

/** One recording in the list. */
export function RecordingRow({ recording }: { recording: Recording }) {
  const { recordingId, purpose, requestedAt, startedAt, durationSeconds, consents, status, failureReason, bytes } = recording;
  const words = strings.recording;
  const agreed = consents.filter(({ state }) => state === 'granted').map(({ displayName }) => displayName);
  return (
    <li className="recording-row">
      <div className="recording-row-text">
        <span className="row">
          <a className="contact-name" href={recordingPathOf(recordingId)} aria-label={words.page.open(purpose)} onClick={onLinkClick}>
            {purpose}
          </a>
          <StatusChip recording={recording} />
        </span>
        <span className="recording-row-meta">
          <span>{words.page.people(agreed)}</span>
        </span>
        {status === 'failed' && failureReason !== undefined && <span className="recording-why">{words.failures[failureReason]}</span>}
        {isChanging(recording) && recording.progress !== undefined && <ComposingBar progress={recording.progress} />}
      </div>
      <div className="recording-row-side">
        <time dateTime={startedAt ?? requestedAt}>{strings.formatTime(new Date(startedAt ?? requestedAt))}</time>
        <span>
          {durationSeconds !== undefined && strings.calls.duration(durationSeconds)}
          {bytes !== undefined && ` · ${strings.chat.bytes(bytes)}`}
        </span>
      </div>
    </li>
  );
}
