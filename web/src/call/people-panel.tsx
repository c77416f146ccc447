import { useState } from 'react';
import type { Room, RoomView } from '../../../src/client/index.ts';
import { strings } from '../strings.ts';
import { ConfirmDialog } from '../ui/confirm-dialog.tsx';
import { CopyLink } from '../ui/copy-link.tsx';
import { Icon } from '../ui/icon.tsx';
import { peopleOf } from './people-on-stage.ts';
import { PersonRow } from './person-row.tsx';
import { SidePanel } from './side-panel.tsx';

interface PeoplePanelProps {
  room: Room;
  view: RoomView;
  /** People are rung into a call; a link would not let anybody in. */
  isCall: boolean;
  act: (action: Promise<unknown>) => void;
  onClose: () => void;
}

/** Everybody in the call, and what a moderator may do about the room. */
export function PeoplePanel({ room, view, isCall, act, onClose }: PeoplePanelProps) {
  const [ending, setEnding] = useState(false);
  const isModerator = view.me?.isModerator ?? false;
  const locked = view.info?.locked ?? false;
  const people = peopleOf(view);
  return (
    <SidePanel title={strings.people.count(people.length)} onClose={onClose}>
      <ul className="people">
        {people.map((person) => (
          <PersonRow
            key={person.participant.participantId}
            room={room}
            view={view}
            person={person}
            mayModerate={isModerator && !person.isMe}
            act={act}
          />
        ))}
      </ul>
      <div className="panel-foot" hidden={isCall && !isModerator}>
        {!isCall && <CopyLink roomId={room.roomId} className="button compact" />}
        {isModerator && (
          <>
            {!isCall && (
              <button type="button" className="button compact" onClick={() => act(locked ? room.unlock() : room.lock())}>
                <Icon name={locked ? 'unlock' : 'lock'} size={18} />
                {locked ? strings.people.unlock : strings.people.lock}
              </button>
            )}
            <button type="button" className="button quiet danger-ink compact" onClick={() => setEnding(true)}>
              {strings.people.endForAll}
            </button>
          </>
        )}
      </div>
      {ending && (
        <ConfirmDialog
          title={strings.people.endTitle}
          text={strings.people.endText}
          confirm={strings.people.endForAll}
          onConfirm={() => act(room.end())}
          onClose={() => setEnding(false)}
        />
      )}
    </SidePanel>
  );
}
