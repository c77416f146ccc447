import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Role } from '../../src/protocol/ids.ts';
import { chaptersOf, clockText, speakersOf } from '../../web/src/recordings/chapters.ts';
import { Consultation } from '../recording/consultation.ts';
import { type Chromium, launchChromium, type Person } from '../support/chromium.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';
import { findFaults } from './page-faults.ts';
import { nameOf, press } from './visit.ts';

/** A consultation that was recorded: one that is ready, and one of which nothing came. */
async function makePast(app: TestApp): Promise<{ recordingId: string }> {
  const room = await Consultation.start(app, { sends: true });
  const ada = await room.enter('ada', { sends: true });
  const { recordingId } = await room.ask();
  await room.answer(ada, true);
  await room.captured(2);
  await room.host.client.request('recording:stop', { recordingId });
  await room.ready(recordingId);
  // Alone and without a device nothing is recorded of oneself.
  const silent = await Consultation.start(app);
  const nothing = await silent.ask();
  await silent.host.client.request('recording:stop', { recordingId: nothing.recordingId });
  await waitFor('the other to have failed', async () => (await silent.look(nothing.recordingId)).status === 'failed');
  return { recordingId };
}

function rows({ page }: Person) {
  return page.getByRole('list', { name: 'Recordings' }).getByRole('listitem');
}

function open(chromium: Chromium, app: TestApp, userId: string, role: Role, options = {}): Promise<Person> {
  return chromium.open(`${app.url}/recordings#token=${app.tokenFor(userId, role)}`, options);
}

test('[WEB42] [WEB45] [WEB46] the list says what has become of recordings; admins download, hold, put together again and delete', {
  timeout: 180_000,
}, async () => {
  await using app = await startTestApp();
  await using chromium = await launchChromium();
  const { recordingId } = await makePast(app);

  const ann = await open(chromium, app, 'ann', 'patient');
  await ann.page.getByText('No recordings yet.').waitFor();
  assert.equal(await ann.page.getByRole('link', { name: 'Recordings', exact: true }).count(), 0);
  const asker = await chromium.open(`${app.url}/#token=${app.tokenFor('host', 'provider')}`);
  await asker.page.getByRole('link', { name: 'Recordings', exact: true }).click();
  await waitFor('both of the asker’s', async () => (await rows(asker).count()) === 2);

  const admin = await open(chromium, app, 'boss', 'admin');
  await waitFor('both', async () => (await rows(admin).count()) === 2);
  await rows(admin).filter({ hasText: 'Failed' }).getByText('Nothing was recorded: nobody who agreed sent anything.').waitFor();
  await rows(admin)
    .filter({ hasText: 'Ready' })
    .getByText(`${nameOf('host')} and ${nameOf('ada')}`)
    .waitFor();
  await admin.page.getByLabel('Status', { exact: true }).selectOption({ label: 'Refused' });
  await admin.page.getByText('No recording fits these filters.').waitFor();
  await admin.page.getByLabel('Status', { exact: true }).selectOption({ label: 'Ready' });
  await waitFor('the one that is ready', async () => (await rows(admin).count()) === 1);
  await admin.page.getByRole('link', { name: 'Open recording: Training' }).click();

  for (const [button, name] of [
    [`Download: Voice of ${nameOf('ada')}`, /^Name of ada-microphone-0\.mka$/],
    ['Download all (ZIP)', /\.zip$/],
    ['Download receipts', /^consents-.*\.json$/],
  ] as const) {
    const download = admin.page.waitForEvent('download');
    await press(admin, button);
    assert.match((await download).suggestedFilename(), name);
    assert.ok(readFileSync(await (await download).path()).length > 100, button);
  }

  await admin.page.getByLabel('Legal hold').check();
  await waitFor('the hold', async () => (await app.sql('select 1 from recordings where held_at is not null')).length === 1);
  assert.equal(await admin.page.getByRole('button', { name: 'Delete recording' }).isDisabled(), true);
  await admin.page.getByLabel('Legal hold').uncheck();
  await waitFor('no hold', async () => (await app.sql('select 1 from recordings where held_at is not null')).length === 0);

  await admin.page.getByLabel('Layout').selectOption({ label: 'Side by side' });
  await press(admin, 'Put together again');
  await admin.page.getByText('It is being put together again.').waitFor();
  await admin.page.getByText('It is being put together again.').waitFor({ state: 'detached', timeout: 60_000 });
  assert.equal(await admin.page.getByLabel('Layout').inputValue(), 'sideBySide');

  await asker.page.getByRole('link', { name: 'Open recording: Training' }).filter({ visible: true }).last().click();
  await press(asker, 'Remove what was recorded of me');
  await press(asker, 'Cancel');
  await asker.page.goBack();
  for (const viewport of [
    { width: 375, height: 812 },
    { width: 1440, height: 900 },
  ]) {
    await admin.page.setViewportSize(viewport);
    assert.deepEqual(await findFaults(admin.page), [], `one recording, ${viewport.width} px`);
    await asker.page.setViewportSize(viewport);
    assert.deepEqual(await findFaults(asker.page), [], `the list, ${viewport.width} px`);
  }

  await press(admin, 'Delete recording');
  await press(admin, 'Delete');
  await waitFor(
    'the other one alone',
    async () => (await rows(admin).count()) === 1 && (await rows(admin).getByText('Failed').count()) === 1,
  );
  assert.equal((await app.rest('GET', `recordings/${recordingId}`, { token: app.tokenFor('boss', 'admin') })).status, 404);
  await admin.page.goto(`${app.url}/recordings/${recordingId}`);
  await admin.page.getByRole('heading', { name: 'There is no such recording' }).waitFor();
  // The browser itself writes refused requests down.
  for (const { faults } of [ann, asker, admin])
    assert.deepEqual(
      faults.filter((fault) => !fault.includes('404')),
      [],
    );
});

test('[WEB43] chapters lie where the composed file has them, and speakers are read from its captions', () => {
  const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1, 12, 0, seconds)).toISOString();
  const recording: Parameters<typeof chaptersOf>[0] = {
    startedAt: at(0),
    endedAt: at(60),
    gaps: [
      { startedAt: at(10), endedAt: at(20), reason: 'by_moderator' },
      { startedAt: at(50), endedAt: at(60), reason: 'disk_low' },
    ],
    tracks: [{ userId: 'ann', source: 'screen', startedAt: at(30) }],
    consents: [{ userId: 'ann', displayName: 'Ann' }],
    composition: { layout: 'grid', gaps: 'cut', withNames: false },
  };
  const cut = chaptersOf(recording).map(({ atSeconds, title }) => [atSeconds, title]);
  assert.deepEqual(cut, [
    [0, 'Beginning'],
    [10, 'Resumed after a pause'],
    [20, 'Ann shares the screen'],
  ]);
  const shown = chaptersOf({ ...recording, composition: { ...recording.composition, gaps: 'show' } });
  assert.deepEqual(
    shown.map(({ atSeconds }) => atSeconds),
    [0, 20, 30],
  );
  const vtt = `WEBVTT

00:00:01.500 --> 00:00:02.000
<v Ann>Ann

00:00:03.000 --> 00:00:04.000
<v Ann>Ann</v>

01:00:00.000 --> 01:00:02.000
<v A &amp; B>A &amp; B
`;
  assert.deepEqual(speakersOf(vtt), [
    { atSeconds: 1.5, title: 'Ann' },
    { atSeconds: 3600, title: 'A & B' },
  ]);
  assert.deepEqual([0, 65.9, 3605].map(clockText), ['0:00', '1:05', '1:00:05']);
});
