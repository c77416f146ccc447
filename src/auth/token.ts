import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { z } from 'zod';
import type { Config } from '../config.ts';
import { AppError } from '../protocol/errors.ts';
import { namedId, type Role, role, type Source, source, userId } from '../protocol/ids.ts';
import { algorithmOf, createKeySet } from './key-set.ts';

/** Seconds by which the clocks of the token's maker and of this server may differ. */
export const clockToleranceSeconds = 30;
/** The last second that a Date can show; an `exp` beyond it is in milliseconds, or nonsense. */
const lastSecond = 8_640_000_000_000;
/** Header `kid` of tokens that this server signed with its own secret. */
const ownKeyId = 'parley';

/** A token's header (RFC 7515). Extensions that have to be understood (`crit`) are not. */
const header = z.object({ alg: z.enum(['HS256', 'RS256', 'ES256']), kid: z.string().optional(), crit: z.undefined().optional() });

const roomClaim = z.object({
  id: namedId,
  canPublish: z.array(source).optional(),
  canSubscribe: z.boolean().optional(),
  canModerate: z.boolean().optional(),
  canRecord: z.boolean().optional(),
});

const claims = z.object({
  sub: userId,
  // PostgreSQL's text can't hold U+0000.
  name: z
    .string()
    .max(200)
    .refine((name) => !name.includes('\0'))
    .optional(),
  role,
  // What is no address is none; nobody is kept out because of it.
  email: z.email().max(254).optional().catch(undefined),
  exp: z.number().max(lastSecond),
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
  readonly email?: string;
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
export function createTokenService({
  auth,
  isDemo,
  ownSecret,
}: {
  auth: Config['auth'];
  isDemo: boolean;
  ownSecret: string;
}): TokenService {
  const signingSecret = createSecretKey(Buffer.from(auth.secret ?? ownSecret));
  const sharedSecret = auth.secret !== undefined || isDemo ? signingSecret : undefined;
  const publicKey = auth.publicKey === undefined ? undefined : createPublicKey(auth.publicKey);
  const keySet = auth.jwksUrl === undefined ? undefined : createKeySet(auth.jwksUrl);

  /** The key for a token's header and the one algorithm it may be used with; `isForRoomsOnly`: it has to carry a room claim. */
  async function keyFor({ alg, kid }: z.infer<typeof header>): Promise<VerificationKey> {
    if (alg === 'HS256') {
      if (sharedSecret !== undefined) return { key: sharedSecret, algorithm: alg };
      // Outside demo mode the server's own secret signs tokens of rooms only, so that what demo mode once handed out is worth nothing.
      if (kid === ownKeyId) return { key: signingSecret, algorithm: alg, isForRoomsOnly: true };
    } else {
      if (publicKey && algorithmOf(publicKey) === alg) return { key: publicKey, algorithm: alg };
      if (keySet) {
        const key = await keySet.get(kid);
        if (algorithmOf(key) === alg) return { key, algorithm: alg };
      }
    }
    throw new AppError('auth.invalid_token');
  }

  return {
    async verify(raw) {
      const token = raw?.replace(/^Bearer(\s+|$)/i, '').trim();
      if (!token) throw new AppError('auth.missing_token');
      const { key, algorithm, isForRoomsOnly } = await keyFor(headerOf(token));
      const parsed = claims.safeParse(verifySignature(token, key, algorithm, auth));
      if (!parsed.success || (isForRoomsOnly && !parsed.data.room)) throw new AppError('auth.invalid_token');
      const { sub, name, role, email, exp, room } = parsed.data;
      const { id: roomId, ...granted } = room ?? { id: undefined };
      return {
        userId: sub,
        displayName: name?.trim() || sub,
        role,
        expiresAt: new Date(exp * 1000),
        ...(email !== undefined && { email }),
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

interface VerificationKey {
  readonly key: string | KeyObject;
  readonly algorithm: z.infer<typeof header>['alg'];
  readonly isForRoomsOnly?: boolean;
}

function headerOf(token: string): z.infer<typeof header> {
  try {
    return header.parse(JSON.parse(Buffer.from(token.split('.', 1)[0] ?? '', 'base64url').toString()));
  } catch (error) {
    throw new AppError('auth.invalid_token', { cause: error });
  }
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
