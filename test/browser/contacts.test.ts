import assert from 'node:assert/strict';
import { test } from 'node:test';
import { launchChromium, type Person } from '../support/chromium.ts';
import { startTestApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';
import { ringSettings, talk, visitContacts } from './ring.ts';
import { nameOf, press } from './visit.ts';

/** A contact's line. */
function contact({ page }: Person, userId: string) {
  return page
    .getByRole('list', { name: 'People' })
    .getByRole('listitem')
    .filter({ hasText: nameOf(userId) });
}

/** Opens the menu of one's own account. */
async function openAccount({ page }: Person): Promise<void> {
  await page.getByRole('button', { name: /account and status$/ }).click();
}

test('[WEB21] contacts are found by name and messaged', async () => {
  await using app = await startTestApp(ringSettings);
  await using chromium = await launchChromium();
  await visitContacts(app, chromium, 'ann', 'patient');
  await visitContacts(app, chromium, 'ben', 'patient');
  const doctor = await visitContacts(app, chromium, 'doctor');
  await contact(doctor, 'ann').waitFor();
  await contact(doctor, 'ben').waitFor();
  const search = doctor.page.getByRole('searchbox', { name: 'Search contacts' });
  await search.fill('of BEN');
  await contact(doctor, 'ann').waitFor({ state: 'detached' });
  await search.fill('nobody');
  await doctor.page.getByText('Nobody is called “nobody”.').waitFor();
  await search.fill('ann');
  await press(doctor, `Message ${nameOf('ann')}`);
  await doctor.page.waitForURL(/\/c\/[0-9a-f-]{36}$/);
  await doctor.page.getByRole('heading', { name: nameOf('ann') }).waitFor();
});

test('[WEB21] [WEB32] status and note are seen in the others’ contacts as words, being in a call too, and leaving as well', async () => {
  await using app = await startTestApp(ringSettings);
  await using chromium = await launchChromium();
  const ann = await visitContacts(app, chromium, 'ann', 'patient');
  const doctor = await visitContacts(app, chromium, 'doctor');
  const sam = await visitContacts(app, chromium, 'sam');
  await contact(sam, 'doctor').getByText('Online').waitFor();
  await openAccount(doctor);
  await doctor.page.getByLabel('Busy').check();
  await contact(sam, 'doctor').getByText('Busy').waitFor();
  await doctor.page.getByLabel('Note').fill('Ward round');
  await doctor.page.getByLabel('Ends').selectOption({ label: 'In 1 hour' });
  await press(doctor, 'Save note');
  await contact(sam, 'doctor').getByText('Ward round').waitFor();
  const [row] = await app.sql<{ ends_in: number }>(
    `select extract(epoch from (ends_at - now()))::int as ends_in from user_presence where user_id = 'doctor'`,
  );
  assert.ok(row !== undefined && row.ends_in > 3500 && row.ends_in <= 3600);
  await doctor.page.getByLabel('Online').check();
  await contact(sam, 'doctor').getByText('Online').waitFor();
  await doctor.page.keyboard.press('Escape');
  await talk(doctor, ann, { caller: 'doctor', callee: 'ann' }, 'Voice');
  await contact(sam, 'doctor').getByText('In a call').waitFor();
  await contact(sam, 'ann').getByText('In a call').waitFor();
  await ann.page.goto('about:blank');
  await contact(sam, 'ann').getByText('Offline').waitFor();
  await contact(sam, 'ann')
    .getByText(/^Last seen/)
    .waitFor();
});

test('[WEB32] whoever does not want to be disturbed is not rung', async () => {
  await using app = await startTestApp(ringSettings);
  await using chromium = await launchChromium();
  const ann = await visitContacts(app, chromium, 'ann', 'patient');
  const doctor = await visitContacts(app, chromium, 'doctor');
  await openAccount(ann);
  await ann.page.getByLabel('Do not disturb').check();
  await ann.page.getByText('Calls to you are refused as busy.').waitFor();
  await contact(doctor, 'ann').getByText('Do not disturb').waitFor();
  await press(doctor, `Voice call to ${nameOf('ann')}`);
  await doctor.page.getByRole('heading', { name: `${nameOf('ann')} does not want to be disturbed` }).waitFor();
  assert.equal(await ann.page.getByRole('alertdialog').count(), 0);
});

test('[WEB36] a token for one room opens that room and neither contacts nor calls', async () => {
  await using app = await startTestApp();
  await using chromium = await launchChromium();
  const { roomId, guestToken } = await app.createRoom();
  const guest = await chromium.open(`${app.url}/r/${roomId}#token=${guestToken}`);
  await guest.page.getByRole('button', { name: 'Join', exact: true }).waitFor();
  assert.equal(await guest.page.getByRole('navigation', { name: 'Main' }).count(), 0);
  await guest.page.goto(`${app.url}/contacts`);
  await guest.page.getByRole('heading', { name: 'This link opens one room' }).waitFor();
  await guest.page.goto(`${app.url}/r/${roomId}`);
  await press(guest, 'Join');
  await guest.page.getByRole('region', { name: 'Call controls' }).waitFor();
  assert.deepEqual(guest.faults, []);
});

test('[WEB38] the page says so while the server is out of reach, and goes on by itself', async () => {
  await using app = await startTestApp(ringSettings);
  await using chromium = await launchChromium();
  const doctor = await visitContacts(app, chromium, 'doctor');
  await contact(doctor, 'doctor').waitFor({ state: 'detached' });
  await waitFor('a session', () => app.app.sockets.sessions.length === 1);
  const context = doctor.page.context();
  await context.route('**/socket.io/**', (route) => route.abort());
  await context.routeWebSocket('**/socket.io/**', (socket) => socket.close());
  for (const socket of app.app.sockets.io.sockets.sockets.values()) socket.conn.close();
  await doctor.page.getByText('Connection lost. Reconnecting').waitFor();
  await context.unroute('**/socket.io/**');
  await context.routeWebSocket('**/socket.io/**', (socket) => void socket.connectToServer());
  await doctor.page.evaluate(() => window.dispatchEvent(new Event('online')));
  await doctor.page.getByText('Connection lost. Reconnecting').waitFor({ state: 'detached' });
});
