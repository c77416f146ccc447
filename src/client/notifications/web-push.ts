import { ParleyError } from '../parley-error.ts';
import type { Rest } from '../rest.ts';

/** What Web Push needs of a service worker's registration. */
export type PushRegistration = Pick<ServiceWorkerRegistration, 'pushManager'>;

/**
 * Subscribes this browser to Web Push (RFC 8030, RFC 8292) and tells the server where to send. Called again it tells the server again. To be called
 * from a click: the browser may ask for permission.
 *
 * @throws {ParleyError} `client.device_denied` without permission, `client.unsupported`, `notification.push_address_refused`, `client.*`
 */
export async function enablePush(rest: Rest, { pushManager }: PushRegistration): Promise<void> {
  if (pushManager === undefined) throw new ParleyError('client.unsupported');
  const { publicKey } = await rest.json<{ publicKey: string }>('GET', '/notifications/push-key');
  const key = bytesOf(publicKey);
  const known = await pushManager.getSubscription();
  // One that was made for another key would be refused by the push service at each message.
  if (known !== null && !isSame(known.options.applicationServerKey, key)) await known.unsubscribe();
  const subscription = await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key }).catch((error: unknown): never => {
    const isDenied = error instanceof Error && error.name === 'NotAllowedError';
    throw new ParleyError(isDenied ? 'client.device_denied' : 'client.unsupported', { cause: error });
  });
  await tell(rest, subscription);
}

/** Ends it: the browser lets go of its address, and the server forgets it. Without a subscription nothing happens. Throws `client.*`. */
export async function disablePush(rest: Rest, { pushManager }: PushRegistration): Promise<void> {
  const subscription = await pushManager?.getSubscription();
  if (subscription === undefined || subscription === null) return;
  // Told once more, the server answers under which id it keeps this one; a page that was loaded anew knows it no other way.
  const { subscriptionId } = await tell(rest, subscription);
  await subscription.unsubscribe();
  await rest.json('DELETE', `/notifications/push-subscriptions/${encodeURIComponent(subscriptionId)}`);
}

/** Whether this browser is subscribed. */
export async function isPushEnabled({ pushManager }: PushRegistration): Promise<boolean> {
  return (await pushManager?.getSubscription()) != null;
}

function tell(rest: Rest, subscription: PushSubscription): Promise<{ subscriptionId: string }> {
  const { endpoint, expirationTime, keys } = subscription.toJSON();
  return rest.json('POST', '/notifications/push-subscriptions', { endpoint, expirationTime: expirationTime ?? null, keys });
}

/** Bytes of base64url (RFC 4648, section 5). */
function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (character) => character.charCodeAt(0));
}

function isSame(a: ArrayBuffer | null, b: Uint8Array): boolean {
  const bytes = a === null ? undefined : new Uint8Array(a);
  return bytes !== undefined && bytes.length === b.length && bytes.every((byte, index) => byte === b[index]);
}
