import { useId, useState } from 'react';
import type { Room, RoomView } from '../../../src/client/index.ts';
import { strings } from '../strings.ts';
import { Avatar } from '../ui/avatar.tsx';
import { Icon } from '../ui/icon.tsx';
import type { Person } from './people-on-stage.ts';
import { PersonActions } from './person-actions.tsx';

interface PersonRowProps {
  room: Room;
  view: RoomView;
  person: Person;
  mayModerate: boolean;
  act: (action: Promise<unknown>) => void;
}

/** One line of the list: who, and how they are. */
export function PersonRow({ room, view, person: { participant, isMe, microphoneOn, speaking }, mayModerate, act }: PersonRowProps) {
  const [open, setOpen] = useState(false);
  const id = useId();
  const name = participant.displayName;
  return (
    <li className="person">
      <div className="person-line">
        <span className={speaking ? 'speaking' : undefined}>
          <Avatar name={name} />
        </span>
        <span className="person-name">
          <span>{isMe ? strings.call.nameYou(name) : name}</span>
          <small>
            {strings.roles[participant.role]}
            {participant.isModerator && `, ${strings.people.moderator.toLowerCase()}`}
          </small>
        </span>
        {participant.handRaised && (
          <span className="hand-mark" title={strings.call.handRaised}>
            <Icon name="hand" size={20} />
            <span className="unseen">{strings.call.handRaised}</span>
          </span>
        )}
        {!microphoneOn && (
          <span className="soft" title={strings.call.muted}>
            <Icon name="microphoneOff" size={20} />
            <span className="unseen">{strings.call.muted}</span>
          </span>
        )}
        {mayModerate && (
          <button
            type="button"
            className="button quiet compact square"
            aria-expanded={open}
            aria-controls={id}
            title={strings.people.actionsFor(name)}
            aria-label={strings.people.actionsFor(name)}
            onClick={() => setOpen(!open)}
          >
            <Icon name="more" size={22} />
          </button>
        )}
      </div>
      {mayModerate && open && (
        <div id={id} className="person-actions">
          <PersonActions
            room={room}
            participant={participant}
            sources={view.producers
              .filter((one) => one.participantId === participant.participantId && !one.paused)
              .map((one) => one.source)}
            act={act}
          />
        </div>
      )}
    </li>
  );
}
