import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextEvent, SfuWorld } from './sfu-fixture.ts';

test('[SFU30] what one sends another sees and hears, with the browser as DTLS client', async () => {
  await using world = await SfuWorld.start();
  const [a, b] = [await world.enter('a'), await world.enter('b')];
  const camera = await a.client.publishVideo();
  const microphone = await a.client.publishAudio();
  const [picture, sound] = [await b.client.subscribe(camera.producerId), await b.client.subscribe(microphone.producerId)];
  await Promise.all([picture.resume(), sound.resume()]);
  await Promise.all([picture.frames(10), sound.frames(10)]);
  for (const [client, direction] of [
    [a.client, 'send'],
    [b.client, 'recv'],
  ] as const) {
    const [transport] = await client.stats(direction, 'transport');
    assert.equal(transport?.['dtlsRole'], 'client');
    assert.equal(transport?.['dtlsState'], 'connected');
    assert.ok(transport?.['srtpCipher']);
  }
});

test('[SFU30] both transports of the join bundle serve a browser', async () => {
  await using world = await SfuWorld.start();
  const a = await world.enter('a');
  const { producerId } = await a.client.publishVideo();
  const { peer: b, client } = await world.enter('b', { bundled: true });
  const own = await client.publishAudio();
  const picture = await client.subscribe(producerId);
  await picture.resume();
  await picture.frames(1);
  assert.equal(b.counts.transports, 2);
  assert.ok(b.findProducer('microphone')?.producerId === own.producerId);
});

test('[SFU31] nothing flows to a paused consumer', async () => {
  await using world = await SfuWorld.start();
  const [a, b] = [await world.enter('a'), await world.enter('b')];
  const { producerId } = await a.client.publishVideo();
  const waiting = await b.client.subscribe(producerId);
  const c = await world.enter('c');
  const watching = await c.client.subscribe(producerId);
  await watching.resume();
  await watching.frames(10);
  assert.equal(waiting.frameCount, 0);
  await waiting.resume();
  await waiting.frames(1);
});

test('[SFU32] a producer paused on the server is heard by nobody until it is resumed', async () => {
  await using world = await SfuWorld.start();
  const [a, b] = [await world.enter('a'), await world.enter('b')];
  const camera = await a.client.publishVideo('camera');
  const screen = await a.client.publishVideo('screen');
  const [muted, other] = [await b.client.subscribe(camera.producerId), await b.client.subscribe(screen.producerId)];
  await Promise.all([muted.resume(), other.resume()]);
  await Promise.all([muted.frames(3), other.frames(3)]);
  const told = nextEvent(b.peer, 'consumerPaused');
  await a.peer.pauseProducer(camera.producerId);
  assert.deepEqual(await told, [{ consumerId: muted.consumerId }]);
  // What was on its way may still arrive.
  await other.frames(5);
  const { frameCount } = muted;
  await other.frames(10);
  assert.equal(muted.frameCount, frameCount);
  await a.peer.resumeProducer(camera.producerId);
  await muted.frames(3);
});

test('[SFU33] a key frame comes when it is asked for', async () => {
  await using world = await SfuWorld.start();
  const [a, b] = [await world.enter('a'), await world.enter('b')];
  const { producerId } = await a.client.publishVideo();
  const picture = await b.client.subscribe(producerId);
  await picture.resume();
  await picture.frames(5);
  const keyFramesDecoded = async (): Promise<number> => {
    const streams = await b.client.stats('recv', 'inbound-rtp');
    return Math.max(...streams.map((stream) => Number(stream['keyFramesDecoded'] ?? 0)));
  };
  const before = await keyFramesDecoded();
  await b.peer.requestKeyFrame(picture.consumerId);
  while ((await keyFramesDecoded()) === before) await picture.frames(1);
});

test('[SFU34] a receiver gets the simulcast layer it prefers and is told which', async () => {
  await using world = await SfuWorld.start();
  const [a, b] = [await world.enter('a'), await world.enter('b')];
  const { producerId } = await a.client.publishVideo('camera', {
    width: 640,
    height: 360,
    encodings: [{ maxBitrate: 100_000, scaleResolutionDownBy: 2 }, { maxBitrate: 200_000 }],
  });
  const picture = await b.client.subscribe(producerId);
  const { consumerId } = picture;
  const toLayer = (wanted: number): Promise<unknown> =>
    nextEvent(b.peer, 'consumerLayersChanged', ({ layers }) => layers?.spatialLayer === wanted);
  const scored = nextEvent(b.peer, 'consumerScore', (score) => score.consumerId === consumerId && score.producerScore > 0);
  const high = toLayer(1);
  await picture.resume();
  await scored;
  await high;
  await picture.frameOfWidth(640);
  const low = toLayer(0);
  await b.peer.setPreferredLayers({ consumerId, spatialLayer: 0, temporalLayer: 1 });
  await low;
  await picture.frameOfWidth(320);
  await b.peer.setPriority({ consumerId, priority: 10 });
});

test('[SFU34] preferring layers of what has none changes nothing', async () => {
  await using world = await SfuWorld.start();
  const [a, b] = [await world.enter('a'), await world.enter('b')];
  const { producerId } = await a.client.publishAudio();
  const sound = await b.client.subscribe(producerId);
  await b.peer.setPreferredLayers({ consumerId: sound.consumerId, spatialLayer: 2 });
  await sound.resume();
  await sound.frames(5);
});

test('[SFU35] the room tells who speaks and how loud, and when nobody does', async () => {
  await using world = await SfuWorld.start();
  const [a, b] = [await world.enter('a'), await world.enter('b')];
  const speaking = nextEvent(world.room, 'activeSpeaker');
  const heard = nextEvent(world.room, 'audioLevels');
  // Louder than any microphone, but not somebody who speaks.
  await b.client.publishAudio('screenAudio', { volume: 1 });
  const microphone = await a.client.publishAudio('microphone');
  const speaker = { peerId: 'a', producerId: microphone.producerId };
  assert.deepEqual(await speaking, [speaker]);
  const [levels] = await heard;
  assert.deepEqual(
    levels.map(({ peerId, producerId }) => ({ peerId, producerId })),
    [speaker],
  );
  assert.ok(levels[0] && levels[0].volumeDbov > -40 && levels[0].volumeDbov <= 0);

  const silent = [nextEvent(world.room, 'activeSpeaker'), nextEvent(world.room, 'audioLevels', (none) => none.length === 0)];
  microphone.setVolume(0);
  assert.deepEqual(await Promise.all(silent), [[{}], [[]]]);

  const again = nextEvent(world.room, 'activeSpeaker');
  microphone.setVolume(0.5);
  assert.deepEqual(await again, [speaker]);
  const left = nextEvent(world.room, 'activeSpeaker');
  a.peer.close();
  assert.deepEqual(await left, [{}]);
});

test('[SFU36] messages of a labelled data channel reach its consumers, and its end too', async () => {
  await using world = await SfuWorld.start();
  const [a, b] = [await world.enter('a'), await world.enter('b')];
  const added = nextEvent(a.peer, 'dataProducerAdded');
  const { dataProducerId, dataProducer } = await a.client.publishData('pointer');
  assert.deepEqual(await added, [{ dataProducerId, peerId: 'a', label: 'pointer', protocol: '' }]);
  assert.deepEqual(world.room.findDataProducer(dataProducerId), { dataProducerId, peerId: 'a', label: 'pointer', protocol: '' });
  const dataConsumer = await b.client.subscribeData(dataProducerId);
  assert.equal(dataConsumer.label, 'pointer');
  const message = new Promise((resolve) => dataConsumer.once('message', resolve));
  dataProducer.send('hello');
  assert.equal(await message, 'hello');
  const closed = nextEvent(b.peer, 'dataConsumerClosed');
  a.peer.closeDataProducer(dataProducerId);
  assert.deepEqual(await closed, [{ dataConsumerId: dataConsumer.id, dataProducerId, reason: 'producer_closed' }]);
  assert.deepEqual([b.peer.dataConsumers, a.peer.dataProducers], [[], []]);
});

test('[SFU37] media goes on through an ICE restart of either side', async () => {
  await using world = await SfuWorld.start();
  const [a, b] = [await world.enter('a'), await world.enter('b')];
  const { producerId } = await a.client.publishVideo();
  const picture = await b.client.subscribe(producerId);
  await picture.resume();
  await picture.frames(5);
  for (const [entered, direction] of [
    [a, 'send'],
    [b, 'recv'],
  ] as const) {
    const usernameFragment = async (): Promise<unknown> =>
      (await entered.client.stats(direction, 'transport'))[0]?.['iceLocalUsernameFragment'];
    const before = await usernameFragment();
    const iceParameters = await entered.client.restartIce(direction);
    assert.deepEqual((await entered.peer.ensureTransports())[direction].iceParameters, iceParameters);
    while ((await usernameFragment()) === before) await picture.frames(1);
    await picture.frames(10);
  }
});

test('[SFU38] a transport whose browser has gone is closed with what was on it', async () => {
  await using world = await SfuWorld.start();
  const [a, b] = [await world.enter('a'), await world.enter('b')];
  const { producerId } = await a.client.publishVideo();
  const picture = await b.client.subscribe(producerId);
  await picture.resume();
  await picture.frames(1);
  const removed = nextEvent(a.peer, 'producerRemoved');
  const ended = nextEvent(a.peer, 'transportStateChanged', ({ dtlsState }) => dtlsState === 'closed');
  const lost = nextEvent(b.peer, 'consumerClosed');
  await a.client.close();
  const [{ direction }] = await ended;
  assert.equal(direction, 'send');
  assert.deepEqual(await removed, [{ producerId, source: 'camera' }]);
  assert.deepEqual(await lost, [{ consumerId: picture.consumerId, producerId, reason: 'producer_closed' }]);
  assert.deepEqual(a.peer.counts, { transports: 0, producers: 0, consumers: 0 });
  assert.equal(a.peer.closed, false);
  await a.peer.ensureTransports();
});
