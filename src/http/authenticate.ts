import type { FastifyRequest } from 'fastify';
import type { Identity, TokenService } from '../auth/token.ts';
import type { UserService } from '../users/user-service.ts';

/** Who asks over REST; fits wherever rules want an actor or a requester. */
export interface RequestCaller {
  readonly userId: string;
  readonly role: string;
  readonly address: string;
  readonly identity: Identity;
}

/** Finds out who sent a request. Errors: `auth.missing_token`, `auth.invalid_token`, `auth.expired_token`, `auth.suspended`. */
export type Authenticate = (request: FastifyRequest) => Promise<RequestCaller>;

/** Reads `Authorization: Bearer`. */
export function createAuthenticate({ tokens, users }: { tokens: TokenService; users: UserService }): Authenticate {
  return async (request) => {
    const identity = await tokens.verify(request.headers.authorization);
    const { displayName } = await users.admit(identity);
    return { userId: identity.userId, role: identity.role, address: request.ip, identity: { ...identity, displayName } };
  };
}
