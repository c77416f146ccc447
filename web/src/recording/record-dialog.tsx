import { type FormEvent, useId, useState } from 'react';
import type { RecordingKind, Recordings } from '../../../src/client/index.ts';
import { strings } from '../strings.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Notice } from '../ui/notice.tsx';
import { useTask } from '../ui/use-task.ts';

const kinds: readonly RecordingKind[] = ['audio', 'video', 'screen'];

/** What to record and why; then everybody is asked. */
export function RecordDialog({ recordings, onClose }: { recordings: Recordings; onClose: () => void }) {
  const id = useId();
  const [purpose, setPurpose] = useState('');
  const [chosen, setChosen] = useState<readonly RecordingKind[]>(kinds);
  const { isBusy, problem, setProblem, run } = useTask();
  const words = strings.recording.ask;

  async function ask(event: FormEvent) {
    event.preventDefault();
    if (chosen.length === 0) return setProblem(words.noKind);
    await run(async () => {
      await recordings.request({ purpose: purpose.trim(), kinds: kinds.filter((kind) => chosen.includes(kind)) });
      onClose();
    });
  }

  return (
    <Dialog title={words.title} onClose={onClose}>
      <form className="record-form" onSubmit={(event) => void ask(event)}>
        <p className="soft">{words.text}</p>
        <div className="field">
          <label htmlFor={`${id}-purpose`}>{words.purpose}</label>
          <input
            id={`${id}-purpose`}
            value={purpose}
            required
            maxLength={500}
            autoComplete="off"
            placeholder={words.purposePlaceholder}
            aria-describedby={`${id}-hint`}
            onChange={({ target }) => setPurpose(target.value)}
          />
          <small id={`${id}-hint`}>{words.purposeHint}</small>
        </div>
        <fieldset className="field">
          <legend>{words.what}</legend>
          {kinds.map((kind) => (
            <label key={kind} className="check">
              <input
                type="checkbox"
                checked={chosen.includes(kind)}
                onChange={({ target }) => setChosen((now) => (target.checked ? [...now, kind] : now.filter((other) => other !== kind)))}
              />
              {strings.recording.kinds[kind]}
            </label>
          ))}
        </fieldset>
        {problem !== undefined && <Notice tone="bad">{problem}</Notice>}
        <div className="row end">
          <button type="button" className="button" onClick={onClose}>
            {words.cancel}
          </button>
          <button type="submit" className="button primary" disabled={isBusy || purpose.trim() === ''}>
            {words.submit}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
