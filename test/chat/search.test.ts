import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { Reply, RequestInput } from '../../src/protocol/index.ts';
import { startTestApp } from '../support/test-app.ts';
import type { TestClient } from '../support/test-client.ts';
import { direct, group, outcomeOf, person, refused, say, unlimited, upTo } from './chat-fixture.ts';

test('search', async (t) => {
  await using app = await startTestApp(unlimited);
  const [ann, bob, eve] = [person(app, 'ann'), person(app, 'bob'), person(app, 'eve')];
  const pair = await direct(ann, bob);
  const ward = await group(ann, [bob, eve]);
  const [annSocket, bobSocket, eveSocket] = [await ann.connect(), await bob.connect(), await eve.connect()];
  const search = (query: string, more: Partial<RequestInput<'chat:search'>> = {}, client: TestClient = annSocket) =>
    client.request('chat:search', { query, ...more });
  const contents = ({ hits }: Reply<'chat:search'>) => hits.map(({ message }) => message.content);
  const headache = await say(bobSocket, pair.conversationId, 'Tôi bị Đau Đầu từ hôm qua');
  await say(annSocket, pair.conversationId, 'Uống paracetamol nhé');
  await say(eveSocket, ward.conversationId, 'Bệnh nhân đau đầu, sốt', { type: 'report' });
  await say(annSocket, ward.conversationId, 'Paracetamol 500 mg');

  await t.test('[SE5] “dau dau” finds “đau đầu”, newest first, with what was found marked', async () => {
    for (const query of ['dau dau', 'ĐAU đầu', 'Dau', 'đau đầu'.normalize('NFD'), '  đầu?! ']) {
      const { hits, cursor } = await search(query);
      assert.deepEqual(
        hits.map(({ message, highlights }) => highlights.map(([start, end]) => message.content?.slice(start, end))),
        [
          ['đau', 'đầu'],
          ['Đau', 'Đầu'],
        ],
        query,
      );
      assert.equal(cursor, null);
    }
    const { hits } = await search('dau hom qua');
    assert.deepEqual(
      hits.map(({ message }) => message),
      [(await search('hôm qua')).hits[0]?.message],
    );
    assert.deepEqual(hits[0]?.message, (await annSocket.request('chat:history', { conversationId: pair.conversationId })).messages[0]);
    assert.equal(hits[0]?.message.messageId, headache.messageId);
  });

  await t.test('[SE6] the first three letters of a word find it; a query of nothing but signs finds nothing', async () => {
    assert.deepEqual(contents(await search('par')), ['Paracetamol 500 mg', 'Uống paracetamol nhé']);
    assert.deepEqual(contents(await search('paracet')), ['Paracetamol 500 mg', 'Uống paracetamol nhé']);
    for (const query of ['pa', 'pari', 'paracetamolx', 'dau paracetamol', '?!', '👍'])
      assert.deepEqual(contents(await search(query)), [], query);
    assert.deepEqual(contents(await search('mg')), ['Paracetamol 500 mg'], 'short words are found whole');
  });

  await t.test('[SE7] by conversation, by sender, by time', async () => {
    assert.deepEqual(contents(await search('dau', { conversationId: ward.conversationId })), ['Bệnh nhân đau đầu, sốt']);
    assert.deepEqual(contents(await search('dau', { senderId: bob.userId })), ['Tôi bị Đau Đầu từ hôm qua']);
    const { sentAt } = headache;
    const before = new Date(Date.parse(sentAt) - 1).toISOString();
    const after = new Date(Date.parse(sentAt) + 1).toISOString();
    await app.sql("update messages set sent_at = sent_at + interval '1 second' where message_id <> $1", [headache.messageId]);
    assert.deepEqual(contents(await search('dau', { from: sentAt, to: sentAt })), ['Tôi bị Đau Đầu từ hôm qua']);
    assert.deepEqual(contents(await search('dau', { to: before })), []);
    assert.deepEqual(contents(await search('dau', { from: after })), ['Bệnh nhân đau đầu, sốt']);
    const { body } = await ann.rest(
      'GET',
      `messages/search?q=${encodeURIComponent('đau')}&senderId=${bob.userId}&from=${encodeURIComponent(sentAt)}`,
    );
    assert.deepEqual(body, await search('đau', { senderId: bob.userId, from: sentAt }));
  });

  await t.test('[SE8] facets say how many there are in each conversation and of each type', async () => {
    const { facets } = await search('dau');
    assert.deepEqual(facets, {
      byConversation: facets.byConversation,
      byType: facets.byType,
      isComplete: true,
    });
    const counts = (all: { count: number }[], key: string) => new Map(all.map((one) => [(one as Record<string, unknown>)[key], one.count]));
    assert.deepEqual(
      counts(facets.byConversation, 'conversationId'),
      new Map([
        [pair.conversationId, 1],
        [ward.conversationId, 1],
      ]),
    );
    assert.deepEqual(
      counts(facets.byType, 'type'),
      new Map([
        ['text', 1],
        ['report', 1],
      ]),
    );
  });

  await t.test('[SE9] only conversations that one is in; others are answered as if there were none', async () => {
    assert.deepEqual(contents(await search('dau', {}, eveSocket)), ['Bệnh nhân đau đầu, sốt']);
    const answers = [];
    for (const conversationId of [pair.conversationId, randomUUID()]) {
      await assert.rejects(search('dau', { conversationId }, eveSocket), refused('chat.conversation_not_found'));
      const answer = await eve.rest('GET', `messages/search?q=dau&conversationId=${conversationId}`);
      assert.deepEqual(outcomeOf(answer), [404, 'chat.conversation_not_found']);
      answers.push(answer.body);
    }
    assert.deepEqual(answers[0], answers[1]);
    const nobody = person(app, 'nobody');
    assert.deepEqual((await nobody.rest('GET', 'messages/search?q=dau')).body, {
      hits: [],
      facets: { byConversation: [], byType: [], isComplete: true },
      cursor: null,
    });
  });

  await t.test('[SE10] pages have every hit once', async () => {
    const { conversationId } = await direct(ann, eve);
    await Promise.all(upTo(45).map((number) => say(number % 2 ? annSocket : eveSocket, conversationId, `cough ${number}`)));
    // Many of one moment, so that the id has to tell them apart.
    await app.sql('update messages set sent_at = $2 where conversation_id = $1 and seq <= 30', [conversationId, new Date().toISOString()]);
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await search('cough', { limit: 10, ...(cursor !== undefined && { cursor }) });
      assert.ok(page.hits.length <= 10);
      found.push(...page.hits.map(({ message }) => message.content ?? ''));
      cursor = page.cursor ?? undefined;
    } while (cursor !== undefined);
    assert.deepEqual(
      found.toSorted(),
      upTo(45)
        .map((number) => `cough ${number}`)
        .toSorted(),
    );
    assert.equal((await search('cough', { limit: 10 })).facets.byConversation[0]?.count, 45);
  });

  await t.test('[SE11] a word far down a long message is found', async () => {
    const { conversationId } = await direct(bob, eve);
    const filler = Array.from({ length: 1_500 }, (_, index) => `w${index}`).join(' ');
    await say(bobSocket, conversationId, `${filler} haemoglobin`);
    const { hits } = await search('haemoglobin', {}, bobSocket);
    assert.deepEqual(hits[0]?.highlights, [[filler.length + 1, filler.length + 12]]);
  });

  await t.test('[SE12] a malformed search is refused', async () => {
    for (const bad of [
      { query: '' },
      { query: ' ' },
      { query: 'x'.repeat(201) },
      { query: 'x', limit: 0 },
      { query: 'x', limit: 101 },
      { query: 'x', from: 'yesterday' },
      { query: 'x', to: '0000-01-01T00:00:00Z' },
      { query: 'x', cursor: 'y' },
      { query: 'x', conversationId: 'y' },
      { query: 'x', senderId: 'no spaces' },
    ]) {
      await assert.rejects(annSocket.send('chat:search', bad), refused('protocol.invalid_payload'), JSON.stringify(bad));
    }
    for (const query of ['', 'q=', 'q=x&limit=0', 'q=x&cursor=y', 'q=x&colour=red']) {
      assert.deepEqual(outcomeOf(await ann.rest('GET', `messages/search?${query}`)), [400, 'protocol.invalid_payload'], query);
    }
  });
});
