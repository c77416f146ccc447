import { useState } from 'react';
import type { Recordings, RecordingsView } from '../../../src/client/index.ts';
import { strings } from '../strings.ts';
import { Icon, type IconName } from '../ui/icon.tsx';
import { RecordDialog } from './record-dialog.tsx';

interface RecordingControlsProps {
  recordings: Recordings;
  view: RecordingsView;
  isModerator: boolean;
  myId: string | undefined;
  act: (action: Promise<unknown>) => void;
}

/** To moderators and whoever asked: Record, then Pause, Resume and Stop. */
export function RecordingControls({ recordings, view: { recording }, isModerator, myId, act }: RecordingControlsProps) {
  const [isAsking, setAsking] = useState(false);
  const words = strings.recording.control;
  if (recording === null) {
    if (!isModerator) return null;
    return (
      <div className="recording-controls">
        <ControlButton icon="record" label={words.record} onClick={() => setAsking(true)} />
        {isAsking && <RecordDialog recordings={recordings} onClose={() => setAsking(false)} />}
      </div>
    );
  }
  if (!isModerator && recording.requestedBy !== myId) return null;
  return (
    <div className="recording-controls">
      {recording.status === 'recording' && <ControlButton icon="pause" label={words.pause} onClick={() => act(recordings.pause())} />}
      {recording.status === 'paused' && <ControlButton icon="record" label={words.resume} onClick={() => act(recordings.resume())} />}
      <ControlButton
        icon="stop"
        label={recording.status === 'requested' ? words.stopAsking : words.stop}
        onClick={() => act(recordings.stop())}
      />
    </div>
  );
}

function ControlButton({ icon, label, onClick }: { icon: IconName; label: string; onClick: () => void }) {
  return (
    <button type="button" className="button compact recording-control" title={label} aria-label={label} onClick={onClick}>
      <Icon name={icon} size={20} />
      <span className="recording-control-label" aria-hidden="true">
        {label}
      </span>
    </button>
  );
}
