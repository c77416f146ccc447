import { useEffect, useState, useSyncExternalStore } from 'react';
import type { ConnectionState, ParleyClient, Room, RoomView } from '../../../src/client/index.ts';

/** What the room looks like now. */
export function useRoom(room: Room): RoomView {
  return useSyncExternalStore(room.subscribe, () => room.view);
}

/** How the connection to the server is. */
export function useConnection(client: ParleyClient): ConnectionState {
  const [state, setState] = useState(client.state);
  useEffect(() => {
    setState(client.state);
    return client.on('stateChanged', setState);
  }, [client]);
  return state;
}
