import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { Source } from '../../src/protocol/ids.ts';
import { opusParameters, vp8Parameters } from '../support/rtp-parameters.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import type { TestClient } from '../support/test-client.ts';
import { receiveCapabilities } from '../support/webrtc-client.ts';

const refused = (code: string) => ({ code });
const parametersOf = (source: Source) => (source === 'camera' || source === 'screen' ? vp8Parameters() : opusParameters());
const fingerprints = [{ algorithm: 'sha-256' as const, value: Array(32).fill('A1').join(':') }];

/** Joins with both transports made. */
async function join(client: TestClient, roomId: string, token?: string) {
  const first = await client.join(roomId, token === undefined ? {} : { token });
  const rtpCapabilities = await receiveCapabilities(first.rtpCapabilities);
  const snapshot = await client.join(roomId, { rtpCapabilities, ...(token !== undefined && { token }) });
  const { send, recv } = snapshot.transports!;
  const produce = (source: Source, paused = false) =>
    client.request('media:produce', { transportId: send.transportId, source, rtpParameters: parametersOf(source), paused });
  return { snapshot, rtpCapabilities, sendId: send.transportId, recvId: recv.transportId, produce };
}

const tokenWith = (app: TestApp, userId: string, roomId: string, grants: object) =>
  app.tokenFor(userId, 'patient', { room: { id: roomId, ...grants } });

test('who may send and receive', async (t) => {
  await using app = await startTestApp({ LIMIT_ROOMS_PER_DAY: '0', LIMIT_REQUESTS_PER_SECOND: '0' });

  await t.test('[MD6] every media request of one who has joined no room is room.not_joined', async () => {
    const client = await app.connect('host');
    const transportId = randomUUID();
    const asked = {
      'media:createTransport': { direction: 'send' },
      'media:connectTransport': { transportId, dtlsParameters: { fingerprints } },
      'media:restartIce': { transportId },
      'media:produce': { transportId, source: 'microphone', rtpParameters: opusParameters() },
      'media:pauseProducer': { producerId: transportId },
      'media:resumeProducer': { producerId: transportId },
      'media:closeProducer': { producerId: transportId },
      'media:consume': { producerId: transportId, rtpCapabilities: {} },
      'media:resumeConsumer': { consumerId: transportId },
      'media:pauseConsumer': { consumerId: transportId },
      'media:closeConsumer': { consumerId: transportId },
      'media:requestKeyFrame': { consumerId: transportId },
      'media:setPreferredLayers': { consumerId: transportId, spatialLayer: 1 },
      'media:setPriority': { consumerId: transportId, priority: 2 },
      'media:produceData': { transportId, sctpStreamParameters: { streamId: 1 }, label: 'chat' },
      'media:consumeData': { dataProducerId: transportId },
    };
    for (const [name, payload] of Object.entries(asked)) await assert.rejects(client.send(name, payload), refused('room.not_joined'), name);
    await client.close();
  });

  await t.test('[MD7] somebody else’s transport, producer or consumer and a missing one get the same answer', async () => {
    const { roomId } = await app.createRoom();
    const [host, guest] = [await app.connect('host'), await app.connect('guest', 'patient')];
    const hostSide = await join(host, roomId);
    const guestSide = await join(guest, roomId);
    const { producerId } = await hostSide.produce('camera');
    const { consumerId } = await guest.request('media:consume', { producerId, rtpCapabilities: guestSide.rtpCapabilities });
    const rtpParameters = opusParameters();
    for (const transportId of [hostSide.sendId, randomUUID(), 'x']) {
      const code = refused('media.transport_not_found');
      await assert.rejects(
        guest.request('media:connectTransport', { transportId, dtlsParameters: { role: 'client', fingerprints } }),
        code,
      );
      await assert.rejects(guest.request('media:restartIce', { transportId }), code);
      await assert.rejects(guest.request('media:produce', { transportId, source: 'microphone', rtpParameters }), code);
      await assert.rejects(guest.request('media:produceData', { transportId, sctpStreamParameters: { streamId: 1 }, label: 'x' }), code);
    }
    for (const other of [producerId, randomUUID()]) {
      for (const name of ['media:pauseProducer', 'media:resumeProducer', 'media:closeProducer'] as const) {
        await assert.rejects(guest.request(name, { producerId: other }), refused('media.producer_not_found'), name);
      }
    }
    for (const other of [consumerId, randomUUID()]) {
      const code = refused('media.consumer_not_found');
      for (const name of ['media:resumeConsumer', 'media:pauseConsumer', 'media:closeConsumer', 'media:requestKeyFrame'] as const) {
        await assert.rejects(host.request(name, { consumerId: other }), code, name);
      }
      await assert.rejects(host.request('media:setPriority', { consumerId: other, priority: 1 }), code);
      await assert.rejects(host.request('media:setPreferredLayers', { consumerId: other, spatialLayer: 0 }), code);
    }
    const { roomId: elsewhere } = await app.createRoom();
    const spy = await app.connect('spy', 'patient');
    const { rtpCapabilities } = await join(spy, elsewhere);
    for (const other of [producerId, randomUUID()]) {
      await assert.rejects(spy.request('media:consume', { producerId: other, rtpCapabilities }), refused('media.producer_not_found'));
      await assert.rejects(spy.request('media:consumeData', { dataProducerId: other }), refused('media.producer_not_found'));
    }
    await Promise.all([host, guest, spy].map((client) => client.close()));
  });

  await t.test('[MD8] a transport is connected once; wrong DTLS, RTP and SCTP parameters are refused by name, never internal', async () => {
    const { roomId } = await app.createRoom();
    const host = await app.connect('host');
    const { sendId, recvId, produce, rtpCapabilities } = await join(host, roomId);
    const connect = (dtlsParameters: object, transportId = sendId) => host.send('media:connectTransport', { transportId, dtlsParameters });
    for (const bad of [
      {},
      { fingerprints: [] },
      { fingerprints: [{ algorithm: 'md5', value: 'AA' }] },
      { fingerprints, role: 'boss' },
      { fingerprints: 'AA' },
    ]) {
      await assert.rejects(connect(bad), refused('protocol.invalid_payload'), JSON.stringify(bad));
    }
    await assert.rejects(connect({ fingerprints, role: 'server' }), refused('media.invalid_parameters'));
    await connect({ fingerprints, role: 'client' });
    await assert.rejects(connect({ fingerprints, role: 'client' }), refused('media.already_connected'));

    const good = opusParameters();
    const produceWith = (rtpParameters: unknown, source = 'microphone', transportId = sendId) =>
      host.send('media:produce', { transportId, source, rtpParameters });
    for (const bad of [
      null,
      {},
      { codecs: [] },
      { ...good, codecs: [{ mimeType: 'audio/opus' }] },
      { ...good, encodings: Array(9).fill({}) },
    ]) {
      await assert.rejects(produceWith(bad), refused('protocol.invalid_payload'), JSON.stringify(bad));
    }
    for (const bad of [
      { ...good, codecs: [{ ...good.codecs[0], mimeType: 'audio/telegraph' }] },
      { ...good, codecs: [{ ...good.codecs[0], clockRate: 1 }] },
      vp8Parameters(),
    ]) {
      await assert.rejects(produceWith(bad), refused('media.invalid_parameters'), JSON.stringify(bad));
    }
    await assert.rejects(produceWith(good, 'camera'), refused('media.invalid_parameters'), 'a camera is no sound');
    await assert.rejects(produceWith(good, 'microphone', recvId), refused('media.invalid_parameters'));
    await assert.rejects(produceWith(good, 'kazoo'), refused('protocol.invalid_payload'));
    await produce('microphone');
    await assert.rejects(produce('microphone'), refused('media.source_in_use'));

    const { producerId } = await produce('camera');
    const guest = await app.connect('guest', 'patient');
    await guest.join(roomId);
    await assert.rejects(guest.request('media:consume', { producerId, rtpCapabilities }), refused('media.transport_not_found'));
    const guestSide = await join(guest, roomId);
    for (const bad of [[], 'all', { codecs: 'all' }, { codecs: [{ kind: 'smell' }] }]) {
      await assert.rejects(guest.send('media:consume', { producerId, rtpCapabilities: bad }), refused('protocol.invalid_payload'));
    }
    for (const { consumerId } of guestSide.snapshot.consumers!) await guest.request('media:closeConsumer', { consumerId });
    const [codec] = guestSide.rtpCapabilities.codecs!;
    for (const bad of [{}, { codecs: [] }, { codecs: [{ ...codec!, mimeType: 'video' }] }]) {
      await assert.rejects(guest.send('media:consume', { producerId, rtpCapabilities: bad }), ({ code }: { code: string }) =>
        ['media.cannot_consume', 'media.invalid_parameters'].includes(code),
      );
    }
    const { consumerId } = await guest.request('media:consume', { producerId, rtpCapabilities: guestSide.rtpCapabilities });
    for (const priority of [0, 256, 1.5]) {
      await assert.rejects(guest.send('media:setPriority', { consumerId, priority }), refused('protocol.invalid_payload'));
    }
    for (const sctpStreamParameters of [{}, { streamId: -1 }, { streamId: 65_535 }]) {
      const payload = { transportId: sendId, sctpStreamParameters, label: 'x' };
      await assert.rejects(host.send('media:produceData', payload), refused('protocol.invalid_payload'));
    }
    const both = { streamId: 1, ordered: true, maxPacketLifeTime: 10, maxRetransmits: 1 };
    const payload = { transportId: sendId, sctpStreamParameters: both, label: 'x' };
    await assert.rejects(host.request('media:produceData', payload), refused('media.invalid_parameters'));
    await Promise.all([host.close(), guest.close()]);
  });

  await t.test('[MD9] each participant’s transports, producers and data channels are limited, and what is closed makes room', async () => {
    const { roomId } = await app.createRoom();
    const host = await app.connect('host');
    const { sendId } = await join(host, roomId);
    const created = await Promise.allSettled(Array.from({ length: 8 }, () => host.request('media:createTransport', { direction: 'send' })));
    const full = created.filter((result) => result.status === 'rejected');
    assert.equal(full.length, 6, 'two of the join and two more');
    assert.ok(full.every(({ reason }) => reason.code === 'media.limit_reached'));
    const produceData = (streamId: number) =>
      host.request('media:produceData', { transportId: sendId, sctpStreamParameters: { streamId }, label: 'x' });
    for (let streamId = 0; streamId < 8; streamId += 1) await produceData(streamId);
    await assert.rejects(produceData(9), refused('media.limit_reached'));
    await host.request('room:leave', {});
    const again = await join(host, roomId);
    const { producerId } = await again.produce('camera');
    await host.request('media:closeProducer', { producerId });
    await again.produce('camera');
    await host.close();
  });

  await t.test('[MD10] a token’s grants decide which sources one may send, and whether one receives', async () => {
    const { roomId } = await app.createRoom();
    const host = await app.connect('host');
    const hostSide = await join(host, roomId);
    const { producerId } = await hostSide.produce('camera');
    const { dataProducerId } = await host.request('media:produceData', {
      transportId: hostSide.sendId,
      sctpStreamParameters: { streamId: 1 },
      label: 'x',
    });

    const quiet = await app.connect('', 'patient', { token: tokenWith(app, 'quiet', roomId, { canPublish: ['microphone'] }) });
    const quietSide = await join(quiet, roomId);
    for (const source of ['camera', 'screen', 'screenAudio'] as const) {
      await assert.rejects(quietSide.produce(source), refused('auth.forbidden'), source);
      await assert.rejects(quietSide.produce(source, true), refused('auth.forbidden'), 'paused neither');
    }
    await quietSide.produce('microphone');
    assert.equal(quietSide.snapshot.consumers?.length, 1);

    const mute = await app.connect('', 'patient', { token: tokenWith(app, 'mute', roomId, { canPublish: [] }) });
    const { sendId } = await join(mute, roomId);
    const openChannel = { transportId: sendId, sctpStreamParameters: { streamId: 1 }, label: 'x' };
    await assert.rejects(mute.request('media:produceData', openChannel), refused('auth.forbidden'));

    const blind = await app.connect('', 'patient', { token: tokenWith(app, 'blind', roomId, { canSubscribe: false }) });
    const blindSide = await join(blind, roomId);
    assert.deepEqual(blindSide.snapshot.consumers, []);
    const { rtpCapabilities } = blindSide;
    await assert.rejects(blind.request('media:consume', { producerId, rtpCapabilities }), refused('auth.forbidden'));
    await assert.rejects(blind.request('media:consumeData', { dataProducerId }), refused('auth.forbidden'));
    await blindSide.produce('screen');
    await Promise.all([host, quiet, mute, blind].map((client) => client.close()));
  });

  await t.test('[MD10] a token lent with a join that allows less stops what it no longer allows', async () => {
    const { roomId } = await app.createRoom();
    const [host, guest] = [await app.connect('host'), await app.connect('guest', 'patient')];
    const hostSide = await join(host, roomId);
    await hostSide.produce('camera');
    const { produce } = await join(guest, roomId);
    await produce('camera');
    await produce('microphone');
    const token = tokenWith(app, 'guest', roomId, { canPublish: ['microphone'], canSubscribe: false });
    const { snapshot } = await join(guest, roomId, token);
    assert.deepEqual(snapshot.consumers, []);
    assert.deepEqual(
      snapshot.producers.filter(({ participantId }) => participantId === snapshot.me.participantId).map(({ source }) => source),
      ['microphone'],
    );
    await Promise.all([host.close(), guest.close()]);
  });
});
