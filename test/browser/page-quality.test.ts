import assert from 'node:assert/strict';
import { test } from 'node:test';
import { launchChromium, type Person } from '../support/chromium.ts';
import { startTestApp } from '../support/test-app.ts';
import { findFaults } from './page-faults.ts';
import { ring, ringSettings, talks, visitContacts } from './ring.ts';
import { enter, inCall, join, press, shows, visit } from './visit.ts';

for (const { name, viewport } of [
  { name: 'a phone', viewport: { width: 375, height: 812 } },
  { name: 'a desk', viewport: { width: 1440, height: 900 } },
]) {
  test(`[WEB18] on ${name} every page fits, and every control has a name and a size to hit`, async () => {
    await using app = await startTestApp();
    await using chromium = await launchChromium();
    const { roomId } = await app.createRoom({ name: 'A consultation with a rather long name that nobody would want to read' });
    const host = await chromium.open(`${app.url}/#token=${app.tokenFor('host', 'provider')}`, { viewport });
    await host.page
      .getByRole('region', { name: 'Recent rooms' })
      .getByRole('link', { name: /rather long name/ })
      .waitFor();
    assert.deepEqual(await findFaults(host.page), []);
    await host.page
      .getByRole('region', { name: 'Recent rooms' })
      .getByRole('link', { name: /rather long name/ })
      .click();
    await shows(host, 'Join');
    assert.deepEqual(await findFaults(host.page), []);
    await join(host);
    await inCall(host);
    assert.deepEqual(await findFaults(host.page), []);
    await enter(app, chromium, roomId, 'guest');
    await press(host, 'People');
    await press(host, 'Actions for Name of guest');
    assert.deepEqual(await findFaults(host.page), []);
    await host.page.keyboard.press('Escape');
    await press(host, 'Chat');
    await host.page.getByRole('textbox', { name: 'Message', exact: true }).fill('One message, longer than a line of the panel is wide.');
    await press(host, 'Send');
    await press(host, 'Actions for your message');
    assert.deepEqual(await findFaults(host.page), []);
    await press(host, 'React with heart');
    await shows(host, '❤️ by You');
    await press(host, 'Search messages');
    assert.deepEqual(await findFaults(host.page), []);
    await press(host, 'Close');
    await press(host, 'Leave');
    await shows(host, 'Come back');
    assert.deepEqual(await findFaults(host.page), []);
    const stranger = await chromium.open(app.url, { viewport });
    await shows(stranger, 'Sign in');
    assert.deepEqual(await findFaults(stranger.page), []);
  });
}

for (const { name, viewport } of [
  { name: 'a phone', viewport: { width: 375, height: 812 } },
  { name: 'a desk', viewport: { width: 1440, height: 900 } },
]) {
  test(`[WEB37] on ${name} contacts, history, notifications and settings fit, and so do ringing, a call and what comes after it`, async () => {
    await using app = await startTestApp(ringSettings);
    await using chromium = await launchChromium();
    const ann = await visitContacts(app, chromium, 'ann', 'patient', { viewport });
    const long = app.tokenFor('doctor', 'provider', { name: 'Dr. Amina Haddad-Lindström of the Department of Cardiology' });
    const doctor = await chromium.open(`${app.url}/contacts#token=${long}`, { viewport });
    const fits = async ({ page }: Person) => assert.deepEqual(await findFaults(page), []);
    await doctor.page.getByRole('list', { name: 'People' }).waitFor();
    await fits(doctor);
    await doctor.page.getByRole('button', { name: /account and status$/ }).click();
    await fits(doctor);
    await doctor.page.keyboard.press('Escape');
    await doctor.page.getByRole('button', { name: /^Notifications/ }).click();
    await fits(doctor);
    await doctor.page.keyboard.press('Escape');
    await ring(doctor, 'ann');
    await shows(ann, 'Accept without video');
    await fits(ann);
    await fits(doctor);
    await press(ann, 'Accept');
    await Promise.all([talks(ann), talks(doctor)]);
    await fits(ann);
    await press(doctor, 'Add person');
    await fits(doctor);
    await doctor.page.keyboard.press('Escape');
    await press(doctor, 'Hang up');
    await shows(ann, 'Call again');
    await fits(ann);
    for (const [place, heading] of [
      ['/history', 'Call history'],
      ['/notifications', 'Notifications'],
      ['/settings', 'Settings'],
    ] as const) {
      await ann.page.goto(`${app.url}${place}`);
      await ann.page.getByRole('heading', { level: 1, name: heading }).waitFor();
      await fits(ann);
    }
  });
}

test('[WEB18] the preview is used with the keyboard alone: from the address to the call with Tab and Enter', async () => {
  await using app = await startTestApp();
  await using chromium = await launchChromium();
  const { roomId } = await app.createRoom();
  const host = await visit(app, chromium, roomId, 'host', 'provider');
  await shows(host, 'Join');
  const focused = () => host.page.evaluate(() => document.activeElement?.textContent ?? '');
  for (let tabs = 0; tabs < 10 && (await focused()) !== 'Join'; tabs++) await host.page.keyboard.press('Tab');
  await host.page.keyboard.press('Enter');
  await inCall(host);
});
