import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  awayAtMs,
  type Device,
  deviceKind,
  heartbeatTimeoutMs,
  idleMs,
  shownDevices,
  statusOf,
} from '../../src/presence/presence-status.ts';
import { settableStatus } from '../../src/protocol/presence.ts';

const anyDevice: fc.Arbitrary<Device> = fc.record({
  sessionId: fc.uuid(),
  kind: fc.constantFrom('desktop', 'mobile', 'tablet', 'unknown'),
  status: fc.constantFrom('online', 'away'),
  sinceMs: fc.nat(),
  isLost: fc.boolean(),
});
const anyState = fc.record({
  devices: fc.uniqueArray(anyDevice, { selector: ({ sessionId }) => sessionId, maxLength: 6 }),
  isEngaged: fc.boolean(),
  said: fc.constantFrom(null, ...settableStatus.options),
});

test('[PR1] offline without a device, then in_call, then what was said, then what the devices show', () => {
  fc.assert(
    fc.property(anyState, (state) => {
      const { devices, isEngaged, said } = state;
      const status = statusOf(state);
      assert.equal(status === 'offline', devices.length === 0);
      if (devices.length === 0) return;
      assert.equal(status === 'in_call', isEngaged);
      if (isEngaged) return;
      if (said !== null && said !== 'online') return assert.equal(status, said);
      const present = devices.some(({ isLost }) => !isLost) ? devices.filter(({ isLost }) => !isLost) : devices;
      assert.equal(status, present.some((device) => device.status === 'online') ? 'online' : 'away');
    }),
  );
});

test('[PR1] the order in which devices come means nothing, and one that was lost is shown only while there is nothing else', () => {
  fc.assert(
    fc.property(anyState, fc.infiniteStream(fc.nat()), (state, keys) => {
      const shuffled = state.devices
        .map((device) => ({ device, key: keys.next().value ?? 0 }))
        .sort((a, b) => a.key - b.key)
        .map(({ device }) => device);
      assert.equal(statusOf({ ...state, devices: shuffled }), statusOf(state));
      const shown = shownDevices(state.devices);
      assert.deepEqual(shownDevices(shuffled), shown);
      assert.equal(shown.length === 0, state.devices.length === 0);
      if (state.devices.some(({ isLost }) => !isLost)) assert.ok(shown.every(({ isLost }) => !isLost));
      else assert.ok(shown.length <= 1);
    }),
  );
});

test('[PR1] one more device that is online never makes anybody less there', () => {
  fc.assert(
    fc.property(anyState, anyDevice, (state, device) => {
      const more = [...state.devices, { ...device, status: 'online' as const, isLost: false }];
      const status = statusOf({ ...state, devices: more });
      assert.ok(!['offline'].includes(status));
      if (!state.isEngaged && (state.said === null || state.said === 'online')) assert.equal(status, 'online');
    }),
  );
});

test('[PR3] a device is away 5 minutes after the last touch, or 90 s after the last sign of its user', () => {
  assert.equal(awayAtMs({ heardAtMs: 1_000_000, idleSeconds: 0 }), 1_000_000 + 90_000);
  assert.equal(awayAtMs({ heardAtMs: 1_000_000, idleSeconds: 240 }), 1_000_000 + 60_000);
  assert.equal(awayAtMs({ heardAtMs: 1_000_000, idleSeconds: 300 }), 1_000_000);
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 0, max: 31_536_000 }), (heardAtMs, idleSeconds) => {
      const at = awayAtMs({ heardAtMs, idleSeconds });
      assert.ok(at <= heardAtMs + heartbeatTimeoutMs && at <= heardAtMs - idleSeconds * 1000 + idleMs);
    }),
  );
});

test('[PR3] a device says what it is, in whatever words', () => {
  assert.deepEqual(['desktop', 'Mobile', 'TABLET', 'fridge', '', undefined].map(deviceKind), [
    'desktop',
    'mobile',
    'tablet',
    'unknown',
    'unknown',
    'unknown',
  ]);
});
