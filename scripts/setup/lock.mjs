import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Does `work` while no other set-up of this user does any. The lock is the kernel's, held by a child process, and so ends with this process
 * however that ends. Where the machine has no `flock` there is none: every step puts its result in place by one rename, so that two set-ups at
 * once only waste time.
 *
 * @param {string} file
 * @param {(text: string) => void} say told when there is somebody to wait for
 * @param {() => Promise<void>} work
 */
export async function whileLocked(file, say, work) {
  mkdirSync(dirname(file), { recursive: true });
  const release = (await lock(file, ['--nonblock'])) ?? (await waitForLock(file, say));
  try {
    await work();
  } finally {
    release?.();
  }
}

function waitForLock(file, say) {
  say('Another set-up is at work on this machine; waiting for it.');
  return lock(file, []);
}

/** Resolves with what lets go of the lock; with undefined when it isn't to be had. */
async function lock(file, options) {
  const holder = spawn('flock', [...options, file, 'sh', '-c', 'echo locked && exec cat'], { stdio: ['pipe', 'pipe', 'ignore'] });
  const missing = once(holder, 'error').then(() => () => {});
  const locked = once(holder.stdout, 'data').then(() => () => holder.stdin.end());
  const refused = once(holder, 'exit').then(() => undefined);
  return Promise.race([missing, locked, refused]);
}
