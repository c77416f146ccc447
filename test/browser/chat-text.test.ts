import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TimelineMessage } from '../../src/client/index.ts';
import { messageRows } from '../../web/src/chat/message-rows.ts';
import { highlightedParts, mentionedIn, textParts } from '../../web/src/chat/text-parts.ts';
import { messageAt } from '../client/chat-fixture.ts';

describe('[CC31] links and mentions in a text', () => {
  const rows: [string, readonly string[], readonly string[]][] = [
    ['no link', [], []],
    ['see https://a.example/x?y=1#z now', ['https://a.example/x?y=1#z'], []],
    ['see https://a.example.', ['https://a.example'], []],
    ['(https://a.example/b)', ['https://a.example/b'], []],
    ['https://a.example/b_(c)', ['https://a.example/b_(c)'], []],
    ['"https://a.example/b", and', ['https://a.example/b'], []],
    ['HTTP://A.EXAMPLE', ['HTTP://A.EXAMPLE'], []],
    ['www.a.example/b', ['www.a.example/b'], []],
    ['javascript:alert(1)', [], []],
    ['data:text/html,<script>', [], []],
    ['file:///etc/passwd ftp://a.example', [], []],
    ['https://', [], []],
    ['https://word', [], []],
    ['<a href="https://a.example">', ['https://a.example'], []],
    ['hello @Ana B, and @ana b', [], ['@Ana B', '@ana b']],
    ['ana@Ana Bee', [], ['@Ana B']],
    ['@A.*', [], []],
  ];
  for (const [text, links, mentions] of rows) {
    test(text, () => {
      const parts = textParts(text, ['Ana', 'Ana B']);
      assert.equal(parts.map((part) => part.text).join(''), text, 'nothing is lost');
      assert.deepEqual(
        parts.filter(({ kind }) => kind === 'link').map((part) => part.text),
        links,
      );
      assert.deepEqual(
        parts.filter(({ kind }) => kind === 'mention').map((part) => part.text),
        mentions,
      );
      for (const part of parts) if (part.kind === 'link') assert.match(part.href, /^https?:\/\//);
    });
  }

  test('whom a text mentions', () => {
    const members = ['Ana', 'Bo (nurse)', ''].map((displayName) => ({ userId: `id of ${displayName}`, displayName }));
    assert.deepEqual(
      mentionedIn('thanks @ANA and @bo (nurse)', members).map(({ displayName }) => displayName),
      ['Ana', 'Bo (nurse)'],
    );
  });

  test('[CC37] highlights, with what stands far before them left out', () => {
    assert.deepEqual(
      highlightedParts('đau đầu quá', [
        [0, 3],
        [4, 7],
      ]),
      [
        { text: 'đau', isHit: true },
        { text: ' ', isHit: false },
        { text: 'đầu', isHit: true },
        { text: ' quá', isHit: false },
      ],
    );
    const long = `${'word '.repeat(40)}found`;
    const parts = highlightedParts(long, [[200, 205]]);
    assert.equal(parts[0]?.text, '…');
    assert.deepEqual(parts.at(-1), { text: 'found', isHit: true });
    assert.ok(parts.map(({ text }) => text).join('').length < 60);
  });
});

describe('[CC32] how messages stand together', () => {
  const sent = (seq: number, minutes: number, senderId = 'other', change = {}): TimelineMessage => ({
    ...messageAt(seq, { senderId, sentAt: new Date(2026, 0, 1, 12, minutes).toISOString(), ...change }),
    state: 'sent',
  });
  const layout = (messages: readonly TimelineMessage[], newAfterSeq?: number) =>
    messageRows(messages, 'me', newAfterSeq).map((row) =>
      row.kind === 'group' ? `${row.senderId}: ${row.messages.map(({ content }) => content?.replace('text ', '')).join(' ')}` : row.kind,
    );
  const rows: [string, readonly TimelineMessage[], number | undefined, readonly string[]][] = [
    ['nothing', [], undefined, []],
    ['one sender, close together', [sent(1, 0), sent(2, 4)], undefined, ['day', 'other: 1 2']],
    ['one sender, five minutes apart', [sent(1, 0), sent(2, 5)], undefined, ['day', 'other: 1', 'other: 2']],
    ['two senders', [sent(1, 0), sent(2, 1, 'me'), sent(3, 2)], undefined, ['day', 'other: 1', 'me: 2', 'other: 3']],
    ['two days', [sent(1, 0), sent(2, 24 * 60)], undefined, ['day', 'other: 1', 'day', 'other: 2']],
    [
      'the system between',
      [sent(1, 0), sent(2, 1, 'parley', { type: 'system' }), sent(3, 2)],
      undefined,
      ['day', 'other: 1', 'system', 'other: 3'],
    ],
    ['new ones', [sent(1, 0), sent(2, 1), sent(3, 2)], 1, ['day', 'other: 1', 'new', 'other: 2 3']],
    ['one’s own are not new', [sent(1, 0), sent(2, 1, 'me'), sent(3, 2)], 1, ['day', 'other: 1', 'me: 2', 'new', 'other: 3']],
    ['nothing is new', [sent(1, 0), sent(2, 1)], 2, ['day', 'other: 1 2']],
  ];
  for (const [name, messages, newAfterSeq, expected] of rows) test(name, () => assert.deepEqual(layout(messages, newAfterSeq), expected));
});
