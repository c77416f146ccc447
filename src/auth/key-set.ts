import { createPublicKey, type KeyObject } from 'node:crypto';
import { JwksClient } from 'jwks-rsa';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { AppError } from '../protocol/errors.ts';

/** How long a fetched set counts as fresh. */
const maxAgeMs = 10 * 60 * 1000;
/** How often a minute a key that a fresh set lacks makes it be fetched anew; whoever makes up key ids costs no more than that. */
const earlyFetchesPerMinute = 10;
const fetchTimeoutMs = 5_000;

/** The algorithm that a public key of a supported kind is used with. */
export function algorithmOf(key: KeyObject): 'RS256' | 'ES256' | undefined {
  if (key.asymmetricKeyType === 'rsa') return 'RS256';
  if (key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return 'ES256';
  return undefined;
}

/** A JSON Web Key Set (RFC 7517) at an address, kept for a while. */
export interface KeySet {
  /**
   * The key of an id; without an id the only one there is. One that is not there makes the set be fetched anew.
   * Errors: `auth.invalid_token` when there is none, `auth.unavailable` when the set can't be fetched.
   */
  get(keyId: string | undefined): Promise<KeyObject>;
}

/** Reads the set at an address when a key is first asked for. The set is kept whole, so that one fetch makes every new key known. */
export function createKeySet(url: string): KeySet {
  const client = new JwksClient({ jwksUri: url, cache: false, timeout: fetchTimeoutMs });
  const earlyFetches = new RateLimiterMemory({ points: earlyFetchesPerMinute, duration: 60 });
  let keys: ReadonlyMap<string | undefined, KeyObject> = new Map();
  let freshUntilMs = 0;
  let fetching: Promise<void> | undefined;

  async function fetchKeys(): Promise<void> {
    try {
      const found = new Map<string | undefined, KeyObject>();
      for (const { kid, alg, getPublicKey } of await client.getSigningKeys()) {
        const key = createPublicKey(getPublicKey());
        if (!alg || alg === algorithmOf(key)) found.set(kid, key);
      }
      keys = found;
      freshUntilMs = Date.now() + maxAgeMs;
    } catch (error) {
      throw new AppError('auth.unavailable', { cause: error });
    } finally {
      fetching = undefined;
    }
  }

  const find = (keyId: string | undefined) => (keyId === undefined && keys.size === 1 ? [...keys.values()][0] : keys.get(keyId));
  const mayFetchEarly = () =>
    earlyFetches.consume('set').then(
      () => true,
      () => false,
    );

  return {
    async get(keyId) {
      const isFresh = Date.now() < freshUntilMs;
      const known = isFresh ? find(keyId) : undefined;
      if (known) return known;
      if (fetching || !isFresh || (await mayFetchEarly())) {
        fetching ??= fetchKeys();
        await fetching;
      }
      const key = find(keyId);
      if (!key) throw new AppError('auth.invalid_token');
      return key;
    },
  };
}
