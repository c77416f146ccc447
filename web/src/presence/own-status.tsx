import { type FormEvent, useId, useState } from 'react';
import type { PresenceStatus, SettableStatus } from '../../../src/protocol/presence.ts';
import { strings } from '../strings.ts';
import { PresenceDot } from '../ui/presence-mark.tsx';
import { endOf, type StatusEnd, statusEnds } from './status-end.ts';

const statuses = ['online', 'away', 'busy', 'do_not_disturb'] as const satisfies readonly SettableStatus[];

/** What one says of oneself. */
export interface OwnStatus {
  readonly status: SettableStatus;
  readonly note: string;
  /** When it ends by itself, as ISO 8601; undefined: when it is changed. */
  readonly until: string | undefined;
}

interface OwnStatusFormProps {
  status: PresenceStatus;
  note: string;
  onSet: (status: OwnStatus) => Promise<void>;
}

/** Status and note, and when they end. */
export function OwnStatusForm({ status, note, onSet }: OwnStatusFormProps) {
  const id = useId();
  // What was clicked counts until the server has answered.
  const [wanted, setWanted] = useState<SettableStatus>();
  const chosen = wanted ?? statuses.find((one) => one === status) ?? 'online';
  const [text, setText] = useState(note);
  const [end, setEnd] = useState<StatusEnd>('never');
  const [isSaved, setSaved] = useState(false);
  const words = strings.account;

  function submit(event: FormEvent) {
    event.preventDefault();
    set(chosen, () => setSaved(true));
  }

  function set(one: SettableStatus, onDone: () => void = () => undefined) {
    setWanted(one);
    onSet({ status: one, note: text.trim(), until: endOf(end, new Date())?.toISOString() })
      // Whoever sets it says why it was refused.
      .then(onDone, () => undefined)
      .finally(() => setWanted(undefined));
  }

  return (
    <form className="own-status" onSubmit={submit}>
      <fieldset>
        <legend className="unseen">{words.status}</legend>
        {statuses.map((one) => (
          <label key={one} className="status-choice">
            <input type="radio" name={`${id}-status`} checked={chosen === one} onChange={() => set(one)} />
            <PresenceDot status={one} />
            {strings.presence[one]}
          </label>
        ))}
      </fieldset>
      {chosen === 'do_not_disturb' && <p className="soft small">{words.dndHint}</p>}
      <div className="field">
        <label htmlFor={`${id}-note`}>{words.note}</label>
        <input
          id={`${id}-note`}
          maxLength={200}
          placeholder={words.notePlaceholder}
          value={text}
          onChange={({ target }) => {
            setText(target.value);
            setSaved(false);
          }}
        />
      </div>
      <div className="own-status-end">
        <div className="field">
          <label htmlFor={`${id}-end`}>{words.until}</label>
          <select id={`${id}-end`} value={end} onChange={({ target }) => setEnd(target.value as StatusEnd)}>
            {statusEnds.map((one) => (
              <option key={one} value={one}>
                {words.ends[one]}
              </option>
            ))}
          </select>
        </div>
        <button type="submit" className="button">
          {isSaved ? words.saved : words.save}
        </button>
      </div>
    </form>
  );
}
