import { useId } from 'react';
import type { Participant, Room } from '../../../src/client/index.ts';
import { strings } from '../strings.ts';
import { Avatar } from '../ui/avatar.tsx';

interface WaitingCardProps {
  room: Room;
  waiting: readonly Participant[];
  act: (action: Promise<unknown>) => void;
}

/** To moderators: who is in the lobby, with yes and no. */
export function WaitingCard({ room, waiting, act }: WaitingCardProps) {
  const id = useId();
  return (
    <section className="waiting-card" aria-labelledby={id}>
      <h2 id={id}>{strings.lobby.waitingTitle(waiting.length)}</h2>
      <ul>
        {waiting.map(({ participantId, displayName, role }) => (
          <li key={participantId}>
            <Avatar name={displayName} />
            <span className="waiting-name" id={`${id}-${participantId}`}>
              {displayName}
              <small>{strings.roles[role]}</small>
            </span>
            <button
              type="button"
              className="button compact"
              aria-describedby={`${id}-${participantId}`}
              onClick={() => act(room.deny(participantId))}
            >
              {strings.lobby.deny}
            </button>
            <button
              type="button"
              className="button primary compact"
              aria-describedby={`${id}-${participantId}`}
              onClick={() => act(room.admit(participantId))}
            >
              {strings.lobby.admit}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
