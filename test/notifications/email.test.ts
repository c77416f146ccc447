import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import jwt from 'jsonwebtoken';
import pg from 'pg';
import { SMTPServer } from 'smtp-server';
import { composeMail, inOneLine } from '../../src/notifications/email.ts';
import { direct, type Person, person, say, unlimited } from '../chat/chat-fixture.ts';
import { startServerProcess } from '../support/server-process.ts';
import { startTestApp } from '../support/test-app.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { waitFor } from '../support/wait-for.ts';
import { jobsDone, jobsOf, makeDue, missCall, notificationsOf, post, quietNow, set, waitForNotifications } from './notification-fixture.ts';

interface Mail {
  from: string;
  to: string[];
  headers: string;
  /** Decoded, soft line ends and all. */
  body: string;
}

/** A mail server of one's own; `answer` says what it says to a recipient, with a code, or takes the mail. */
async function startMailServer(port = 0) {
  const mails: Mail[] = [];
  let refusal: ((recipient: string) => number | undefined) | undefined;
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onRcptTo: ({ address }, _session, done) => {
      const code = refusal?.(address);
      done(code === undefined ? null : Object.assign(new Error(`No mail for ${address}`), { responseCode: code }));
    },
    onData: (stream, { envelope }, done) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const [headers = '', ...rest] = Buffer.concat(chunks).toString().split('\r\n\r\n');
        const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
        mails.push({ from, to: envelope.rcptTo.map(({ address }) => address), headers, body: decoded(rest.join('\r\n\r\n')) });
        done();
      });
    },
  });
  server.on('error', () => undefined);
  const listening = server.listen(port, '127.0.0.1');
  await once(listening, 'listening');
  const address = listening.address() as AddressInfo;
  return {
    mails,
    url: `smtp://127.0.0.1:${address.port}`,
    port: address.port,
    to: (recipient: string) => mails.filter(({ to }) => to.includes(recipient)),
    refuse: (next: typeof refusal) => {
      refusal = next;
    },
    close: () => new Promise<void>((resolve) => server.close(resolve)),
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => server.close(resolve));
    },
  };
}

/** Quoted-printable text as it was (RFC 2045, section 6.7); other text as it is. */
function decoded(text: string): string {
  const bytes = text
    .replaceAll('=\r\n', '')
    .replace(/=([0-9A-F]{2})/g, (_match, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString();
}

/** A header's words as people read them (RFC 2047). */
function header(mail: Mail | undefined, name: string): string | undefined {
  const unfolded = mail?.headers.replace(/\r\n[ \t]+/g, ' ') ?? '';
  const line = unfolded.split('\r\n').find((one) => one.toLowerCase().startsWith(`${name.toLowerCase()}: `));
  return line
    ?.slice(name.length + 2)
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(/=\?UTF-8\?([QB])\?(.*?)\?=/gi, (_match, how: string, words: string) =>
      how.toUpperCase() === 'B' ? Buffer.from(words, 'base64').toString() : decoded(words.replaceAll('_', ' ')),
    );
}

/** Signs somebody in whose token tells an address. */
async function withEmail(app: Awaited<ReturnType<typeof startTestApp>>, name: string, email: unknown): Promise<Person & { email: string }> {
  const somebody = person(app, name);
  const token = app.tokenFor(somebody.userId, 'provider', { email });
  assert.equal((await app.rest('GET', 'users/me', { token })).status, 200);
  return { ...somebody, email: String(email) };
}

test('[NO40] what is of high priority is mailed at once, as text and HTML, in the user’s language, to the address in the settings or else the token’s', async () => {
  await using smtp = await startMailServer();
  await using app = await startTestApp({
    ...unlimited,
    SMTP_URL: smtp.url,
    SMTP_FROM: 'Praxis Süd <praxis@example.org>',
  });
  const ann = await withEmail(app, 'ann', 'ann@example.org');
  const bob = await withEmail(app, 'bob', 'bob@example.org');
  const caller = person(app, 'Ärztin');
  await set(bob, { emailAddress: 'private@example.org' });
  await bob.rest('PATCH', 'users/me', { locale: 'fr' });
  const title = 'Résultat <b>&';
  const [notificationId] = await post(app, { userIds: [ann.userId], title, body: 'Line 1\nLine 2 <script>', priority: 'high' });
  await waitFor('the mail', () => smtp.to('ann@example.org').length === 1);
  const [mail] = smtp.mails;
  assert.deepEqual([mail?.from, mail?.to], ['praxis@example.org', ['ann@example.org']]);
  assert.equal(header(mail, 'Subject'), title);
  assert.equal(header(mail, 'From'), 'Praxis Süd <praxis@example.org>');
  assert.equal(header(mail, 'Message-ID'), `<${notificationId}@127.0.0.1>`);
  assert.deepEqual([header(mail, 'Auto-Submitted'), header(mail, 'Content-Language')], ['auto-generated', 'en']);
  assert.match(mail?.headers ?? '', /multipart\/alternative/);
  assert.match(mail?.body ?? '', /Résultat <b>&\r?\n\r?\nLine 1\r?\nLine 2 <script>\r?\n\r?\nOpen: http:\/\/127\.0\.0\.1:\d+\//);
  assert.match(mail?.body ?? '', /<strong>Résultat &lt;b&gt;&amp;<\/strong>/);
  assert.ok(!mail?.body.includes('<b>&<'));

  await missCall(app, {
    callId: '01890a5d-ac96-774b-bcce-b302099a8057',
    callerId: caller.userId,
    type: 'voice',
    userIds: [bob.userId],
  });
  await waitFor('the other mail', () => smtp.to('private@example.org').length === 1);
  assert.equal(header(smtp.mails[1], 'Subject'), `Appel manqué de ${caller.userId}`);
  assert.equal(header(smtp.mails[1], 'Content-Language'), 'fr');

  await set(bob, { email: false });
  await post(app, { userIds: [ann.userId, bob.userId], title: 'Not so important' });
  await post(app, { userIds: [bob.userId, 'nobody-yet'], title: 'Unwanted', priority: 'urgent' });
  await set(ann, { quietHours: quietNow() });
  const [waiting] = await post(app, { userIds: [ann.userId], title: 'At their end', priority: 'high' });
  await waitFor('it to be put off', async () => (await jobsOf(app, 'email')).some(({ key }) => key === `email:${waiting}`));
  await jobsDone(app);
  assert.equal(smtp.mails.length, 2);
  await set(ann, { quietHours: null });
  await makeDue(app, 'email');
  await waitFor('it to come', () => smtp.mails.length === 3);
});

test('[NO41] messages are mailed when they were unread for ten minutes, once a conversation, without what they say unless that is allowed', async () => {
  await using smtp = await startMailServer();
  await using app = await startTestApp({ ...unlimited, SMTP_URL: smtp.url });
  const ann = person(app, 'ann');
  const [bob, eve, read] = [
    await withEmail(app, 'bob', 'bob@example.org'),
    await withEmail(app, 'eve', 'eve@example.org'),
    await withEmail(app, 'read', 'read@example.org'),
  ];
  await set(eve, { showContent: true });
  const socket = await ann.connect();
  for (const reader of [bob, eve, read]) {
    const { conversationId } = await direct(ann, reader);
    await say(socket, conversationId, 'Zyxomania one');
    await waitForNotifications(reader, 1);
    await say(socket, conversationId, 'Zyxomania two');
    await waitFor('the second', async () => (await notificationsOf(reader))[0]?.data['count'] === 2);
  }
  await waitFor('the jobs', async () => (await jobsOf(app, 'email')).length === 3);
  await jobsDone(app);
  for (const { run_at } of await jobsOf(app, 'email')) {
    const inMs = run_at.getTime() - Date.now();
    assert.ok(inMs > 9 * 60_000 && inMs <= 10 * 60_000, String(inMs));
  }
  await read.rest('PUT', 'notifications/read');
  await makeDue(app, 'email');
  await waitFor('two mails', () => smtp.mails.length === 2);
  await jobsDone(app);
  assert.deepEqual([smtp.to(bob.email).length, smtp.to(eve.email).length, smtp.to(read.email).length], [1, 1, 0]);
  const [hidden, shown] = [smtp.to(bob.email)[0], smtp.to(eve.email)[0]];
  assert.equal(header(hidden, 'Subject'), `2 new messages, the last from Name of ${ann.userId}`);
  assert.ok(!hidden?.body.includes('Zyxomania') && !hidden?.headers.includes('Zyxomania'));
  assert.ok(shown?.body.includes('Zyxomania two'));
  const { conversationId } = await direct(ann, bob);
  await say(socket, conversationId, 'three');
  await waitFor('the third', async () => (await notificationsOf(bob))[0]?.data['count'] === 3);
  await jobsDone(app);
  assert.deepEqual(await jobsOf(app, 'email'), [], 'the conversation was mailed already');
});

test('[NO42] neither a title nor a name nor an address begins another header or makes another recipient', async () => {
  await using smtp = await startMailServer();
  await using app = await startTestApp({ ...unlimited, SMTP_URL: smtp.url });
  const ann = await withEmail(app, 'ann', 'ann@example.org');
  await post(app, { userIds: [ann.userId], title: 'Hello\r\nBcc: eve@example.org\r\n\r\nBody', priority: 'high' });
  await waitFor('the mail', () => smtp.mails.length === 1);
  assert.deepEqual(smtp.mails[0]?.to, ['ann@example.org']);
  assert.doesNotMatch(smtp.mails[0]?.headers ?? '', /^bcc:/im);
  assert.equal(header(smtp.mails[0], 'Subject'), 'Hello Bcc: eve@example.org Body');

  const eve = person(app, 'eve');
  const name = 'Eve\r\nBcc: mallory@example.org';
  await app.rest('GET', 'users/me', { token: app.tokenFor(eve.userId, 'provider', { name }) });
  await missCall(app, {
    callId: '01890a5d-ac96-774b-bcce-b302099a8058',
    callerId: eve.userId,
    type: 'voice',
    userIds: [ann.userId],
  });
  await waitFor('the next', () => smtp.mails.length === 2);
  assert.doesNotMatch(smtp.mails[1]?.headers ?? '', /^bcc:/im);
  // However it came into the database: it is one address, or none.
  await app.sql('update users set token_email = $2 where user_id = $1', [ann.userId, 'ann@example.org>\r\nRCPT TO:<eve@example.org']);
  await post(app, { userIds: [ann.userId], title: 'Smuggled', priority: 'high' });
  await waitFor('it to be tried', async () => (await jobsOf(app, 'email')).every(({ attempts }) => attempts > 0));
  assert.ok(smtp.mails.every(({ to }) => !to.includes('eve@example.org')));
  assert.equal(inOneLine(' a\r\n\tb\u2028c\0 '), 'a b c');
  const { html } = composeMail({ language: '"><x>', title: '<x>', body: '<x>', link: 'https://x/"><x>', linkText: '<x>', footer: '<x>' });
  assert.ok(!html.includes('<x>'));
});

test('[NO43] while the mail server is down or busy it is tried again, and comes once; what it refuses for good is not', async () => {
  const smtp = await startMailServer();
  await using app = await startTestApp({ ...unlimited, SMTP_URL: smtp.url });
  const ann = await withEmail(app, 'ann', 'ann@example.org');
  await smtp.close();
  await post(app, { userIds: [ann.userId], title: 'Comes later', priority: 'high' });
  const failed = async (attempts: number) => (await jobsOf(app, 'email')).some((job) => job.attempts === attempts);
  await waitFor('a failure', () => failed(1));
  await using again = await startMailServer(smtp.port);
  again.refuse(() => 451);
  await makeDue(app, 'email');
  const errors = () => app.sql<{ last_error: string | null }>('select last_error from graphile_worker._private_jobs where attempts = 2');
  // Without the address.
  await waitFor('another', async () =>
    (await errors()).some((job) => /^the mail server did not take it: \w+ 451$/.test(job.last_error ?? '')),
  );
  again.refuse(undefined);
  await makeDue(app, 'email');
  await waitFor('the mail', () => again.mails.length === 1);
  await waitFor('the job to be done', async () => (await jobsOf(app, 'email')).length === 0);
  again.refuse(() => 550);
  const [refused] = await post(app, { userIds: [ann.userId], title: 'Unknown', priority: 'high' });
  await jobsDone(app);
  await waitFor('no job', async () => (await jobsOf(app)).every(({ key }) => key !== `email:${refused}`));
  assert.equal(again.mails.length, 1);
});

test('[NO43] what a server that is killed has not delivered the next one delivers', async () => {
  await using database = await createTestDatabase();
  const env = {
    DATABASE_URL: database.url,
    AUTH_SECRET: randomBytes(32).toString('hex'),
    ENCRYPTION_KEYS: `k:${randomBytes(32).toString('base64')}`,
  };
  const token = (claims: Record<string, unknown>) =>
    jwt.sign({ exp: Math.floor(Date.now() / 1000) + 600, ...claims }, env.AUTH_SECRET, { algorithm: 'HS256' });
  const gone = await startMailServer();
  await gone.close();
  {
    await using killed = await startServerProcess({ ...env, SMTP_URL: gone.url });
    const call = (method: string, where: string, bearer: string, body?: unknown) =>
      fetch(`${killed.url}/api/v1/${where}`, {
        method,
        headers: { connection: 'close', authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
    await call('GET', 'users/me', token({ sub: 'ann', role: 'patient', email: 'ann@example.org' }));
    const body = { userIds: ['ann'], type: 'portal.news', title: 'Survives', priority: 'high' };
    assert.equal((await call('POST', 'notifications', token({ sub: 'portal', role: 'service' }), body)).status, 201);
  }
  const admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
  // What it was at when it was killed stays locked for hours otherwise, and what has failed waits.
  await admin.query('update graphile_worker._private_jobs set run_at = now(), locked_at = null, locked_by = null');
  await using smtp = await startMailServer();
  await using app = await startTestApp({ ...env, SMTP_URL: smtp.url });
  await waitFor('the mail', () => smtp.mails.length > 0);
  const jobs = "select 1 from graphile_worker.jobs where task_identifier = 'notifications:email'";
  await waitFor('no job', async () => (await admin.query(jobs)).rowCount === 0);
  await admin.end();
  assert.equal((await app.rest('GET', 'notifications', { token: token({ sub: 'ann', role: 'patient' }) })).body.notifications.length, 1);
  assert.deepEqual([smtp.mails.length, header(smtp.mails[0], 'Subject')], [1, 'Survives']);
});

test('[NO44] an address that is none keeps nobody out and is not taken; a token without one leaves the one that is known', async () => {
  await using app = await startTestApp(unlimited);
  const emailOf = async ({ userId }: Person) =>
    (await app.sql<{ token_email: string | null }>('select token_email from users where user_id = $1', [userId]))[0]?.token_email;
  for (const wrong of [
    'ann',
    'a@b, c@d',
    7,
    null,
    ['ann@example.org'],
    'ann@example.org\r\nBcc: x@example.org',
    `${'x'.repeat(300)}@example.org`,
  ]) {
    assert.equal(await emailOf(await withEmail(app, 'ann', wrong)), null, String(wrong));
  }
  const bob = await withEmail(app, 'bob', 'bob@example.org');
  assert.equal(await emailOf(bob), 'bob@example.org');
  const signIn = (claims: Record<string, unknown>) => app.rest('GET', 'users/me', { token: app.tokenFor(bob.userId, 'provider', claims) });
  await signIn({});
  await signIn({ email: 'nonsense' });
  await signIn({ email: 'room@example.org', room: { id: 'any' } });
  assert.equal(await emailOf(bob), 'bob@example.org');
  await signIn({ email: 'new@example.org' });
  assert.equal(await emailOf(bob), 'new@example.org');
});
