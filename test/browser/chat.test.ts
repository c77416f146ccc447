import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { type Chromium, launchChromium, type Person } from '../support/chromium.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';
import { enter, join, nameOf, press, shows, visit } from './visit.ts';

const settings = { LIMIT_MESSAGES_PER_MINUTE: '0' };
/** One pixel. */
const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');

/** Two people in a room, both with the chat open. */
async function startChat() {
  await using parts = new AsyncDisposableStack();
  const app = parts.use(await startTestApp(settings));
  const chromium = parts.use(await launchChromium());
  const { roomId } = await app.createRoom();
  const host = await enter(app, chromium, roomId, 'host', 'provider');
  const guest = await enter(app, chromium, roomId, 'guest');
  for (const person of [host, guest]) await press(person, 'Chat');
  const all = parts.move();
  return { app, chromium, roomId, host, guest, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

async function say({ page }: Person, text: string): Promise<void> {
  await field(page).fill(text);
  await field(page).press('Enter');
}

function field(page: Page) {
  return page.getByRole('textbox', { name: 'Message', exact: true });
}

/** The message that holds a text. */
function message({ page }: Person, text: string) {
  return page.locator('.message-line', { has: page.locator('.message-text', { hasText: text }) });
}

/** Opens the menu of a message, by keyboard as one may, and chooses. */
async function choose(person: Person, text: string, action: string): Promise<void> {
  const more = message(person, text).getByRole('button', { name: /^Actions for/ });
  await more.focus();
  await person.page.keyboard.press('Enter');
  await person.page.getByRole('button', { name: action, exact: true }).click();
}

/** The socket of a user is gone and does not come back before the answered function is called. */
async function cutSocket(app: TestApp, { page }: Person, userId: string): Promise<() => Promise<void>> {
  await page.context().route('**/socket.io/**', (route) => route.abort());
  await page.context().routeWebSocket('**/socket.io/**', (socket) => socket.close());
  for (const { socket } of socketsOf(app, userId)) socket.conn.close();
  await page.getByText('You are offline.').waitFor();
  return async () => {
    await page.context().unroute('**/socket.io/**');
    await page.context().routeWebSocket('**/socket.io/**', (socket) => void socket.connectToServer());
    // As the browser says when its network is back.
    await page.evaluate(() => window.dispatchEvent(new Event('online')));
  };
}

function socketsOf(app: TestApp, userId: string) {
  const { sessions, io } = app.app.sockets;
  return sessions
    .filter(({ identity }) => identity.userId === userId)
    .flatMap(({ sessionId }) => [...io.sockets.sockets.values()].filter(({ rooms }) => rooms.has(`session:${sessionId}`)))
    .map((socket) => ({ socket }));
}

/** A room whose host has written that much to a guest who has not come yet. */
async function fillHistory(app: TestApp, chromium: Chromium, count: number) {
  const { roomId } = await app.createRoom({ guestIds: ['guest'] });
  const host = await enter(app, chromium, roomId, 'host', 'provider');
  const { body } = await app.rest('GET', 'conversations', { token: app.tokenFor('host') });
  const { conversationId } = body.conversations[0];
  for (let number = 1; number <= count; number++) {
    const content = number === 7 ? 'Tôi bị đau đầu' : `line ${number}`;
    await app.rest('POST', `conversations/${conversationId}/messages`, {
      token: app.tokenFor('host'),
      body: { clientId: `line ${number}`, type: 'text', content },
    });
  }
  return { roomId, conversationId, host };
}

test('[CC30] the chat opens beside the call with its field in focus, and Escape closes it and gives the focus back', async () => {
  await using app = await startTestApp(settings);
  await using chromium = await launchChromium();
  const { roomId } = await app.createRoom();
  const host = await enter(app, chromium, roomId, 'host', 'provider');
  const guest = await enter(app, chromium, roomId, 'guest');
  await press(guest, 'Chat');
  await say(guest, 'hello there');

  // Closed: counted, and announced without its text.
  const chat = host.page.getByRole('button', { name: 'Chat', exact: true });
  await waitFor('the badge', async () => (await chat.getAttribute('aria-description')) === '1 unread message');
  await host.page
    .getByRole('log')
    .getByText(`New message from ${nameOf('guest')}`)
    .waitFor();
  assert.equal(await host.page.getByText('hello there').count(), 0);

  await chat.click();
  await message(host, 'hello there').waitFor();
  await waitFor('nothing to be unread', async () => (await chat.getAttribute('aria-description')) === null);
  await waitFor('the field to have the focus', () => field(host.page).evaluate((element) => element === document.activeElement));
  await host.page.keyboard.press('Escape');
  await field(host.page).waitFor({ state: 'detached' });
  await waitFor('the button to have the focus', () => chat.evaluate((element) => element === document.activeElement));
  assert.deepEqual([...host.faults, ...guest.faults], []);
});

test('[CC31] [CC33] [CC34] two people chat: text stays text, links are safe, typing and receipts are seen', async () => {
  await using chat = await startChat();
  const { host, guest } = chat;
  await say(guest, '<img src=x onerror=alert(1)> see https://example.org/a?b=1. javascript:alert(1)');
  const received = message(host, 'see https://example.org');
  await received.waitFor();
  assert.match((await received.locator('.message-text').textContent()) ?? '', /^<img src=x onerror=alert\(1\)> see/);
  const links = received.getByRole('link');
  assert.equal(await links.count(), 1);
  assert.deepEqual(
    [await links.getAttribute('href'), await links.getAttribute('rel'), await links.getAttribute('target')],
    ['https://example.org/a?b=1', 'noopener noreferrer', '_blank'],
  );
  await message(guest, 'see https').getByText('Read', { exact: true }).waitFor({ state: 'attached' });

  await field(host.page).pressSequentially('typing');
  await guest.page.getByText(`${nameOf('host')} is typing…`).waitFor();
  await field(host.page).press('Enter');
  await message(guest, 'typing').waitFor();
  await guest.page.getByText('is typing…').waitFor({ state: 'detached' });

  await guest.page.keyboard.press('Escape');
  await say(host, 'are you there?');
  await message(host, 'are you there?').getByText('Delivered', { exact: true }).waitFor({ state: 'attached' });
  await press(guest, 'Chat');
  await message(host, 'are you there?').getByText('Read', { exact: true }).waitFor({ state: 'attached' });
  assert.deepEqual([...host.faults, ...guest.faults], []);
});

test('[CC35] a picture and a file go with a message by button, drop and paste, and can be downloaded', async () => {
  await using chat = await startChat();
  const { host, guest } = chat;
  await guest.page.locator('input[type=file]').setInputFiles([
    { name: 'knee.png', mimeType: 'image/png', buffer: png },
    { name: 'results.txt', mimeType: 'text/plain', buffer: Buffer.from('all is well\n') },
  ]);
  const drop = (type: 'drop' | 'paste') =>
    guest.page.locator('.chat textarea').evaluate((element, event) => {
      const data = new DataTransfer();
      data.items.add(new File([`by ${event}`], `${event}.txt`, { type: 'text/plain' }));
      element.dispatchEvent(
        event === 'drop'
          ? new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true })
          : new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }),
      );
    }, type);
  await drop('drop');
  await drop('paste');
  await guest.page.getByRole('button', { name: 'Remove paste.txt' }).click();
  await waitFor('all to be up', () => guest.page.getByRole('button', { name: 'Send', exact: true }).isEnabled());
  await say(guest, 'my files');

  const received = message(host, 'my files');
  const picture = received.getByRole('button', { name: 'Open picture knee.png' });
  await waitFor('the thumbnail', () => picture.locator('img').evaluate((image: HTMLImageElement) => image.naturalWidth > 0));
  assert.match((await picture.locator('img').getAttribute('src')) ?? '', /^blob:/);
  await received.getByText('drop.txt').waitFor();
  assert.equal(await received.getByText('paste.txt').count(), 0);
  const [download] = await Promise.all([
    host.page.waitForEvent('download'),
    received.getByRole('button', { name: 'Download results.txt' }).click(),
  ]);
  assert.equal(download.suggestedFilename(), 'results.txt');
  await picture.click();
  await host.page.getByRole('dialog', { name: 'knee.png' }).getByRole('img', { name: 'knee.png' }).waitFor();
  assert.deepEqual([...host.faults, ...guest.faults], []);
});

test('[CC36] a message is answered, reacted to, edited and deleted from its menu, by keyboard', async () => {
  await using chat = await startChat();
  const { host, guest } = chat;
  await say(guest, 'first question');
  await message(host, 'first question').waitFor();
  await choose(host, 'first question', 'React with heart');
  const reaction = message(guest, 'first question').getByRole('button', { name: `❤️ by ${nameOf('host')}` });
  await reaction.click();
  await message(host, 'first question')
    .getByRole('button', { name: '❤️ by You,' })
    .or(message(host, 'first question').getByText('2'))
    .first()
    .waitFor();
  await choose(host, 'first question', 'React with heart');
  await message(guest, 'first question').getByRole('button', { name: '❤️ by You', exact: true }).waitFor();

  await choose(host, 'first question', 'Reply');
  await say(host, 'the answer');
  await message(guest, 'the answer').locator('.quote', { hasText: 'first question' }).waitFor();

  await choose(guest, 'first question', 'Edit');
  await field(guest.page).fill('better question');
  await press(guest, 'Save');
  await message(host, 'better question').getByText('edited').first().waitFor();
  await message(host, 'the answer').locator('.quote', { hasText: 'better question' }).waitFor();

  await choose(host, 'the answer', 'Delete for me');
  await message(host, 'the answer').waitFor({ state: 'detached' });
  await message(guest, 'the answer').waitFor();
  await choose(guest, 'better question', 'Delete for everyone');
  await guest.page.getByRole('dialog').getByRole('button', { name: 'Delete for everyone' }).click();
  await host.page.getByText('This message was deleted').waitFor();
  assert.deepEqual([...host.faults, ...guest.faults], []);
});

test('[CC37] [CC38] earlier messages come as one scrolls up and stay in place; search leads to its message and back to the latest', async () => {
  await using app = await startTestApp(settings);
  await using chromium = await launchChromium();
  const { roomId, host } = await fillHistory(app, chromium, 120);
  const guest = await enter(app, chromium, roomId, 'guest');
  await press(guest, 'Chat');
  await guest.page.getByText('New messages', { exact: true }).waitFor();
  await guest.page.getByRole('button', { name: /Jump to latest|new messages/ }).click();
  await message(guest, 'line 120').waitFor();

  const scroller = guest.page.locator('.messages-scroller');
  const firstLoaded = () => guest.page.locator('[data-seq]').first().getAttribute('data-seq');
  const before = Number(await firstLoaded());
  // What stands at the upper edge before older messages come, stands there afterwards.
  const place = await scroller.evaluate((element) => {
    element.scrollTop = 120;
    const top = element.getBoundingClientRect().top;
    const line = [...element.querySelectorAll<HTMLElement>('[data-seq]')].find((one) => one.getBoundingClientRect().bottom > top);
    return { seq: line?.dataset['seq'], offset: (line?.getBoundingClientRect().top ?? 0) - top };
  });
  await waitFor('older messages', async () => Number(await firstLoaded()) < before);
  const offset = await guest.page.locator(`[data-seq="${place.seq}"]`).evaluate((line) => {
    return line.getBoundingClientRect().top - (line.closest('.messages-scroller')?.getBoundingClientRect().top ?? 0);
  });
  assert.ok(Math.abs(offset - place.offset) < 2, `moved by ${offset - place.offset} px`);

  await press(guest, 'Search messages');
  await guest.page.getByRole('searchbox').fill('dau dau');
  await guest.page.getByRole('status').getByText('1 message found').waitFor();
  assert.deepEqual(await guest.page.locator('.hit mark').allTextContents(), ['đau', 'đầu']);
  await guest.page.locator('.hit').click();
  await waitFor('the message to be seen', () =>
    message(guest, 'Tôi bị đau đầu').evaluate((line) => {
      const list = line.closest('.messages-scroller')?.getBoundingClientRect();
      const { top, bottom } = line.getBoundingClientRect();
      return list !== undefined && top >= list.top && bottom <= list.bottom;
    }),
  );

  await press(host, 'Chat');
  await say(host, 'meanwhile');
  const away = guest.page.getByRole('button', { name: '1 new message' });
  await away.waitFor();
  await away.click();
  await waitFor('the end', () => scroller.evaluate((element) => element.scrollHeight - element.scrollTop - element.clientHeight < 40));
  await message(guest, 'meanwhile').waitFor();
  assert.deepEqual([...host.faults, ...guest.faults], []);
});

test('[CC39] what is written without a connection is kept through a reload and sent afterwards, in order', async () => {
  await using app = await startTestApp({ ...settings, LIMIT_RECONNECT_SECONDS: '30' });
  await using chromium = await launchChromium();
  const { conversationId, host } = await fillHistory(app, chromium, 1);
  await press(host, 'Chat');
  const guest = await chromium.open(`${app.url}/c/${conversationId}#token=${app.tokenFor('guest', 'patient')}`);
  await message(guest, 'line 1').waitFor();

  const mend = await cutSocket(app, guest, 'guest');
  await say(guest, 'written offline, one');
  await say(guest, 'written offline, two');
  await message(guest, 'offline, two').getByText('Sending', { exact: true }).waitFor({ state: 'attached' });
  await guest.page.reload();
  await message(guest, 'offline, two').getByText('Sending', { exact: true }).waitFor({ state: 'attached' });
  assert.equal(await message(host, 'written offline').count(), 0);

  await mend();
  await message(host, 'offline, two').waitFor();
  assert.deepEqual(await host.page.locator('.message-text').allTextContents(), ['line 1', 'written offline, one', 'written offline, two']);
  await message(guest, 'offline, two').getByText('Read', { exact: true }).waitFor({ state: 'attached' });
});

test('[CC39] a refused message says why and offers Retry', async () => {
  await using app = await startTestApp({ ...settings, LIMIT_MESSAGE_CHARACTERS: '10' });
  await using chromium = await launchChromium();
  const { roomId } = await app.createRoom();
  const host = await enter(app, chromium, roomId, 'host', 'provider');
  await press(host, 'Chat');
  await say(host, 'too long for the server');
  await host.page.getByRole('alert').getByText('Not sent.').waitFor();
  await say(host, 'short');
  await message(host, 'short').getByText('Sent', { exact: true }).waitFor({ state: 'attached' });
  await press(host, 'Retry');
  await shows(host, 'Retry');
  await press(host, 'Discard');
  await message(host, 'too long').waitFor({ state: 'detached' });
});

test('[CC40] the first page lists conversations with what is unread, and opens each by itself', async () => {
  await using app = await startTestApp(settings);
  await using chromium = await launchChromium();
  const { conversationId, host } = await fillHistory(app, chromium, 2);
  const guest = await chromium.open(`${app.url}/#token=${app.tokenFor('guest', 'patient')}`);
  const row = guest.page.locator('.conversation-row');
  await row.getByText('2 unread messages').waitFor({ state: 'attached' });
  await press(host, 'Chat');
  await say(host, 'one more');
  await row.getByText('3 unread messages').waitFor({ state: 'attached' });
  await row.getByText('one more').waitFor();
  await row.getByRole('link').click();
  await message(guest, 'one more').waitFor();
  assert.equal(new URL(guest.page.url()).pathname, `/c/${conversationId}`);
  await say(guest, 'from the page');
  await message(host, 'from the page').waitFor();
  await press(guest, 'Back');
  await row.getByText('unread').waitFor({ state: 'detached' });

  await guest.page.goto(`${app.url}/c/01a1f87a-92e3-72a8-9c53-71112a532571`);
  await guest.page.getByText('There is no such conversation').waitFor();
});

test('[CC30] on a phone the chat covers the call, and nothing stands beyond its edges', async () => {
  await using app = await startTestApp(settings);
  await using chromium = await launchChromium();
  const { roomId } = await app.createRoom();
  const phone = { viewport: { width: 375, height: 812 }, hasTouch: true, isMobile: true };
  const guest = await visit(app, chromium, roomId, 'host', 'provider', phone);
  await join(guest);
  await press(guest, 'Chat');
  const panel = await guest.page.getByRole('complementary').boundingBox();
  assert.deepEqual(panel, { x: 0, y: 0, width: 375, height: 812 });
  await field(guest.page).fill('x'.repeat(400));
  await press(guest, 'Send');
  await message(guest, 'xxxx').waitFor();
  assert.equal(await guest.page.evaluate(() => document.documentElement.scrollWidth), 375);
  await choose(guest, 'xxxx', 'Edit');
  const save = await guest.page.getByRole('button', { name: 'Save', exact: true }).boundingBox();
  assert.ok(save !== null && save.x + save.width <= 375, 'the button is on the screen');
  await press(guest, 'Close');
  assert.deepEqual(guest.faults, []);
});
