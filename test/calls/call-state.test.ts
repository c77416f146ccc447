import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { type CallEvent, drawCallTable, endReasonOf, isOver, next, runningStatuses } from '../../src/calls/call-state.ts';
import { type CallStatus, callStatus } from '../../src/protocol/call.ts';

const events: CallEvent[] = [
  'ring',
  'allBusy',
  'accept',
  'decline',
  'cancel',
  'ringTimeout',
  'join',
  'mediaFlows',
  'connectTimeout',
  'hangUp',
  'idleTimeout',
  'timeLimit',
  'roomEnded',
];

test('[CA1] a call goes from initiated by ringing, accepted and connecting to connected and ended', () => {
  const path: [CallEvent, CallStatus][] = [
    ['ring', 'ringing'],
    ['accept', 'accepted'],
    ['join', 'connecting'],
    ['mediaFlows', 'connected'],
    ['hangUp', 'ended'],
  ];
  let status: CallStatus = 'initiated';
  for (const [event, to] of path) {
    const after = next(status, event);
    assert.equal(after, to);
    status = to;
  }
});

test('[CA1] missed, declined and cancelled come from ringing alone, busy from the beginning, failed before media flows', () => {
  const sources = (to: CallStatus) => callStatus.options.filter((from) => events.some((event) => next(from, event) === to));
  assert.deepEqual(sources('missed'), ['initiated', 'ringing']);
  assert.deepEqual(sources('declined'), ['initiated', 'ringing']);
  assert.deepEqual(sources('cancelled'), ['initiated', 'ringing']);
  assert.deepEqual(sources('busy'), ['initiated']);
  assert.deepEqual(sources('failed'), ['accepted', 'connecting']);
  assert.deepEqual(sources('connected'), ['accepted', 'connecting']);
  assert.deepEqual(sources('ended'), ['accepted', 'connecting', 'connected']);
});

test('[CA2] whatever happens in whatever order, a call ends once and for a reason, and connects only after it was accepted', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...events), { maxLength: 40 }), (happened) => {
      let status: CallStatus = 'initiated';
      let ends = 0;
      const seen: CallStatus[] = [status];
      for (const event of happened) {
        const after = next(status, event);
        if (after === undefined) continue;
        assert.ok(!isOver(status), 'nothing follows the end');
        if (isOver(after)) {
          ends += 1;
          assert.ok(endReasonOf(event));
        }
        status = after;
        seen.push(after);
      }
      assert.ok(ends <= 1);
      assert.equal(new Set(seen).size, seen.length, 'no status comes back');
      if (seen.includes('connected')) assert.ok(seen.includes('accepted'));
    }),
  );
});

test('[CA2] every running status can still end by the server alone: none rings or stands for ever', () => {
  const own: CallEvent[] = ['ringTimeout', 'connectTimeout', 'idleTimeout'];
  for (const status of runningStatuses)
    assert.ok(
      own.some((event) => isOver(next(status, event) ?? status)),
      status,
    );
});

test('[CA3] the diagram in docs/calls.md is drawn from the table', () => {
  const document = readFileSync(new URL('../../docs/calls.md', import.meta.url), 'utf8');
  assert.ok(document.includes(`\`\`\`mermaid\n${drawCallTable()}\n\`\`\``), `docs/calls.md should show:\n${drawCallTable()}`);
});
