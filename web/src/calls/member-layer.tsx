import type { ReactNode } from 'react';
import type { Identity } from '../sign-in/identity.ts';
import { CallLayer } from './call-layer.tsx';
import { CallsProvider } from './calls-context.tsx';

/** What members have on every page: their calls. */
export function MemberLayer({ identity, children }: { identity: Identity; children: ReactNode }) {
  return (
    <CallsProvider>
      {children}
      <CallLayer identity={identity} />
    </CallsProvider>
  );
}
