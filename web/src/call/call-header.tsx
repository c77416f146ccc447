import { type ReactNode, useEffect, useState } from 'react';
import { strings } from '../strings.ts';
import { Icon } from '../ui/icon.tsx';

interface CallHeaderProps {
  roomName: string;
  locked: boolean;
  /** Since when one counts; undefined: since this is shown. */
  startedMs?: number | undefined;
  /** Said in the place of the time while there is none to count. */
  state?: string | undefined;
  /** Whether one is recorded; stands beside the name. */
  mark?: ReactNode;
  /** Further buttons, before the help. */
  actions?: ReactNode;
  onHelp: () => void;
}

/** Which room this is and how long one has been in it. */
export function CallHeader({ roomName, locked, startedMs, state, mark, actions, onHelp }: CallHeaderProps) {
  return (
    <header className="call-header">
      <h1>{roomName}</h1>
      {locked && (
        <span className="chip">
          <Icon name="lock" size={14} />
          {strings.call.locked}
        </span>
      )}
      {state === undefined ? (
        <Elapsed key={startedMs} startedMs={startedMs} />
      ) : (
        <span className="call-state" role="status">
          {state}
        </span>
      )}
      {mark}
      <div className="call-header-actions">
        {actions}
        <button
          type="button"
          className="button quiet compact square help"
          title={strings.call.more}
          aria-label={strings.call.more}
          onClick={onHelp}
        >
          <Icon name="keyboard" size={22} />
        </button>
      </div>
    </header>
  );
}

function Elapsed({ startedMs: givenMs }: { startedMs: number | undefined }) {
  const [startedMs] = useState(() => givenMs ?? Date.now());
  const [seconds, setSeconds] = useState(() => Math.max(0, Math.floor((Date.now() - startedMs) / 1000)));

  useEffect(() => {
    const timer = setInterval(() => setSeconds(Math.floor((Date.now() - startedMs) / 1000)), 1000);
    return () => clearInterval(timer);
  }, [startedMs]);

  const text = formatElapsed(seconds);
  return (
    <span className="elapsed" role="timer" aria-label={strings.call.elapsed(text)}>
      {text}
    </span>
  );
}

function formatElapsed(seconds: number): string {
  const parts = [Math.floor((seconds % 3600) / 60), seconds % 60];
  if (seconds >= 3600) parts.unshift(Math.floor(seconds / 3600));
  return parts.map((part, index) => (index === 0 ? String(part) : String(part).padStart(2, '0'))).join(':');
}
