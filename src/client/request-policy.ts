import type { RequestName } from '../protocol/index.ts';

/**
 * What happens to a request while there is no connection, and to one that was sent and not answered when the connection went.
 *
 * - `reject`: it fails with `client.disconnected`
 * - `wait`: it is sent after the next `session:ready`
 * - `waitIfRecovered`: so too, but only when the session was taken up again: it names things that live and die with the session
 */
export type WaitPolicy = 'reject' | 'wait' | 'waitIfRecovered';

/** Only requests that may arrive twice wait: each says what shall be, not what shall change. */
const policies: Partial<Record<RequestName, WaitPolicy>> = {
  'room:raiseHand': 'wait',
  'room:leave': 'waitIfRecovered',
  'media:pauseProducer': 'waitIfRecovered',
  'media:resumeProducer': 'waitIfRecovered',
  'media:closeProducer': 'waitIfRecovered',
  'media:pauseConsumer': 'waitIfRecovered',
  'media:resumeConsumer': 'waitIfRecovered',
  'media:closeConsumer': 'waitIfRecovered',
  'media:setPreferredLayers': 'waitIfRecovered',
  'media:setPriority': 'waitIfRecovered',
};

/** The policy of a request; `waits` is the caller's own wish and wins. */
export function waitPolicy(name: RequestName, waits?: boolean): WaitPolicy {
  if (waits === true) return policies[name] ?? 'wait';
  if (waits === false) return 'reject';
  return policies[name] ?? 'reject';
}

/** What becomes of a waiting request at `session:ready`. */
export function afterReady(policy: WaitPolicy, recovered: boolean): 'send' | 'sendAfterRejoin' | 'reject' {
  if (policy === 'reject') return 'reject';
  if (recovered) return 'send';
  return policy === 'wait' ? 'sendAfterRejoin' : 'reject';
}
