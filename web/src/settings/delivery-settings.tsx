import { type FormEvent, useId, useState } from 'react';
import type { NotificationSettings } from '../../../src/client/index.ts';
import { strings } from '../strings.ts';
import { Setting } from './setting.tsx';

interface DeliverySettingsProps {
  settings: NotificationSettings;
  onChange: (change: Partial<NotificationSettings>) => void;
}

const usualNight = { from: '22:00', to: '07:00' };

/** E-mail, what may be shown, and when one is left alone. */
export function DeliverySettings({ settings, onChange }: DeliverySettingsProps) {
  const id = useId();
  const { email, emailAddress, showContent, quietHours } = settings;
  const words = strings.settings;
  const setQuiet = (change: Partial<typeof usualNight>) => {
    const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
    onChange({ quietHours: { ...usualNight, ...quietHours, ...change, timeZone } });
  };
  return (
    <>
      <Setting label={words.email} isOn={email} onChange={(isOn) => onChange({ email: isOn })} />
      {email && (
        <EmailAddress key={emailAddress} address={emailAddress ?? ''} onChange={(address) => onChange({ emailAddress: address })} />
      )}
      <Setting
        label={words.showContent}
        hint={words.showContentHint}
        isOn={showContent}
        onChange={(isOn) => onChange({ showContent: isOn })}
      />
      <Setting
        label={words.quiet}
        hint={words.quietHint}
        isOn={quietHours !== null}
        onChange={(isOn) => (isOn ? setQuiet({}) : onChange({ quietHours: null }))}
      />
      {quietHours !== null && (
        <div className="setting-part quiet-hours">
          <div className="field">
            <label htmlFor={`${id}-from`}>{words.quietFrom}</label>
            <input
              id={`${id}-from`}
              type="time"
              required
              value={quietHours.from}
              onChange={({ target }) => target.value !== '' && setQuiet({ from: target.value })}
            />
          </div>
          <div className="field">
            <label htmlFor={`${id}-to`}>{words.quietTo}</label>
            <input
              id={`${id}-to`}
              type="time"
              required
              value={quietHours.to}
              onChange={({ target }) => target.value !== '' && setQuiet({ to: target.value })}
            />
          </div>
        </div>
      )}
    </>
  );
}

function EmailAddress({ address, onChange }: { address: string; onChange: (address: string | null) => void }) {
  const id = useId();
  const [text, setText] = useState(address);
  const words = strings.settings;

  function submit(event: FormEvent) {
    event.preventDefault();
    onChange(text.trim() === '' ? null : text.trim());
  }

  return (
    <form className="setting-part field" onSubmit={submit}>
      <label htmlFor={id}>{words.emailAddress}</label>
      <span className="field-with-button">
        <input
          id={id}
          type="email"
          autoComplete="email"
          aria-describedby={`${id}-hint`}
          value={text}
          onChange={({ target }) => setText(target.value)}
        />
        <button type="submit" className="button" disabled={text.trim() === address}>
          {words.save}
        </button>
      </span>
      <small id={`${id}-hint`}>{words.emailHint}</small>
    </form>
  );
}
