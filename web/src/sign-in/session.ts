import { useSyncExternalStore } from 'react';
import { type Identity, readIdentity } from './identity.ts';

const key = 'parley.token';
const listeners = new Set<() => void>();

/** `expired`: there was a sign-in, and it has run out. */
export interface SignInState {
  readonly identity: Identity | undefined;
  readonly expired: boolean;
}

let state: SignInState = load();

/** Takes `#token=…` out of the address, where a host application puts it; a window's own storage keeps it from then on. */
function load(): SignInState {
  const fragment = new URLSearchParams(window.location.hash.slice(1));
  const handed = fragment.get('token');
  if (handed !== null) {
    fragment.delete('token');
    const rest = fragment.toString();
    window.history.replaceState(window.history.state, '', window.location.pathname + window.location.search + (rest && `#${rest}`));
    sessionStorage.setItem(key, handed);
  }
  const stored = sessionStorage.getItem(key);
  if (stored === null) return { identity: undefined, expired: false };
  const identity = readIdentity(stored);
  return { identity, expired: identity === undefined };
}

function change(next: SignInState): void {
  state = next;
  for (const listener of listeners) listener();
}

window.addEventListener('hashchange', () => {
  if (new URLSearchParams(window.location.hash.slice(1)).has('token')) change(load());
});

export function signInWith(token: string): void {
  sessionStorage.setItem(key, token);
  change({ identity: readIdentity(token), expired: false });
}

export function signOut(options: { expired?: boolean } = {}): void {
  sessionStorage.removeItem(key);
  change({ identity: undefined, expired: options.expired ?? false });
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Who is signed in in this window. */
export function useSignIn(): SignInState {
  return useSyncExternalStore(subscribe, () => state);
}
