import { createContext, type ReactNode, useContext, useEffect, useState } from 'react';
import { createParleyClient, type ParleyClient } from '../../../src/client/index.ts';
import { errorCode } from '../error-text.ts';
import type { Identity } from '../sign-in/identity.ts';
import { signOut } from '../sign-in/session.ts';
import { strings } from '../strings.ts';

const clientContext = createContext<ParleyClient | undefined>(undefined);

/** The signed-in window's one connection, whatever page it shows. */
export function useClient(): ParleyClient {
  const client = useContext(clientContext);
  if (client === undefined) throw new Error('A part that needs the server stands outside ClientProvider.');
  return client;
}

/** The same, for headers that are also shown to nobody in particular. */
export function useOptionalClient(): ParleyClient | undefined {
  return useContext(clientContext);
}

const signInCodes = new Set(['auth.missing_token', 'auth.invalid_token', 'auth.expired_token']);

/** Connects as long as somebody is signed in, so that calls and messages reach them on every page. */
export function ClientProvider({ identity: { token }, children }: { identity: Identity; children: ReactNode }) {
  const [client, setClient] = useState<ParleyClient>();
  const [visit, setVisit] = useState(0);

  // A page that the browser has kept aside comes back without the connection that it had.
  useEffect(() => {
    const onShow = ({ persisted }: PageTransitionEvent) => {
      if (persisted) setVisit((count) => count + 1);
    };
    window.addEventListener('pageshow', onShow);
    return () => window.removeEventListener('pageshow', onShow);
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: each visit has a client of its own.
  useEffect(() => {
    const mine = createParleyClient({ url: window.location.origin, getToken: () => token });
    setClient(mine);
    mine.connect().catch((error: unknown) => {
      const code = errorCode(error);
      if (code !== undefined && signInCodes.has(code)) signOut({ expired: true });
    });
    return () => mine.close();
  }, [token, visit]);

  if (client === undefined || client.state.status === 'closed') return <p className="unseen">{strings.loading}</p>;
  return <clientContext.Provider value={client}>{children}</clientContext.Provider>;
}
