import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { statusOf, withReceipt } from '../../src/client/chat/message-status.ts';
import { withRange } from '../../src/client/chat/seq-ranges.ts';
import {
  afterAction,
  emptyTimeline,
  type HistoryQuery,
  hasNewer,
  hasOlder,
  missing,
  type OutgoingMessage,
  shownMessages,
  type Timeline,
  type TimelineAction,
} from '../../src/client/chat/timeline.ts';
import { ParleyError } from '../../src/client/parley-error.ts';
import type { Member, Message } from '../../src/protocol/chat.ts';
import { messageAt, messagesFrom } from './chat-fixture.ts';

const empty = emptyTimeline('me');
const run = (timeline: Timeline, ...actions: TimelineAction[]): Timeline => actions.reduce(afterAction, timeline);
const page = (query: HistoryQuery, messages: readonly Message[], hasMore = false, knownSeq = 0): TimelineAction => ({
  type: 'page',
  query,
  messages,
  hasMore,
  knownSeq,
});
const latest = (messages: readonly Message[], hasMore = false): TimelineAction => page({ kind: 'latest' }, messages, hasMore);
const heard = (message: Message): TimelineAction => ({ type: 'message', message });
const outgoing = (clientId: string): OutgoingMessage => ({
  state: 'sending',
  clientId,
  conversationId: 'talk',
  senderId: 'me',
  type: 'text',
  content: clientId,
  attachments: [],
  mentions: [],
  sentAt: '2026-01-01T12:00:00.000Z',
});
const seqs = (timeline: Timeline): number[] => shownMessages(timeline).map(({ seq }) => seq);
const loaded = run(empty, latest(messagesFrom(11, 20), true));

describe('[CC1] messages are shown ascending and without gaps', () => {
  const rows: [string, Timeline, readonly number[], ReturnType<typeof missing>][] = [
    ['nothing is known', empty, [], undefined],
    ['an empty conversation', run(empty, latest([])), [], undefined],
    ['its first message', run(empty, latest([]), heard(messageAt(1))), [1], undefined],
    ['a page in any order', run(empty, latest([messageAt(3), messageAt(2)].toReversed(), true)), [2, 3], undefined],
    ['the next message', run(loaded, heard(messageAt(21))), [...seqOf(11, 21)], undefined],
    ['a message after a gap', run(loaded, heard(messageAt(23))), [...seqOf(11, 20)], { kind: 'after', seq: 20 }],
    [
      'the gap closed by its page',
      run(loaded, heard(messageAt(23)), { type: 'asked' }, page({ kind: 'after', seq: 20 }, messagesFrom(21, 23))),
      [...seqOf(11, 23)],
      undefined,
    ],
    [
      'the gap closed by late notices',
      run(loaded, heard(messageAt(23)), heard(messageAt(22)), heard(messageAt(21))),
      [...seqOf(11, 23)],
      undefined,
    ],
    [
      'half of the gap closed',
      run(loaded, heard(messageAt(23)), page({ kind: 'after', seq: 20 }, messagesFrom(21, 21), true)),
      [...seqOf(11, 21)],
      { kind: 'after', seq: 21 },
    ],
    ['heard of only', run(loaded, { type: 'heardOf', seq: 25 }), [...seqOf(11, 20)], { kind: 'after', seq: 20 }],
    [
      'the rest was deleted for oneself',
      run(loaded, { type: 'heardOf', seq: 25 }, page({ kind: 'after', seq: 20 }, messagesFrom(21, 22), false, 25)),
      [...seqOf(11, 22)],
      undefined,
    ],
    ['a message before the first page', run(empty, heard(messageAt(7))), [], undefined],
    ['and the page then', run(empty, heard(messageAt(7)), latest(messagesFrom(2, 6), true)), [...seqOf(2, 7)], undefined],
  ];
  for (const [name, timeline, shown, gap] of rows) {
    test(name, () => {
      assert.deepEqual(seqs(timeline), shown);
      assert.deepEqual(missing(timeline), gap);
    });
  }

  test('whatever the order of notices and pages, what is shown is an unbroken stretch, each message once', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('notice' as const), seq: fc.integer({ min: 1, max: 40 }) }),
      fc.record({ kind: fc.constantFrom('before' as const, 'after' as const), seq: fc.integer({ min: 1, max: 40 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        let timeline = run(empty, latest(messagesFrom(16, 20), true));
        for (const { kind, seq } of steps) {
          if (kind === 'notice') timeline = run(timeline, heard(messageAt(seq)));
          else if (kind === 'before') {
            const from = Math.max(1, seq - 5);
            timeline = run(timeline, page({ kind, seq }, messagesFrom(from, seq - 1), from > 1));
          } else timeline = run(timeline, page({ kind, seq }, messagesFrom(seq + 1, Math.min(40, seq + 5)), seq + 5 < 40));
          const shown = seqs(timeline);
          assert.deepEqual(shown, [...seqOf(shown[0] ?? 1, shown.at(-1) ?? 0)]);
          assert.ok(shown.includes(20), 'what was shown stays');
        }
      }),
    );
  });

  test('ranges that touch become one', () => {
    const rows2: [readonly [number, number][], [number, number], [number, number][]][] = [
      [[], [1, 0], [[1, 0]]],
      [[[1, 0]], [1, 1], [[1, 1]]],
      [[[1, 3]], [4, 5], [[1, 5]]],
      [
        [[1, 3]],
        [5, 6],
        [
          [1, 3],
          [5, 6],
        ],
      ],
      [
        [
          [1, 3],
          [6, 8],
        ],
        [4, 5],
        [[1, 8]],
      ],
      [[[5, 6]], [1, 9], [[1, 9]]],
    ];
    for (const [before, added, expected] of rows2) {
      const ranges = before.map(([from, to]) => ({ from, to }));
      assert.deepEqual(
        withRange(ranges, { from: added[0], to: added[1] }),
        expected.map(([from, to]) => ({ from, to })),
      );
    }
  });
});

describe('[CC2] a message is shown once, and a page does not undo a notice', () => {
  test('answer, notice and history', () => {
    const thrice = run(loaded, heard(messageAt(21)), heard(messageAt(21)), page({ kind: 'after', seq: 20 }, [messageAt(21)]));
    assert.deepEqual(seqs(thrice), [...seqOf(11, 21)]);
  });

  const stale = page({ kind: 'before', seq: 21 }, messagesFrom(11, 20), true);
  const asked = run(loaded, { type: 'asked' });
  const rows: [string, TimelineAction, (message: Message | undefined) => unknown, unknown][] = [
    ['an edit', { type: 'edited', message: messageAt(15, { content: 'new' }) }, (message) => message?.content, 'new'],
    [
      'a deletion',
      { type: 'deleted', messageId: 'm15', seq: 15, forEveryone: true, at: '2026-01-02T00:00:00.000Z' },
      (message) => [message?.content, message?.deletedAt],
      [null, '2026-01-02T00:00:00.000Z'],
    ],
    ['a deletion for oneself', { type: 'deleted', messageId: 'm15', seq: 15, forEveryone: false, at: '' }, (message) => message, undefined],
    [
      'a reaction',
      { type: 'reactions', messageId: 'm15', reactions: [{ emoji: '👍', count: 1, userIds: ['me'] }] },
      (message) => message?.reactions.length,
      1,
    ],
    ['a new message', heard(messageAt(21)), (message) => message?.seq, 15],
  ];
  for (const [name, notice, look, expected] of rows) {
    test(`${name} that came while an older page was on its way`, () => {
      const timeline = run(asked, notice, stale);
      assert.deepEqual(look(timeline.messages.get(15)), expected);
      if (name === 'a new message') assert.deepEqual(seqs(timeline), [...seqOf(11, 21)]);
    });
  }

  test('of messages that the page brings first, too', () => {
    const notice: TimelineAction = { type: 'deleted', messageId: 'm5', seq: 5, forEveryone: true, at: '2026-01-02T00:00:00.000Z' };
    const timeline = run(asked, notice, page({ kind: 'before', seq: 11 }, messagesFrom(1, 10)));
    assert.equal(timeline.messages.get(5)?.content, null);
  });
});

describe('[CC3] one’s own messages wait after the confirmed ones and then take their place', () => {
  const two = run(loaded, { type: 'queued', message: outgoing('a') }, { type: 'queued', message: outgoing('b') });
  const clientIds = (timeline: Timeline) => timeline.outgoing.map(({ clientId }) => clientId);
  test('in the order of writing', () => assert.deepEqual(clientIds(two), ['a', 'b']));
  test('confirmed by whatever brings the message', () => {
    const mine = messageAt(21, { senderId: 'me', clientId: 'a' });
    assert.deepEqual(clientIds(run(two, heard(mine))), ['b']);
    assert.deepEqual(clientIds(run(two, page({ kind: 'after', seq: 20 }, [mine]))), ['b']);
  });
  test('another’s message with the same clientId confirms nothing', () => {
    assert.deepEqual(clientIds(run(two, heard(messageAt(21, { clientId: 'a' })))), ['a', 'b']);
  });
  test('refused, tried again as the last, thrown away', () => {
    const refused = run(two, { type: 'failed', clientId: 'a', error: new ParleyError('auth.forbidden') });
    assert.deepEqual(
      refused.outgoing.map(({ state }) => state),
      ['failed', 'sending'],
    );
    assert.deepEqual(clientIds(run(refused, { type: 'queued', message: outgoing('a') })), ['b', 'a']);
    assert.deepEqual(clientIds(run(refused, { type: 'dropped', clientId: 'a' })), ['b']);
  });
});

describe('[CC4] deletions and edits', () => {
  const quoting = run(
    loaded,
    heard(messageAt(21, { replyTo: { messageId: 'm15', seq: 15, senderId: 'other', type: 'text', content: 'text 15' } })),
  );
  test('for oneself: gone, and no gap', () => {
    const timeline = run(loaded, { type: 'deleted', messageId: 'm15', seq: 15, forEveryone: false, at: '' }, heard(messageAt(21)));
    assert.deepEqual(seqs(timeline), [11, 12, 13, 14, 16, 17, 18, 19, 20, 21]);
    assert.equal(missing(timeline), undefined);
  });
  test('for everyone: a shell, and quotes without content', () => {
    const timeline = run(quoting, { type: 'deleted', messageId: 'm15', seq: 15, forEveryone: true, at: '2026-01-02T00:00:00.000Z' });
    assert.equal(timeline.messages.get(15)?.content, null);
    assert.equal(timeline.messages.get(21)?.replyTo?.content, null);
  });
  test('an edit reaches the quotes', () => {
    const timeline = run(quoting, { type: 'edited', message: messageAt(15, { content: 'better' }) });
    assert.equal(timeline.messages.get(21)?.replyTo?.content, 'better');
  });
  test('of what is not loaded: nothing', () => {
    assert.deepEqual(seqs(run(loaded, { type: 'edited', message: messageAt(5) })), seqs(loaded));
    assert.deepEqual(seqs(run(loaded, { type: 'deleted', messageId: 'm5', seq: 5, forEveryone: true, at: '' })), seqs(loaded));
  });
  test('[CC5] what a page no longer holds is gone', () => {
    const timeline = run(
      loaded,
      { type: 'reconnected' },
      page({ kind: 'before', seq: 21 }, [...messagesFrom(11, 14), ...messagesFrom(16, 20)], true),
    );
    assert.equal(timeline.messages.has(15), false);
  });
});

describe('[CC6] older pages, and jumps', () => {
  test('there is older until the first', () => {
    assert.equal(hasOlder(loaded), true);
    assert.equal(hasOlder(run(loaded, page({ kind: 'before', seq: 11 }, messagesFrom(1, 10)))), false);
    assert.equal(
      hasOlder(run(loaded, page({ kind: 'before', seq: 11 }, messagesFrom(3, 10)))),
      false,
      'the first two are deleted for oneself',
    );
  });
  const away = run(
    run(empty, latest(messagesFrom(91, 100), true)),
    page({ kind: 'before', seq: 11 }, messagesFrom(6, 10), true),
    page({ kind: 'after', seq: 10 }, messagesFrom(11, 15), true),
    { type: 'focused', seq: 10 },
  );
  test('a jump shows a stretch of its own; new messages wait', () => {
    assert.deepEqual(seqs(away), [...seqOf(6, 15)]);
    assert.deepEqual([hasOlder(away), hasNewer(away), away.followsEnd], [true, true, false]);
    const later = run(away, heard(messageAt(101)));
    assert.deepEqual(seqs(later), [...seqOf(6, 15)]);
    assert.equal(missing(later), undefined);
  });
  test('back at the end everything is there', () => {
    const back = run(away, heard(messageAt(101)), { type: 'focused', seq: 101 });
    assert.deepEqual(seqs(back), [...seqOf(91, 101)]);
    assert.equal(back.followsEnd, true);
  });
  test('reading on from there reaches the end, and follows it', () => {
    const all = run(away, page({ kind: 'after', seq: 15 }, messagesFrom(16, 90), true));
    assert.deepEqual(seqs(all), [...seqOf(6, 100)]);
    assert.equal(all.followsEnd, true);
  });
});

describe('[CC7] how far a message has come', () => {
  const member = (userId: string, deliveredSeq: number, readSeq: number): Member => ({
    userId,
    displayName: userId,
    role: 'member',
    joinedAt: '2026-01-01T00:00:00.000Z',
    deliveredSeq,
    readSeq,
  });
  const mine = messageAt(5, { senderId: 'me' });
  const rows: [string, Message, readonly Member[], string][] = [
    ['nobody else', mine, [member('me', 9, 9)], 'sent'],
    ['not there yet', mine, [member('me', 9, 9), member('a', 4, 4)], 'sent'],
    ['delivered to one of two', mine, [member('a', 5, 0), member('b', 4, 0)], 'sent'],
    ['delivered to both', mine, [member('a', 5, 0), member('b', 7, 0)], 'delivered'],
    ['read by one', mine, [member('a', 5, 5), member('b', 7, 0)], 'delivered'],
    ['read by both', mine, [member('a', 5, 5), member('b', 7, 6)], 'read'],
    ['the server knows more', { ...mine, status: 'read' }, [member('a', 5, 0)], 'read'],
    ['what is read is delivered', mine, [member('a', 0, 5), member('b', 5, 0)], 'delivered'],
  ];
  for (const [name, message, members, expected] of rows) test(name, () => assert.equal(statusOf(message, members), expected));

  test('receipts only rise', () => {
    const members = [member('a', 5, 3)];
    assert.equal(withReceipt(members, 'read', 'a', 2), members);
    assert.equal(withReceipt(members, 'delivered', 'nobody', 9), members);
    assert.deepEqual(withReceipt(members, 'read', 'a', 8), [member('a', 8, 8)]);
  });
});

function* seqOf(from: number, to: number): Generator<number> {
  for (let seq = from; seq <= to; seq++) yield seq;
}
