import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RtpParameters } from '../../src/protocol/media.ts';
import { maxIncomingBitrateBps, maxOutgoingBitrateBps } from '../../src/sfu/codecs.ts';
import { assertCode, nextEvent, opusParameters, SfuWorld, someDtlsParameters, vp8Parameters } from './sfu-fixture.ts';

const nobody = 'a2b8c1de-0000-4000-8000-000000000000';

test('[SFU20] a transport answers with the server as DTLS server', async () => {
  await using world = await SfuWorld.start();
  const transport = await world.room.addPeer('a').createTransport('send');
  assert.equal(transport.dtlsParameters.role, 'server');
  assert.equal(transport.iceParameters.iceLite, true);
  assert.ok(transport.dtlsParameters.fingerprints.some(({ algorithm }) => algorithm === 'sha-256'));
});

test('[SFU20] the join bundle makes each transport once and answers the same afterwards', async () => {
  await using world = await SfuWorld.start();
  const peer = world.room.addPeer('a');
  const [first, racing] = await Promise.all([peer.ensureTransports(), peer.ensureTransports()]);
  assert.deepEqual(racing, first);
  assert.deepEqual(await peer.ensureTransports(), first);
  assert.equal(peer.counts.transports, 2);
});

test('[SFU20] after an ICE restart the join bundle carries the new ICE parameters', async () => {
  await using world = await SfuWorld.start();
  const { peer, sendId } = await world.addPeer('a');
  const before = (await peer.ensureTransports()).send.iceParameters;
  const { iceParameters } = await peer.restartIce({ transportId: sendId });
  assert.notEqual(iceParameters.usernameFragment, before.usernameFragment);
  assert.deepEqual((await peer.ensureTransports()).send.iceParameters, iceParameters);
});

test('[SFU21] a transport is connected once', async () => {
  await using world = await SfuWorld.start();
  const { peer, sendId, recvId } = await world.addPeer('a');
  await peer.connectTransport({ transportId: sendId, dtlsParameters: someDtlsParameters });
  await assertCode('media.already_connected', () => peer.connectTransport({ transportId: sendId, dtlsParameters: someDtlsParameters }));
  const racing = [1, 2, 3].map(() => peer.connectTransport({ transportId: recvId, dtlsParameters: someDtlsParameters }));
  const settled = await Promise.allSettled(racing);
  assert.equal(settled.filter(({ status }) => status === 'fulfilled').length, 1);
});

test('[SFU21] a browser that wants to be DTLS server, or has no proper fingerprint, is refused and may try again', async () => {
  await using world = await SfuWorld.start();
  const { peer, sendId } = await world.addPeer('a');
  const { fingerprints } = someDtlsParameters;
  const connect = (dtlsParameters: Parameters<typeof peer.connectTransport>[0]['dtlsParameters']): Promise<void> =>
    peer.connectTransport({ transportId: sendId, dtlsParameters });
  await assertCode('media.invalid_parameters', () => connect({ role: 'server', fingerprints }));
  await assertCode('media.invalid_parameters', () => connect({ role: 'client', fingerprints: [] }));
  await connect({ role: 'auto', fingerprints });
});

test('[SFU22] one producer a source, also for requests that race', async () => {
  await using world = await SfuWorld.start();
  const { peer, sendId: transportId } = await world.addPeer('a');
  const settled = await Promise.allSettled(
    [1, 2, 3].map((ssrc) => peer.produce({ transportId, source: 'camera', rtpParameters: vp8Parameters(ssrc) })),
  );
  assert.equal(settled.filter(({ status }) => status === 'fulfilled').length, 1);
  await assertCode('media.source_in_use', () => peer.produce({ transportId, source: 'camera', rtpParameters: vp8Parameters(4) }));
  const camera = peer.findProducer('camera');
  assert.ok(camera);
  assert.deepEqual(world.room.findProducer(camera.producerId), camera);
  peer.closeProducer(camera.producerId);
  assert.equal(world.room.findProducer(camera.producerId), undefined);
  const again = await peer.produce({ transportId, source: 'camera', rtpParameters: vp8Parameters(5), paused: true });
  assert.deepEqual(again, { producerId: again.producerId, peerId: 'a', kind: 'video', source: 'camera', paused: true });
});

test('[SFU22] a source that could not be produced is free again', async () => {
  await using world = await SfuWorld.start();
  const { peer, sendId: transportId } = await world.addPeer('a');
  const rtpParameters = { ...opusParameters(1), encodings: [{ ssrc: 1 }, { ssrc: 1 }] };
  await assertCode('media.invalid_parameters', () => peer.produce({ transportId, source: 'microphone', rtpParameters }));
  await peer.produce({ transportId, source: 'microphone', rtpParameters: opusParameters(2) });
});

test('[SFU22] a picture cannot pass for a microphone, nor a sound for a camera', async () => {
  await using world = await SfuWorld.start();
  const { peer, sendId: transportId } = await world.addPeer('a');
  await assertCode('media.invalid_parameters', () => peer.produce({ transportId, source: 'microphone', rtpParameters: vp8Parameters(1) }));
  await assertCode('media.invalid_parameters', () => peer.produce({ transportId, source: 'screen', rtpParameters: opusParameters(1) }));
});

test('[SFU22] the owner hears of producers added, paused, resumed and removed, once each', async () => {
  await using world = await SfuWorld.start();
  const { peer, sendId: transportId } = await world.addPeer('a');
  const heard: unknown[] = [];
  peer.on('producerAdded', ({ source }) => heard.push(['added', source]));
  peer.on('producerPaused', () => heard.push('paused'));
  peer.on('producerResumed', () => heard.push('resumed'));
  peer.on('producerRemoved', ({ source }) => heard.push(['removed', source]));
  const { producerId } = await peer.produce({ transportId, source: 'microphone', rtpParameters: opusParameters(1) });
  await Promise.all([peer.pauseProducer(producerId), peer.pauseProducer(producerId)]);
  await peer.pauseProducer(producerId);
  assert.equal(peer.findProducer('microphone')?.paused, true);
  await peer.resumeProducer(producerId);
  await peer.resumeProducer(producerId);
  peer.closeProducer(producerId);
  assert.deepEqual(heard, [['added', 'microphone'], 'paused', 'resumed', ['removed', 'microphone']]);
});

test('[SFU23] malformed RTP parameters get a code, and the worker goes on serving everybody', async () => {
  await using world = await SfuWorld.start();
  const { peer, sendId: transportId, recvId } = await world.addPeer('a');
  const { peer: other, sendId: otherTransportId } = await world.addPeer('b');
  const good = opusParameters(1);
  const [codec] = good.codecs;
  assert.ok(codec);
  const hostile: Record<string, RtpParameters> = {
    'no codecs': { ...good, codecs: [] },
    'an unknown codec': { ...good, codecs: [{ ...codec, mimeType: 'audio/none' }] },
    'no codec at all': { ...good, codecs: [{ ...codec, mimeType: '' }] },
    'another clock': { ...good, codecs: [{ ...codec, clockRate: 1 }] },
    'the same stream twice': { ...good, encodings: [{ ssrc: 7 }, { ssrc: 7 }] },
    'neither stream nor mid': { codecs: [codec], encodings: [{}] },
    'retransmission of nothing': { ...good, codecs: [{ ...codec, mimeType: 'audio/rtx', parameters: { apt: 99 } }] },
  };
  for (const [what, rtpParameters] of Object.entries(hostile)) {
    await assertCode('media.invalid_parameters', () => peer.produce({ transportId, source: 'microphone', rtpParameters })).catch(
      (error) => {
        throw new Error(what, { cause: error });
      },
    );
  }
  await assertCode('media.invalid_parameters', () => peer.produce({ transportId: recvId, source: 'microphone', rtpParameters: good }));
  // Fractional bitrates throw inside mediasoup half way through a request, if they get there.
  await peer.produce({ transportId, source: 'microphone', rtpParameters: { ...good, encodings: [{ ssrc: 8, maxBitrate: 0.5 }] } });
  await other.produce({ transportId: otherTransportId, source: 'microphone', rtpParameters: opusParameters(9) });
});

test('[SFU24] consumers start paused, and asking twice answers the same one', async () => {
  await using world = await SfuWorld.start();
  const { peer: a, sendId } = await world.addPeer('a');
  const { peer: b } = await world.addPeer('b');
  const { producerId } = await a.produce({ transportId: sendId, source: 'screen', rtpParameters: vp8Parameters(1) });
  const { rtpCapabilities } = world.room;
  const [first, racing] = await Promise.all([b.consume({ producerId, rtpCapabilities }), b.consume({ producerId, rtpCapabilities })]);
  assert.deepEqual(racing, first);
  assert.deepEqual(await b.consume({ producerId, rtpCapabilities }), first);
  assert.deepEqual(b.consumers, [first]);
  const { consumerId, rtpParameters, ...rest } = first;
  assert.deepEqual(rest, { producerId, peerId: 'a', kind: 'video', source: 'screen', paused: true, producerPaused: false });
  await b.resumeConsumer(consumerId);
  assert.equal(b.consumers[0]?.paused, false);
  await b.pauseConsumer(consumerId);
  assert.equal(b.consumers[0]?.paused, true);
});

test('[SFU24] on a new recv transport a producer is consumed anew', async () => {
  await using world = await SfuWorld.start();
  const { peer: a, sendId } = await world.addPeer('a');
  const { peer: b } = await world.addPeer('b');
  const { producerId } = await a.produce({ transportId: sendId, source: 'camera', rtpParameters: vp8Parameters(1) });
  const { rtpCapabilities } = world.room;
  const old = await b.consume({ producerId, rtpCapabilities });
  await b.createTransport('recv');
  const closed = nextEvent(b, 'consumerClosed');
  const renewed = await b.consume({ producerId, rtpCapabilities });
  assert.deepEqual(await closed, [{ consumerId: old.consumerId, producerId, reason: 'transport_closed' }]);
  assert.notEqual(renewed.consumerId, old.consumerId);
  assert.equal(b.counts.consumers, 1);
});

test('[SFU24] what a browser cannot decode, or without a recv transport, is not consumed', async () => {
  await using world = await SfuWorld.start();
  const { peer: a, sendId } = await world.addPeer('a');
  const { peer: b } = await world.addPeer('b');
  const { producerId } = await a.produce({ transportId: sendId, source: 'camera', rtpParameters: vp8Parameters(1) });
  const { rtpCapabilities } = world.room;
  const audioOnly = { ...rtpCapabilities, codecs: (rtpCapabilities.codecs ?? []).filter(({ kind }) => kind === 'audio') };
  await assertCode('media.cannot_consume', () => b.consume({ producerId, rtpCapabilities: audioOnly }));
  await assertCode('media.cannot_consume', () => b.consume({ producerId, rtpCapabilities: {} }));
  await assertCode('media.transport_not_found', () => world.room.addPeer('c').consume({ producerId, rtpCapabilities }));
});

test('[SFU24] the receiver hears when the producer is paused, resumed and closed', async () => {
  await using world = await SfuWorld.start();
  const { peer: a, sendId } = await world.addPeer('a');
  const { peer: b } = await world.addPeer('b');
  const { producerId } = await a.produce({ transportId: sendId, source: 'microphone', rtpParameters: opusParameters(1) });
  const { consumerId } = await b.consume({ producerId, rtpCapabilities: world.room.rtpCapabilities });
  const paused = nextEvent(b, 'consumerPaused');
  await a.pauseProducer(producerId);
  assert.deepEqual(await paused, [{ consumerId }]);
  assert.equal(b.consumers[0]?.producerPaused, true);
  const resumed = nextEvent(b, 'consumerResumed');
  await a.resumeProducer(producerId);
  assert.deepEqual(await resumed, [{ consumerId }]);
  const closed = nextEvent(b, 'consumerClosed');
  a.closeProducer(producerId);
  assert.deepEqual(await closed, [{ consumerId, producerId, reason: 'producer_closed' }]);
  assert.deepEqual(b.consumers, []);
  await assertCode('media.consumer_not_found', () => b.resumeConsumer(consumerId));
});

test('[SFU24] a browser that closes its consumer is not told what it knows', async () => {
  await using world = await SfuWorld.start();
  const { peer: a, sendId } = await world.addPeer('a');
  const { peer: b } = await world.addPeer('b');
  const { producerId } = await a.produce({ transportId: sendId, source: 'microphone', rtpParameters: opusParameters(1) });
  const { consumerId } = await b.consume({ producerId, rtpCapabilities: world.room.rtpCapabilities });
  let told = 0;
  b.on('consumerClosed', () => {
    told += 1;
  });
  b.closeConsumer(consumerId);
  await assertCode('media.consumer_not_found', () => b.closeConsumer(consumerId));
  await b.stats();
  assert.equal(told, 0);
});

test("[SFU25] somebody else's ids are answered like missing ones", async () => {
  await using world = await SfuWorld.start();
  const { peer: a, sendId } = await world.addPeer('a');
  const { peer: b, recvId } = await world.addPeer('b');
  const { producerId } = await a.produce({ transportId: sendId, source: 'microphone', rtpParameters: opusParameters(1) });
  const { consumerId } = await b.consume({ producerId, rtpCapabilities: world.room.rtpCapabilities });
  for (const transportId of [recvId, nobody]) {
    await assertCode('media.transport_not_found', () => a.connectTransport({ transportId, dtlsParameters: someDtlsParameters }));
    await assertCode('media.transport_not_found', () => a.restartIce({ transportId }));
    await assertCode('media.transport_not_found', () => a.produce({ transportId, source: 'camera', rtpParameters: vp8Parameters(2) }));
    await assertCode('media.transport_not_found', () =>
      a.produceData({ transportId, sctpStreamParameters: { streamId: 1 }, label: 'chat' }),
    );
  }
  for (const id of [producerId, nobody]) {
    await assertCode('media.producer_not_found', () => b.pauseProducer(id));
    await assertCode('media.producer_not_found', () => b.resumeProducer(id));
    await assertCode('media.producer_not_found', () => b.closeProducer(id));
    await assertCode('media.producer_not_found', () => b.closeDataProducer(id));
  }
  for (const id of [consumerId, nobody]) {
    await assertCode('media.consumer_not_found', () => a.pauseConsumer(id));
    await assertCode('media.consumer_not_found', () => a.resumeConsumer(id));
    await assertCode('media.consumer_not_found', () => a.closeConsumer(id));
    await assertCode('media.consumer_not_found', () => a.requestKeyFrame(id));
    await assertCode('media.consumer_not_found', () => a.setPreferredLayers({ consumerId: id, spatialLayer: 0 }));
    await assertCode('media.consumer_not_found', () => a.setPriority({ consumerId: id, priority: 1 }));
    await assertCode('media.consumer_not_found', () => a.closeDataConsumer(id));
  }
  await assertCode('media.producer_not_found', () => b.consume({ producerId: nobody, rtpCapabilities: world.room.rtpCapabilities }));
  await assertCode('media.producer_not_found', () => b.consumeData({ dataProducerId: nobody }));
});

test("[SFU25] another room's producer does not exist here", async () => {
  await using world = await SfuWorld.start();
  const { peer: b } = await world.addPeer('b');
  const elsewhere = await world.pool.createRoom();
  const stranger = elsewhere.addPeer('a');
  const { transportId } = await stranger.createTransport('send');
  const { producerId } = await stranger.produce({ transportId, source: 'microphone', rtpParameters: opusParameters(1) });
  await assertCode('media.producer_not_found', () => b.consume({ producerId, rtpCapabilities: world.room.rtpCapabilities }));
  elsewhere.close();
});

test('[SFU26] limits hold, also for requests that race, and what is closed counts no more', async () => {
  await using world = await SfuWorld.start({
    limits: { maxTransports: 3, maxProducers: 1, maxConsumers: 1, maxDataProducers: 1, maxDataConsumers: 1 },
  });
  const { peer: a, sendId } = await world.addPeer('a');
  const { peer: b } = await world.addPeer('b');
  const { rtpCapabilities } = world.room;
  const settled = await Promise.allSettled([1, 2, 3].map(() => a.createTransport('recv')));
  assert.equal(settled.filter(({ status }) => status === 'fulfilled').length, 1);
  await assertCode('media.limit_reached', () => a.createTransport('send'));

  const microphone = await a.produce({ transportId: sendId, source: 'microphone', rtpParameters: opusParameters(1) });
  await assertCode('media.limit_reached', () => a.produce({ transportId: sendId, source: 'camera', rtpParameters: vp8Parameters(2) }));
  const { transportId } = await world.room.addPeer('c').createTransport('send');
  const c = world.room.peers.get('c');
  assert.ok(c);
  const camera = await c.produce({ transportId, source: 'camera', rtpParameters: vp8Parameters(3) });
  const heard = await b.consume({ producerId: microphone.producerId, rtpCapabilities });
  await assertCode('media.limit_reached', () => b.consume({ producerId: camera.producerId, rtpCapabilities }));
  b.closeConsumer(heard.consumerId);
  await b.consume({ producerId: camera.producerId, rtpCapabilities });
  a.closeProducer(microphone.producerId);
  await a.produce({ transportId: sendId, source: 'camera', rtpParameters: vp8Parameters(4) });

  const data = await a.produceData({ transportId: sendId, sctpStreamParameters: { streamId: 1 }, label: 'one' });
  await assertCode('media.limit_reached', () =>
    a.produceData({ transportId: sendId, sctpStreamParameters: { streamId: 2 }, label: 'two' }),
  );
  const received = await b.consumeData({ dataProducerId: data.dataProducerId });
  await assertCode('media.limit_reached', () => b.consumeData({ dataProducerId: data.dataProducerId }));
  b.closeDataConsumer(received.dataConsumerId);
  await b.consumeData({ dataProducerId: data.dataProducerId });
});

test('[SFU27] a peer that closes removes its producers, then itself, once', async () => {
  await using world = await SfuWorld.start();
  const { peer: a, sendId } = await world.addPeer('a');
  const { peer: b } = await world.addPeer('b');
  const { producerId } = await a.produce({ transportId: sendId, source: 'microphone', rtpParameters: opusParameters(1) });
  const { dataProducerId } = await a.produceData({ transportId: sendId, sctpStreamParameters: { streamId: 1 }, label: 'chat' });
  await b.consume({ producerId, rtpCapabilities: world.room.rtpCapabilities });
  await b.consumeData({ dataProducerId });
  const order: string[] = [];
  a.on('producerRemoved', ({ source }) => order.push(source));
  a.on('dataProducerRemoved', ({ label }) => order.push(label));
  a.on('closed', (reason) => order.push(reason));
  const lost = [nextEvent(b, 'consumerClosed'), nextEvent(b, 'dataConsumerClosed')];
  a.close();
  a.close();
  assert.deepEqual(order, ['microphone', 'chat', 'closed']);
  assert.deepEqual([...world.room.peers.keys()], ['b']);
  await Promise.all(lost);
  await assertCode('media.unavailable', () => a.createTransport('send'));
  await assertCode('media.unavailable', () => a.pauseProducer(producerId));
  await assertCode('media.unavailable', () => a.stats());
  world.room.addPeer('a');
});

test('[SFU27] what is being made while its peer closes is closed again', async () => {
  await using world = await SfuWorld.start();
  const { peer: a, sendId } = await world.addPeer('a');
  const { peer: b } = await world.addPeer('b');
  const { producerId } = await b.produce({
    transportId: (await b.ensureTransports()).send.transportId,
    source: 'camera',
    rtpParameters: vp8Parameters(9),
  });
  const gone = ['media.unavailable', 'media.transport_not_found'] as const;
  const requests = [
    a.createTransport('send'),
    a.produce({ transportId: sendId, source: 'microphone', rtpParameters: opusParameters(1) }),
    a.produceData({ transportId: sendId, sctpStreamParameters: { streamId: 1 }, label: 'chat' }),
    a.consume({ producerId, rtpCapabilities: world.room.rtpCapabilities }),
    a.connectTransport({ transportId: sendId, dtlsParameters: someDtlsParameters }),
  ].map((request) => assertCode([...gone], () => request));
  let added = 0;
  a.on('producerAdded', () => {
    added += 1;
  });
  a.close();
  await Promise.all(requests);
  assert.equal(added, 0);
  assert.deepEqual(a.counts, { transports: 0, producers: 0, consumers: 0 });
  const [dump] = await world.pool.dump();
  assert.equal(dump?.transportIds.length, 2, "only the other peer's transports are left");
});

test('[SFU27] consuming what is being closed ends without a consumer', async () => {
  await using world = await SfuWorld.start();
  const { peer: a, sendId } = await world.addPeer('a');
  const { peer: b } = await world.addPeer('b');
  const { rtpCapabilities } = world.room;
  for (let ssrc = 1; ssrc <= 10; ssrc += 1) {
    const { producerId } = await a.produce({ transportId: sendId, source: 'camera', rtpParameters: vp8Parameters(ssrc) });
    const consuming = assertCode('media.producer_not_found', () => b.consume({ producerId, rtpCapabilities }));
    if (ssrc % 2 === 0) await Promise.resolve();
    a.closeProducer(producerId);
    await consuming;
  }
  assert.deepEqual(b.consumers, []);
});

test('[SFU28] a room that closes ends its peers first, says why, and makes nothing new', async () => {
  await using world = await SfuWorld.start();
  const { peer: a, sendId } = await world.addPeer('a');
  const order: string[] = [];
  a.on('producerRemoved', () => order.push('never'));
  a.on('closed', (reason) => order.push(`peer ${reason}`));
  world.room.on('closed', (reason) => order.push(`room ${reason}`));
  await a.produce({ transportId: sendId, source: 'microphone', rtpParameters: opusParameters(1) });
  const racing = assertCode('media.unavailable', () => a.createTransport('recv'));
  world.room.close();
  world.room.close();
  assert.deepEqual(order, ['peer room_closed', 'room closed']);
  await racing;
  assert.throws(() => world.room.addPeer('b'), { code: 'media.unavailable' });
  assert.equal(world.room.peers.size, 0);
});

test('[SFU28] a room holds one peer of an id', async () => {
  await using world = await SfuWorld.start();
  world.room.addPeer('a');
  assert.throws(() => world.room.addPeer('a'), /is in the room/);
});

test('[SFU29] caps on bitrate are on every transport and can be changed', async () => {
  await using world = await SfuWorld.start();
  const { peer, sendId, recvId } = await world.addPeer('a');
  const statsOf = async (id: string) => (await peer.stats()).transports.find(({ transportId }) => transportId === id);
  assert.equal((await statsOf(sendId))?.maxIncomingBitrate, maxIncomingBitrateBps);
  assert.equal((await statsOf(recvId))?.maxOutgoingBitrate, maxOutgoingBitrateBps);
  await peer.setMaxIncomingBitrate({ transportId: sendId, bitrateBps: 900_000 });
  await peer.setMaxOutgoingBitrate({ transportId: recvId, bitrateBps: 700_000 });
  assert.equal((await statsOf(sendId))?.maxIncomingBitrate, 900_000);
  assert.equal((await statsOf(recvId))?.maxOutgoingBitrate, 700_000);
  await assertCode('media.invalid_parameters', () => peer.setMaxIncomingBitrate({ transportId: sendId, bitrateBps: 0.5 }));
});
