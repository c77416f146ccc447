import type { Role } from '../../src/protocol/ids.ts';
import { type Chromium, type Person, readFramesDecoded } from '../support/chromium.ts';
import type { TestApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

/** Opens a room's page as somebody whom the host application has signed in. */
export function visit(
  app: TestApp,
  chromium: Chromium,
  roomId: string,
  userId: string,
  role: Role = 'patient',
  options = {},
): Promise<Person> {
  return chromium.open(`${app.url}/r/${roomId}#token=${app.tokenFor(userId, role)}`, options);
}

/** Opens a room's page, and joins; resolves in the call. */
export async function enter(app: TestApp, chromium: Chromium, roomId: string, userId: string, role: Role = 'patient'): Promise<Person> {
  const person = await visit(app, chromium, roomId, userId, role);
  await join(person);
  await inCall(person);
  return person;
}

export async function join({ page }: Person): Promise<void> {
  await page.getByRole('button', { name: 'Join', exact: true }).click();
}

/** Resolves when the call's bar is there. */
export async function inCall({ page }: Person): Promise<void> {
  await page.getByRole('region', { name: 'Call controls' }).waitFor();
}

/** Clicks a button by its exact name. */
export async function press({ page }: Person, name: string): Promise<void> {
  await page.getByRole('button', { name, exact: true }).click();
}

/** Resolves when a button of that exact name is there. */
export async function shows({ page }: Person, name: string): Promise<void> {
  await page.getByRole('button', { name, exact: true }).waitFor();
}

/** Resolves when a page has decoded that many more frames of the others than now. */
export async function framesGrow({ page }: Person, frames = 10, timeoutMs = 20_000): Promise<void> {
  const before = await readFramesDecoded(page);
  await waitFor(`${frames} more frames`, async () => (await readFramesDecoded(page)) >= before + frames, timeoutMs);
}

/** A name as the tokens of the tests give it. */
export function nameOf(userId: string): string {
  return `Name of ${userId}`;
}
