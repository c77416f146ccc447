import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { OwnDevices } from '../../src/presence/own-devices.ts';

test('[PR4] a device whose signs stop becomes away by itself; one that never gave any does not', () => {
  mock.timers.enable({ apis: ['setInterval', 'Date'], now: 1_700_000_000_000 });
  const changed: string[] = [];
  const devices = new OwnDevices({
    onChanged: (userId) => changed.push(userId),
    onSeen: () => undefined,
  });
  try {
    devices.opened('laptop', 'ann');
    devices.opened('phone', 'bob');
    assert.deepEqual(changed.splice(0), ['ann', 'bob']);
    devices.heard('laptop', { kind: undefined, idleSeconds: 0 });
    devices.heard('nobody', { kind: 'mobile', idleSeconds: 0 });
    assert.deepEqual(changed, [], 'nothing that others see');
    mock.timers.tick(89_000);
    assert.deepEqual(changed, []);
    devices.heard('laptop', { kind: undefined, idleSeconds: 200 });
    mock.timers.tick(89_000);
    assert.deepEqual([changed, devices.devicesOf('ann')[0]?.status], [[], 'online']);
    mock.timers.tick(1_000);
    assert.deepEqual(changed.splice(0), ['ann']);
    const [laptop] = devices.devicesOf('ann');
    assert.deepEqual([laptop?.status, laptop?.sinceMs], ['away', 1_700_000_000_000 + 179_000]);
    mock.timers.tick(3_600_000);
    assert.deepEqual([changed, devices.devicesOf('bob')[0]?.status], [[], 'online']);
    devices.heard('laptop', { kind: 'desktop', idleSeconds: 0 });
    assert.deepEqual([changed.splice(0), devices.devicesOf('ann')[0]?.status], [['ann'], 'online']);
  } finally {
    devices.close();
    mock.timers.reset();
  }
});

test('[PR5] a lost device is shown for 2 s; back within them it was never gone', () => {
  mock.timers.enable({ apis: ['setInterval', 'Date'], now: 1_700_000_000_000 });
  const seen: number[] = [];
  const devices = new OwnDevices({ onChanged: () => undefined, onSeen: (_userId, at) => seen.push(at.getTime() - 1_700_000_000_000) });
  try {
    devices.opened('laptop', 'ann');
    for (let round = 0; round < 5; round += 1) {
      devices.lost('laptop');
      mock.timers.tick(1_000);
      assert.equal(devices.devicesOf('ann')[0]?.isLost, true);
      devices.resumed('laptop');
      mock.timers.tick(1_000);
      assert.equal(devices.devicesOf('ann')[0]?.isLost, false);
    }
    assert.deepEqual(seen, [0, 0, 2_000, 4_000, 6_000, 8_000], 'when it came, and each time it was lost');
    devices.lost('laptop');
    mock.timers.tick(2_000);
    assert.deepEqual(devices.devicesOf('ann'), []);
    assert.equal(seen.at(-1), 10_000);
    devices.resumed('laptop');
    assert.equal(devices.devicesOf('ann').length, 1, 'its session is there again');
    devices.lost('laptop');
    mock.timers.tick(30_000);
    devices.closed('laptop', { atOnce: false });
    devices.resumed('laptop');
    assert.deepEqual([devices.devicesOf('ann'), devices.userIds], [[], []]);
  } finally {
    devices.close();
    mock.timers.reset();
  }
});
