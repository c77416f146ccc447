import type { Attachment, Message, SendPayload } from '../../protocol/chat.ts';
import type { ErrorCode } from '../../protocol/errors.ts';
import type { ClientErrorCode, ParleyError } from '../parley-error.ts';

/** A message on its way to the server, as it is kept on this device. */
export interface OutboxEntry {
  readonly userId: string;
  readonly conversationId: string;
  readonly clientId: string;
  /** Rises with every message: what is sent first. */
  readonly order: number;
  readonly payload: SendPayload;
  /** What is shown of it meanwhile. */
  readonly attachments: readonly Attachment[];
  readonly replyTo?: Message['replyTo'];
  readonly createdAt: string;
  /** Present once the server has refused it for good; it then waits for the user. */
  readonly refusal?: { readonly code: ErrorCode | ClientErrorCode; readonly message: string };
}

/** In the order in which they are sent. */
export function inOrder(entries: Iterable<OutboxEntry>): readonly OutboxEntry[] {
  return [...entries].sort((a, b) => a.order - b.order || (a.clientId < b.clientId ? -1 : 1));
}

/** What a conversation sends next: its first message that was not refused. */
export function nextOf(entries: Iterable<OutboxEntry>, conversationId: string): OutboxEntry | undefined {
  return inOrder(entries).find((entry) => entry.conversationId === conversationId && entry.refusal === undefined);
}

/** What becomes of a message that could not be sent. */
export type Fate =
  /** It is sent again after that time. */
  | { type: 'again'; afterMs: number }
  /** It is sent again when the connection is back. */
  | { type: 'whenConnected' }
  /** It stays where it is: this client is closed. */
  | { type: 'stay' }
  /** The server will never take it. */
  | { type: 'giveUp' };

/** How often a message is sent before a fault of the server's counts as a refusal. */
export const maxAttempts = 6;

const faults = new Set<string>(['internal', 'auth.unavailable', 'client.timeout']);

/** Decides by the error and by how often the message was sent already, this time included. */
export function fateOf({ code, details }: Pick<ParleyError, 'code' | 'details'>, attempts: number): Fate {
  if (code === 'client.closed') return { type: 'stay' };
  if (code === 'client.disconnected' || code === 'server.shutting_down' || code === 'auth.expired_token') return { type: 'whenConnected' };
  if (code === 'protocol.rate_limited') {
    const retryAfterMs = details?.['retryAfterMs'];
    return { type: 'again', afterMs: typeof retryAfterMs === 'number' && retryAfterMs > 0 ? retryAfterMs : 1000 };
  }
  if (faults.has(code) && attempts < maxAttempts) return { type: 'again', afterMs: 1000 * 2 ** Math.min(attempts - 1, 4) };
  return { type: 'giveUp' };
}
