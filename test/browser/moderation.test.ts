import assert from 'node:assert/strict';
import { test } from 'node:test';
import { launchChromium, readStats } from '../support/chromium.ts';
import { startTestApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';
import { enter, framesGrow, inCall, join, nameOf, press, shows, visit } from './visit.ts';

test('[WEB9] whoever waits in the lobby is shown to the host, enters with Admit and sees the host', async () => {
  await using app = await startTestApp();
  await using chromium = await launchChromium();
  const { roomId } = await app.createRoom({ lobby: true });
  const host = await enter(app, chromium, roomId, 'host', 'provider');
  const guest = await visit(app, chromium, roomId, 'guest');
  await join(guest);
  await guest.page.getByRole('heading', { name: 'Waiting to be let in' }).waitFor();
  await host.page.getByText(nameOf('guest')).first().waitFor();
  await press(host, 'Admit');
  await inCall(guest);
  await Promise.all([framesGrow(host), framesGrow(guest)]);
});

test('[WEB9] whoever is denied is told so', async () => {
  await using app = await startTestApp();
  await using chromium = await launchChromium();
  const { roomId } = await app.createRoom({ lobby: true });
  const host = await enter(app, chromium, roomId, 'host', 'provider');
  const guest = await visit(app, chromium, roomId, 'guest');
  await join(guest);
  await press(host, 'Deny');
  await guest.page.getByRole('heading', { name: 'You were not let in' }).waitFor();
  await host.page.getByRole('button', { name: 'Deny', exact: true }).waitFor({ state: 'detached' });
});

test('[WEB11] whoever is removed is told so, sends nothing more and may come back; whoever is banned may not', async () => {
  await using app = await startTestApp();
  await using chromium = await launchChromium();
  const { roomId } = await app.createRoom();
  const host = await enter(app, chromium, roomId, 'host', 'provider');
  const guest = await enter(app, chromium, roomId, 'guest');
  await press(host, 'People');
  await press(host, `Actions for ${nameOf('guest')}`);
  await press(host, `Remove ${nameOf('guest')}`);
  await host.page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click();
  await guest.page.getByRole('heading', { name: 'You were removed' }).waitFor();
  await waitFor('the guest’s connections to close', async () => (await readStats(guest.page)).length === 0);
  await host.page
    .getByRole('log')
    .getByText(`${nameOf('guest')} was removed`)
    .waitFor();

  await press(guest, 'Come back');
  await press(guest, 'Join');
  await inCall(guest);
  await press(host, `Actions for ${nameOf('guest')}`);
  await press(host, `Ban ${nameOf('guest')}`);
  await host.page.getByRole('dialog').getByRole('button', { name: 'Ban', exact: true }).click();
  await guest.page.getByRole('heading', { name: 'You were banned' }).waitFor();
  assert.equal(await guest.page.getByRole('button', { name: 'Come back' }).count(), 0);
  await guest.page.reload();
  await join(guest);
  await guest.page.getByRole('alert').getByText('You cannot come back to this room.').waitFor();
});

test('[WEB12] a microphone that the host keeps muted cannot be unmuted until the host allows it', async () => {
  await using app = await startTestApp();
  await using chromium = await launchChromium();
  const { roomId } = await app.createRoom();
  const host = await enter(app, chromium, roomId, 'host', 'provider');
  const guest = await enter(app, chromium, roomId, 'guest');
  await press(host, 'People');
  await press(host, `Actions for ${nameOf('guest')}`);
  await press(host, `Keep muted: ${nameOf('guest')}`);
  const unmute = guest.page.getByRole('button', { name: 'Unmute', exact: true });
  await unmute.waitFor();
  await waitFor('the button to be disabled', () => unmute.isDisabled());
  await press(host, `Allow unmute: ${nameOf('guest')}`);
  await unmute.click();
  await shows(guest, 'Mute');
});

test('[WEB13] a locked room turns people away in plain words; ending it closes the call for everyone', async () => {
  await using app = await startTestApp();
  await using chromium = await launchChromium();
  const { roomId } = await app.createRoom();
  const host = await enter(app, chromium, roomId, 'host', 'provider');
  const guest = await enter(app, chromium, roomId, 'guest');
  await press(host, 'People');
  await press(host, 'Lock room');
  await shows(host, 'Unlock room');
  const late = await visit(app, chromium, roomId, 'late');
  await join(late);
  await late.page
    .getByRole('alert')
    .getByText(/The room is locked/)
    .waitFor();

  await press(host, 'End for everyone');
  await host.page.getByRole('dialog').getByRole('button', { name: 'End for everyone' }).click();
  for (const { page } of [host, guest]) await page.getByRole('heading', { name: 'The consultation has ended' }).waitFor();
});
