import { useId } from 'react';
import type { CallStatus, CallType } from '../../../src/protocol/call.ts';
import { strings } from '../strings.ts';
import { DayRange } from '../ui/day-range.tsx';

/** What the list is narrowed to; days are local ones, `YYYY-MM-DD`, empty for none. */
export interface HistoryFilter {
  readonly type: CallType | '';
  readonly status: CallStatus | '';
  readonly from: string;
  readonly to: string;
}

export const noFilter: HistoryFilter = { type: '', status: '', from: '', to: '' };

/** Outcomes that one looks for. */
const statuses = ['ended', 'missed', 'declined', 'cancelled', 'busy', 'failed'] as const satisfies readonly CallStatus[];

interface HistoryFiltersProps {
  filter: HistoryFilter;
  onChange: (filter: HistoryFilter) => void;
}

/** Narrows the list by type, outcome and days. */
export function HistoryFilters({ filter, onChange }: HistoryFiltersProps) {
  const id = useId();
  const words = strings.calls.history;
  const isSet = Object.values(filter).some((value) => value !== '');
  return (
    <fieldset className="filters" aria-label={words.filters}>
      <div className="field">
        <label htmlFor={`${id}-type`}>{words.kind}</label>
        <select
          id={`${id}-type`}
          value={filter.type}
          onChange={({ target }) => onChange({ ...filter, type: target.value as CallType | '' })}
        >
          <option value="">{words.all}</option>
          <option value="video">{strings.calls.type.video}</option>
          <option value="voice">{strings.calls.type.voice}</option>
        </select>
      </div>
      <div className="field">
        <label htmlFor={`${id}-status`}>{words.outcome}</label>
        <select
          id={`${id}-status`}
          value={filter.status}
          onChange={({ target }) => onChange({ ...filter, status: target.value as CallStatus | '' })}
        >
          <option value="">{words.all}</option>
          {statuses.map((status) => (
            <option key={status} value={status}>
              {strings.calls.status[status]}
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
