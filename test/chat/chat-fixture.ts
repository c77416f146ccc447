import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Conversation, Message, SendPayload } from '../../src/protocol/chat.ts';
import type { Role } from '../../src/protocol/ids.ts';
import type { RestAnswer, TestApp } from '../support/test-app.ts';
import type { TestClient } from '../support/test-client.ts';

/** Settings of tests that are about something else than who may meet whom and how often. */
export const unlimited = {
  ACCESS_POLICY: 'open',
  LIMIT_MESSAGES_PER_MINUTE: '0',
  LIMIT_REQUESTS_PER_SECOND: '0',
  LIMIT_ROOMS_PER_DAY: '0',
};

/** What `assert.rejects` compares a coded error with. */
export const refused = (code: string) => ({ code });

/** Status and code of a REST answer. */
export const outcomeOf = ({ status, body }: RestAnswer): [number, string | undefined] => [status, body?.error?.code];

/** Somebody in a test, with a user id of their own, so that tests can share a server. */
export interface Person {
  readonly userId: string;
  readonly role: Role;
  readonly token: string;
  rest(method: string, where: string, body?: unknown): Promise<RestAnswer>;
  /** Opens a socket; each time another one. */
  connect(): Promise<TestClient>;
}

let persons = 0;

/** Makes somebody up. */
export function person(app: TestApp, name: string, role: Role = 'provider'): Person {
  persons += 1;
  const userId = `${name}-${persons}`;
  const token = app.tokenFor(userId, role);
  return {
    userId,
    role,
    token,
    rest: (method, where, body) => app.rest(method, where, { token, ...(body !== undefined && { body }) }),
    connect: () => app.connect(userId, role),
  };
}

/** Makes a direct conversation. */
export async function direct(one: Person, other: Person, more: Record<string, unknown> = {}): Promise<Conversation> {
  const { status, body } = await one.rest('POST', 'conversations/direct', { userId: other.userId, ...more });
  assert.ok(status === 201 || status === 200, JSON.stringify(body));
  return body as Conversation;
}

/** Makes a group; the first one owns it. */
export async function group(owner: Person, members: readonly Person[], name = 'Ward 3'): Promise<Conversation> {
  const { status, body } = await owner.rest('POST', 'conversations/group', { name, memberIds: members.map(({ userId }) => userId) });
  assert.equal(status, 201, JSON.stringify(body));
  return body as Conversation;
}

/** Sends a text over the socket. */
export async function say(client: TestClient, conversationId: string, content: string, more: Partial<SendPayload> = {}): Promise<Message> {
  const { message } = await client.request('chat:send', { conversationId, clientId: randomUUID(), type: 'text', content, ...more });
  return message;
}

/** Resolves when everything that the server had told a client until now has come: notices and answers keep their order. */
export async function caughtUp(...clients: readonly TestClient[]): Promise<void> {
  for (const client of clients) await assert.rejects(client.send('test:nothing'), refused('protocol.unknown_event'));
}

/** A conversation as one of its members has it. */
export async function viewOf(somebody: Person, conversationId: string): Promise<Conversation> {
  const { status, body } = await somebody.rest('GET', `conversations/${conversationId}`);
  assert.equal(status, 200, JSON.stringify(body));
  return body as Conversation;
}

/** Everything in a conversation, page by page, forwards. */
export async function readAll(client: TestClient, conversationId: string, afterSeq = 0): Promise<Message[]> {
  const all: Message[] = [];
  let hasMore = true;
  while (hasMore) {
    const page = await client.request('chat:history', { conversationId, afterSeq: all.at(-1)?.seq ?? afterSeq, limit: 100 });
    all.push(...page.messages);
    hasMore = page.hasMore;
  }
  return all;
}

/** 1, 2, 3 … */
export const upTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1);
