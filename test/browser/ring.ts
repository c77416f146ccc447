import type { Role } from '../../src/protocol/ids.ts';
import type { Chromium, Person } from '../support/chromium.ts';
import type { TestApp } from '../support/test-app.ts';
import { nameOf, press } from './visit.ts';

/** A server on which everybody may ring everybody. */
export const ringSettings = { ACCESS_POLICY: 'open' };

/** Opens the contacts as somebody whom the host application has signed in. */
export function visitContacts(
  app: Pick<TestApp, 'url' | 'tokenFor'>,
  chromium: Chromium,
  userId: string,
  role: Role = 'provider',
  options = {},
): Promise<Person> {
  return chromium.open(`${app.url}/contacts#token=${app.tokenFor(userId, role)}`, options);
}

/** Rings somebody from the contacts. */
export async function ring(person: Person, userId: string, type: 'Voice' | 'Video' = 'Video'): Promise<void> {
  await press(person, `${type} call to ${nameOf(userId)}`);
}

/** The dialogue of a call that rings here. */
export function ringing({ page }: Person, callerId: string) {
  return page.getByRole('alertdialog', { name: `${nameOf(callerId)} is calling` });
}

/** Resolves when both sides are connected: the time is counted. */
export async function talks({ page }: Person): Promise<void> {
  await page.getByRole('timer').waitFor();
}

/** Rings and accepts; resolves when both are connected. */
export async function talk(caller: Person, callee: Person, ids: { caller: string; callee: string }, type: 'Voice' | 'Video' = 'Video') {
  await ring(caller, ids.callee, type);
  await ringing(callee, ids.caller).getByRole('button', { name: 'Accept', exact: true }).click();
  await Promise.all([talks(caller), talks(callee)]);
}
