import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { createLog } from '../../src/log.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { waitFor } from '../support/wait-for.ts';
import { direct, person, readAll, say, unlimited } from './chat-fixture.ts';

const newKey = (id: string) => `${id}:${randomBytes(32).toString('base64')}`;

/** Every row of every table of the product and its job queue as text, bytes in hex. */
async function dump(app: TestApp): Promise<string[]> {
  const tables = await app.sql<{ place: string }>(`
    select format('%I.%I', table_schema, table_name) as place from information_schema.tables
    where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'`);
  assert.ok(tables.length > 20);
  const rows = tables.map(({ place }) => app.sql<{ text: string }>(`select whole::text as text from ${place} whole`));
  return (await Promise.all(rows)).flat().map(({ text }) => text);
}

test('[SE20] what is said is nowhere in the database and nowhere in the log, neither as it is nor folded', async () => {
  const lines: string[] = [];
  const log = createLog('trace', new Writable({ write: (chunk: Buffer, _encoding, done) => done(void lines.push(chunk.toString())) }));
  await using app = await startTestApp({ ...unlimited, LOG_LEVEL: 'trace' }, { log });
  const [ann, bob] = [person(app, 'ann'), person(app, 'bob')];
  const { conversationId } = await direct(ann, bob, { initialMessage: 'Zyxománia first' });
  const [socket, other] = [await ann.connect(), await bob.connect()];
  const { messageId } = await say(socket, conversationId, 'Zyxománia second');
  await socket.request('chat:edit', { messageId, content: 'Zyxománia third' });
  await say(other, conversationId, 'Zyxománia reply', { replyToId: messageId });
  await socket.request('chat:search', { query: 'Zyxománia' });
  await ann.rest('GET', `messages/search?q=${encodeURIComponent('Zyxománia')}`);
  await assert.rejects(socket.request('chat:edit', { messageId: randomUUID(), content: 'Zyxománia wrong' }));
  await assert.rejects(say(socket, randomUUID(), 'Zyxománia nowhere'));
  await assert.rejects(socket.send('chat:send', { conversationId, content: 'Zyxománia malformed' }));
  await ann.rest('POST', `conversations/${conversationId}/messages`, { content: 'Zyxománia malformed' });
  assert.equal((await readAll(other, conversationId)).length, 3);

  const words = ['zyxománia', 'zyxomania', 'zyxom'];
  const forms = words.flatMap((word) => [word, Buffer.from(word).toString('hex'), Buffer.from(word).toString('base64').slice(0, -2)]);
  const hasAny = (text: string) => forms.some((form) => text.toLowerCase().includes(form.toLowerCase()));
  const texts = await dump(app);
  assert.ok(
    texts.some((text) => text.includes(messageId)),
    'the dump has the messages',
  );
  assert.deepEqual(texts.filter(hasAny), []);
  assert.ok(lines.length > 10, 'the log was written');
  assert.deepEqual(lines.filter(hasAny), []);
});

test('[SE21] a message is sealed by AES-256-GCM with its key’s id; equal ones look different; none opens in another’s place or changed', async () => {
  await using app = await startTestApp({ ...unlimited, ENCRYPTION_KEYS: newKey('k1') });
  const [ann, bob] = [person(app, 'ann'), person(app, 'bob')];
  const { conversationId } = await direct(ann, bob);
  const socket = await ann.connect();
  const [one, two, three] = [
    await say(socket, conversationId, 'same'),
    await say(socket, conversationId, 'same'),
    await say(socket, conversationId, 'other'),
  ];
  const sealedOf = async (id: string) =>
    (await app.sql<{ key_id: string; sealed: Buffer }>('select key_id, sealed from messages where message_id = $1', [id]))[0]!;
  const [a, b] = [await sealedOf(one.messageId), await sealedOf(two.messageId)];
  assert.equal(a.key_id, 'k1');
  assert.ok(!a.sealed.equals(b.sealed));
  assert.equal(a.sealed.length, 12 + 'same'.length + 2 + 16, 'nonce, JSON, tag');

  await app.sql('update messages set sealed = $2 where message_id = $1', [one.messageId, (await sealedOf(three.messageId)).sealed]);
  const flipped = Buffer.from(b.sealed);
  flipped.writeUInt8(flipped.readUInt8(14) ^ 1, 14);
  await app.sql('update messages set sealed = $2 where message_id = $1', [two.messageId, flipped]);
  const contents = (await readAll(socket, conversationId)).map(({ content }) => content);
  assert.deepEqual(contents, [null, null, 'other'], 'and does not take its neighbours with it');
  assert.deepEqual((await socket.request('chat:search', { query: 'same' })).hits, []);
  await app.sql('update messages set sealed = $2 where message_id = $1', [one.messageId, a.sealed]);
  assert.equal((await readAll(socket, conversationId))[0]?.content, 'same');
  const elsewhere = await direct(ann, person(app, 'eve'));
  await app.sql('update messages set conversation_id = $2, seq = 1 where message_id = $1', [one.messageId, elsewhere.conversationId]);
  assert.deepEqual(
    (await readAll(socket, elsewhere.conversationId)).map(({ content }) => content),
    [null],
  );
});

test('[SE22] a key is replaced by putting a new one before it: a job seals everything anew, then the old one can go', async () => {
  await using database = await createTestDatabase();
  const [first, second] = [newKey('first'), newKey('second')];
  const secret = randomBytes(32).toString('hex');
  const start = (keys: string) => startTestApp({ ...unlimited, DATABASE_URL: database.url, AUTH_SECRET: secret, ENCRYPTION_KEYS: keys });
  let conversationId: string;
  const open = async (app: TestApp) => {
    const socket = await app.connect('ann');
    const messages = await readAll(socket, conversationId);
    const { hits } = await socket.request('chat:search', { query: 'number' });
    return { socket, messages, hits };
  };
  const keysOf = async (app: TestApp) =>
    (
      await app.sqlOn<{ key_id: string }>(
        database.url,
        'select key_id from messages where sealed is not null union select key_id from message_versions union select key_id from data_keys',
      )
    ).map(({ key_id }) => key_id);
  {
    await using app = await start(first);
    const token = app.tokenFor('ann');
    conversationId = (await app.rest('POST', 'conversations/direct', { token, body: { userId: 'bob' } })).body.conversationId;
    const socket = await app.connect('ann');
    const sent = await Promise.all(Array.from({ length: 450 }, (_, index) => say(socket, conversationId, `number ${index}`)));
    for (const { messageId } of sent.slice(0, 5)) await socket.request('chat:edit', { messageId, content: 'edited number' });
    await socket.request('chat:delete', { messageId: sent[5]!.messageId, forEveryone: true });
    assert.deepEqual(await keysOf(app), ['first']);
    // One that nobody can open any more must not be in the way of the others.
    await app.sqlOn(database.url, "update messages set sealed = '\\x00' where message_id = $1", [sent[6]!.messageId]);
  }
  {
    await using app = await start(`${second},${first}`);
    const { socket, messages, hits } = await open(app);
    assert.equal(messages.length, 450);
    assert.equal(hits.length, 20);
    assert.equal((await say(socket, conversationId, 'number by the new key')).seq, 451);
    const left = () => app.sqlOn(database.url, "select 1 from messages where key_id = 'first' and sealed <> '\\x00'");
    await waitFor('all messages to be sealed anew', async () => (await left()).length === 0);
    await waitFor('versions and data keys too', async () => (await keysOf(app)).toSorted().join() === 'first,second');
    await app.sqlOn(database.url, "update messages set sealed = null, key_id = null where sealed = '\\x00'");
    assert.deepEqual(await keysOf(app), ['second']);
  }
  {
    await using app = await start(second);
    const { messages, hits } = await open(app);
    assert.equal(messages.filter(({ content }) => content !== null).length, 449);
    assert.equal(hits[0]?.message.content, 'number by the new key');
  }
  await assert.rejects(start(newKey('third')), { message: /was encrypted with another key "second"/ });
});
