import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { largest, layersFor, layersOfQuality, priorityFor } from '../../src/client/layers.ts';
import { levelOf } from '../../src/client/level-meter.ts';
import { publishSettings } from '../../src/client/publish-settings.ts';
import { reconcile } from '../../src/client/reconcile.ts';
import { rejoinDelayMs, strongerNeed } from '../../src/client/room-entry.ts';
import type { ConsumerInfo, ProducerInfo } from '../../src/protocol/media.ts';

describe('[SDK8] video is asked for in the size in which it is shown', () => {
  const rows: [string, { width: number; height: number }, ReturnType<typeof layersFor>][] = [
    ['a thumbnail', { width: 160, height: 90 }, { spatialLayer: 0, temporalLayer: 1 }],
    ['a small tile', { width: 320, height: 180 }, { spatialLayer: 0 }],
    ['a small tile on a sharp screen', { width: 640, height: 360 }, { spatialLayer: 1 }],
    ['a tile of four', { width: 800, height: 450 }, { spatialLayer: 1 }],
    ['a full page', { width: 1280, height: 720 }, { spatialLayer: 2 }],
    ['a phone held upright', { width: 390, height: 844 }, { spatialLayer: 2 }],
    ['a wide strip', { width: 1000, height: 100 }, { spatialLayer: 2 }],
  ];
  for (const [name, size, layers] of rows) test(name, () => assert.deepEqual(layersFor(size), layers));

  test('a quality that was asked for', () => {
    assert.deepEqual((['low', 'medium', 'high'] as const).map(layersOfQuality), [
      { spatialLayer: 0 },
      { spatialLayer: 1 },
      { spatialLayer: 2 },
    ]);
  });
  test('shown several times, the largest counts; what has no size is not shown', () => {
    const small = { width: 10, height: 10 };
    const large = { width: 20, height: 10 };
    assert.equal(largest([small, large, { width: 0, height: 500 }]), large);
    assert.equal(largest([{ width: 0, height: 0 }]), undefined);
    assert.equal(largest([]), undefined);
  });
  test('larger pictures and screens come first when bandwidth is short', () => {
    const [tiny, full, huge] = [
      { width: 16, height: 9 },
      { width: 1280, height: 720 },
      { width: 9999, height: 9999 },
    ].map((size) => priorityFor(size, false));
    assert.deepEqual([tiny, full, huge], [1, 127, 127]);
    assert.equal(priorityFor({ width: 16, height: 9 }, true), 129);
    assert.equal(priorityFor({ width: 9999, height: 9999 }, true), 255);
  });
});

describe('[SDK9] what is received is held against what is published', () => {
  const producer = (producerId: string, participantId = 'other'): ProducerInfo => ({
    producerId,
    participantId,
    kind: 'video',
    source: 'camera',
    paused: false,
  });
  const consumer = (producerId: string): ConsumerInfo => ({
    consumerId: `consumer of ${producerId}`,
    producerId,
    participantId: 'other',
    kind: 'video',
    source: 'camera',
    rtpParameters: { codecs: [] },
    producerPaused: false,
  });
  interface Row {
    name: string;
    producers?: ProducerInfo[];
    subscriptions?: { producerId: string; isLive: boolean }[];
    offered?: ConsumerInfo[];
    unwanted?: string[];
    plan: { close?: string[]; adopt?: string[]; discard?: string[]; ask?: string[] };
  }
  const rows: Row[] = [
    { name: 'an empty room', plan: {} },
    { name: 'a new producer is asked for', producers: [producer('a')], plan: { ask: ['a'] } },
    { name: 'a consumer that the join brought is used', producers: [producer('a')], offered: [consumer('a')], plan: { adopt: ['a'] } },
    { name: 'what is received stays', producers: [producer('a')], subscriptions: [{ producerId: 'a', isLive: true }], plan: {} },
    {
      name: 'after a rejoin the subscription stays and gets a new consumer',
      producers: [producer('a')],
      subscriptions: [{ producerId: 'a', isLive: false }],
      offered: [consumer('a')],
      plan: { adopt: ['a'] },
    },
    {
      name: 'without an offered consumer it is asked for',
      producers: [producer('a')],
      subscriptions: [{ producerId: 'a', isLive: false }],
      plan: { ask: ['a'] },
    },
    { name: 'a producer that is gone', subscriptions: [{ producerId: 'a', isLive: true }], plan: { close: ['a'] } },
    {
      name: 'some gone, some new, some as they were',
      producers: [producer('b'), producer('c')],
      subscriptions: [
        { producerId: 'a', isLive: true },
        { producerId: 'b', isLive: true },
      ],
      plan: { close: ['a'], ask: ['c'] },
    },
    { name: 'what oneself publishes, in whatever tab, is left alone', producers: [producer('a', 'me')], plan: {} },
    { name: 'what nobody wants is not asked for', producers: [producer('a')], unwanted: ['a'], plan: {} },
    {
      name: 'a consumer that nobody wants is given back',
      producers: [producer('a')],
      offered: [consumer('a')],
      unwanted: ['a'],
      plan: { discard: ['a'] },
    },
    { name: 'a consumer of a producer that is gone is given back', offered: [consumer('a')], plan: { discard: ['a'] } },
    {
      name: 'a second consumer of the same producer is given back',
      producers: [producer('a')],
      subscriptions: [{ producerId: 'a', isLive: true }],
      offered: [consumer('a')],
      plan: { discard: ['a'] },
    },
    {
      name: 'what is no longer wanted ends',
      producers: [producer('a')],
      subscriptions: [{ producerId: 'a', isLive: true }],
      unwanted: ['a'],
      plan: { close: ['a'] },
    },
  ];
  for (const { name, producers = [], subscriptions = [], offered = [], unwanted = [], plan } of rows) {
    test(name, () => {
      const result = reconcile({
        producers,
        subscriptions,
        offered,
        ownParticipantId: 'me',
        isWanted: ({ producerId }) => !unwanted.includes(producerId),
      });
      const ids = (items: readonly { producerId: string }[]) => items.map(({ producerId }) => producerId);
      assert.deepEqual(
        { close: result.close, adopt: ids(result.adopt), discard: ids(result.discard), ask: ids(result.ask) },
        { close: [], adopt: [], discard: [], ask: [], ...plan },
      );
    });
  }
});

describe('[SDK10] each source is sent as suits it', () => {
  test('a camera in three sizes, or in one', () => {
    assert.deepEqual(
      publishSettings('camera').encodings?.map(({ scaleResolutionDownBy }) => scaleResolutionDownBy),
      [4, 2, 1],
    );
    assert.deepEqual(
      publishSettings('camera', false).encodings?.map(({ scaleResolutionDownBy }) => scaleResolutionDownBy),
      [1],
    );
  });
  test('a screen in one', () => assert.equal(publishSettings('screen').encodings?.length, 1));
  test('speech in mono, with error correction and silent pauses', () => {
    const { opusStereo, opusFec, opusDtx } = publishSettings('microphone').codecOptions ?? {};
    assert.deepEqual({ opusStereo, opusFec, opusDtx }, { opusStereo: false, opusFec: true, opusDtx: true });
  });
  test('stereo for the sound of a screen alone', () => assert.equal(publishSettings('screenAudio').codecOptions?.opusStereo, true));
  test('settings are copies', () => assert.notEqual(publishSettings('camera').encodings, publishSettings('camera').encodings));
});

describe('[SDK11] one join serves the strongest need', () => {
  const order = ['nothing', 'snapshot', 'transports', 'media'] as const;
  for (const [i, a] of order.entries())
    for (const [j, b] of order.entries()) test(`${a} and ${b}`, () => assert.equal(strongerNeed(a, b), order[Math.max(i, j)]));
  test('a server that is not ready is asked again soon, then less often', () => {
    assert.deepEqual([1, 2, 3, 4, 5, 6, 7, 8].map(rejoinDelayMs), [200, 400, 800, 1600, 3200, 6400, 8000, 8000]);
  });
});

describe('[SDK12] a level meter shows loudness in even steps', () => {
  const tone = (amplitude: number) => Float32Array.from({ length: 1024 }, (_, index) => (index % 2 === 0 ? amplitude : -amplitude));
  const rows: [string, Float32Array, number][] = [
    ['nothing', new Float32Array(0), 0],
    ['silence', tone(0), 0],
    ['below -60 dB', tone(0.0005), 0],
    ['-30 dB', tone(10 ** (-30 / 20)), 0.5],
    ['full scale', tone(1), 1],
    ['beyond it', tone(2), 1],
  ];
  for (const [name, samples, level] of rows) test(name, () => assert.ok(Math.abs(levelOf(samples) - level) < 0.001));
});
