import type { TokenService } from '../../auth/token.ts';
import { AppError } from '../../protocol/errors.ts';
import type { UserService } from '../../users/user-service.ts';
import type { Handlers, RequestsOf } from '../dispatch.ts';

/** `auth:*`. */
export function createAuthHandlers({ tokens, users }: { tokens: TokenService; users: UserService }): Handlers<RequestsOf<'auth'>> {
  return {
    'auth:renew': async (session, { token }) => {
      const identity = await tokens.verify(token);
      if (!session.mayBeRenewedBy(identity)) throw new AppError('auth.forbidden');
      const { displayName } = await users.admit(identity);
      session.renew(identity, displayName);
      return { expiresAt: identity.expiresAt.toISOString() };
    },
  };
}
