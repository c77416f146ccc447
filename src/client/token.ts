/** Renewal begins this long before a token expires, or at half its life when that is shorter. */
const renewBeforeMs = 60_000;
/** The longest a timer can wait (2^31 − 1 ms). */
const maxTimerMs = 2_147_483_647;

/** Unix milliseconds of a JWT's `exp` (RFC 7519), undefined when it cannot be read. The signature is the server's business. */
export function tokenExpiresAtMs(token: string): number | undefined {
  const exp = claimsOf(token)?.['exp'];
  return typeof exp === 'number' && Number.isFinite(exp) ? exp * 1000 : undefined;
}

/** Who a JWT says one is (`sub`), undefined when it cannot be read. */
export function tokenSubject(token: string): string | undefined {
  const sub = claimsOf(token)?.['sub'];
  return typeof sub === 'string' ? sub : undefined;
}

function claimsOf(token: string): Record<string, unknown> | undefined {
  const payload = token.replace(/^Bearer /i, '').split('.')[1];
  if (payload === undefined) return undefined;
  try {
    const claims: unknown = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')));
    return typeof claims === 'object' && claims !== null ? (claims as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** How long to wait before renewing a token that expires at `expiresAtMs`; at least a second, so that a host that answers stale tokens is not asked in a loop. */
export function renewalDelayMs(expiresAtMs: number, nowMs: number): number {
  const lifeMs = expiresAtMs - nowMs;
  const delayMs = lifeMs - Math.min(renewBeforeMs, lifeMs / 2);
  return Math.min(Math.max(delayMs, 1000), maxTimerMs);
}

/** Whether a cached token still serves for a handshake. */
export function isTokenFresh(token: string, nowMs: number): boolean {
  const expiresAtMs = tokenExpiresAtMs(token);
  return expiresAtMs === undefined || expiresAtMs - nowMs > 5000;
}
