import assert from 'node:assert/strict';
import { test } from 'node:test';
import { launchChromium, type Person, readSoundPackets, readStats } from '../support/chromium.ts';
import { startTestApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';
import { enter, framesGrow, nameOf, press, shows } from './visit.ts';

/** A room with two people in it who see each other. */
async function startCall() {
  await using parts = new AsyncDisposableStack();
  const app = parts.use(await startTestApp());
  const chromium = parts.use(await launchChromium());
  const { roomId } = await app.createRoom();
  const host = await enter(app, chromium, roomId, 'host', 'provider');
  const guest = await enter(app, chromium, roomId, 'guest');
  await Promise.all([framesGrow(host, 1), framesGrow(guest, 1)]);
  const all = parts.move();
  return { app, chromium, roomId, host, guest, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** The tile of somebody else, by what it says. */
function tileOf({ page }: Person, userId: string) {
  return page.getByRole('region', { name: 'People in the call' }).locator('.tile', { hasText: nameOf(userId) });
}

test('[WEB4] two people in a room see and hear each other, under AES-GCM', async () => {
  await using call = await startCall();
  for (const person of [call.host, call.guest]) {
    await framesGrow(person);
    const sound = await readSoundPackets(person.page);
    await waitFor('more sound', async () => (await readSoundPackets(person.page)) > sound + 10);
    const ciphers = (await readStats(person.page)).filter(({ type }) => type === 'transport').map(({ srtpCipher }) => srtpCipher);
    assert.equal(ciphers.length, 2);
    for (const cipher of ciphers) assert.match(String(cipher), /AEAD_AES_(128|256)_GCM$/);
    assert.deepEqual(person.faults, []);
  }
});

test('[WEB6] Mute silences one at the other’s and is seen there; Unmute brings the sound back', async () => {
  await using call = await startCall();
  const { host, guest } = call;
  await press(guest, 'Mute');
  await shows(guest, 'Unmute');
  await tileOf(host, 'guest').getByText('Microphone off').waitFor();
  // Comfort noise apart, nothing comes any more.
  let before = await readSoundPackets(host.page);
  await waitFor('silence', async () => {
    const now = await readSoundPackets(host.page);
    const isSilent = now === before;
    before = now;
    return isSilent;
  });
  await press(guest, 'Unmute');
  await tileOf(host, 'guest').getByText('Microphone off').waitFor({ state: 'detached' });
  await waitFor('sound again', async () => (await readSoundPackets(host.page)) > before + 10);
});

test('[WEB6] Stop camera lets go of the camera and shows initials at the other’s; Start camera brings the picture back', async () => {
  await using call = await startCall();
  const { host, guest } = call;
  await press(guest, 'Stop camera');
  await shows(guest, 'Start camera');
  await tileOf(host, 'guest').locator('video').waitFor({ state: 'detached' });
  await press(guest, 'Start camera');
  await tileOf(host, 'guest').locator('video').waitFor();
  await framesGrow(host);
});

test('[WEB7] a shared screen takes the stage at the other’s, faces beside it, and goes with Stop sharing', async () => {
  await using call = await startCall();
  const { host, guest } = call;
  await press(host, 'Share screen');
  await shows(host, 'Stop sharing');
  const screen = guest.page.getByLabel(`${nameOf('host')}’s screen`);
  await screen.waitFor();
  await waitFor('the screen’s picture', () => screen.evaluate((video: HTMLVideoElement) => video.videoWidth > 0));
  const width = async (label: string) => (await guest.page.getByLabel(label, { exact: true }).boundingBox())?.width ?? 0;
  assert.ok((await width(`${nameOf('host')}’s screen`)) > 2 * (await width(nameOf('host'))));
  await press(host, 'Stop sharing');
  await shows(host, 'Share screen');
  await screen.waitFor({ state: 'detached' });
});

test('[WEB8] a raised hand is seen and said at the other’s until it is lowered', async () => {
  await using call = await startCall();
  const { host, guest } = call;
  await press(guest, 'Raise hand');
  await shows(guest, 'Lower hand');
  await tileOf(host, 'guest').getByText('Hand raised').waitFor();
  await host.page
    .getByRole('log')
    .getByText(`${nameOf('guest')} raised a hand`)
    .waitFor();
  await press(guest, 'Lower hand');
  await tileOf(host, 'guest').getByText('Hand raised').waitFor({ state: 'detached' });
});

test('[WEB14] m, v and h do what their buttons do, but not while typing', async () => {
  await using call = await startCall();
  const { guest } = call;
  await guest.page.keyboard.press('m');
  await shows(guest, 'Unmute');
  await guest.page.keyboard.press('v');
  await shows(guest, 'Start camera');
  await guest.page.keyboard.press('h');
  await shows(guest, 'Lower hand');
  await guest.page.keyboard.press('d');
  const camera = guest.page.getByLabel('Camera', { exact: true });
  await camera.focus();
  await guest.page.keyboard.press('h');
  await guest.page.keyboard.press('Escape');
  await shows(guest, 'Lower hand');
  await guest.page.keyboard.press('?');
  await guest.page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
});

test('[WEB17] another camera is taken while the call goes on, without a new producer', async () => {
  await using call = await startCall();
  const { app, host, guest } = call;
  const producers = async () =>
    (await readStats(host.page)).filter(({ type, kind }) => type === 'inbound-rtp' && kind === 'video').map(({ ssrc }) => ssrc);
  const before = await producers();
  await press(guest, 'Devices');
  const camera = guest.page.getByLabel('Camera', { exact: true });
  const used = await camera.inputValue();
  const others = await camera.locator('option').evaluateAll((options: HTMLOptionElement[]) => options.map(({ value }) => value));
  const other = others.at(-1);
  assert.ok(other !== undefined && other !== used, 'Chromium has several fake cameras');
  await camera.selectOption(other);
  await waitFor('the other camera to be in use', async () => (await camera.inputValue()) === other);
  await framesGrow(host);
  assert.deepEqual(await producers(), before);
  assert.equal(app.app.rooms.all.length, 1);
});

test('[WEB10] Leave ends the call on this side and is said on the other', async () => {
  await using call = await startCall();
  const { host, guest } = call;
  await press(guest, 'Leave');
  await guest.page.getByRole('heading', { name: 'You have left' }).waitFor();
  await host.page
    .getByRole('log')
    .getByText(`${nameOf('guest')} left`)
    .waitFor();
  await waitFor('the guest’s connections to close', async () => (await readStats(guest.page)).length === 0);
  await press(guest, 'Come back');
  await press(guest, 'Join');
  await framesGrow(host);
});

test('[WEB10] a closed tab says goodbye: the others read at once that one has left', async () => {
  await using call = await startCall();
  // What is said goes by itself after a while: waited for before the tab goes.
  await Promise.all([
    call.host.page
      .getByRole('log')
      .getByText(`${nameOf('guest')} left`)
      .waitFor(),
    call.guest.page.goto('about:blank'),
  ]);
});
