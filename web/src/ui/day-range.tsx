import { useId } from 'react';

/** Days as date inputs write them (`2026-03-01`); empty: not narrowed. */
export interface Days {
  readonly from: string;
  readonly to: string;
}

/** Whether the last day comes before the first one. */
export const isBackwards = ({ from, to }: Days): boolean => from !== '' && to !== '' && from > to;

interface DayRangeProps<F extends Days> {
  filter: F;
  words: { readonly from: string; readonly to: string };
  onChange: (filter: F) => void;
}

/** The first and the last day of what a list shows. */
export function DayRange<F extends Days>({ filter, words, onChange }: DayRangeProps<F>) {
  const id = useId();
  return (
    <>
      <div className="field">
        <label htmlFor={`${id}-from`}>{words.from}</label>
        <input
          id={`${id}-from`}
          type="date"
          max={filter.to || undefined}
          value={filter.from}
          onChange={({ target }) => onChange({ ...filter, from: target.value })}
        />
      </div>
      <div className="field">
        <label htmlFor={`${id}-to`}>{words.to}</label>
        <input
          id={`${id}-to`}
          type="date"
          min={filter.from || undefined}
          value={filter.to}
          onChange={({ target }) => onChange({ ...filter, to: target.value })}
        />
      </div>
    </>
  );
}
