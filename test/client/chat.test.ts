import 'fake-indexeddb/auto';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOutboxStore } from '../../src/client/chat/outbox-store.ts';
import { type ChatConversation, ParleyError } from '../../src/client/index.ts';
import { userChannel } from '../../src/signaling/session.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';
import { textsOf, untilIn } from './chat-fixture.ts';
import { Person } from './sdk-fixture.ts';

const settings = { ACCESS_POLICY: 'open', LIMIT_MESSAGES_PER_MINUTE: '0', LIMIT_REFUSED_CONNECTIONS_PER_MINUTE: '0' };
const hasCode = (code: string) => (error: unknown) => error instanceof ParleyError && error.code === code;
const numbered = (count: number): string[] => Array.from({ length: count }, (_, index) => `message ${index + 1}`);

/** Two people with a conversation that both have open. */
async function meet(app: TestApp) {
  using parts = new DisposableStack();
  const host = parts.use(await Person.create(app, 'host'));
  const guest = parts.use(await Person.create(app, 'guest', 'patient'));
  await Promise.all([host.client.connect(), guest.client.connect()]);
  const hosts = await host.client.chat.openDirect('guest');
  const guests = guest.client.chat.open(hosts.conversationId);
  await Promise.all([isReady(hosts), isReady(guests)]);
  const all = parts.move();
  return { host, guest, hosts, guests, [Symbol.dispose]: () => all.dispose() };
}

function isReady(conversation: ChatConversation): Promise<true> {
  return untilIn(conversation, ({ status, members }) => status === 'ready' && members.length > 0);
}

/** Resolves when the conversation shows exactly these texts, all of them confirmed. */
async function shows(conversation: ChatConversation, texts: readonly string[]): Promise<void> {
  await untilIn(conversation, ({ messages }) => messages.length >= texts.length && messages.every(({ state }) => state === 'sent'));
  assert.deepEqual(textsOf(conversation.view), texts);
}

/** Disconnected, for as long as the line is cut. */
async function loseLine(person: Person): Promise<void> {
  person.cut();
  await waitFor('the loss to be noticed', () => person.client.state.status === 'reconnecting');
}

test('[CC1] [CC3] what one sends is shown at once, reaches the other, and both show the same', async () => {
  await using app = await startTestApp(settings);
  using talk = await meet(app);
  const { hosts, guests } = talk;
  for (const text of numbered(5)) hosts.send({ content: text });
  assert.deepEqual(textsOf(hosts.view), numbered(5));
  assert.ok(hosts.view.messages.every(({ state }) => state === 'sending'));
  await shows(guests, numbered(5));
  await shows(hosts, numbered(5));
  guests.send({ content: 'answer' });
  await shows(hosts, [...numbered(5), 'answer']);
});

test('[CC5] whoever loses the socket in the middle of a stream misses and doubles nothing', async () => {
  await using app = await startTestApp(settings);
  using talk = await meet(app);
  const { guest, hosts, guests } = talk;
  hosts.send({ content: 'message 1' });
  hosts.send({ content: 'message 2' });
  await shows(guests, numbered(2));
  for (const text of numbered(30).slice(2)) hosts.send({ content: text });
  await untilIn(guests, ({ messages }) => messages.length >= 8);
  await loseLine(guest);

  // More than a page, and changes of what is shown already.
  for (const text of numbered(150).slice(30)) hosts.send({ content: text });
  const [first, second, third] = await untilIn(hosts, ({ messages }) => {
    return (
      messages.length === 150 &&
      messages.every(({ state }) => state === 'sent') &&
      messages.flatMap((message) => (message.state === 'sent' ? message : []))
    );
  });
  assert.ok(first && second && third);
  await hosts.edit(first.messageId, 'changed');
  await hosts.delete(second.messageId, { forEveryone: true });
  await hosts.react(third.messageId, '👍');
  guest.mend();

  await untilIn(guests, ({ messages }) => messages.length >= 150 && messages[0]?.content === 'changed');
  await untilIn(guests, ({ messages }) => messages[1]?.content === null);
  await untilIn(guests, ({ messages }) => messages[2]?.state === 'sent' && messages[2].reactions.length === 1);
  assert.deepEqual(textsOf(guests.view), ['changed', null, ...numbered(150).slice(2)]);
});

test('[CC10] [CC13] through a line that breaks again and again every message arrives once and in order', async () => {
  await using app = await startTestApp(settings);
  using talk = await meet(app);
  const { host, hosts, guests } = talk;
  const texts = numbered(12);
  for (const [index, text] of texts.entries()) {
    hosts.send({ content: text });
    if (index % 5 !== 3) continue;
    // In the same tick: some were sent and not answered, some not sent.
    await untilIn(guests, ({ messages }) => messages.length >= index);
    await loseLine(host);
    host.mend();
  }
  await shows(guests, texts);
  await shows(hosts, texts);
});

test('[CC12] what was written without a connection is sent by the page after a reload', async () => {
  await using app = await startTestApp(settings);
  using talk = await meet(app);
  const { host, hosts, guests } = talk;
  hosts.send({ content: 'message 1' });
  await shows(guests, numbered(1));
  await loseLine(host);
  for (const text of numbered(4).slice(1)) hosts.send({ content: text });
  const before = hosts.view.messages.map(({ clientId }) => clientId);
  await waitFor('them to be stored', async () => (await storedOf('host')).length === 3);
  host.close();

  using again = await Person.create(app, 'host');
  const opened = again.client.chat.open(hosts.conversationId);
  await untilIn(opened, ({ messages }) => messages.length === 3);
  assert.deepEqual(textsOf(opened.view), numbered(4).slice(1), 'shown before there is a connection');
  await again.client.connect();
  await shows(guests, numbered(4));
  await shows(opened, numbered(4));
  assert.deepEqual(
    guests.view.messages.map(({ clientId }) => clientId),
    before,
  );
  await waitFor('the store to be empty', async () => (await storedOf('host')).length === 0);
});

test('[CC14] a refused message says why, others go on, and it can be tried again', async () => {
  await using app = await startTestApp({ ...settings, LIMIT_MESSAGE_CHARACTERS: '20' });
  using talk = await meet(app);
  const { host, hosts, guests } = talk;
  const refused = new Promise((resolve) => host.client.chat.on('messageRefused', resolve));
  const clientId = hosts.send({ content: 'far too long for this server' });
  hosts.send({ content: 'short' });
  await refused;
  await shows(guests, ['short']);
  const last = await untilIn(hosts, ({ messages }) => messages[0]?.state === 'sent' && messages[1]);
  assert.equal(last?.state === 'failed' && last.error?.code, 'protocol.invalid_payload');
  hosts.retry(clientId);
  await untilIn(hosts, ({ messages }) => messages.at(-1)?.state === 'sending');
  await untilIn(hosts, ({ messages }) => messages.at(-1)?.state === 'failed');
  hosts.discard(clientId);
  await shows(hosts, ['short']);
});

test('[CC20] [CC21] unread counts and receipts follow what arrives and what is read', async () => {
  await using app = await startTestApp(settings);
  using talk = await meet(app);
  const { guest, hosts, guests } = talk;
  await guest.client.chat.loadConversations();
  for (const text of numbered(3)) hosts.send({ content: text });
  await untilIn(
    hosts,
    ({ messages }) => messages.length === 3 && messages.every((one) => one.state === 'sent' && one.status === 'delivered'),
  );
  await untilIn(guests, ({ unreadCount }) => unreadCount === 3);
  assert.equal(guest.client.chat.view.unreadCount, 3);
  guests.markRead(2);
  assert.equal(guests.view.unreadCount, 1);
  await untilIn(hosts, ({ messages }) => messages[1]?.state === 'sent' && messages[1].status === 'read');
  guests.markRead();
  assert.equal(guests.view.unreadCount, 0);
  await untilIn(hosts, ({ messages }) => messages.every((one) => one.state === 'sent' && one.status === 'read'));

  const listed = await app.rest('GET', `conversations/${hosts.conversationId}`, { token: app.tokenFor('guest', 'patient') });
  assert.deepEqual([listed.body.unreadCount, listed.body.readSeq], [0, 3]);
});

test('[CC21] what arrives in a conversation that is not open is acknowledged, too, and another device learns what was read', async () => {
  await using app = await startTestApp(settings);
  using host = await Person.create(app, 'host');
  using phone = await Person.create(app, 'guest', 'patient');
  using tablet = await Person.create(app, 'guest', 'patient');
  await Promise.all([host, phone, tablet].map(({ client }) => client.connect()));
  await phone.client.chat.loadConversations();
  await tablet.client.chat.loadConversations();
  const hosts = await host.client.chat.openDirect('guest');
  await isReady(hosts);
  hosts.send({ content: 'hello' });
  await untilIn(hosts, ({ messages }) => messages[0]?.state === 'sent' && messages[0].status === 'delivered');
  await waitFor('both to count it', () => phone.client.chat.view.unreadCount === 1 && tablet.client.chat.view.unreadCount === 1);
  const onPhone = phone.client.chat.open(hosts.conversationId);
  await untilIn(onPhone, ({ status, messages }) => status === 'ready' && messages.length === 1);
  onPhone.markRead();
  await waitFor('the tablet to know', () => tablet.client.chat.view.unreadCount === 0);
});

test('[CC22] typing is seen by the other and ends with the message', async () => {
  await using app = await startTestApp(settings);
  using talk = await meet(app);
  const { hosts, guests } = talk;
  guests.typing();
  assert.deepEqual(await untilIn(hosts, ({ typingUserIds }) => typingUserIds.length > 0 && typingUserIds), ['guest']);
  guests.send({ content: 'done' });
  await untilIn(hosts, ({ messages, typingUserIds }) => messages.length === 1 && typingUserIds.length === 0);
});

test('[CC4] replies, mentions, reactions, edits and deletions reach the other', async () => {
  await using app = await startTestApp(settings);
  using talk = await meet(app);
  const { hosts, guests } = talk;
  hosts.send({ content: 'question', mentions: ['guest'] });
  const question = await untilIn(guests, ({ messages }) => messages[0]?.state === 'sent' && messages[0]);
  assert.ok(question);
  assert.deepEqual(question.mentions, ['guest']);
  guests.send({ content: 'answer', replyTo: question });
  const answer = await untilIn(hosts, ({ messages }) => messages[1]?.state === 'sent' && messages[1]);
  assert.ok(answer);
  assert.equal(answer.replyTo?.content, 'question');

  await guests.react(question.messageId, '❤️');
  await untilIn(hosts, ({ messages }) => messages[0]?.state === 'sent' && messages[0].reactions[0]?.userIds.includes('guest'));
  await guests.unreact(question.messageId, '❤️');
  await untilIn(hosts, ({ messages }) => messages[0]?.state === 'sent' && messages[0].reactions.length === 0);
  await assert.rejects(guests.edit(question.messageId, 'mine now'), hasCode('auth.forbidden'));
  await hosts.edit(question.messageId, 'a better question');
  await untilIn(guests, ({ messages }) => messages[1]?.replyTo?.content === 'a better question');
  await hosts.delete(answer.messageId, { forEveryone: false });
  assert.deepEqual(textsOf(hosts.view), ['a better question']);
  await hosts.delete(question.messageId, { forEveryone: true });
  await untilIn(guests, ({ messages }) => messages[0]?.content === null && messages[1]?.replyTo?.content === null);
});

test('[CC6] pages, search and jumps through a long history', async () => {
  await using app = await startTestApp(settings);
  using talk = await meet(app);
  const { guest, hosts } = talk;
  const texts = numbered(180).map((text, index) => (index === 19 ? 'Tôi bị đau đầu' : text));
  for (const content of texts) hosts.send({ content });
  await untilIn(hosts, ({ messages }) => messages.length === 180 && messages.every(({ state }) => state === 'sent'));

  guest.client.chat.leave(hosts.conversationId);
  const guests = guest.client.chat.open(hosts.conversationId);
  await isReady(guests);
  assert.deepEqual(textsOf(guests.view), texts.slice(130));
  const { hits } = await guest.client.chat.search({ query: 'dau dau', conversationId: hosts.conversationId });
  assert.deepEqual(
    hits.map(({ message }) => message.content),
    ['Tôi bị đau đầu'],
  );
  await guests.jumpTo(20);
  assert.deepEqual(textsOf(guests.view), texts.slice(0, 50));
  assert.equal(guests.view.hasNewer, true);
  hosts.send({ content: 'while away' });
  await untilIn(guests, ({ info }) => info?.lastSeq === 181);
  assert.equal(guests.view.messages.length, 50);
  await guests.jumpToLatest();
  assert.deepEqual(textsOf(guests.view), [...texts.slice(130), 'while away']);
  while (guests.view.hasOlder) await guests.loadOlder();
  assert.deepEqual(textsOf(guests.view), [...texts, 'while away']);
});

test('[CC25] a file goes up, is sent, and comes down as it was; both can be cancelled', async () => {
  await using app = await startTestApp(settings);
  using talk = await meet(app);
  const { guest, hosts, guests } = talk;
  const attachment = await hosts.upload(new File(['results: fine\n'], 'results.txt', { type: 'text/plain' }));
  hosts.send({ attachments: [attachment] });
  const message = await untilIn(guests, ({ messages }) => messages[0]?.attachments.length === 1 && messages[0]);
  assert.ok(message);
  assert.deepEqual([message.type, message.attachments[0]?.name], ['file', 'results.txt']);
  const blob = await guest.client.chat.readAttachment(attachment.attachmentId);
  assert.equal(await blob.text(), 'results: fine\n');

  const isCancelled = hasCode('client.aborted');
  await assert.rejects(hosts.upload(new File(['x'], 'x.txt'), { signal: AbortSignal.abort() }), isCancelled);
  await assert.rejects(guest.client.chat.readAttachment(attachment.attachmentId, { signal: AbortSignal.abort() }), isCancelled);
  await assert.rejects(guest.client.chat.readAttachment('01a1f87a-92e3-72a8-9c53-71112a532571'), hasCode('chat.attachment_not_found'));
});

test('[CC26] after the end everything is refused and nothing runs on', async () => {
  await using app = await startTestApp(settings);
  using talk = await meet(app);
  const { host, hosts } = talk;
  const { chat } = host.client;
  hosts.send({ content: 'on its way' });
  host.client.close();
  await assert.rejects(hosts.loadOlder(), hasCode('client.closed'));
  await assert.rejects(hosts.edit('01a1f87a-92e3-72a8-9c53-71112a532571', 'x'), hasCode('client.closed'));
  await assert.rejects(chat.openDirect('guest'), hasCode('client.closed'));
  assert.throws(() => hosts.send({ content: 'too late' }), hasCode('client.closed'));
  assert.equal(chat.open(hosts.conversationId), hosts, 'it can still be looked at');
  assert.throws(() => chat.open('01a1f87a-92e3-72a8-9c53-71112a532571'), hasCode('client.closed'));
});

/** What waits in the browser's database for a user. */
async function storedOf(userId: string): Promise<unknown[]> {
  const store = createOutboxStore();
  try {
    return [...(await store.load(userId))];
  } finally {
    store.close();
  }
}

test('[CL17] after session:resync what was told unheard is shown', async () => {
  await using app = await startTestApp(settings);
  using talk = await meet(app);
  const { hosts, guests } = talk;
  hosts.send({ content: 'message 1' });
  await shows(guests, numbered(1));
  const deaf = app.app.sockets.sessions.find(({ identity }) => identity.userId === talk.guest.client.userId);
  assert.ok(deaf);
  deaf.leave(userChannel(deaf.identity.userId));
  hosts.send({ content: 'message 2' });
  hosts.send({ content: 'message 3' });
  await shows(hosts, numbered(3));
  assert.deepEqual(textsOf(guests.view), numbered(1));
  app.app.sockets.tellResync();
  await shows(guests, numbered(3));
});
