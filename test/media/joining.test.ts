import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assumedRouterCapabilities } from '../../src/client/assumed-router.ts';
import type { RtpCapabilities } from '../../src/protocol/media.ts';
import { opusParameters, vp8Parameters } from '../support/rtp-parameters.ts';
import { startTestApp } from '../support/test-app.ts';
import type { TestClient } from '../support/test-client.ts';
import { receiveCapabilities } from '../support/webrtc-client.ts';

/** What a browser would say it receives before it has heard from the server. */
const assumed = () => receiveCapabilities(structuredClone(assumedRouterCapabilities) as unknown as RtpCapabilities);

async function sendTransport(client: TestClient): Promise<string> {
  return (await client.request('media:createTransport', { direction: 'send' })).transportId;
}

test('[MD1] one round trip joins: the answer holds both transports and a paused consumer for everything that is there', async () => {
  await using app = await startTestApp();
  const { roomId } = await app.createRoom();
  const host = await app.connect('host');
  const { media: hostMedia } = await host.joinWithMedia(roomId);
  const camera = await hostMedia.publishVideo('camera');
  const microphone = await hostMedia.publishAudio('microphone');

  const guest = await app.connect('guest', 'patient');
  const snapshot = await guest.join(roomId, { rtpCapabilities: await assumed() });
  assert.deepEqual(new Set(snapshot.producers.map(({ producerId }) => producerId)), new Set([camera.producerId, microphone.producerId]));
  assert.equal(snapshot.consumers?.length, 2);
  const media = await guest.startMedia(snapshot);
  for (const consumer of snapshot.consumers!) {
    assert.equal(consumer.participantId, snapshot.participants.find(({ userId }) => userId === 'host')?.participantId);
    assert.equal(consumer.producerPaused, false);
    const subscription = await media.subscribe(consumer.producerId, consumer);
    await subscription.resume();
    await subscription.frames(3);
    const again = await guest.request('media:consume', { producerId: consumer.producerId, rtpCapabilities: media.rtpCapabilities });
    assert.equal(again.consumerId, consumer.consumerId, 'asking again answers the same consumer');
  }
  assert.equal(guest.pending('media:producerAdded'), 0, 'what was there is not announced');
});

test('[MD2] joining again answers the same transports and consumers, and whatever has come meanwhile', async () => {
  await using app = await startTestApp();
  const { roomId } = await app.createRoom();
  const [host, guest] = [await app.connect('host'), await app.connect('guest', 'patient')];
  await host.join(roomId);
  const transportId = await sendTransport(host);
  await host.request('media:produce', { transportId, source: 'microphone', rtpParameters: opusParameters() });
  const rtpCapabilities = await assumed();
  const first = await guest.join(roomId, { rtpCapabilities });
  const { producerId } = await host.request('media:produce', {
    transportId,
    source: 'camera',
    rtpParameters: vp8Parameters(),
    paused: true,
  });
  const second = await guest.join(roomId, { rtpCapabilities });
  assert.deepEqual(second.transports, first.transports);
  assert.equal(second.consumers?.length, 2);
  assert.deepEqual(second.consumers?.[0], first.consumers?.[0]);
  const added = second.consumers?.find((consumer) => consumer.producerId === producerId);
  assert.equal(added?.producerPaused, true);
  assert.equal((await guest.join(roomId)).consumers, undefined, 'not asked for, not told');
});

test('[MD3] every producer is either in the snapshot or announced after it, none twice and none missing, while 20 join and send at once', async () => {
  await using app = await startTestApp({ LIMIT_PARTICIPANTS: '0', LIMIT_REQUESTS_PER_SECOND: '0' });
  const { roomId } = await app.createRoom();
  const rtpCapabilities = await assumed();
  const clients = await Promise.all(Array.from({ length: 20 }, (_, index) => app.connect(`u${index}`)));
  const sides = await Promise.all(
    clients.map(async (client) => {
      const snapshot = await client.join(roomId, { rtpCapabilities });
      const transportId = snapshot.transports!.send.transportId;
      const [microphone, camera] = await Promise.all([
        client.request('media:produce', { transportId, source: 'microphone', rtpParameters: opusParameters() }),
        client.request('media:produce', { transportId, source: 'camera', rtpParameters: vp8Parameters() }),
      ]);
      return { client, snapshot, own: [microphone.producerId, camera.producerId] };
    }),
  );
  const all = sides.flatMap(({ own }) => own);
  for (const { client, snapshot, own } of sides) {
    const expected = all.filter((producerId) => !own.includes(producerId));
    const inSnapshot = snapshot.consumers!.map(({ producerId }) => producerId);
    assert.deepEqual(
      new Set(inSnapshot),
      new Set(snapshot.producers.map(({ producerId }) => producerId)),
      'a consumer for each that is there',
    );
    assert.equal(new Set(inSnapshot).size, inSnapshot.length);
    for (const producerId of expected) {
      if (inSnapshot.includes(producerId)) continue;
      await client.notice('media:producerAdded', ({ producer }) => producer.producerId === producerId);
    }
    assert.equal(client.pending('media:producerAdded'), 0, 'none is announced that the snapshot had, and none twice');
    const joins = sides.length - snapshot.participants.length;
    for (let count = 0; count < joins; count += 1) await client.notice('room:participantJoined');
    assert.equal(client.pending('room:participantJoined'), 0);
  }
});

test('[MD4] what a browser can’t receive is left out of the snapshot’s consumers; asking for it is media.cannot_consume', async () => {
  await using app = await startTestApp();
  const { roomId } = await app.createRoom();
  const [host, guest] = [await app.connect('host'), await app.connect('guest', 'patient')];
  await host.join(roomId);
  const transportId = await sendTransport(host);
  const { producerId } = await host.request('media:produce', { transportId, source: 'camera', rtpParameters: vp8Parameters() });
  await host.request('media:produce', { transportId, source: 'microphone', rtpParameters: opusParameters() });
  const whole = await assumed();
  const rtpCapabilities = { ...whole, codecs: whole.codecs!.filter(({ kind }) => kind === 'audio') };
  const { consumers } = await guest.join(roomId, { rtpCapabilities });
  assert.deepEqual(
    consumers?.map(({ source }) => source),
    ['microphone'],
  );
  await assert.rejects(guest.request('media:consume', { producerId, rtpCapabilities }), { code: 'media.cannot_consume' });
  for (const malformed of [{}, { codecs: [] }, { codecs: [{ ...whole.codecs![0]!, mimeType: 'nonsense' }] }]) {
    const other = await app.connect('other', 'patient');
    const outcome = await other.join(roomId, { rtpCapabilities: malformed }).then(
      (snapshot) => snapshot.consumers?.length,
      ({ code }: { code: string }) => code,
    );
    assert.ok(outcome === 0 || outcome === 'media.invalid_parameters' || outcome === 'protocol.invalid_payload', String(outcome));
    await other.close();
  }
});

test('[MD5] who stops sending while somebody joins is in the snapshot or taken back, and consumers of theirs are closed', async () => {
  await using app = await startTestApp({ LIMIT_REQUESTS_PER_SECOND: '0' });
  const { roomId } = await app.createRoom();
  const host = await app.connect('host');
  await host.join(roomId);
  const transportId = await sendTransport(host);
  const rtpCapabilities = await assumed();
  for (let round = 0; round < 15; round += 1) {
    const { producerId } = await host.request('media:produce', { transportId, source: 'camera', rtpParameters: vp8Parameters() });
    const guest = await app.connect('guest', 'patient');
    const [snapshot] = await Promise.all([guest.join(roomId, { rtpCapabilities }), host.request('media:closeProducer', { producerId })]);
    const consumer = snapshot.consumers!.find((one) => one.producerId === producerId);
    assert.equal(
      consumer !== undefined,
      snapshot.producers.some((producer) => producer.producerId === producerId),
    );
    if (consumer) {
      await guest.notice('media:producerRemoved', (removed) => removed.producerId === producerId);
      await guest.notice('media:consumerClosed', ({ consumerId }) => consumerId === consumer.consumerId);
    }
    await guest.close();
  }
});
