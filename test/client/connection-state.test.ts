import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type MachineEffect,
  type MachineEvent,
  type MachineState,
  maxRetries,
  publicState,
  retryDelayMs,
  transition,
} from '../../src/client/connection-state.ts';

const refused = (code: Extract<MachineEvent, { type: 'connectFailed' }>['code']): MachineEvent => ({
  type: 'connectFailed',
  code,
  message: 'no',
});
const unreachable = refused(undefined);
const connecting: MachineState = { status: 'connecting', tokenRenewed: false };
const connected: MachineState = { status: 'connected', returnAfterMs: undefined };
const failed: MachineState = { status: 'failed', code: 'client.disconnected', message: '' };
const waiting = (attempt: number, delayMs = retryDelayMs(attempt)): MachineState => ({
  status: 'reconnecting',
  attempt,
  delayMs,
  phase: 'waiting',
  tokenRenewed: false,
});
const opening = (attempt: number, tokenRenewed = false): MachineState => ({
  status: 'reconnecting',
  attempt,
  delayMs: retryDelayMs(attempt),
  phase: 'opening',
  tokenRenewed,
});
const goodbye: MachineEffect = { type: 'closeSocket', goodbye: true };
const drop: MachineEffect = { type: 'closeSocket', goodbye: false };
const retryEffects = (delayMs: number): MachineEffect[] => [drop, { type: 'settleInFlight' }, { type: 'scheduleRetry', delayMs }];
const open = (freshToken = false): MachineEffect => ({ type: 'openSocket', freshToken });

interface Row {
  name: string;
  from: MachineState;
  event: MachineEvent;
  to: MachineState;
  effects?: MachineEffect[];
}

function check(rows: Row[]): void {
  for (const { name, from, event, to, effects = [] } of rows) {
    test(name, () => assert.deepEqual(transition(from, event), { state: to, effects }));
  }
}

describe('[SDK1] a lost connection is tried again after 1, 2, 4, 8, 16 s and then every 16 s, ten times in all', () => {
  const seconds = [1, 2, 4, 8, 16, 16, 16, 16, 16, 16];
  test('the delays', () =>
    assert.deepEqual(
      Array.from({ length: maxRetries }, (_, index) => retryDelayMs(index + 1) / 1000),
      seconds,
    ));
  check([
    { name: 'the first connection', from: { status: 'idle' }, event: { type: 'connectRequested' }, to: connecting, effects: [open()] },
    { name: 'a lost socket', from: connected, event: { type: 'socketLost' }, to: waiting(1), effects: retryEffects(1000) },
    { name: 'a first connection that fails', from: connecting, event: unreachable, to: waiting(1), effects: retryEffects(1000) },
    {
      name: 'a first connection that is lost',
      from: connecting,
      event: { type: 'socketLost' },
      to: waiting(1),
      effects: retryEffects(1000),
    },
    ...seconds.map((delay, index) => ({
      name: `try ${index + 1} begins after ${delay} s`,
      from: waiting(index + 1),
      event: { type: 'retryDue' } as const,
      to: opening(index + 1),
      effects: [open()],
    })),
    ...seconds.slice(1).map((delay, index) => ({
      name: `try ${index + 1} fails, the next one waits ${delay} s`,
      from: opening(index + 1),
      event: unreachable,
      to: waiting(index + 2),
      effects: retryEffects(delay * 1000),
    })),
    {
      name: 'a try whose socket is lost before it is ready counts as failed',
      from: opening(3),
      event: { type: 'socketLost' },
      to: waiting(4),
      effects: retryEffects(8000),
    },
    {
      name: 'the tenth try fails for good',
      from: opening(10),
      event: unreachable,
      to: { status: 'failed', code: 'client.disconnected', message: 'The server cannot be reached.' },
      effects: [drop, { type: 'rejectAll', code: 'client.disconnected' }],
    },
    {
      name: 'any try that succeeds starts the count anew',
      from: opening(7),
      event: { type: 'ready', recovered: true },
      to: connected,
      effects: [{ type: 'announceReady', recovered: true }],
    },
    {
      name: 'a browser that is online again does not wait',
      from: waiting(5),
      event: { type: 'networkBack' },
      to: opening(5),
      effects: [{ type: 'cancelRetry' }, open()],
    },
    {
      name: 'a failed connection can be asked for again',
      from: failed,
      event: { type: 'connectRequested' },
      to: connecting,
      effects: [open(true)],
    },
  ]);
});

describe('[SDK2] a refused identity is final, but an expired token is exchanged for a fresh one once', () => {
  check([
    ...(['auth.missing_token', 'auth.invalid_token', 'auth.suspended', 'auth.forbidden'] as const).flatMap((code): Row[] => {
      const to: MachineState = { status: 'failed', code, message: 'no' };
      const effects: MachineEffect[] = [drop, { type: 'rejectAll', code }];
      return [
        { name: `${code} at the first connection`, from: connecting, event: refused(code), to, effects },
        { name: `${code} at a retry`, from: opening(2), event: refused(code), to, effects },
      ];
    }),
    {
      name: 'expired',
      from: connecting,
      event: refused('auth.expired_token'),
      to: { ...connecting, tokenRenewed: true },
      effects: [drop, open(true)],
    },
    {
      name: 'expired at a retry',
      from: opening(2),
      event: refused('auth.expired_token'),
      to: opening(2, true),
      effects: [drop, open(true)],
    },
    {
      name: 'the fresh one is expired, too',
      from: { ...connecting, tokenRenewed: true },
      event: refused('auth.expired_token'),
      to: { status: 'failed', code: 'auth.expired_token', message: 'no' },
      effects: [drop, { type: 'rejectAll', code: 'auth.expired_token' }],
    },
    {
      name: 'an address that was refused too often tries again later',
      from: opening(2),
      event: refused('auth.too_many_attempts'),
      to: waiting(3),
      effects: retryEffects(4000),
    },
    {
      name: 'a server that is going down is tried again',
      from: opening(2),
      event: refused('server.shutting_down'),
      to: waiting(3),
      effects: retryEffects(4000),
    },
  ]);
});

describe('[SDK3] a server that goes down says when to come back', () => {
  const told: MachineState = { status: 'connected', returnAfterMs: 300 };
  check([
    { name: 'told', from: connected, event: { type: 'shutdownAnnounced', reconnectAfterMs: 300 }, to: told },
    { name: 'the socket goes', from: told, event: { type: 'socketLost' }, to: waiting(1, 300), effects: retryEffects(300) },
  ]);
});

describe('[SDK4] close() ends every state, and nothing follows it', () => {
  const effects: MachineEffect[] = [{ type: 'cancelRetry' }, goodbye, { type: 'rejectAll', code: 'client.closed' }];
  const everyEvent: MachineEvent[] = [
    { type: 'connectRequested' },
    { type: 'ready', recovered: false },
    unreachable,
    { type: 'socketLost' },
    { type: 'retryDue' },
    { type: 'networkBack' },
    { type: 'shutdownAnnounced', reconnectAfterMs: 1 },
    { type: 'closeRequested' },
  ];
  check([
    ...[{ status: 'idle' } as const, connecting, connected, waiting(1), opening(9), failed].map((from) => ({
      name: `from ${from.status}`,
      from,
      event: { type: 'closeRequested' } as const,
      to: { status: 'closed' } as const,
      effects,
    })),
    ...everyEvent.map((event) => ({
      name: `${event.type} after it`,
      from: { status: 'closed' } as const,
      event,
      to: { status: 'closed' } as const,
    })),
  ]);
});

describe('[SDK5] what means nothing in a state changes nothing', () => {
  check([
    { name: 'connecting twice', from: connecting, event: { type: 'connectRequested' }, to: connecting },
    { name: 'connecting when connected', from: connected, event: { type: 'connectRequested' }, to: connected },
    { name: 'a late ready while waiting', from: waiting(2), event: { type: 'ready', recovered: true }, to: waiting(2) },
    { name: 'a late loss while waiting', from: waiting(2), event: { type: 'socketLost' }, to: waiting(2) },
    { name: 'a timer that is late', from: opening(2), event: { type: 'retryDue' }, to: opening(2) },
    { name: 'online while connected', from: connected, event: { type: 'networkBack' }, to: connected },
    {
      name: 'a shutdown while idle',
      from: { status: 'idle' },
      event: { type: 'shutdownAnnounced', reconnectAfterMs: 5 },
      to: { status: 'idle' },
    },
  ]);
  test('an app sees a try as one state', () => {
    assert.deepEqual(publicState(waiting(3)), { status: 'reconnecting', attempt: 3, delayMs: 4000 });
    assert.deepEqual(publicState(opening(3)), { status: 'reconnecting', attempt: 3, delayMs: 4000 });
  });
});
