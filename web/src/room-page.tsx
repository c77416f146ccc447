import { useEffect, useState, useSyncExternalStore } from 'react';
import type { RoomDetails } from '../../src/protocol/room.ts';
import { getRoom } from './api.ts';
import { createCallSession } from './call/call-session.ts';
import { InRoom } from './call/in-room.tsx';
import { CallRoomPage } from './calls/call-room-page.tsx';
import { useCallAt } from './calls/use-call-at.ts';
import { errorCode } from './error-text.ts';
import { createLocalMedia } from './media/local-media.ts';
import { PreviewPage } from './preview/preview-page.tsx';
import { useClient } from './shell/client-context.tsx';
import type { Identity } from './sign-in/identity.ts';
import { signOut } from './sign-in/session.ts';
import { strings } from './strings.ts';
import { MessagePage } from './ui/message-page.tsx';

interface RoomPageProps {
  roomId: string;
  identity: Identity;
}

/** A room's address: a call that was rung goes on here at once, any other room begins with the preview. */
export function RoomPage({ roomId, identity }: RoomPageProps) {
  const call = useCallAt(roomId);
  if (call !== undefined) return <CallRoomPage identity={identity} call={call} />;
  return <RoomVisit roomId={roomId} identity={identity} />;
}

/** Preview first, then the lobby and the room. */
function RoomVisit({ roomId, identity }: RoomPageProps) {
  const client = useClient();
  const [media] = useState(createLocalMedia);
  const [session] = useState(() => createCallSession(roomId, client, media));
  const state = useSyncExternalStore(session.subscribe, () => session.state);
  const [room, setRoom] = useState<RoomDetails>();
  const beforeCall = state.phase !== 'room';

  useEffect(() => {
    if (!beforeCall) return;
    let wanted = true;
    getRoom(identity.token, roomId).then(
      (details) => wanted && setRoom(details),
      (error: unknown) => {
        // A room that may not be read may still be entered: joining tells.
        if (wanted && errorCode(error) === 'auth.expired_token') signOut({ expired: true });
      },
    );
    return () => {
      wanted = false;
    };
  }, [identity.token, roomId, beforeCall]);

  const over = room?.status === 'ended' || room?.status === 'cancelled';

  useEffect(() => {
    if (!beforeCall || over) return;
    media.start();
  }, [media, beforeCall, over]);

  useEffect(
    () => () => {
      session.close();
      media.stop();
    },
    [session, media],
  );

  if (state.phase === 'room') {
    return <InRoom identity={identity} client={client} room={state.room} media={media} onComeBack={session.reset} />;
  }
  if (over) {
    return <MessagePage title={strings.closed.ended[0]} text={strings.closed.ended[1]} identity={identity} />;
  }
  return (
    <PreviewPage
      identity={identity}
      room={room}
      media={media}
      joining={state.phase === 'joining'}
      problem={state.phase === 'preview' ? state.problem : undefined}
      onJoin={() => void session.join()}
    />
  );
}
