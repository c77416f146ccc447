import { useEffect, useState } from 'react';
import type { ParleyClient } from '../../../src/client/index.ts';
import type { Identity } from '../sign-in/identity.ts';

/** Asked once a window: each look is written down. */
const known = new WeakMap<ParleyClient, Promise<boolean>>();

/** Whether the recordings are a place for somebody: admins always go there, others when there is one that they may see. */
export function useHasRecordings(client: ParleyClient, { role }: Identity): boolean {
  const isAdmin = role === 'admin';
  const [hasSome, setHasSome] = useState(false);

  useEffect(() => {
    if (isAdmin) return;
    let wanted = true;
    const { recordings } = client;
    const asked = known.get(client) ?? recordings.library.list({ limit: 1 }).then((page) => page.recordings.length > 0);
    known.set(client, asked);
    asked.then(
      (has) => wanted && setHasSome(has),
      // The next page asks again.
      () => known.delete(client),
    );
    const off = recordings.on('ready', ({ recording }) => {
      if (recording.requestedBy !== client.userId) return;
      known.set(client, Promise.resolve(true));
      setHasSome(true);
    });
    return () => {
      wanted = false;
      off();
    };
  }, [client, isAdmin]);

  return isAdmin || hasSome;
}
