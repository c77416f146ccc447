import { type FormEvent, useId, useState } from 'react';
import type { CompositionSettings, Recording, RecordingLibrary } from '../../../src/client/index.ts';
import { Setting } from '../settings/setting.tsx';
import { strings } from '../strings.ts';
import { ConfirmDialog } from '../ui/confirm-dialog.tsx';
import { Notice } from '../ui/notice.tsx';
import { useTask } from '../ui/use-task.ts';

interface ManageRecordingProps {
  library: RecordingLibrary;
  recording: Recording;
  onChanged: (recording: Recording) => void;
  onRemoved: () => void;
}

const layouts: readonly CompositionSettings['layout'][] = ['grid', 'speaker', 'sideBySide', 'screen'];

/** What admins alone may do: another layout, the legal hold, the end. */
export function ManageRecording({ library, recording, onChanged, onRemoved }: ManageRecordingProps) {
  const { isBusy, problem, run: act } = useTask();
  const [isRemoving, setRemoving] = useState(false);
  /** What was chosen, until the server has it. */
  const [wantsHold, setWantsHold] = useState<boolean>();
  const words = strings.recording.manage;
  const { recordingId, status, held } = recording;
  const isOver = status === 'ready' || status === 'failed' || status === 'refused';

  return (
    <section className="recording-part" aria-label={words.title}>
      <h2>{words.title}</h2>
      {problem !== undefined && <Notice tone="bad">{problem}</Notice>}
      <div className="recording-manage">
        {mayCompose(recording) && (
          <Recompose
            key={JSON.stringify(recording.composition)}
            recording={recording}
            isBusy={isBusy || recording.progress !== undefined}
            onCompose={(settings) => void act(async () => onChanged(await library.recompose(recordingId, settings)))}
          />
        )}
        <div>
          <Setting
            label={words.hold}
            hint={words.holdHint}
            isOn={wantsHold ?? held}
            isDisabled={isBusy}
            onChange={(isOn) => {
              setWantsHold(isOn);
              void act(async () => onChanged(await library.setHold(recordingId, isOn))).then(() => setWantsHold(undefined));
            }}
          />
          {isOver && (
            <button type="button" className="button danger-ink" disabled={isBusy || held} onClick={() => setRemoving(true)}>
              {words.remove}
            </button>
          )}
        </div>
      </div>
      {isRemoving && (
        <ConfirmDialog
          title={words.removeTitle}
          text={words.removeText}
          confirm={words.removeConfirm}
          onConfirm={() =>
            void act(async () => {
              await library.remove(recordingId);
              onRemoved();
            })
          }
          onClose={() => setRemoving(false)}
        />
      )}
    </section>
  );
}

/** Where something is left to put together, or to bring into the store. */
function mayCompose({ status, tracks, failureReason }: Recording): boolean {
  if (status !== 'ready' && status !== 'failed') return false;
  return tracks.length > 0 || failureReason === 'storage_failed' || failureReason === 'server_lost';
}

interface RecomposeProps {
  recording: Recording;
  isBusy: boolean;
  onCompose: (settings: CompositionSettings) => void;
}

function Recompose({ recording, isBusy, onCompose }: RecomposeProps) {
  const id = useId();
  const [settings, setSettings] = useState(recording.composition);
  const words = strings.recording.manage;

  function submit(event: FormEvent) {
    event.preventDefault();
    onCompose(settings);
  }

  function setClock(isOn: boolean) {
    const { timeZone: _, ...rest } = settings;
    setSettings(isOn ? { ...rest, timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone } : rest);
  }

  return (
    <form className="recompose" onSubmit={submit}>
      <div className="field">
        <label htmlFor={`${id}-layout`}>{words.layout}</label>
        <select
          id={`${id}-layout`}
          value={settings.layout}
          onChange={({ target }) => setSettings({ ...settings, layout: target.value as CompositionSettings['layout'] })}
        >
          {layouts.map((layout) => (
            <option key={layout} value={layout}>
              {words.layouts[layout]}
            </option>
          ))}
        </select>
      </div>
      <label className="check">
        <input
          type="checkbox"
          checked={settings.gaps === 'show'}
          onChange={({ target }) => setSettings({ ...settings, gaps: target.checked ? 'show' : 'cut' })}
        />
        {words.gaps}
      </label>
      <label className="check">
        <input
          type="checkbox"
          checked={settings.withNames}
          onChange={({ target }) => setSettings({ ...settings, withNames: target.checked })}
        />
        {words.names}
      </label>
      <label className="check">
        <input type="checkbox" checked={settings.timeZone !== undefined} onChange={({ target }) => setClock(target.checked)} />
        {words.clock}
      </label>
      <button type="submit" className="button" disabled={isBusy}>
        {recording.status === 'failed' ? words.retry : words.compose}
      </button>
    </form>
  );
}
