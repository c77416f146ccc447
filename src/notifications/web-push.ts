import { createECDH, createHash, ECDH } from 'node:crypto';
import { request } from 'node:https';
import webPush from 'web-push';
import type { PushMessage } from '../protocol/notification.ts';
import type { PushSubscriptionRow } from './notification-store.ts';
import type { PushOutlet } from './push-address.ts';

/** How long a push service may take. */
const timeoutMs = 10_000;
/** Beside the encryption's own there are some 3,990 bytes (RFC 8291, section 4); what is beyond this is cut. */
const maxBodyCharacters = 400;
const maxPayloadBytes = 3_800;

const urgencies = { low: 'low', normal: 'normal', high: 'high', urgent: 'high' } as const;

/** What became of a push: taken; refused for good; or the browser has given up its subscription. A push that may be tried again throws. */
export type PushOutcome = 'sent' | 'refused' | 'gone';

export type WebPush = ReturnType<typeof createWebPush>;

/**
 * Sends encrypted messages to browsers' push services (RFC 8030, 8291) and says who sends them (RFC 8292). `secret` are 32 random bytes, from which
 * the one signing key of all servers is made; `subject` is an https address or `mailto:`, where a push service can complain.
 */
export function createWebPush({ secret, subject, outlet }: { secret: Buffer; subject: () => string; outlet: PushOutlet }) {
  const { publicKey, privateKey } = keyPairOf(secret);

  return {
    /** What browsers subscribe with. */
    publicKey,

    /** Sends one message. Throws when it may be tried again. */
    async send({ endpoint, p256dh, auth }: PushSubscriptionRow, message: PushMessage): Promise<PushOutcome> {
      const secondsLeft = Math.ceil((Date.parse(message.expiresAt) - Date.now()) / 1000);
      const { headers, body } = webPush.generateRequestDetails({ endpoint, keys: { p256dh, auth } }, payloadOf(message), {
        vapidDetails: { subject: subject(), publicKey, privateKey },
        TTL: Math.max(0, secondsLeft),
        urgency: urgencies[message.priority],
        topic: createHash('sha256').update(message.tag).digest('base64url').slice(0, 32),
      });
      const status = await post(new URL(endpoint), { headers: headers as Record<string, string>, body, outlet });
      if (status >= 200 && status < 300) return 'sent';
      if (status === 404 || status === 410) return 'gone';
      if (status === 408 || status === 429 || status >= 500) throw new Error(`the push service answered ${status}`);
      return 'refused';
    },

    close(): void {
      outlet.agent.destroy();
    },
  };
}

/** Not web-push's own: it keeps whatever is answered, however long that is. Redirections are not followed. */
function post(url: URL, { headers, body, outlet }: { headers: Record<string, string>; body: Buffer; outlet: PushOutlet }): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const signal = AbortSignal.timeout(timeoutMs);
  const outgoing = request(url, { method: 'POST', headers, agent: outlet.agent, signal }, (response) => {
    resolve(response.statusCode ?? 0);
    response.on('error', () => undefined);
    // What it says besides is of no use.
    response.destroy();
  });
  outgoing.on('error', (error: NodeJS.ErrnoException) =>
    reject(new Error(`the push service was not reached: ${error.code ?? error.name}`)),
  );
  outgoing.end(body);
  return promise;
}

/** The message as JSON, without its data where there is no room for them. */
function payloadOf(message: PushMessage): string {
  const { body } = message;
  const isLong = body !== null && body.length > maxBodyCharacters;
  const short = isLong ? { ...message, body: `${body.slice(0, maxBodyCharacters - 1).toWellFormed()}…` } : message;
  const whole = JSON.stringify(short);
  return Buffer.byteLength(whole) <= maxPayloadBytes ? whole : JSON.stringify({ ...short, data: {} });
}

/** A P-256 key pair, the same for the same secret. */
function keyPairOf(secret: Buffer): { publicKey: string; privateKey: string } {
  const pair = createECDH('prime256v1');
  for (let scalar = secret; ; scalar = createHash('sha256').update(scalar).digest()) {
    try {
      pair.setPrivateKey(scalar);
      return { publicKey: pair.getPublicKey('base64url'), privateKey: scalar.toString('base64url') };
    } catch {
      // One of 4 billion secrets is beyond the curve's order; then its hash serves.
    }
  }
}

/** Whether a browser's keys are what they have to be: a point of P-256, uncompressed, and 16 bytes (RFC 8291, section 3.1). */
export function findKeyFault({ p256dh, auth }: { p256dh: string; auth: string }): 'p256dh' | 'auth' | undefined {
  const point = Buffer.from(p256dh, 'base64url');
  try {
    if (point.length !== 65 || point[0] !== 4) return 'p256dh';
    // Throws for what is not on the curve.
    ECDH.convertKey(point, 'prime256v1');
  } catch {
    return 'p256dh';
  }
  return Buffer.from(auth, 'base64url').length === 16 ? undefined : 'auth';
}
