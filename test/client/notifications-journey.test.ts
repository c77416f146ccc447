import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ParleyError } from '../../src/client/index.ts';
import { startTestApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';
import { Person } from './sdk-fixture.ts';

test('[CP10] [CP11] [CP13] the server’s notifications come, are read in pages and count', async () => {
  await using app = await startTestApp({ ACCESS_POLICY: 'open' });
  using guest = await Person.create(app, 'guest', 'patient');
  const { notifications } = guest.client;
  const errors: ParleyError[] = [];
  notifications.on('error', ({ error }) => errors.push(error));
  await guest.client.connect();
  const token = app.tokenFor('portal', 'service');
  const numbers = Array.from({ length: 25 }, (_, index) => index + 1);
  for (const number of numbers) {
    const body = { userIds: ['guest'], type: 'lab.result', title: `result ${number}` };
    assert.equal((await app.rest('POST', 'notifications', { token, body })).status, 201);
  }
  await waitFor('all to come', () => notifications.view.unreadCount === 25);
  await notifications.load();
  assert.equal(notifications.view.notifications.length, 20);
  await notifications.load();
  assert.deepEqual(
    notifications.view.notifications.map(({ title }) => title),
    numbers.map((number) => `result ${number}`).reverse(),
  );
  await notifications.read(notifications.view.notifications[3]?.notificationId ?? '');
  assert.equal(notifications.view.unreadCount, 24);
  await notifications.readAll();
  assert.equal(notifications.view.unreadCount, 0);
  assert.ok(notifications.view.notifications.every(({ readAt }) => readAt !== null));
  const quietHours = { from: '22:00', to: '06:00', timeZone: 'Europe/Berlin' };
  assert.deepEqual((await notifications.updateSettings({ quietHours })).quietHours, quietHours);
  assert.deepEqual((await notifications.settings()).quietHours, quietHours);
  assert.deepEqual(await notifications.subscribeTo(['ward:3']), ['ward:3']);
  assert.deepEqual(await notifications.unsubscribeFrom(['ward:3']), []);
  assert.deepEqual(errors, []);
});
