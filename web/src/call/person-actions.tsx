import { useState } from 'react';
import type { Participant, Room, Source } from '../../../src/client/index.ts';
import { strings } from '../strings.ts';
import { ConfirmDialog } from '../ui/confirm-dialog.tsx';

interface PersonActionsProps {
  room: Room;
  participant: Participant;
  /** What this person sends right now. */
  sources: readonly Source[];
  act: (action: Promise<unknown>) => void;
}

/** What a moderator may do about one person. */
export function PersonActions({ room, participant, sources, act }: PersonActionsProps) {
  const [asking, setAsking] = useState<'remove' | 'ban'>();
  const { participantId, displayName: name } = participant;
  const heldMuted = participant.muted.includes('microphone');
  const words = strings.people;

  function mute(source: Source, allowUnmute: boolean) {
    act(room.muteParticipant(participantId, source, { allowUnmute }));
  }

  return (
    <>
      {sources.includes('microphone') && <Action words={words.mute} name={name} onClick={() => mute('microphone', true)} />}
      <Action words={heldMuted ? words.allowUnmute : words.keepMuted} name={name} onClick={() => mute('microphone', heldMuted)} />
      {sources.includes('camera') && <Action words={words.stopCamera} name={name} onClick={() => mute('camera', true)} />}
      {sources.includes('screen') && <Action words={words.stopScreen} name={name} onClick={() => mute('screen', true)} />}
      <Action words={words.remove} name={name} onClick={() => setAsking('remove')} />
      <Action words={words.ban} name={name} danger onClick={() => setAsking('ban')} />
      {asking === 'remove' && (
        <ConfirmDialog
          title={words.removeTitle(name)}
          text={words.removeText}
          confirm={words.remove[0]}
          onConfirm={() => act(room.kick(participantId))}
          onClose={() => setAsking(undefined)}
        />
      )}
      {asking === 'ban' && (
        <ConfirmDialog
          title={words.banTitle(name)}
          text={words.banText}
          confirm={words.ban[0]}
          onConfirm={() => act(room.kick(participantId, { ban: true }))}
          onClose={() => setAsking(undefined)}
        />
      )}
    </>
  );
}

interface ActionProps {
  words: readonly [string, (name: string) => string];
  name: string;
  danger?: boolean;
  onClick: () => void;
}

function Action({ words: [seen, spoken], name, danger = false, onClick }: ActionProps) {
  return (
    <button type="button" className={danger ? 'button danger-ink compact' : 'button compact'} aria-label={spoken(name)} onClick={onClick}>
      {seen}
    </button>
  );
}
