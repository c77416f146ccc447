import type { Contact, ParleyClient } from '../../../src/client/index.ts';

/** More than this many nobody scrolls through: one searches. */
const mostContacts = 200;

/** Those whom one may reach, by name; `query` is a part of it. Throws as `presence.contacts()`. */
export async function listContacts({ presence }: ParleyClient, query: string): Promise<readonly Contact[]> {
  const found: Contact[] = [];
  let cursor: string | null = null;
  do {
    const page = await presence.contacts({ limit: 100, ...(query !== '' && { query }), ...(cursor !== null && { cursor }) });
    found.push(...page.contacts);
    cursor = page.cursor;
  } while (cursor !== null && found.length < mostContacts);
  return found;
}
