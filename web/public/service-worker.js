// Shows what the server pushes while no page is open, and leads a click to the page. It keeps nothing and answers no requests.

const icon = '/favicon.svg';

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

self.addEventListener('push', (event) => {
  const message = read(event.data);
  if (message !== undefined) event.waitUntil(show(message));
});

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data?.path ?? '/'));
});

/** A message as the server writes it; undefined when it cannot be read. */
function read(data) {
  try {
    const message = data?.json();
    return typeof message?.title === 'string' && typeof message.tag === 'string' ? message : undefined;
  } catch {
    return undefined;
  }
}

async function show(message) {
  const rings = message.type === 'call.incoming';
  const isOver = Date.parse(message.expiresAt) < Date.now();
  // Browsers want something to be shown for every push, also when the ringing it was about is over.
  await self.registration.showNotification(message.title, {
    body: message.body ?? '',
    tag: message.tag,
    icon,
    renotify: rings && !isOver,
    requireInteraction: rings && !isOver,
    silent: isOver || message.type === 'call.over' || message.priority === 'low',
    data: { path: pathOf(message.path) },
    ...(rings && !isOver && { vibrate: [400, 200, 400, 200, 400] }),
  });
  if (message.type !== 'call.over') return;
  for (const shown of await self.registration.getNotifications({ tag: message.tag })) shown.close();
}

/** Never another server's page. */
function pathOf(path) {
  const url = new URL(typeof path === 'string' ? path : '/', self.location.origin);
  return url.origin === self.location.origin ? url.pathname : '/';
}

/** The page that is open already goes on with what it shows: a call rings there by itself. Otherwise a new one is opened. */
async function open(path) {
  const pages = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const page = pages.find(({ focused }) => focused) ?? pages[0];
  if (page === undefined) {
    await self.clients.openWindow(path);
    return;
  }
  await page.focus();
  // What leads to no place of its own, such as a call, is there on every page.
  if (path !== '/') page.postMessage({ type: 'parley:open', path });
}
