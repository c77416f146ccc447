import { useState } from 'react';
import type { Recording, Recordings } from '../../../src/client/index.ts';
import { strings } from '../strings.ts';
import { ConfirmDialog } from '../ui/confirm-dialog.tsx';
import { Notice } from '../ui/notice.tsx';
import { useTask } from '../ui/use-task.ts';

interface OwnConsentProps {
  recordings: Recordings;
  recording: Recording;
  myId: string;
  onChanged: (recording: Recording) => void;
}

/** To those who agreed, once it is over: they may still have themselves removed. */
export function OwnConsent({ recordings, recording, myId, onChanged }: OwnConsentProps) {
  const [isAsking, setAsking] = useState(false);
  const { isBusy, problem, run } = useTask();
  const { recordingId, status, consents } = recording;
  const own = consents.find(({ userId }) => userId === myId);
  if (own?.state !== 'granted' || (status !== 'ready' && status !== 'processing' && status !== 'failed')) return null;
  const words = strings.recording.own;

  const remove = () => run(async () => onChanged(await recordings.withdraw({ recordingId, erase: true })));

  return (
    <section className="recording-part" aria-label={words.title}>
      <h2>{words.title}</h2>
      <p className="soft">{words.text}</p>
      {problem !== undefined && <Notice tone="bad">{problem}</Notice>}
      <button type="button" className="button danger-ink own-consent" disabled={isBusy} onClick={() => setAsking(true)}>
        {words.remove}
      </button>
      {isAsking && (
        <ConfirmDialog
          title={words.removeTitle}
          text={words.removeText}
          confirm={words.confirm}
          onConfirm={() => void remove()}
          onClose={() => setAsking(false)}
        />
      )}
    </section>
  );
}
