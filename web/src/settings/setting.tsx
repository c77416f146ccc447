import { useId } from 'react';

interface SettingProps {
  label: string;
  hint?: string;
  isOn: boolean;
  isDisabled?: boolean;
  onChange: (isOn: boolean) => void;
}

/** One thing that is on or off. */
export function Setting({ label, hint, isOn, isDisabled = false, onChange }: SettingProps) {
  const id = useId();
  return (
    <label className="setting">
      <input
        type="checkbox"
        checked={isOn}
        disabled={isDisabled}
        aria-describedby={hint === undefined ? undefined : id}
        onChange={({ target }) => onChange(target.checked)}
      />
      <span>{label}</span>
      {hint !== undefined && <small id={id}>{hint}</small>}
    </label>
  );
}
