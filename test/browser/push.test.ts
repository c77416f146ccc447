import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CDPSession, Page } from 'playwright-core';
import { launchChromium } from '../support/chromium.ts';
import { startTestApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

/** What the server would push. */
function message(fields: Record<string, unknown>) {
  return {
    type: 'call.incoming',
    tag: 'call:1',
    notificationId: null,
    priority: 'urgent',
    title: 'Dr. Keller is calling',
    body: 'Video call',
    data: {},
    path: '/',
    createdAt: new Date().toISOString(),
    expiresAt: new Date(Date.now() + 60_000).toISOString(),
    ...fields,
  };
}

/** The page's worker, and a way to let it be pushed to. */
async function register(page: Page, origin: string): Promise<(data: unknown) => Promise<void>> {
  const session: CDPSession = await page.context().newCDPSession(page);
  const { promise, resolve } = Promise.withResolvers<string>();
  session.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
    const [registration] = registrations;
    if (registration !== undefined) resolve(registration.registrationId);
  });
  await session.send('ServiceWorker.enable');
  await page.evaluate(async () => {
    await navigator.serviceWorker.register('/service-worker.js');
    await navigator.serviceWorker.ready;
  });
  const registrationId = await promise;
  return async (data) => {
    await session.send('ServiceWorker.deliverPushMessage', { origin, registrationId, data: JSON.stringify(data) });
  };
}

/** What the worker shows now. */
function shown(page: Page) {
  return page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    const notifications = await registration.getNotifications();
    return notifications.map(({ title, body, tag, data, requireInteraction }) => ({
      title,
      body,
      tag,
      path: data.path,
      requireInteraction,
    }));
  });
}

test('[WEB35] a push is shown, replaced by the next of its tag, and gone when its call is over; it leads nowhere but to this page', async () => {
  await using app = await startTestApp();
  await using chromium = await launchChromium();
  const { page, faults } = await chromium.open(`${app.url}/#token=${app.tokenFor('doctor')}`, { permissions: ['notifications'] });
  const push = await register(page, app.url);
  await push(message({ path: 'https://evil.example/x' }));
  await waitFor('the call to be shown', async () => (await shown(page)).length === 1);
  assert.deepEqual(await shown(page), [
    { title: 'Dr. Keller is calling', body: 'Video call', tag: 'call:1', path: '/', requireInteraction: true },
  ]);
  await push(message({ type: 'call.missed', title: 'Missed call from Dr. Keller', path: '/history' }));
  await waitFor('the next one', async () => (await shown(page))[0]?.path === '/history');
  assert.equal((await shown(page)).length, 1);
  await push(message({ tag: 'call:2', title: 'Another is calling' }));
  await waitFor('both', async () => (await shown(page)).length === 2);
  await push(message({ tag: 'call:2', type: 'call.over', title: 'The call is over' }));
  await waitFor('the call to be gone', async () => (await shown(page)).every(({ tag }) => tag === 'call:1'));
  await push('no message at all');
  assert.deepEqual(faults, []);
});

test('[WEB35] the worker is renewed at once, and only what changes its name is kept by browsers', async () => {
  await using app = await startTestApp();
  const worker = await app.rest('GET', '/service-worker.js');
  assert.equal(worker.status, 200);
  assert.match(String(worker.headers.get('content-type')), /javascript/);
  assert.equal(worker.headers.get('cache-control'), 'no-cache');
  assert.match(String(worker.headers.get('content-security-policy')), /worker-src 'self'/);
  const page = await app.rest('GET', '/contacts');
  assert.equal(page.headers.get('cache-control'), 'no-cache');
  const [, script] = /src="(\/assets\/[^"]+\.js)"/.exec(String(page.body)) ?? [];
  const asset = await app.rest('GET', script ?? '');
  assert.match(String(asset.headers.get('cache-control')), /immutable/);
});
