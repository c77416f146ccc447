import type { TimelineMessage } from '../../../src/client/index.ts';

/** Messages of one sender that stand together. */
export interface MessageGroup {
  readonly kind: 'group';
  readonly key: string;
  readonly senderId: string;
  readonly isOwn: boolean;
  readonly messages: readonly TimelineMessage[];
}

/** A line of the list. */
export type MessageRow =
  | { readonly kind: 'day'; readonly key: string; readonly date: Date }
  | { readonly kind: 'new'; readonly key: string }
  | { readonly kind: 'system'; readonly key: string; readonly message: TimelineMessage }
  | MessageGroup;

/** After that long a sender is named again. */
const groupMs = 5 * 60_000;

/**
 * Lays messages out: a line for each day, one before the first message of others after `newAfterSeq`, messages of the same sender within
 * five minutes together.
 */
export function messageRows(messages: readonly TimelineMessage[], userId: string, newAfterSeq: number | undefined): readonly MessageRow[] {
  const rows: MessageRow[] = [];
  let before: TimelineMessage | undefined;
  let isNewShown = newAfterSeq === undefined;
  for (const message of messages) {
    const date = new Date(message.sentAt);
    const startsDay = before === undefined || new Date(before.sentAt).toDateString() !== date.toDateString();
    if (startsDay) rows.push({ kind: 'day', key: `day ${date.toDateString()}`, date });
    const startsNew =
      !isNewShown &&
      message.state === 'sent' &&
      message.senderId !== userId &&
      message.seq > (newAfterSeq ?? 0) &&
      message.type !== 'system';
    if (startsNew) {
      rows.push({ kind: 'new', key: 'new' });
      isNewShown = true;
    }
    const last = rows.at(-1);
    if (message.type === 'system') rows.push({ kind: 'system', key: keyOf(message), message });
    else if (last?.kind === 'group' && !startsDay && !startsNew && before !== undefined && belongTogether(before, message)) {
      rows[rows.length - 1] = { ...last, messages: [...last.messages, message] };
    } else
      rows.push({
        kind: 'group',
        key: keyOf(message),
        senderId: message.senderId,
        isOwn: message.senderId === userId,
        messages: [message],
      });
    before = message;
  }
  return rows;
}

/** The same before and after the server has confirmed it. */
export function keyOf(message: TimelineMessage): string {
  return `${message.senderId} ${message.clientId}`;
}

function belongTogether(before: TimelineMessage, message: TimelineMessage): boolean {
  return before.senderId === message.senderId && Date.parse(message.sentAt) - Date.parse(before.sentAt) < groupMs;
}
