import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import jwt from 'jsonwebtoken';

/** A key pair with its public half as a host application hands it out. */
export interface TestKey {
  algorithm: 'RS256' | 'ES256';
  privateKey: KeyObject;
  pem: string;
  jwk(keyId?: string): Record<string, unknown>;
}

/** A fresh key for RS256 or ES256. */
export function makeKey(algorithm: 'RS256' | 'ES256'): TestKey {
  const { privateKey, publicKey } =
    algorithm === 'RS256' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    algorithm,
    privateKey,
    pem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    jwk: (keyId) => ({ ...publicKey.export({ format: 'jwk' }), use: 'sig', ...(keyId !== undefined && { kid: keyId }) }),
  };
}

/** Now in the seconds of a token, moved by so many. */
export const secondsFromNow = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;

/** Usual claims; what is undefined is left out. */
export const claimsOf = (changes: Record<string, unknown> = {}): Record<string, unknown> => ({
  sub: 'ada',
  name: 'Ada',
  role: 'provider',
  exp: secondsFromNow(600),
  ...changes,
});

/** Signs claims exactly as they are given, whatever the library thinks of them. */
export function signWith(
  key: TestKey | string,
  claims: Record<string, unknown> = claimsOf(),
  header: Record<string, unknown> = {},
): string {
  const payload = JSON.stringify(claims);
  const algorithm = typeof key === 'string' ? 'HS256' : key.algorithm;
  const options = { header: { alg: algorithm, typ: 'JWT', ...header } as jwt.JwtHeader, algorithm } as const;
  return jwt.sign(payload, typeof key === 'string' ? key : key.privateKey, options);
}

/** Puts a token together by hand. */
export const assemble = (header: unknown, payload: unknown, signature = ''): string =>
  [header, payload].map((part) => Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url')).join('.') +
  `.${signature}`;
