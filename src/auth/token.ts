import { createPublicKey, type KeyObject } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { JwksClient } from 'jwks-rsa';
import { z } from 'zod';
import type { Config } from '../config.ts';
import { AppError } from '../protocol/errors.ts';
import { type Role, role, type Source, source, userId, uuid } from '../protocol/ids.ts';

/** Seconds by which the clocks of the token's maker and of this server may differ. */
export const clockToleranceSeconds = 30;
/** Header `kid` of tokens that this server signed with its own secret. */
const ownKeyId = 'parley';

const roomClaim = z.object({
  id: uuid,
  canPublish: z.array(source).optional(),
  canSubscribe: z.boolean().optional(),
  canModerate: z.boolean().optional(),
  canRecord: z.boolean().optional(),
});

const claims = z.object({
  sub: userId,
  name: z.string().max(200).optional(),
  role,
  exp: z.number(),
  room: roomClaim.optional(),
});

/** What a token allows in one room; what it leaves out is decided by who the user is there. */
export interface RoomGrants {
  readonly roomId: string;
  readonly canPublish?: readonly Source[] | undefined;
  readonly canSubscribe?: boolean | undefined;
  readonly canModerate?: boolean | undefined;
  readonly canRecord?: boolean | undefined;
}

/** Who a verified token says somebody is. */
export interface Identity {
  readonly userId: string;
  readonly displayName: string;
  readonly role: Role;
  readonly expiresAt: Date;
  /** Set: the token is for this room alone. */
  readonly grants?: RoomGrants;
}

export interface TokenService {
  /**
   * Verifies a JWT, with or without `Bearer `. Only the configured algorithms count (RFC 8725, section 3.1).
   * Errors: `auth.missing_token`, `auth.invalid_token`, `auth.expired_token`, `auth.unavailable` when the key set can't be fetched.
   */
  verify(token: string | undefined): Promise<Identity>;
  /** Signs a token of this server's own. */
  sign(identity: Omit<Identity, 'expiresAt'>, expiresAt: Date): string;
}

/**
 * Verifies tokens by the configured keys, and by this server's own secret those it signed itself (room tokens, demo mode).
 * `ownSecret` is the secret made once in the data folder; AUTH_SECRET goes before it.
 */
export function createTokenService({ auth, isDemo, ownSecret }: { auth: Config['auth']; isDemo: boolean; ownSecret: string }): TokenService {
  const signingSecret = auth.secret ?? ownSecret;
  const sharedSecret = auth.secret ?? (isDemo ? ownSecret : undefined);
  const publicKey = auth.publicKey === undefined ? undefined : createPublicKey(auth.publicKey);
  const keySet =
    auth.jwksUrl === undefined ? undefined : new JwksClient({ jwksUri: auth.jwksUrl, cache: true, rateLimit: true, timeout: 5_000 });

  /** The key for a token's header and the one algorithm it may be used with. */
  async function keyFor(header: jwt.JwtHeader): Promise<{ key: string | KeyObject; algorithm: jwt.Algorithm }> {
    if (header.alg === 'HS256') {
      const key = header.kid === ownKeyId ? signingSecret : sharedSecret;
      if (key !== undefined) return { key, algorithm: 'HS256' };
    }
    if (header.alg === 'RS256' || header.alg === 'ES256') {
      if (publicKey && algorithmOf(publicKey) === header.alg) return { key: publicKey, algorithm: header.alg };
      if (keySet) {
        const key = await fetchKey(keySet, header.kid);
        if (algorithmOf(key) === header.alg) return { key, algorithm: header.alg };
      }
    }
    throw new AppError('auth.invalid_token');
  }

  return {
    async verify(raw) {
      const token = raw?.replace(/^Bearer\s+/i, '').trim();
      if (!token) throw new AppError('auth.missing_token');
      const header = jwt.decode(token, { complete: true })?.header;
      if (!header) throw new AppError('auth.invalid_token');
      const { key, algorithm } = await keyFor(header);
      const parsed = claims.safeParse(verifySignature(token, key, algorithm, auth));
      if (!parsed.success) throw new AppError('auth.invalid_token');
      const { sub, name, role, exp, room } = parsed.data;
      const { id: roomId, ...granted } = room ?? { id: undefined };
      return {
        userId: sub,
        displayName: name?.trim() || sub,
        role,
        expiresAt: new Date(exp * 1000),
        ...(roomId !== undefined && { grants: { roomId, ...granted } }),
      };
    },

    sign({ userId, displayName, role, grants }, expiresAt) {
      const { roomId, ...granted } = grants ?? { roomId: undefined };
      const payload = {
        name: displayName,
        role,
        exp: Math.floor(expiresAt.getTime() / 1000),
        ...(roomId !== undefined && { room: { id: roomId, ...granted } }),
      };
      return jwt.sign(payload, signingSecret, {
        algorithm: 'HS256',
        keyid: ownKeyId,
        subject: userId,
        ...(auth.issuer !== undefined && { issuer: auth.issuer }),
        ...(auth.audience !== undefined && { audience: auth.audience }),
      });
    },
  };
}

function verifySignature(token: string, key: string | KeyObject, algorithm: jwt.Algorithm, auth: Config['auth']): unknown {
  try {
    return jwt.verify(token, key, {
      algorithms: [algorithm],
      clockTolerance: clockToleranceSeconds,
      ...(auth.issuer !== undefined && { issuer: auth.issuer }),
      ...(auth.audience !== undefined && { audience: auth.audience }),
    });
  } catch (error) {
    throw new AppError(error instanceof jwt.TokenExpiredError ? 'auth.expired_token' : 'auth.invalid_token', { cause: error });
  }
}

async function fetchKey(keySet: JwksClient, keyId: string | undefined): Promise<KeyObject> {
  try {
    const key = await keySet.getSigningKey(keyId);
    return createPublicKey(key.getPublicKey());
  } catch (error) {
    const isUnknown = error instanceof Error && error.name === 'SigningKeyNotFoundError';
    throw new AppError(isUnknown ? 'auth.invalid_token' : 'auth.unavailable', { cause: error });
  }
}

function algorithmOf(key: KeyObject): 'RS256' | 'ES256' | undefined {
  if (key.asymmetricKeyType === 'rsa') return 'RS256';
  if (key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return 'ES256';
  return undefined;
}
