import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type BookChange,
  type ConversationBook,
  sortedConversations,
  totalUnread,
  withConversation,
  withDeletedMessage,
  withMessage,
  withoutConversation,
  withRead,
} from '../../src/client/chat/conversation-book.ts';
import type { Conversation } from '../../src/protocol/chat.ts';
import { messageAt } from './chat-fixture.ts';

const talk = (change: Partial<Conversation> = {}): Conversation => ({
  conversationId: 'talk',
  type: 'direct',
  name: 'Other',
  avatarId: null,
  appointmentId: null,
  roomId: null,
  status: 'active',
  role: 'member',
  memberIds: ['me', 'other'],
  lastMessage: null,
  lastSeq: 5,
  unreadCount: 2,
  deliveredSeq: 3,
  readSeq: 3,
  mutedUntil: null,
  createdAt: '2026-01-01T00:00:00.000Z',
  ...change,
});
const book: ConversationBook = new Map([['talk', talk()]]);
const unreadAfter = ({ book: changed, unsure }: BookChange): [number | undefined, readonly string[]] => [
  changed.get('talk')?.unreadCount,
  unsure,
];

describe('[CC20] unread counts follow notices', () => {
  const rows: [string, BookChange, [number, readonly string[]]][] = [
    ['another’s message', withMessage(book, messageAt(6), 'me'), [3, []]],
    ['one’s own', withMessage(book, messageAt(6, { senderId: 'me' }), 'me'), [2, []]],
    ['the system’s', withMessage(book, messageAt(6, { type: 'system', senderId: 'parley' }), 'me'), [2, []]],
    ['heard of before', withMessage(book, messageAt(5), 'me'), [2, []]],
    ['after a gap: the server is asked', withMessage(book, messageAt(8), 'me'), [3, ['talk']]],
    ['of an unknown conversation: the server is asked', withMessage(book, messageAt(1, { conversationId: 'new' }), 'me'), [2, ['new']]],
    ['read to the end', withRead(book, 'talk', 5), [0, []]],
    ['read in part, and counted', withRead(book, 'talk', 4, 1), [1, []]],
    ['read in part elsewhere: the server is asked', withRead(book, 'talk', 4), [2, ['talk']]],
    ['read less than before', withRead(book, 'talk', 2), [2, []]],
    ['told by the server', withConversation(book, talk({ unreadCount: 7, lastSeq: 9 })), [7, []]],
    ['told what was so before a message', withConversation(book, talk({ unreadCount: 0, lastSeq: 4 })), [2, ['talk']]],
    ['told what was so before reading', withConversation(withRead(book, 'talk', 5).book, talk()), [0, []]],
    [
      'the last one deleted for oneself',
      withDeletedMessage(withMessage(book, messageAt(6), 'me').book, { conversationId: 'talk', messageId: 'm6', forEveryone: false }),
      [3, ['talk']],
    ],
  ];
  for (const [name, change, expected] of rows) test(name, () => assert.deepEqual(unreadAfter(change), expected));

  test('the list begins with what was active last', () => {
    const { book: two } = withConversation(book, talk({ conversationId: 'b', unreadCount: 1, lastMessage: messageAt(9) }));
    assert.deepEqual(
      sortedConversations(two).map(({ conversationId }) => conversationId),
      ['b', 'talk'],
    );
    assert.equal(totalUnread(two), 3);
    assert.equal(totalUnread(withoutConversation(two, 'talk')), 1);
  });
});
