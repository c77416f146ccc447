import { createHmac } from 'node:crypto';
import type { Config } from '../config.ts';
import type { IceServer } from '../protocol/room.ts';

/**
 * STUN and TURN servers for one user. TURN credentials are of the REST kind that coturn's `use-auth-secret` checks: the name is
 * `<unix seconds of expiry>:<user id>`, the password its HMAC-SHA-1 (draft-uberti-behave-turn-rest-00).
 */
export function iceServersFor(
  { stunUrls, turnUrls, turnSecret, credentialHours }: Config['ice'],
  userId: string,
  now = Date.now(),
): IceServer[] {
  const servers: IceServer[] = [];
  if (stunUrls.length > 0) servers.push({ urls: [...stunUrls] });
  if (turnUrls.length > 0 && turnSecret !== undefined) {
    const username = `${Math.floor(now / 1000) + Math.round(credentialHours * 3600)}:${userId}`;
    servers.push({ urls: [...turnUrls], username, credential: createHmac('sha1', turnSecret).update(username).digest('base64') });
  }
  return servers;
}
