import type { Attachment, Conversation, Member, Message, MessageStatus, SendPayload } from '../../protocol/chat.ts';
import type { ParleyError } from '../parley-error.ts';
import type { OutboxEntry } from './outbox-plan.ts';
import type { OutgoingMessage } from './timeline.ts';

/** A message that the server has. `status` follows the others' receipts. */
export interface SentMessage extends Message {
  readonly state: 'sent';
  readonly status: MessageStatus;
}

/** A message as an app shows it. */
export type TimelineMessage = SentMessage | OutgoingMessage;

/** `failed`: the server has refused to show it; see `error`. */
export type ConversationStatus = 'loading' | 'ready' | 'failed';

/** A conversation as it is now. Never changed: each change makes a new one. */
export interface ConversationView {
  readonly conversationId: string;
  /** One's own id; empty until it is known. */
  readonly userId: string;
  readonly status: ConversationStatus;
  readonly error: ParleyError | undefined;
  /** Name, kind, role; undefined until the server has told. */
  readonly info: Conversation | undefined;
  readonly members: readonly Member[];
  /** Ascending, without gaps; one's own that are not confirmed yet come last. */
  readonly messages: readonly TimelineMessage[];
  readonly hasOlder: boolean;
  /** There are later messages than those that are shown, after a jump back. */
  readonly hasNewer: boolean;
  readonly unreadCount: number;
  /** Up to where one has read. */
  readonly readSeq: number;
  /** Others who type right now. */
  readonly typingUserIds: readonly string[];
}

/** What is to be sent. */
export interface OutgoingContent {
  /** `text` by default, or what the first attachment is. */
  readonly type?: SendPayload['type'];
  readonly content?: string;
  readonly attachments?: readonly Attachment[];
  /** The message that this one answers. */
  readonly replyTo?: Message;
  readonly mentions?: readonly string[];
  readonly callId?: string;
}

/** The type of a message with these attachments, when the app names none. */
export function typeOf(attachments: readonly Attachment[]): SendPayload['type'] {
  const kinds = new Set(attachments.map(({ kind }) => kind));
  if (kinds.size === 0) return 'text';
  const [kind] = kinds;
  return kinds.size === 1 && (kind === 'image' || kind === 'audio' || kind === 'video') ? kind : 'file';
}

/** The outbox's entry for a message. */
export function toEntry(userId: string, conversationId: string, clientId: string, outgoing: OutgoingContent): Omit<OutboxEntry, 'order'> {
  const { type, content, attachments = [], replyTo, mentions = [], callId } = outgoing;
  return {
    userId,
    conversationId,
    clientId,
    payload: {
      conversationId,
      clientId,
      type: type ?? typeOf(attachments),
      ...(content !== undefined && content !== '' && { content }),
      ...(attachments.length > 0 && { attachmentIds: attachments.map(({ attachmentId }) => attachmentId) }),
      ...(replyTo !== undefined && { replyToId: replyTo.messageId }),
      ...(mentions.length > 0 && { mentions: [...mentions] }),
      ...(callId !== undefined && { callId }),
    },
    attachments,
    ...(replyTo && {
      replyTo: { messageId: replyTo.messageId, seq: replyTo.seq, senderId: replyTo.senderId, type: replyTo.type, content: replyTo.content },
    }),
    createdAt: new Date().toISOString(),
  };
}

/** What is shown of a message that is not sent yet. */
export function toOutgoing(entry: OutboxEntry, error?: ParleyError): OutgoingMessage {
  const { userId, conversationId, clientId, payload, attachments, replyTo, createdAt } = entry;
  return {
    state: error === undefined ? 'sending' : 'failed',
    clientId,
    conversationId,
    senderId: userId,
    type: payload.type,
    content: payload.content ?? null,
    attachments,
    mentions: payload.mentions ?? [],
    ...(replyTo && { replyTo }),
    sentAt: createdAt,
    ...(error && { error }),
  };
}
