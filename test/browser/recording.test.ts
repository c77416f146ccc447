import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import type { Recording } from '../../src/protocol/recording.ts';
import { launchChromium, type Person } from '../support/chromium.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';
import { findFaults } from './page-faults.ts';
import { askToRecord, enterAs, spokenBy } from './recording-visit.ts';
import { framesGrow, nameOf, press, shows } from './visit.ts';

const run = promisify(execFile);
const ffmpegTimeoutMs = 60_000;
const blue = { colour: '#0000ff', toneHz: 1000 };
const viewport = { width: 375, height: 812 };
const red = { colour: '#ff0000', toneHz: 3000 };

/** The only recording that there is, as an admin sees it. */
async function onlyRecording(app: TestApp): Promise<Recording> {
  const { body } = await app.rest('GET', 'recordings', { token: app.tokenFor('admin', 'admin') });
  assert.equal(body.recordings.length, 1);
  return body.recordings[0];
}

/** How loud a whole file is around one frequency, in dBFS. */
async function loudnessAt(file: string, frequencyHz: number): Promise<number> {
  const filter = `bandpass=f=${frequencyHz}:w=40,bandpass=f=${frequencyHz}:w=40,volumedetect`;
  const { stderr } = await run('ffmpeg', ['-i', file, '-vn', '-af', filter, '-f', 'null', '-'], { timeout: ffmpegTimeoutMs });
  return Number(/mean_volume: (-?[\d.]+) dB/.exec(stderr)?.[1]);
}

/** Share of a picture that is red, and that is blue, at several times of a player that is moved to and fro. */
function coloursIn({ page }: Person, name: string): Promise<{ atSeconds: number; red: number; blue: number }[]> {
  return page.getByLabel(name).evaluate(async (video: HTMLVideoElement) => {
    const canvas = document.createElement('canvas');
    Object.assign(canvas, { width: 320, height: 180 });
    const drawing = canvas.getContext('2d', { willReadFrequently: true });
    const seen = [];
    for (const share of [0.9, 0.1, 0.5, 0.3, 0.7]) {
      const atSeconds = video.duration * share;
      await new Promise<void>((resolve) => {
        video.addEventListener('seeked', () => resolve(), { once: true });
        video.currentTime = atSeconds;
      });
      drawing?.drawImage(video, 0, 0, 320, 180);
      const { data } = drawing?.getImageData(0, 0, 320, 180) ?? { data: [] as number[] };
      const counts = { red: 0, blue: 0 };
      for (let index = 0; index < data.length; index += 4) {
        const [r = 0, g = 0, b = 0] = [data[index], data[index + 1], data[index + 2]];
        if (r > 150 && g < 90 && b < 90) counts.red++;
        if (b > 150 && r < 90 && g < 90) counts.blue++;
      }
      seen.push({ atSeconds, red: counts.red / (320 * 180), blue: counts.blue / (320 * 180) });
    }
    return seen;
  });
}

test('[WEB40] [WEB41] [WEB42] [WEB43] two agree, one shares the screen, pauses, a third refuses: what plays shows only the two', {
  timeout: 180_000,
}, async () => {
  await using app = await startTestApp();
  await using chromium = await launchChromium();
  const { roomId } = await app.createRoom({ name: 'Visit' });
  const host = await enterAs(app, chromium, roomId, 'host', { role: 'provider' });
  const ann = await enterAs(app, chromium, roomId, 'ann', { look: blue });
  await Promise.all([framesGrow(host, 1), framesGrow(ann, 1)]);
  assert.equal(await ann.page.getByRole('button', { name: 'Record', exact: true }).count(), 0);

  await askToRecord(host, 'Second opinion');
  const question = ann.page.getByRole('dialog', { name: `${nameOf('host')} asks to record this consultation` });
  await question.getByText('Second opinion').waitFor();
  await question.getByText('Voice, camera, and shared screen').waitFor();
  await question.getByText('This conversation is to be recorded.').waitFor();
  // The call goes on beside the question.
  await press(ann, 'Mute');
  await press(ann, 'Unmute');
  await press(ann, 'Agree');
  for (const person of [host, ann]) {
    await shows(person, 'Recording: details');
    await person.page.getByRole('log').getByText('Recording has started').waitFor();
    assert.equal((await spokenBy(person)).at(-1), 'This consultation is being recorded.');
  }
  await framesGrow(ann, 20);

  await press(host, 'Share screen');
  await shows(host, 'Stop sharing');
  await ann.page.getByLabel(`${nameOf('host')}’s screen`).waitFor();
  await framesGrow(ann, 40);

  await press(host, 'Pause recording');
  await shows(ann, 'Recording paused: details');
  const bob = await enterAs(app, chromium, roomId, 'bob', { look: red });
  await bob.page.getByText('You are not being recorded').first().waitFor();
  await press(bob, 'Refuse');
  await bob.page.getByRole('dialog').waitFor({ state: 'detached' });
  await press(host, 'Resume recording');
  await shows(bob, 'Recording: details');
  await bob.page.getByText('You are not being recorded').first().waitFor();
  await waitFor('Bob to hear it', async () => (await spokenBy(bob)).includes('This consultation is being recorded. You are not.'));
  await framesGrow(ann, 60);

  await press(host, 'Stop recording');
  await Promise.all([host, ann, bob].map(({ page }) => page.getByRole('log').getByText('Recording has stopped').waitFor()));
  await shows(host, 'Record');
  for (const person of [host, ann, bob]) {
    await person.page.getByRole('button', { name: 'Recording: details' }).waitFor({ state: 'detached' });
    assert.deepEqual(person.faults, []);
    await press(person, 'Leave');
  }

  const admin = await chromium.open(`${app.url}/recordings#token=${app.tokenFor('admin', 'admin')}`);
  const row = admin.page.getByRole('list', { name: 'Recordings' }).getByRole('listitem');
  await row.getByText('Ready', { exact: true }).waitFor({ timeout: 90_000 });
  await row.getByText(`${nameOf('host')} and ${nameOf('ann')}`).waitFor();
  await admin.page.getByRole('link', { name: 'Open recording: Second opinion' }).click();
  const player = 'Recording: Second opinion';
  await waitFor('the player to know how long it is', () =>
    admin.page.getByLabel(player).evaluate((video: HTMLVideoElement) => video.readyState >= 2),
  );
  const recording = await onlyRecording(app);
  const seconds = await admin.page.getByLabel(player).evaluate((video: HTMLVideoElement) => video.duration);
  assert.ok(Math.abs(seconds - (recording.durationSeconds ?? 0)) < 0.5, `${seconds} s played, ${recording.durationSeconds} s recorded`);
  const pictures = await coloursIn(admin, player);
  for (const { atSeconds, red: share } of pictures) assert.ok(share < 0.005, `no third face at ${atSeconds} s`);
  assert.ok(
    pictures.some(({ blue: share }) => share > 0.02),
    `the second face is there: ${JSON.stringify(pictures)}`,
  );

  await admin.page
    .getByRole('region', { name: 'Chapters' })
    .getByRole('button', { name: /Resumed after a pause/ })
    .click();
  await waitFor('the player to be there', () => admin.page.getByLabel(player).evaluate((video: HTMLVideoElement) => video.currentTime > 1));
  await admin.page.getByRole('button', { name: new RegExp(`${nameOf('host')} shares the screen`) }).waitFor();
  const answers = admin.page.getByRole('region', { name: 'Consents' }).getByRole('row');
  await answers
    .filter({ hasText: nameOf('bob') })
    .getByText('Refused')
    .waitFor();
  await answers
    .filter({ hasText: nameOf('ann') })
    .getByText('Agreed')
    .waitFor();

  const folder = mkdtempSync(path.join(tmpdir(), 'parley-seen-'));
  try {
    const file = path.join(folder, 'seen.mp4');
    const where = `${app.url}/api/v1/recordings/${recording.recordingId}/content`;
    const answer = await fetch(where, { headers: { authorization: `Bearer ${app.tokenFor('admin', 'admin')}` } });
    writeFileSync(file, Buffer.from(await answer.arrayBuffer()));
    const fields = 'stream=codec_name,width,height';
    const { stdout } = await run('ffprobe', ['-v', 'error', '-show_entries', fields, '-of', 'csv=p=0', file]);
    assert.match(stdout, /^h264,1280,720/);
    assert.match(stdout, /^aac/m);
    await run('ffmpeg', ['-v', 'error', '-xerror', '-i', file, '-f', 'null', '-'], { timeout: ffmpegTimeoutMs });
    const [second, third] = [await loudnessAt(file, blue.toneHz), await loudnessAt(file, red.toneHz)];
    assert.ok(second > -45, `the second voice is heard: ${second} dBFS`);
    assert.ok(third < second - 20, `the third voice is not: ${third} dBFS`);
    assert.deepEqual(recording.tracks.map(({ userId, source }) => `${userId} ${source}`).sort(), [
      'ann camera',
      'ann microphone',
      'host camera',
      'host microphone',
      'host screen',
      'host screenAudio',
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
  assert.deepEqual(admin.faults, []);
});

test('[WEB44] [WEB46] on a phone, who takes their consent back is told that they are not recorded, and may have removed what was', {
  timeout: 120_000,
}, async () => {
  await using app = await startTestApp();
  await using chromium = await launchChromium();
  const { roomId } = await app.createRoom();
  const host = await enterAs(app, chromium, roomId, 'host', { role: 'provider', viewport });
  const ann = await enterAs(app, chromium, roomId, 'ann', { look: blue, viewport });
  await askToRecord(host, 'Training');
  await shows(ann, 'Agree');
  for (const { page } of [host, ann]) assert.deepEqual(await findFaults(page), []);
  await press(ann, 'Agree');
  await shows(host, 'Pause recording');
  for (const { page } of [host, ann]) assert.deepEqual(await findFaults(page), []);
  await press(ann, 'Recording: details');
  await press(ann, 'Withdraw my consent');
  await ann.page.getByLabel('Also remove what was recorded of me').check();
  await press(ann, 'Withdraw');
  await ann.page.getByText('You are not being recorded').first().waitFor();
  assert.deepEqual(await findFaults(ann.page), []);
  await host.page
    .getByRole('log')
    .getByText(`${nameOf('ann')} is not recorded any more`)
    .waitFor();
  await shows(host, 'Recording: details');
  const recording = await onlyRecording(app);
  assert.equal(recording.consents.find(({ userId }) => userId === 'ann')?.state, 'withdrawn');
  await press(host, 'Stop recording');
  await shows(host, 'Record');
  assert.deepEqual([...host.faults, ...ann.faults], []);
});

test('[WEB40] a text that has changed while one reads it is shown anew; asking can be taken back', { timeout: 120_000 }, async () => {
  await using app = await startTestApp();
  await using chromium = await launchChromium();
  const { roomId } = await app.createRoom();
  const host = await enterAs(app, chromium, roomId, 'host', { role: 'provider' });
  const ann = await enterAs(app, chromium, roomId, 'ann');
  await askToRecord(host, 'Training');
  await shows(ann, 'Agree');
  const body = { text: 'A clinic’s own words.' };
  assert.equal((await app.rest('PUT', 'recordings/texts/en', { token: app.tokenFor('portal', 'service'), body })).status, 200);
  await press(ann, 'Agree');
  await ann.page.getByText('The text has changed meanwhile. Please read the new one.').waitFor();
  await ann.page.getByText('A clinic’s own words.').waitFor();
  await press(host, 'Stop asking');
  await ann.page.getByRole('dialog').waitFor({ state: 'detached' });
  await ann.page.getByRole('log').getByText('Nobody is asked any more').waitFor();
  await askToRecord(host, 'Training');
  await press(ann, 'Agree');
  await shows(ann, 'Recording: details');
  await press(host, 'Stop recording');
  await shows(host, 'Record');
});
