import { useId } from 'react';
import type { RecordingStatus, RecordingsQuery } from '../../../src/client/index.ts';
import { strings } from '../strings.ts';
import { DayRange } from '../ui/day-range.tsx';

/** What the list is narrowed to; days are local ones, `YYYY-MM-DD`, empty for none. */
export interface RecordingFilter {
  readonly status: RecordingStatus | '';
  readonly from: string;
  readonly to: string;
}

export const noFilter: RecordingFilter = { status: '', from: '', to: '' };

const statuses: readonly RecordingStatus[] = ['ready', 'processing', 'recording', 'paused', 'requested', 'failed', 'refused'];

/** What to ask the server for: the days are whole ones of this device's time zone. */
export function queryOf({ status, from, to }: RecordingFilter): RecordingsQuery {
  return {
    ...(status !== '' && { status }),
    ...(from !== '' && { from: new Date(`${from}T00:00:00`).toISOString() }),
    ...(to !== '' && { to: new Date(`${to}T23:59:59.999`).toISOString() }),
  };
}

interface RecordingFiltersProps {
  filter: RecordingFilter;
  onChange: (filter: RecordingFilter) => void;
}

/** Narrows the list by status and days. */
export function RecordingFilters({ filter, onChange }: RecordingFiltersProps) {
  const id = useId();
  const words = strings.recording.page;
  const isSet = Object.values(filter).some((value) => value !== '');
  return (
    <fieldset className="filters of-recordings" aria-label={words.filters}>
      <div className="field">
        <label htmlFor={`${id}-status`}>{words.status}</label>
        <select
          id={`${id}-status`}
          value={filter.status}
          onChange={({ target }) => onChange({ ...filter, status: target.value as RecordingStatus | '' })}
        >
          <option value="">{words.all}</option>
          {statuses.map((status) => (
            <option key={status} value={status}>
              {strings.recording.status[status]}
            </option>
          ))}
        </select>
      </div>
      <DayRange filter={filter} words={words} onChange={onChange} />
      {isSet && (
        <button type="button" className="button quiet compact" onClick={() => onChange(noFilter)}>
          {words.reset}
        </button>
      )}
    </fieldset>
  );
}
