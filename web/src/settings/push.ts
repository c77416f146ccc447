import { type Notifications, ParleyError } from '../../../src/client/index.ts';

/** Where the service worker lies: at the top, so that it may speak for every page. */
const workerPath = '/service-worker.js';

/** Whether this browser and address can have Web Push at all. */
export function isPushPossible(): boolean {
  return window.isSecureContext && 'serviceWorker' in navigator && 'PushManager' in window && 'Notification' in window;
}

/** Whether this browser is notified. */
export async function isPushOn(notifications: Notifications): Promise<boolean> {
  if (!isPushPossible()) return false;
  const registration = await navigator.serviceWorker.getRegistration();
  return registration !== undefined && (await notifications.isPushEnabled(registration));
}

/** Notifies this browser from now on; to be called from a click. Throws `client.device_denied` without the user's leave, `client.*`. */
export async function turnPushOn(notifications: Notifications): Promise<void> {
  // Asked here, because browsers differ in what a subscription without leave fails with.
  if ((await Notification.requestPermission()) !== 'granted') throw new ParleyError('client.device_denied');
  await navigator.serviceWorker.register(workerPath);
  await notifications.enablePush(await navigator.serviceWorker.ready);
}

/** Notifies it no more. */
export async function turnPushOff(notifications: Notifications): Promise<void> {
  const registration = await navigator.serviceWorker.getRegistration();
  if (registration === undefined) return;
  await notifications.disablePush(registration);
  await registration.unregister();
}
