import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ParleyError } from '../../src/client/index.ts';
import { startTestApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';
import { Person } from './sdk-fixture.ts';

test('[CP2] [CP4] [CP6] the server shows who is there, what they say of themselves, and that they have gone', async () => {
  await using app = await startTestApp({ ACCESS_POLICY: 'open' });
  using host = await Person.create(app, 'host');
  using guest = await Person.create(app, 'guest', 'patient');
  const { presence } = host.client;
  const errors: ParleyError[] = [];
  presence.on('error', ({ error }) => errors.push(error));
  await Promise.all([host.client.connect(), guest.client.connect()]);
  presence.watch(['guest', 'nobody']);
  await waitFor('the guest to be there', () => presence.get('guest')?.status === 'online');
  assert.equal(presence.get('nobody')?.status, 'offline');
  await waitFor('oneself', () => presence.view.own?.userId === 'host');
  await guest.client.presence.set('do_not_disturb', { note: 'ward round' });
  await waitFor('what the guest says', () => presence.get('guest')?.status === 'do_not_disturb');
  assert.equal(presence.get('guest')?.note, 'ward round');
  const { contacts } = await presence.contacts({ query: 'gue', limit: 5 });
  assert.deepEqual(
    contacts.map(({ userId }) => userId),
    ['guest'],
  );
  guest.client.close();
  await waitFor('the guest to be gone', () => presence.get('guest')?.status === 'offline');
  assert.deepEqual(errors, []);
});
