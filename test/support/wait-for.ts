import { setTimeout as delay } from 'node:timers/promises';

/** Resolves as soon as `condition` holds; for state that announces itself by no event. Fails with `what` after the time is up. */
export async function waitFor(what: string, condition: () => boolean | Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`Waited in vain for ${what}.`);
    await delay(10);
  }
}
