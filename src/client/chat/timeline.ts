import type { Attachment, Message, Reaction, SendPayload } from '../../protocol/chat.ts';
import type { ParleyError } from '../parley-error.ts';
import { rangeAt, type SeqRange, withRange } from './seq-ranges.ts';

/** A message of one's own that the server has not confirmed yet. */
export interface OutgoingMessage {
  readonly state: 'sending' | 'failed';
  readonly clientId: string;
  readonly conversationId: string;
  readonly senderId: string;
  readonly type: SendPayload['type'];
  readonly content: string | null;
  readonly attachments: readonly Attachment[];
  readonly mentions: readonly string[];
  readonly replyTo?: Message['replyTo'];
  /** When it was written, by this device's clock. */
  readonly sentAt: string;
  /** Why it has failed. */
  readonly error?: ParleyError;
}

/** What is asked of `chat:history`. */
export type HistoryQuery = { kind: 'latest' } | { kind: 'before'; seq: number } | { kind: 'after'; seq: number };

/** What may happen to messages that are there. */
export type TimelineNotice =
  /** A new one, or one that is heard of again. */
  | { type: 'message'; message: Message }
  | { type: 'edited'; message: Message }
  | { type: 'deleted'; messageId: string; seq: number; forEveryone: boolean; at: string }
  | { type: 'reactions'; messageId: string; reactions: Reaction[] };

/** Whatever changes a timeline. */
export type TimelineAction =
  | TimelineNotice
  /** `chat:history` is on its way; one at a time. */
  | { type: 'asked' }
  /** Its answer. `knownSeq`: what was known to be stored when it was asked. */
  | { type: 'page'; query: HistoryQuery; messages: readonly Message[]; hasMore: boolean; knownSeq: number }
  | { type: 'askFailed' }
  /** The conversation is known to reach up to this seq. */
  | { type: 'heardOf'; seq: number }
  /** The connection was lost: only what is shown is kept, and is to be read again. */
  | { type: 'reconnected' }
  /** Shows the messages around this one; its own page has come before. */
  | { type: 'focused'; seq: number }
  | { type: 'queued'; message: OutgoingMessage }
  | { type: 'failed'; clientId: string; error: ParleyError }
  | { type: 'dropped'; clientId: string };

/**
 * The messages of one conversation as far as they are known: some stretches without gaps, one of which is shown. Never changed in place.
 *
 * Stretches are kept as ranges of `seq`, for a message that one has deleted for oneself leaves its seq empty.
 */
export interface Timeline {
  readonly userId: string;
  readonly messages: ReadonlyMap<number, Message>;
  readonly covered: readonly SeqRange[];
  /** The shown stretch is the one around this seq; undefined before the first page. */
  readonly focus: number | undefined;
  /** Whether the end is shown, so that new messages appear at once. */
  readonly followsEnd: boolean;
  /** The highest seq that was heard of. */
  readonly lastSeq: number;
  readonly outgoing: readonly OutgoingMessage[];
  /** What was heard while a page is on its way, to be applied to it again: the page may have been read before. Undefined when none is. */
  readonly sinceAsked: readonly TimelineNotice[] | undefined;
}

/** Nothing is known yet. */
export function emptyTimeline(userId: string): Timeline {
  return { userId, messages: new Map(), covered: [], focus: undefined, followsEnd: true, lastSeq: 0, outgoing: [], sinceAsked: undefined };
}

/** The timeline after something has happened; the same object when that changes nothing. */
export function afterAction(timeline: Timeline, action: TimelineAction): Timeline {
  switch (action.type) {
    case 'asked':
      return { ...timeline, sinceAsked: [] };
    case 'askFailed':
      return { ...timeline, sinceAsked: undefined };
    case 'page':
      return afterPage(timeline, action);
    case 'heardOf':
      return action.seq <= timeline.lastSeq ? timeline : { ...timeline, lastSeq: action.seq };
    case 'reconnected': {
      const shown = shownRange(timeline);
      return { ...timeline, covered: shown === undefined ? [] : [shown], sinceAsked: undefined };
    }
    case 'focused':
      return { ...timeline, focus: action.seq, followsEnd: (rangeAt(timeline.covered, action.seq)?.to ?? 0) >= timeline.lastSeq };
    case 'queued':
      return {
        ...timeline,
        outgoing: [...timeline.outgoing.filter(({ clientId }) => clientId !== action.message.clientId), action.message],
      };
    case 'failed':
      return {
        ...timeline,
        outgoing: timeline.outgoing.map((one) =>
          one.clientId === action.clientId ? { ...one, state: 'failed', error: action.error } : one,
        ),
      };
    case 'dropped':
      return { ...timeline, outgoing: timeline.outgoing.filter(({ clientId }) => clientId !== action.clientId) };
    default:
      return afterNotice(timeline, action);
  }
}

function afterNotice(timeline: Timeline, notice: TimelineNotice): Timeline {
  const { sinceAsked } = timeline;
  return followed(apply(sinceAsked === undefined ? timeline : { ...timeline, sinceAsked: [...sinceAsked, notice] }, notice));
}

function apply(timeline: Timeline, notice: TimelineNotice): Timeline {
  switch (notice.type) {
    case 'message': {
      const { message } = notice;
      return {
        ...withMessages(timeline, [message]),
        covered: withRange(timeline.covered, { from: message.seq, to: message.seq }),
        lastSeq: Math.max(timeline.lastSeq, message.seq),
      };
    }
    case 'edited':
      // One that is not loaded comes with its page.
      return timeline.messages.has(notice.message.seq) ? withQuotes(withMessages(timeline, [notice.message]), notice.message) : timeline;
    case 'deleted':
      return deleted(timeline, notice);
    case 'reactions': {
      const message = find(timeline, notice.messageId);
      return message === undefined ? timeline : withMessages(timeline, [{ ...message, reactions: notice.reactions }]);
    }
  }
}

function afterPage(timeline: Timeline, { query, messages, hasMore, knownSeq }: Extract<TimelineAction, { type: 'page' }>): Timeline {
  const first = messages[0]?.seq;
  const last = messages.at(-1)?.seq;
  // Without more behind it an answer reaches to the end, also past what one has deleted for oneself there.
  const end = Math.max(last ?? 0, query.kind === 'after' ? query.seq : 0, query.kind === 'latest' || !hasMore ? knownSeq : 0);
  const beginning = hasMore && first !== undefined ? first : 1;
  const range: SeqRange =
    query.kind === 'after' ? { from: query.seq + 1, to: end } : { from: beginning, to: query.kind === 'before' ? query.seq - 1 : end };
  const merged: Timeline = {
    ...withMessages(withoutRange(timeline, range), messages),
    covered: withRange(timeline.covered, range),
    lastSeq: Math.max(timeline.lastSeq, last ?? 0),
    focus: timeline.focus ?? range.to,
    sinceAsked: undefined,
  };
  return followed((timeline.sinceAsked ?? []).reduce(apply, merged));
}

/** A page says everything about its stretch: what it does not hold is gone. */
function withoutRange(timeline: Timeline, { from, to }: SeqRange): Timeline {
  return { ...timeline, messages: new Map([...timeline.messages].filter(([seq]) => seq < from || to < seq)) };
}

/** Whoever sees the end goes on seeing it. */
function followed(timeline: Timeline): Timeline {
  if (timeline.followsEnd || shownRange(timeline) === undefined) return timeline;
  return hasNewer(timeline) ? timeline : { ...timeline, followsEnd: true };
}

function withMessages(timeline: Timeline, messages: readonly Message[]): Timeline {
  if (messages.length === 0) return timeline;
  const all = new Map(timeline.messages);
  for (const message of messages) all.set(message.seq, message);
  const own = new Set(messages.filter(({ senderId }) => senderId === timeline.userId).map(({ clientId }) => clientId));
  const outgoing = timeline.outgoing.some(({ clientId }) => own.has(clientId))
    ? timeline.outgoing.filter(({ clientId }) => !own.has(clientId))
    : timeline.outgoing;
  return { ...timeline, messages: all, outgoing };
}

function deleted(timeline: Timeline, { messageId, seq, forEveryone, at }: Extract<TimelineNotice, { type: 'deleted' }>): Timeline {
  const message = timeline.messages.get(seq);
  if (message === undefined || message.messageId !== messageId) return timeline;
  if (!forEveryone) {
    const messages = new Map(timeline.messages);
    messages.delete(seq);
    return { ...timeline, messages };
  }
  const shell: Message = { ...message, content: null, attachments: [], mentions: [], reactions: [], deletedAt: message.deletedAt ?? at };
  return withQuotes(withMessages(timeline, [shell]), shell);
}

/** Quotes of a message say what it says now. */
function withQuotes(timeline: Timeline, { messageId, content }: Message): Timeline {
  const quoting = [...timeline.messages.values()].filter(({ replyTo }) => replyTo?.messageId === messageId);
  return withMessages(
    timeline,
    quoting.map((message) => (message.replyTo === undefined ? message : { ...message, replyTo: { ...message.replyTo, content } })),
  );
}

function find({ messages }: Timeline, messageId: string): Message | undefined {
  for (const message of messages.values()) if (message.messageId === messageId) return message;
  return undefined;
}

/** The stretch that is shown; undefined before the first page. */
export function shownRange({ covered, focus }: Timeline): SeqRange | undefined {
  return focus === undefined ? undefined : rangeAt(covered, focus);
}

/** The messages that are shown: ascending by seq, without gaps. */
export function shownMessages(timeline: Timeline): readonly Message[] {
  const range = shownRange(timeline);
  if (range === undefined) return [];
  return [...timeline.messages.values()].filter(({ seq }) => range.from <= seq && seq <= range.to).sort((a, b) => a.seq - b.seq);
}

/** Whether there are messages before those that are shown. */
export function hasOlder(timeline: Timeline): boolean {
  return (shownRange(timeline)?.from ?? 1) > 1;
}

/** Whether there are messages after those that are shown. */
export function hasNewer(timeline: Timeline): boolean {
  const range = shownRange(timeline);
  return range !== undefined && range.to < timeline.lastSeq;
}

/** What has to be asked for next so that the end is shown again without a gap; undefined when nothing is missing. */
export function missing(timeline: Timeline): HistoryQuery | undefined {
  const range = shownRange(timeline);
  if (range === undefined || !timeline.followsEnd || range.to >= timeline.lastSeq) return undefined;
  return { kind: 'after', seq: range.to };
}
