import { useEffect, useState } from 'react';
import type { ParleyClient, ParleyError, Room, RoomEndReason } from '../../../src/client/index.ts';
import type { LocalMedia } from '../media/local-media.ts';
import type { Identity } from '../sign-in/identity.ts';
import { CallPage } from './call-page.tsx';
import { ClosedPage } from './closed-page.tsx';
import { LobbyPage } from './lobby-page.tsx';
import { useRoom } from './use-room.ts';

interface InRoomProps {
  identity: Identity;
  client: ParleyClient;
  room: Room;
  media: LocalMedia;
  onComeBack: () => void;
}

/** How a room ended. */
export interface RoomEnd {
  readonly reason: RoomEndReason;
  readonly durationSeconds: number;
}

/** Behind "Join": the lobby, the call, or what there is to say when it is over. */
export function InRoom({ identity, client, room, media, onComeBack }: InRoomProps) {
  const view = useRoom(room);
  const [end, setEnd] = useState<RoomEnd>();
  const [fault, setFault] = useState<ParleyError>();

  useEffect(() => room.on('ended', setEnd), [room]);
  useEffect(() => room.on('error', ({ error }) => setFault(error)), [room]);

  if (view.status === 'closed') {
    return <ClosedPage identity={identity} reason={view.closeReason ?? 'error'} end={end} fault={fault} onComeBack={onComeBack} />;
  }
  if (view.status === 'waiting') {
    return <LobbyPage identity={identity} room={room} roomName={view.info?.roomName} media={media} onLeave={onComeBack} />;
  }
  return <CallPage client={client} room={room} view={view} />;
}
