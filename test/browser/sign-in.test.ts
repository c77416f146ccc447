import assert from 'node:assert/strict';
import { test } from 'node:test';
import { launchChromium } from '../support/chromium.ts';
import { startTestApp } from '../support/test-app.ts';
import { framesGrow, inCall, join, press, shows, visit } from './visit.ts';

const demo = { AUTH_SECRET: '' };

test('[WEB1] in demo mode two people sign in under a name, one makes a room, the other follows the link, and they see each other', async () => {
  await using app = await startTestApp(demo);
  await using chromium = await launchChromium();
  const marta = await chromium.open(app.url);
  await marta.page.getByLabel('Name').fill('Marta');
  await marta.page.getByText('Provider', { exact: true }).click();
  await press(marta, 'Sign in');
  await press(marta, 'New room');
  await marta.page.waitForURL(/\/r\/[0-9a-f-]{36}$/);
  await join(marta);
  await inCall(marta);

  const jonas = await chromium.open(marta.page.url());
  await jonas.page.getByLabel('Name').fill('Jonas');
  await jonas.page.getByText('Patient', { exact: true }).click();
  await press(jonas, 'Sign in');
  assert.equal(jonas.page.url(), marta.page.url());
  await join(jonas);
  await Promise.all([framesGrow(marta), framesGrow(jonas)]);
  assert.deepEqual([...marta.faults, ...jonas.faults], []);
});

test('[WEB2] a token in the address signs in, is taken out of the address and is not shared with other windows', async () => {
  await using app = await startTestApp();
  await using chromium = await launchChromium();
  const { roomId } = await app.createRoom();
  const jonas = await visit(app, chromium, roomId, 'jonas');
  await shows(jonas, 'Join');
  assert.equal(jonas.page.url(), `${app.url}/r/${roomId}`);
  const otherTab = await jonas.page.context().newPage();
  await otherTab.goto(`${app.url}/r/${roomId}`);
  await otherTab.getByRole('button', { name: 'Sign in', exact: true }).waitFor();
  await jonas.page.reload();
  await shows(jonas, 'Join');
});

test('[WEB2] outside demo mode the page says where a sign-in comes from', async () => {
  await using app = await startTestApp();
  await using chromium = await launchChromium();
  const { page } = await chromium.open(app.url);
  await page.getByLabel('Name').fill('Marta');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('heading', { name: 'Please open this page from your portal' }).waitFor();
});

test('[WEB3] a patient goes to a room by pasting its link, and is told when that is none', async () => {
  await using app = await startTestApp();
  await using chromium = await launchChromium();
  const { roomId, joinUrl } = await app.createRoom();
  const jonas = await chromium.open(`${app.url}/#token=${app.tokenFor('jonas', 'patient')}`);
  const { page } = jonas;
  await page.getByLabel('Room link').fill('https://example.org/');
  await press(jonas, 'Open room');
  await page.getByRole('alert').waitFor();
  await page.getByLabel('Room link').fill(joinUrl);
  await press(jonas, 'Open room');
  await shows(jonas, 'Join');
  assert.equal(new URL(page.url()).pathname, `/r/${roomId}`);
});

test('[WEB5] somebody who refuses camera and microphone is told so, and joins and sees the others', async () => {
  await using app = await startTestApp();
  await using chromium = await launchChromium();
  await using refusing = await launchChromium({ devices: 'refused' });
  const { roomId } = await app.createRoom();
  const host = await visit(app, chromium, roomId, 'host', 'provider');
  await join(host);
  await inCall(host);
  const jonas = await visit(app, refusing, roomId, 'jonas');
  await jonas.page.getByText(/does not let this page use your camera/).waitFor();
  await jonas.page.getByText(/does not let this page use your microphone/).waitFor();
  await join(jonas);
  await shows(jonas, 'Unmute');
  await shows(jonas, 'Start camera');
  await framesGrow(jonas);
});
