import type { Role } from '../../../src/client/index.ts';

/** Who a token says one is. The page only shows it; the server alone decides what it is worth. */
export interface Identity {
  readonly token: string;
  readonly userId: string;
  readonly name: string;
  readonly role: Role;
  readonly expiresAtMs: number;
  /** The token opens one room and nothing else: no contacts, calls or notifications. */
  readonly isForOneRoom: boolean;
}

const roles: readonly Role[] = ['patient', 'provider', 'admin', 'service'];

/** Reads a JWT's claims (RFC 7519) without checking its signature; undefined when it cannot be read or has expired. */
export function readIdentity(token: string, nowMs: number = Date.now()): Identity | undefined {
  const claims = readClaims(token);
  if (claims === undefined) return undefined;
  const { sub, name, role, exp, room } = claims;
  const knownRole = roles.find((known) => known === role);
  if (typeof sub !== 'string' || knownRole === undefined || typeof exp !== 'number' || exp * 1000 <= nowMs) return undefined;
  return {
    token,
    userId: sub,
    name: typeof name === 'string' && name !== '' ? name : sub,
    role: knownRole,
    expiresAtMs: exp * 1000,
    isForOneRoom: room !== undefined,
  };
}

function readClaims(token: string): Record<string, unknown> | undefined {
  const payload = token.split('.')[1];
  if (payload === undefined) return undefined;
  try {
    const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), (character) => character.charCodeAt(0));
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof claims === 'object' && claims !== null ? (claims as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
