import { test } from 'node:test';
import { launchChromium } from '../support/chromium.ts';
import { startTestApp } from '../support/test-app.ts';
import { enter } from './visit.ts';

test('[WEB20] before a room’s time is up the page warns, until the warning is put away', async () => {
  await using app = await startTestApp({ LIMIT_ROOM_MINUTES: '1.1' });
  await using chromium = await launchChromium();
  const { roomId } = await app.createRoom();
  const { page } = await enter(app, chromium, roomId, 'host', 'provider');
  const warning = page.getByText('This room ends in less than a minute.');
  await warning.waitFor();
  await page.getByRole('button', { name: 'Close', exact: true }).click();
  await warning.waitFor({ state: 'detached' });
});

test('[WEB20] when a room’s time is up the page says so', async () => {
  await using app = await startTestApp({ LIMIT_ROOM_MINUTES: '0.1' });
  await using chromium = await launchChromium();
  const { roomId } = await app.createRoom();
  const { page } = await enter(app, chromium, roomId, 'host', 'provider');
  await page.getByRole('heading', { name: 'The consultation has ended' }).waitFor();
  await page.getByText(/Its time was up\./).waitFor();
});
