import type { FastifyRequest } from 'fastify';
import type { Identity, TokenService } from '../auth/token.ts';
import type { User } from '../protocol/user.ts';
import type { UserService } from '../users/user-service.ts';

/** Who asks over REST; fits wherever rules want an actor or a requester. */
export interface RequestCaller {
  readonly userId: string;
  readonly role: string;
  readonly address: string;
  /** The token's, with the name that everybody sees. */
  readonly identity: Identity;
  readonly user: User;
  /** The room that the token is for, if it is for one alone. */
  readonly onlyRoomId: string | undefined;
}

/** Finds out who sent a request. Errors: `auth.missing_token`, `auth.invalid_token`, `auth.expired_token`, `auth.suspended`. */
export type Authenticate = (request: FastifyRequest) => Promise<RequestCaller>;

/** Reads `Authorization: Bearer`. */
export function createAuthenticate({ tokens, users }: { tokens: TokenService; users: UserService }): Authenticate {
  return async (request) => {
    const identity = await tokens.verify(request.headers.authorization);
    const user = await users.admit(identity);
    const { userId, role } = identity;
    return {
      userId,
      role,
      address: request.ip,
      identity: { ...identity, displayName: user.displayName },
      user,
      onlyRoomId: identity.grants?.roomId,
    };
  };
}
