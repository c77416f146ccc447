import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { expiryOf, planDelivery, quietEndFor } from '../../src/notifications/delivery-plan.ts';
import { type QuietHours, quietUntil } from '../../src/notifications/quiet-hours.ts';
import type { NotificationSettings } from '../../src/protocol/notification.ts';

const minuteMs = 60_000;
const berlin = { from: '22:00', to: '07:00', timeZone: 'Europe/Berlin' };

function untilOf(now: string, hours: QuietHours): string | undefined {
  return quietUntil(new Date(now), hours)?.toISOString().replace(':00.000Z', 'Z');
}

test('[NO21] quiet hours go by the clocks of their zone, past midnight too, and on days on which clocks are changed', () => {
  const cases: [string, QuietHours, string | undefined][] = [
    // In winter Berlin is an hour ahead.
    ['2026-01-10T20:59:59.999Z', berlin, undefined],
    ['2026-01-10T21:00:00Z', berlin, '2026-01-11T06:00Z'],
    ['2026-01-10T23:30:12Z', berlin, '2026-01-11T06:00Z'],
    ['2026-01-11T05:59:59.999Z', berlin, '2026-01-11T06:00Z'],
    ['2026-01-11T06:00:00Z', berlin, undefined],
    // In summer two.
    ['2026-07-10T20:00:00Z', berlin, '2026-07-11T05:00Z'],
    // Within a day.
    ['2026-01-10T12:30:00Z', { from: '13:00', to: '14:00', timeZone: 'Europe/Berlin' }, '2026-01-10T13:00Z'],
    ['2026-01-10T13:00:00Z', { from: '13:00', to: '14:00', timeZone: 'Europe/Berlin' }, undefined],
    ['2026-01-10T12:30:00Z', { from: '12:00', to: '00:00', timeZone: 'UTC' }, '2026-01-11T00:00Z'],
    ['2026-01-10T00:00:00Z', { from: '00:00', to: '00:01', timeZone: 'UTC' }, '2026-01-10T00:01Z'],
    // From a time to itself is never.
    ['2026-01-10T12:30:00Z', { from: '12:30', to: '12:30', timeZone: 'UTC' }, undefined],
    // Half an hour and a quarter beside the full one.
    ['2026-01-10T18:00:00Z', { from: '22:00', to: '07:00', timeZone: 'Asia/Kathmandu' }, '2026-01-11T01:15Z'],
    // The night in which clocks go from 2 to 3 is an hour shorter, the one in which they go from 3 to 2 an hour longer.
    ['2026-03-28T21:00:00Z', berlin, '2026-03-29T05:00Z'],
    ['2026-10-24T20:00:00Z', berlin, '2026-10-25T06:00Z'],
    // An end that the clocks never show is when they skip it; one that they show twice is the first one to come.
    ['2026-03-29T00:30:00Z', { from: '22:00', to: '02:30', timeZone: 'Europe/Berlin' }, '2026-03-29T01:00Z'],
    ['2026-10-25T00:00:00Z', { from: '22:00', to: '02:30', timeZone: 'Europe/Berlin' }, '2026-10-25T00:30Z'],
    ['2026-10-25T01:10:00Z', { from: '22:00', to: '02:30', timeZone: 'Europe/Berlin' }, '2026-10-25T01:30Z'],
    // Clocks that are set back out of the quiet hours end them.
    ['2026-10-25T00:45:00Z', { from: '02:30', to: '04:00', timeZone: 'Europe/Berlin' }, '2026-10-25T01:00Z'],
    // Lord Howe moves by half an hour.
    ['2026-04-04T13:00:00Z', { from: '22:00', to: '07:00', timeZone: 'Australia/Lord_Howe' }, '2026-04-04T20:30Z'],
  ];
  for (const [now, hours, expected] of cases) assert.equal(untilOf(now, hours), expected, `${now} ${JSON.stringify(hours)}`);
});

test('[NO21] whatever the hours, the zone and the moment: they end at the first moment that is not quiet', () => {
  const clocks = fc
    .tuple(fc.integer({ min: 0, max: 23 }), fc.constantFrom(0, 1, 15, 30, 59))
    .map((parts) => parts.map((part) => String(part).padStart(2, '0')).join(':'));
  const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'America/St_Johns', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'Pacific/Apia'];
  // Around the days on which one of those zones changes its clocks, and on others.
  const days = [
    '2026-01-15',
    '2026-03-07',
    '2026-03-08',
    '2026-03-28',
    '2026-03-29',
    '2026-04-04',
    '2026-10-03',
    '2026-10-24',
    '2026-10-25',
  ];
  const moments = fc
    .tuple(fc.constantFrom(...days, '2026-11-01'), fc.integer({ min: 0, max: 24 * 60 * 60 - 1 }))
    .map(([day, second]) => new Date(Date.parse(day) + second * 1000));
  const wallClock = (timeZone: string) => {
    const format = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
    return (at: number) => format.format(at);
  };
  fc.assert(
    fc.property(moments, clocks, clocks, fc.constantFrom(...zones), (now, from, to, timeZone) => {
      const clock = wallClock(timeZone);
      const isQuiet = (at: number) => {
        const wall = clock(at);
        return from <= to ? wall >= from && wall < to : wall >= from || wall < to;
      };
      const end = quietUntil(now, { from, to, timeZone });
      if (!isQuiet(now.getTime())) return assert.equal(end, undefined);
      assert.ok(end && end > now);
      assert.equal(end.getTime() % minuteMs, 0);
      assert.equal(isQuiet(end.getTime()), false, 'it is over then');
      for (let at = now.getTime(); at < end.getTime(); at += minuteMs) assert.equal(isQuiet(at), true, 'and not before');
      assert.equal(isQuiet(end.getTime() - 1), true);
    }),
    { numRuns: 300 },
  );
});

const settings: NotificationSettings = { push: true, email: true, emailAddress: null, showContent: false, quietHours: null };
const noon = new Date('2026-01-10T12:00:00Z');
const quiet = { ...settings, quietHours: { from: '11:00', to: '13:00', timeZone: 'UTC' } };
const later = (minutes: number) => new Date(noon.getTime() + minutes * minuteMs);

test('[NO23] pushed is at once; mailed are missed calls, reminders, what is high or urgent, and messages unread for ten minutes', () => {
  const of = (type: string, priority: 'low' | 'normal' | 'high' | 'urgent', some = settings) =>
    planDelivery({ type, priority, createdAt: noon }, some, noon);
  assert.deepEqual(of('call.missed', 'high'), { pushAt: noon, mailAt: noon });
  assert.deepEqual(of('appointment.reminder', 'urgent'), { pushAt: noon, mailAt: noon });
  assert.deepEqual(of('message.received', 'normal'), { pushAt: noon, mailAt: later(10) });
  assert.deepEqual(of('portal.news', 'normal'), { pushAt: noon, mailAt: undefined });
  assert.deepEqual(of('portal.news', 'low'), { pushAt: noon, mailAt: undefined });
  assert.deepEqual(of('portal.news', 'high'), { pushAt: noon, mailAt: noon });
  assert.deepEqual(of('portal.news', 'high', { ...settings, push: false }), { pushAt: undefined, mailAt: noon });
  assert.deepEqual(of('portal.news', 'high', { ...settings, email: false }), { pushAt: noon, mailAt: undefined });
});

test('[NO22] in quiet hours only what is urgent goes out; the rest waits for their end, and what would come too late does not come', () => {
  const of = (type: string, priority: 'normal' | 'high' | 'urgent', now = noon, some = quiet) =>
    planDelivery({ type, priority, createdAt: noon }, some, now);
  assert.deepEqual(of('call.missed', 'high'), { pushAt: later(60), mailAt: later(60) });
  assert.deepEqual(of('portal.alarm', 'urgent'), { pushAt: noon, mailAt: noon });
  assert.deepEqual(of('message.received', 'normal'), { pushAt: later(60), mailAt: later(60) });
  const soon = { ...settings, quietHours: { from: '12:05', to: '13:00', timeZone: 'UTC' } };
  assert.deepEqual(of('message.received', 'normal', noon, soon), { pushAt: noon, mailAt: later(60) }, 'its ten minutes end in quiet hours');
  assert.deepEqual(of('appointment.reminder', 'high'), { pushAt: undefined, mailAt: undefined });
  assert.equal(quietEndFor({ priority: 'urgent' }, quiet, noon), undefined);
  assert.deepEqual(quietEndFor({ priority: 'high' }, quiet, noon), later(60));
  assert.equal(quietEndFor({ priority: 'high' }, quiet, later(60)), undefined);
  assert.deepEqual(expiryOf({ type: 'appointment.reminder', priority: 'urgent', createdAt: noon }), later(15));
});
