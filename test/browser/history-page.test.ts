import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { queryOf } from '../../web/src/history/history-query.ts';
import { launchChromium, type Person } from '../support/chromium.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';
import { ringSettings } from './ring.ts';
import { nameOf } from './visit.ts';

/** Calls of the past as they would lie in the database: an answered one of 12 minutes, and missed ones. */
async function makePast(app: TestApp, missed: number): Promise<void> {
  const doctor = await app.connect('doctor');
  const ann = await app.connect('ann', 'patient');
  for (let index = 0; index <= missed; index++) {
    const { call } = await doctor.request('call:initiate', { calleeIds: ['ann'], type: index === 0 ? 'video' : 'voice' });
    await doctor.request('call:cancel', { callId: call.callId });
  }
  await app.sql(`update calls set status = 'missed', end_reason = 'missed', ended_by = null where type = 'voice'`);
  await app.sql(
    `update calls set status = 'ended', end_reason = 'user_hangup', ended_by = 'ann', initiated_at = now() - interval '3 days',
       accepted_at = now() - interval '3 days', connected_at = now() - interval '3 days', ended_at = now() - interval '3 days' + interval '12 minutes'
     where type = 'video'`,
  );
  await doctor.close();
  await ann.close();
}

function rows({ page }: Person) {
  return page.getByRole('list', { name: 'Calls' }).getByRole('listitem');
}

test('[WEB30] the history tells who, when, how long and why in words, in pages, narrowed by type, outcome and days, and as a file', async () => {
  await using app = await startTestApp(ringSettings);
  await using chromium = await launchChromium();
  await makePast(app, 24);
  const ann = await chromium.open(`${app.url}/history#token=${app.tokenFor('ann', 'patient')}`);
  await rows(ann).first().getByText('Missed', { exact: true }).waitFor();
  await rows(ann).first().getByText('Incoming').waitFor();
  assert.equal(await rows(ann).count(), 20);
  await ann.page.getByText('Page 1 of 2').waitFor();
  await ann.page.getByRole('button', { name: 'Older' }).click();
  await ann.page.getByText('Page 2 of 2').waitFor();
  await waitFor('the second page', async () => (await rows(ann).count()) === 5);
  await rows(ann).last().getByText('12 min').waitFor();
  await rows(ann).last().getByText('You hung up.').waitFor();

  await ann.page.getByLabel('Type').selectOption({ label: 'Video call' });
  await waitFor('video calls alone', async () => (await rows(ann).count()) === 1);
  const download = ann.page.waitForEvent('download');
  await ann.page.getByRole('button', { name: 'Download CSV' }).click();
  const file = await (await download).path();
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  assert.equal(lines.length, 2, 'a head and one call');
  assert.match(lines[1] ?? '', /video/);
  await ann.page.getByLabel('Outcome').selectOption({ label: 'Missed' });
  await ann.page.getByText('No call fits these filters.').waitFor();
  await ann.page.getByRole('button', { name: 'Clear filters' }).click();
  await waitFor('all again', async () => (await rows(ann).count()) === 20);

  const figures = ann.page.getByRole('region', { name: 'The last 30 days' });
  for (const [label, value] of [
    ['Calls', '25'],
    ['Answered', '1'],
    ['Missed', '24'],
    ['Average length', '12 min'],
    ['Video / voice', '1 / 24'],
  ] as const) {
    const card = figures.locator('div', { has: ann.page.getByText(label, { exact: true }) });
    assert.equal(await card.getByRole('definition').textContent(), value, label);
  }
  await ann.page
    .getByRole('button', { name: `Voice call to ${nameOf('doctor')}` })
    .first()
    .waitFor();
  assert.deepEqual(ann.faults, []);
});

test('[WEB30] days are whole ones of one’s own time zone', () => {
  const { from, to, ...rest } = queryOf({ type: '', status: 'missed', from: '2026-03-01', to: '2026-03-01' });
  assert.deepEqual(rest, { status: 'missed' });
  assert.equal(from, new Date(2026, 2, 1, 0, 0, 0, 0).toISOString());
  assert.equal(to, new Date(2026, 2, 1, 23, 59, 59, 999).toISOString());
});
