import assert from 'node:assert/strict';
import { test } from 'node:test';
import { launchChromium, type Person } from '../support/chromium.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';
import { ring, ringing, ringSettings, visitContacts } from './ring.ts';
import { nameOf, press } from './visit.ts';

/** As the host application says something to a user. */
async function tell(app: TestApp, userId: string, title: string, fields: Record<string, unknown> = {}): Promise<void> {
  const body = { userIds: [userId], type: 'results.ready', title, ...fields };
  const { status } = await app.rest('POST', 'notifications', { token: app.tokenFor('portal', 'service'), body });
  assert.equal(status, 201);
}

async function openBell({ page }: Person): Promise<void> {
  await page.getByRole('button', { name: /^Notifications/ }).click();
}

test('[WEB33] the bell counts in all windows; what is opened is read, leads where it belongs, and all can be read at once', async () => {
  await using app = await startTestApp(ringSettings);
  await using chromium = await launchChromium();
  const ann = await visitContacts(app, chromium, 'ann', 'patient');
  const phone = await visitContacts(app, chromium, 'ann', 'patient');
  const doctor = await visitContacts(app, chromium, 'doctor');
  await openBell(ann);
  await ann.page.getByText('Nothing new.').waitFor();
  await ann.page.keyboard.press('Escape');
  await ring(doctor, 'ann');
  await ringing(ann, 'doctor').waitFor();
  await press(doctor, 'Cancel');
  await tell(app, 'ann', 'Your results are there', { body: 'Ask at the desk.', priority: 'high' });
  for (const person of [ann, phone]) await person.page.getByRole('button', { name: 'Notifications, 2 unread' }).waitFor();
  await openBell(ann);
  await ann.page.getByRole('button', { name: /Your results are there.*Ask at the desk.*Important/ }).waitFor();
  await ann.page.getByRole('button', { name: new RegExp(`Missed call from ${nameOf('doctor')}`) }).click();
  await ann.page.getByRole('heading', { name: 'Call history' }).waitFor();
  await phone.page.getByRole('button', { name: 'Notifications, 1 unread' }).waitFor();
  await openBell(phone);
  await phone.page.getByRole('link', { name: 'Show all' }).click();
  await phone.page.getByRole('heading', { level: 1, name: 'Notifications' }).waitFor();
  await press(phone, 'Mark all as read');
  for (const person of [ann, phone]) await person.page.getByRole('button', { name: 'Notifications', exact: true }).waitFor();
  assert.deepEqual([...ann.faults, ...phone.faults], []);
});

test('[WEB34] settings are kept as they are changed; a push that the browser refuses is explained', async () => {
  await using app = await startTestApp(ringSettings);
  await using chromium = await launchChromium();
  const ann = await chromium.open(`${app.url}/settings#token=${app.tokenFor('ann', 'patient')}`);
  const { page } = ann;
  const settings = async () => (await app.rest('GET', 'notifications/settings', { token: app.tokenFor('ann', 'patient') })).body;
  const privacy = async () => (await app.rest('GET', 'users/me', { token: app.tokenFor('ann', 'patient') })).body.privacy;
  const email = page.getByLabel('Send me e-mail');
  await email.waitFor();
  if (!(await email.isChecked())) await email.click();
  await page.getByLabel('E-mail address').fill('ann@clinic.example');
  await press(ann, 'Save');
  await waitFor('the address to be kept', async () => (await settings()).emailAddress === 'ann@clinic.example');
  await page.getByLabel('Show what messages say').click();
  await waitFor('what messages say', async () => (await settings()).showContent === true);
  await page.getByLabel('Quiet hours').click();
  await page.getByLabel('From').fill('21:30');
  await waitFor('the quiet hours', async () => (await settings()).quietHours?.from === '21:30');
  assert.equal((await settings()).quietHours.to, '07:00');
  await page.getByLabel('Show when I was last seen').click();
  await waitFor('privacy', async () => (await privacy()).showLastSeen === false);
  await page.getByLabel('Notify me in this browser').click();
  await page.getByRole('alert').getByText('This browser blocks notifications for this page.').waitFor();
  await page.reload();
  await page.getByLabel('Quiet hours').waitFor();
  assert.equal(await page.getByLabel('From').inputValue(), '21:30');
  assert.equal(await page.getByLabel('E-mail address').inputValue(), 'ann@clinic.example');
  assert.equal(await page.getByLabel('Show when I was last seen').isChecked(), false);
});
