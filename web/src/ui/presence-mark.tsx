import type { PresenceStatus } from '../../../src/protocol/presence.ts';
import { strings } from '../strings.ts';

/** How somebody stands, as a mark whose shape differs as well as its colour; the word stands beside it. */
export function PresenceDot({ status }: { status: PresenceStatus }) {
  return <span className={`presence-dot ${status}`} aria-hidden="true" />;
}

/** The mark with its word. */
export function PresenceWord({ status }: { status: PresenceStatus }) {
  return (
    <span className="presence-word">
      <PresenceDot status={status} />
      {strings.presence[status]}
    </span>
  );
}
