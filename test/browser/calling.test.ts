import assert from 'node:assert/strict';
import { test } from 'node:test';
import { launchChromium, readSoundPackets, readStats } from '../support/chromium.ts';
import { startTestApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';
import { ring, ringing, ringSettings, talk, talks, visitContacts } from './ring.ts';
import { framesGrow, inCall, nameOf, press, shows } from './visit.ts';

const ids = { caller: 'doctor', callee: 'ann' };

/** Two people with their contacts open. */
async function startTwo(env: Record<string, string> = {}) {
  await using parts = new AsyncDisposableStack();
  const app = parts.use(await startTestApp({ ...ringSettings, ...env }));
  const chromium = parts.use(await launchChromium());
  const ann = await visitContacts(app, chromium, 'ann', 'patient');
  const doctor = await visitContacts(app, chromium, 'doctor', 'provider');
  await ann.page.reload();
  const all = parts.move();
  return { app, chromium, ann, doctor, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

test('[WEB22] [WEB24] [WEB30] two people ring, accept, talk, chat, hang up, and read it in the history and the chat', async () => {
  await using two = await startTwo();
  const { ann, doctor } = two;
  await ring(doctor, 'ann');
  await doctor.page
    .getByRole('dialog', { name: nameOf('ann') })
    .getByText('Ringing…')
    .waitFor();
  const dialog = ringing(ann, 'doctor');
  await dialog.getByText('Incoming video call').waitFor();
  await waitFor('the tab to tell', async () => (await ann.page.title()) === `(1) ${nameOf('doctor')} is calling`);
  await dialog.getByRole('button', { name: 'Accept', exact: true }).click();
  await Promise.all([talks(doctor), talks(ann)]);
  for (const person of [ann, doctor]) {
    await person.page.waitForURL(/\/r\/[0-9a-f-]{36}$/);
    await framesGrow(person);
    const sound = await readSoundPackets(person.page);
    await waitFor('more sound', async () => (await readSoundPackets(person.page)) > sound + 10);
  }
  await press(doctor, 'Chat');
  await doctor.page.getByRole('textbox', { name: 'Message', exact: true }).fill('Can you hear me?');
  await doctor.page.keyboard.press('Enter');
  await press(ann, 'Chat');
  await ann.page.getByText('Can you hear me?').waitFor();

  await press(ann, 'Hang up');
  await ann.page.getByRole('heading', { name: 'Call ended' }).waitFor();
  await ann.page.getByText(/Video call, Name of doctor\. It lasted \d+ s\. You hung up\./).waitFor();
  await doctor.page.getByText(/Video call, Name of ann\. It lasted \d+ s\. Name of ann hung up\./).waitFor();
  for (const person of [ann, doctor]) await waitFor('all connections to close', async () => (await readStats(person.page)).length === 0);

  await press(doctor, 'Call history');
  const row = doctor.page.getByRole('list', { name: 'Calls' }).getByRole('listitem').first();
  await row.getByText(nameOf('ann'), { exact: true }).waitFor();
  await row.getByText('Outgoing').waitFor();
  await row.getByText(`${nameOf('ann')} hung up.`).waitFor();
  await press(ann, 'Message');
  await ann.page.getByText('Can you hear me?').waitFor();
  await ann.page.locator('.system-line', { hasText: /^Video call, \d+ s$/ }).waitFor();
  assert.deepEqual([...ann.faults, ...doctor.faults], []);
});

test('[WEB22] nothing is accepted by a key that was meant for something else; Escape silences; Decline is read at the caller’s', async () => {
  await using two = await startTwo();
  const { ann, doctor } = two;
  await ann.page.getByRole('searchbox', { name: 'Search contacts' }).focus();
  await ring(doctor, 'ann', 'Voice');
  const dialog = ringing(ann, 'doctor');
  await dialog.getByText('Incoming voice call').waitFor();
  assert.equal(await dialog.getByRole('button', { name: 'Accept without video' }).count(), 0);
  await ann.page.keyboard.press('Enter');
  await ann.page.keyboard.press('Space');
  await ann.page.keyboard.press('Escape');
  await ann.page.keyboard.press('Escape');
  await dialog.getByRole('button', { name: 'Decline' }).click();
  await doctor.page.getByRole('heading', { name: 'Call declined' }).waitFor();
  await dialog.waitFor({ state: 'detached' });
  await waitFor('the tab’s own name', async () => (await ann.page.title()) === 'Contacts – Parley');
});

test('[WEB23] the caller may cancel; nobody answering is told in words, with Call again and Leave a message', async () => {
  await using two = await startTwo({ LIMIT_RING_SECONDS: '3' });
  const { ann, doctor } = two;
  await ring(doctor, 'ann');
  await ringing(ann, 'doctor').waitFor();
  await press(doctor, 'Cancel');
  await ringing(ann, 'doctor').waitFor({ state: 'detached' });
  await ring(doctor, 'ann', 'Voice');
  await doctor.page.getByRole('heading', { name: 'No answer' }).waitFor();
  await shows(doctor, 'Call again');
  await ringing(ann, 'doctor').waitFor({ state: 'detached' });
  await press(doctor, 'Leave a message');
  await doctor.page.getByRole('textbox', { name: 'Message', exact: true }).waitFor();
  await doctor.page.locator('.system-line', { hasText: 'Missed voice call' }).waitFor();
});

test('[WEB24] [WEB26] a voice call opens no camera; one asks for video, the other refuses, then agrees, and both are seen', async () => {
  await using two = await startTwo();
  const { ann, doctor } = two;
  await talk(doctor, ann, ids, 'Voice');
  for (const person of [ann, doctor]) {
    assert.equal(await person.page.locator('video').count(), 0);
    await shows(person, 'Ask for video');
  }
  await press(doctor, 'Ask for video');
  await press(ann, 'Stay with voice');
  await doctor.page.getByText(`${nameOf('ann')} would rather stay with voice`).waitFor();
  assert.equal(await ann.page.locator('video').count(), 0);
  await press(ann, 'Ask for video');
  await press(doctor, 'Switch to video');
  await Promise.all([framesGrow(ann), framesGrow(doctor)]);
  await shows(ann, 'Stop camera');
});

test('[WEB22] Accept without video takes a video call with the camera off', async () => {
  await using two = await startTwo();
  const { ann, doctor } = two;
  await ring(doctor, 'ann');
  await ringing(ann, 'doctor').getByRole('button', { name: 'Accept without video' }).click();
  await talks(ann);
  await shows(ann, 'Start camera');
  await framesGrow(ann);
  await press(ann, 'Start camera');
  await framesGrow(doctor);
});

test('[WEB25] what rings rings on after the page is loaded again, and a call goes on by itself after it', async () => {
  await using two = await startTwo();
  const { ann, doctor } = two;
  await ring(doctor, 'ann');
  await ringing(ann, 'doctor').waitFor();
  await ann.page.reload();
  await ringing(ann, 'doctor').getByRole('button', { name: 'Accept', exact: true }).click();
  await Promise.all([talks(doctor), talks(ann)]);
  await framesGrow(doctor);
  await ann.page.reload();
  await talks(ann);
  await Promise.all([framesGrow(ann), framesGrow(doctor)]);
});

test('[WEB27] whoever rings somebody in a call is told so and may let it wait; the second call stands beside the first until it is taken', async () => {
  await using two = await startTwo();
  const { app, chromium, ann, doctor } = two;
  await talk(doctor, ann, ids);
  const sam = await visitContacts(app, chromium, 'sam');
  await ring(sam, 'ann');
  await sam.page.getByRole('heading', { name: `${nameOf('ann')} is in another call` }).waitFor();
  await shows(sam, 'Leave a message');
  await press(sam, 'Let it wait');
  const card = ringing(ann, 'sam');
  await card.getByRole('button', { name: 'Decline' }).click();
  await sam.page.getByRole('heading', { name: 'Call declined' }).waitFor();
  await framesGrow(doctor);
  await press(sam, 'Call again');
  await press(sam, 'Let it wait');
  await press(ann, 'End and accept');
  await Promise.all([talks(sam), framesGrow(ann), framesGrow(sam)]);
  await doctor.page.getByRole('heading', { name: 'Call ended' }).waitFor();
});

test('[WEB28] a call that another window has answered rings here no more, and can be taken over', async () => {
  await using two = await startTwo();
  const { app, chromium, ann, doctor } = two;
  const phone = await visitContacts(app, chromium, 'ann', 'patient');
  await ring(doctor, 'ann');
  await ringing(phone, 'doctor').waitFor();
  await ringing(ann, 'doctor').getByRole('button', { name: 'Accept', exact: true }).click();
  await ringing(phone, 'doctor').waitFor({ state: 'detached' });
  await Promise.all([talks(doctor), talks(ann)]);
  await phone.page.reload();
  await press(phone, 'Continue here');
  await talks(phone);
  await framesGrow(phone);
});

test('[WEB29] a third person is rung into the call and seen there; who declines is told', async () => {
  await using two = await startTwo();
  const { app, chromium, ann, doctor } = two;
  const sam = await visitContacts(app, chromium, 'sam');
  await talk(doctor, ann, ids);
  await press(doctor, 'Add person');
  await press(doctor, `Ring ${nameOf('sam')}`);
  await ringing(sam, 'doctor').getByRole('button', { name: 'Decline' }).click();
  await doctor.page.getByText(`${nameOf('sam')} declined`).waitFor();
  await press(doctor, 'Add person');
  await press(doctor, `Ring ${nameOf('sam')}`);
  await ringing(sam, 'doctor').getByRole('button', { name: 'Accept', exact: true }).click();
  await talks(sam);
  await framesGrow(sam);
  for (const person of [ann, doctor]) await person.page.locator('.tile', { hasText: nameOf('sam') }).waitFor();
});

test('[WEB27] whoever is in a room is rung beside it', async () => {
  await using two = await startTwo();
  const { app, chromium, ann, doctor } = two;
  const { roomId } = await app.createRoom({}, 'doctor');
  await doctor.page.goto(`${app.url}/r/${roomId}`);
  await press(doctor, 'Join');
  await inCall(doctor);
  const sam = await visitContacts(app, chromium, 'sam');
  await ring(sam, 'doctor');
  await press(doctor, 'End and accept');
  await Promise.all([talks(sam), talks(doctor)]);
  await waitFor('the room to be left', () => app.app.rooms.find(roomId) === undefined);
  await press(sam, 'Hang up');
  await ann.page.getByRole('heading', { name: 'Contacts' }).waitFor();
});

test('[WEB24] whoever refuses camera and microphone is told in the call that nobody sees or hears them', async () => {
  await using two = await startTwo();
  await using refusing = await launchChromium({ devices: 'refused' });
  const { app, doctor } = two;
  const ben = await visitContacts(app, refusing, 'ben', 'patient');
  await ring(ben, 'doctor');
  await ringing(doctor, 'ben').getByRole('button', { name: 'Accept', exact: true }).click();
  await ben.page.getByText('Nobody hears you yet. The browser did not allow it.').waitFor();
  await ben.page.getByText('Nobody sees you yet. The browser did not allow it.').waitFor();
  await press(ben, 'Hang up');
  await doctor.page.getByText('It ended before picture and sound came through.').waitFor();
});

test('[WEB23] two who ring each other at once talk to each other', async () => {
  await using two = await startTwo();
  const { ann, doctor } = two;
  const buttons = await Promise.all([
    doctor.page.getByRole('button', { name: `Video call to ${nameOf('ann')}` }).elementHandle(),
    ann.page.getByRole('button', { name: `Video call to ${nameOf('doctor')}` }).elementHandle(),
  ]);
  await Promise.all(buttons.map((button) => button?.evaluate((element: HTMLElement) => element.click())));
  await Promise.all([talks(doctor), talks(ann)]);
  await Promise.all([framesGrow(doctor), framesGrow(ann)]);
});

test('[WEB31] going back out of a call hangs up', async () => {
  await using two = await startTwo();
  const { ann, doctor } = two;
  await talk(doctor, ann, ids);
  await ann.page.goBack();
  await ann.page.getByRole('heading', { name: 'Contacts' }).waitFor();
  await doctor.page.getByRole('heading', { name: 'Call ended' }).waitFor();
});
