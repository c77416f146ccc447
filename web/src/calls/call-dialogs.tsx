import { useEffect, useState } from 'react';
import type { Contact } from '../../../src/protocol/presence.ts';
import { listContacts } from '../contacts/list-contacts.ts';
import { useClient } from '../shell/client-context.tsx';
import { AddPersonDialog } from './add-person-dialog.tsx';
import type { InCall } from './use-call-in-room.ts';
import { VideoRequestDialog } from './video-request-dialog.tsx';

interface CallDialogsProps {
  inCall: InCall;
  act: (action: Promise<unknown>) => void;
}

/** What a call asks or offers over its room. */
export function CallDialogs({ inCall, act }: CallDialogsProps) {
  return (
    <>
      {inCall.videoWishedBy !== undefined && <VideoRequestDialog name={inCall.videoWishedBy} onAnswer={inCall.answerVideo} />}
      {inCall.isAdding && <AddPerson inCall={inCall} act={act} />}
    </>
  );
}

function AddPerson({ inCall, act }: CallDialogsProps) {
  const client = useClient();
  const [contacts, setContacts] = useState<readonly Contact[]>();
  const { parties } = inCall.call.view.call;

  useEffect(() => {
    act(listContacts(client, '').then(setContacts));
  }, [client, act]);

  const inIt = new Set(parties.filter(({ state }) => state === 'joined' || state === 'ringing').map(({ userId }) => userId));
  return (
    <AddPersonDialog
      contacts={contacts?.filter(({ userId }) => !inIt.has(userId))}
      onAdd={({ userId, displayName }) => inCall.add(userId, displayName)}
      onClose={inCall.closeAdding}
    />
  );
}
