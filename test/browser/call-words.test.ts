import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Call, CallEndReason, CallStatus } from '../../src/protocol/call.ts';
import { currentTitleOf, otherIds, outcomeOf, reasonOf, titleOf } from '../../web/src/calls/call-words.ts';
import { targetOf } from '../../web/src/notifications/notification-target.ts';
import { endOf } from '../../web/src/presence/status-end.ts';
import { relativeTime } from '../../web/src/ui/relative-time.ts';

/** A call of Ann to Ben and Cleo. */
function callOf(fields: Partial<Call>): Call {
  return {
    callId: '0190a000-0000-7000-8000-000000000001',
    roomId: null,
    conversationId: null,
    callerId: 'ann',
    calleeIds: ['ben', 'cleo'],
    appointmentId: null,
    type: 'video',
    status: 'ended',
    parties: [
      { userId: 'ben', displayName: 'Ben', state: 'joined' },
      { userId: 'ann', displayName: 'Ann', state: 'joined' },
      { userId: 'cleo', displayName: 'Cleo', state: 'left' },
    ],
    endReason: null,
    endedBy: null,
    reason: null,
    answeredBy: null,
    initiatedAt: '2026-03-01T10:00:00.000Z',
    ringingAt: null,
    acceptedAt: null,
    connectedAt: null,
    endedAt: null,
    durationSeconds: null,
    setupMs: null,
    ...fields,
  };
}

test('[WEB30] what came of a call is told to whoever looks at it', async (t) => {
  const connectedAt = '2026-03-01T10:00:05.000Z';
  const cases: readonly [CallStatus, Partial<Call>, caller: string, callee: string][] = [
    ['ringing', {}, 'Going on now', 'Going on now'],
    ['ended', { connectedAt, durationSeconds: 59 }, '59 s', '59 s'],
    ['ended', { connectedAt, durationSeconds: 720 }, '12 min', '12 min'],
    ['ended', { connectedAt, durationSeconds: 3600 }, '1 h', '1 h'],
    ['ended', { connectedAt, durationSeconds: 3900 }, '1 h 5 min', '1 h 5 min'],
    ['ended', {}, 'Not connected', 'Not connected'],
    ['missed', {}, 'No answer', 'Missed'],
    ['declined', {}, 'Declined', 'You declined'],
    ['cancelled', {}, 'You cancelled', 'Missed, they hung up'],
    ['busy', {}, 'They were in another call', 'Missed while you were busy'],
    ['failed', {}, 'Could not connect', 'Could not connect'],
  ];
  for (const [status, fields, caller, callee] of cases) {
    await t.test(`${status} ${fields.durationSeconds ?? ''}`, () => {
      const call = callOf({ status, ...fields });
      assert.equal(outcomeOf(call, 'ann').text, caller);
      assert.equal(outcomeOf(call, 'ben').text, callee);
    });
  }
});

test('[WEB24] who hung up, or what else ended a call', async (t) => {
  const cases: readonly [CallEndReason | null, endedBy: string | null, string][] = [
    [null, null, ''],
    ['user_hangup', 'ann', 'You hung up.'],
    ['user_hangup', 'ben', 'Ben hung up.'],
    ['user_hangup', 'somebody', ''],
    ['network_error', null, 'The connection was lost.'],
    ['timeout', null, 'Its time was up.'],
    ['room_ended', 'ben', 'The host ended it for everyone.'],
  ];
  for (const [endReason, endedBy, words] of cases) {
    await t.test(`${endReason} by ${endedBy}`, () => assert.equal(reasonOf(callOf({ endReason, endedBy }), 'ann'), words));
  }
});

test('[WEB29] a call is named after the others, the caller first, and while it runs after those who are in it', () => {
  assert.equal(titleOf(callOf({}), 'ann'), 'Ben and Cleo');
  assert.equal(titleOf(callOf({}), 'cleo'), 'Ann and Ben');
  assert.equal(currentTitleOf(callOf({}), 'ann'), 'Ben');
  assert.equal(currentTitleOf(callOf({ parties: [{ userId: 'ann', displayName: 'Ann', state: 'joined' }] }), 'ann'), 'Someone');
  assert.deepEqual(otherIds(callOf({}), 'ben'), ['ann', 'cleo']);
});

test('[WEB32] a status ends after so long, at the end of the day, or never', () => {
  const now = new Date(2026, 2, 1, 10, 0);
  assert.equal(endOf('never', now), undefined);
  assert.deepEqual(endOf('30', now), new Date(2026, 2, 1, 10, 30));
  assert.deepEqual(endOf('240', now), new Date(2026, 2, 1, 14, 0));
  assert.deepEqual(endOf('today', now), new Date(2026, 2, 1, 23, 59, 59, 999));
});

test('[WEB33] a notification leads inside the page or nowhere', () => {
  const id = '0190a000-0000-7000-8000-000000000001';
  assert.equal(targetOf({ type: 'call.missed', data: { conversationId: id } }), '/history');
  assert.equal(targetOf({ type: 'message.received', data: { conversationId: id } }), `/c/${id}`);
  assert.equal(targetOf({ type: 'appointment.reminder', data: { roomId: id } }), `/r/${id}`);
  assert.equal(targetOf({ type: 'results.ready', data: { conversationId: '../../evil', url: 'https://evil.example' } }), undefined);
});

test('[WEB21] how long ago somebody was seen', () => {
  const now = Date.UTC(2026, 2, 10, 12);
  const ago = (seconds: number) => relativeTime(new Date(now - seconds * 1000), now);
  assert.deepEqual(
    [ago(-5), ago(59), ago(60), ago(7_200), ago(86_400), ago(5 * 86_400)],
    ['now', 'now', '1 minute ago', '2 hours ago', 'yesterday', '5 days ago'],
  );
});
