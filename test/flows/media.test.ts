import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import type { TestClient } from '../support/test-client.ts';
import { waitFor } from '../support/wait-for.ts';
import type { Publication, Subscription, WebRtcClient } from '../support/webrtc-client.ts';

interface Side {
  client: TestClient;
  media: WebRtcClient;
  participantId: string;
}

/** Somebody in a room with a real WebRTC client. */
async function enter(app: TestApp, roomId: string, userId: string): Promise<Side> {
  const client = await app.connect(userId);
  const { snapshot, media } = await client.joinWithMedia(roomId);
  return { client, media, participantId: snapshot.me.participantId };
}

/** Watches or hears what another sends, from the first frames on. */
async function receive({ client, media }: Pick<Side, 'client' | 'media'>, { producerId }: Publication): Promise<Subscription> {
  await client.notice('media:producerAdded', ({ producer }) => producer.producerId === producerId);
  const subscription = await media.subscribe(producerId);
  await subscription.resume();
  await subscription.frames(3);
  return subscription;
}

test('[MD11] a producer that is paused, resumed and closed is told to everybody in the room', async () => {
  await using app = await startTestApp();
  const { roomId } = await app.createRoom();
  const [host, guest] = [await enter(app, roomId, 'host'), await enter(app, roomId, 'guest')];
  const camera = await host.media.publishVideo('camera');
  const picture = await receive(guest, camera);
  const { producerId } = camera;
  const { consumerId } = picture;
  await host.client.request('media:pauseProducer', { producerId });
  for (const { client } of [host, guest]) assert.deepEqual(await client.notice('media:producerPaused'), { producerId });
  await guest.client.notice('media:consumerPaused', (notice) => notice.consumerId === consumerId);
  await host.client.request('media:pauseProducer', { producerId });
  await host.client.request('media:resumeProducer', { producerId });
  for (const { client } of [host, guest]) assert.deepEqual(await client.notice('media:producerResumed'), { producerId });
  await guest.client.notice('media:consumerResumed', (notice) => notice.consumerId === consumerId);
  await picture.frames(3);
  await guest.client.request('media:pauseConsumer', { consumerId });
  await guest.client.request('media:resumeConsumer', { consumerId });
  await picture.frames(3);
  await host.client.request('media:closeProducer', { producerId });
  await guest.client.notice('media:producerRemoved', (notice) => notice.producerId === producerId);
  await guest.client.notice('media:consumerClosed', (notice) => notice.consumerId === consumerId && notice.reason === 'producer_closed');
  await assert.rejects(guest.client.request('media:resumeConsumer', { consumerId }), { code: 'media.consumer_not_found' });
  assert.equal(guest.client.pending('media:producerPaused'), 0, 'what was paused already is not told again');
});

test('[MD12] a receiver chooses layers, priority and key frames, and alone hears of scores and layers', async () => {
  await using app = await startTestApp();
  const { roomId } = await app.createRoom();
  const [host, guest] = [await enter(app, roomId, 'host'), await enter(app, roomId, 'guest')];
  const camera = await host.media.publishVideo('camera', {
    width: 640,
    height: 360,
    encodings: [
      { scaleResolutionDownBy: 4, maxBitrate: 150_000 },
      { scaleResolutionDownBy: 2, maxBitrate: 400_000 },
      { scaleResolutionDownBy: 1, maxBitrate: 1_200_000 },
    ],
  });
  const picture = await receive(guest, camera);
  const { consumerId } = picture;
  const { score } = await guest.client.notice('media:consumerScore', (notice) => notice.consumerId === consumerId);
  assert.ok(score >= 0 && score <= 10);
  await guest.client.request('media:setPreferredLayers', { consumerId, spatialLayer: 0, temporalLayer: 0 });
  await guest.client.notice('media:consumerLayersChanged', ({ layers }) => layers?.spatialLayer === 0);
  await guest.client.request('media:setPriority', { consumerId, priority: 200 });
  await guest.client.request('media:requestKeyFrame', { consumerId });
  await picture.frames(3);
  assert.equal(host.client.pending('media:consumerScore'), 0);
});

test('[MD13] everybody hears who speaks, how loud, and when all are silent', async () => {
  await using app = await startTestApp();
  const { roomId } = await app.createRoom();
  const [host, guest] = [await enter(app, roomId, 'host'), await enter(app, roomId, 'guest')];
  const microphone = await host.media.publishAudio('microphone');
  for (const { client } of [host, guest]) {
    await client.notice('room:activeSpeaker', ({ participantId }) => participantId === host.participantId);
    const { levels } = await client.notice('room:audioLevels', (notice) => notice.levels.length > 0);
    assert.equal(levels[0]?.participantId, host.participantId);
    assert.ok(levels[0]!.volumeDbov > -60 && levels[0]!.volumeDbov <= 0);
  }
  microphone.setVolume(0);
  await guest.client.notice('room:audioLevels', ({ levels }) => levels.length === 0);
  await guest.client.notice('room:activeSpeaker', ({ participantId }) => participantId === null);
});

test('[MD14] data channels carry messages from one browser to another, and their coming and going is told', async () => {
  await using app = await startTestApp();
  const { roomId } = await app.createRoom();
  const [host, guest] = [await enter(app, roomId, 'host'), await enter(app, roomId, 'guest')];
  const { dataProducerId, dataProducer } = await host.media.publishData('pointer');
  const { dataProducer: told } = await guest.client.notice('media:dataProducerAdded');
  assert.deepEqual(told, { dataProducerId, participantId: host.participantId, label: 'pointer', protocol: '' });
  const incoming = await guest.media.subscribeData(dataProducerId);
  assert.equal(incoming.label, 'pointer');
  const { promise, resolve } = Promise.withResolvers<unknown>();
  incoming.once('message', resolve);
  dataProducer.send('x=1,y=2');
  assert.equal(await promise, 'x=1,y=2');
  const late = await app.connect('late', 'patient');
  assert.deepEqual((await late.join(roomId)).dataProducers, [told]);
  await host.client.request('room:leave', {});
  await guest.client.notice('media:dataProducerRemoved', (notice) => notice.dataProducerId === dataProducerId);
});

test('[MD15] media goes on after ICE was restarted in both directions', async () => {
  await using app = await startTestApp();
  const { roomId } = await app.createRoom();
  const [host, guest] = [await enter(app, roomId, 'host'), await enter(app, roomId, 'guest')];
  const camera = await host.media.publishVideo('camera');
  const picture = await receive(guest, camera);
  const parameters = await host.media.restartIce('send');
  assert.ok(parameters.usernameFragment.length > 0);
  await guest.media.restartIce('recv');
  await picture.frames(10);
});

test('[MD16] a lost socket is no leave: media flows on, and who comes back in time finds everything as it was', async () => {
  await using app = await startTestApp();
  const { roomId } = await app.createRoom();
  const [host, guest] = [await enter(app, roomId, 'host'), await enter(app, roomId, 'guest')];
  const camera = await host.media.publishVideo('camera');
  const picture = await receive(guest, camera);
  const before = await host.client.join(roomId);
  host.client.drop();
  await waitFor('the server to notice', () => app.app.sockets.findSession(host.client.sessionId)?.isConnected === false);
  await picture.frames(10);
  assert.equal(guest.client.pending('room:participantLeft'), 0);
  guest.client.drop();
  await picture.frames(10);

  const back = await app.connect('guest', 'provider', { resume: guest.client.resume });
  assert.deepEqual([back.ready.recovered, back.ready.sessionId], [true, guest.client.sessionId]);
  const snapshot = await back.join(roomId, { rtpCapabilities: guest.media.rtpCapabilities });
  assert.equal(snapshot.me.participantId, guest.participantId);
  assert.deepEqual(
    snapshot.consumers?.map(({ consumerId }) => consumerId),
    [picture.consumerId],
  );
  assert.equal(snapshot.participants.length, 2);
  const hostBack = await app.connect('host', 'provider', { resume: host.client.resume });
  const { me, producers } = await hostBack.join(roomId);
  assert.deepEqual([me, producers], [before.me, before.producers]);
  await hostBack.request('media:pauseProducer', { producerId: camera.producerId });
  await back.notice('media:producerPaused');
  await hostBack.request('media:resumeProducer', { producerId: camera.producerId });
  await back.request('media:requestKeyFrame', { consumerId: picture.consumerId });
  await picture.frames(3);
});

test('[MD17] who does not come back in time has left with connection_lost, and their media with them', async () => {
  await using app = await startTestApp({ LIMIT_RECONNECT_SECONDS: '0.3' });
  const { roomId } = await app.createRoom();
  const [host, guest] = [await enter(app, roomId, 'host'), await enter(app, roomId, 'guest')];
  const camera = await host.media.publishVideo('camera');
  await receive(guest, camera);
  host.client.drop();
  await guest.client.notice('media:producerRemoved', ({ producerId }) => producerId === camera.producerId);
  assert.deepEqual(await guest.client.notice('room:participantLeft'), {
    participantId: host.participantId,
    userId: 'host',
    reason: 'connection_lost',
  });
  const back = await app.connect('host', 'provider', { resume: host.client.resume });
  assert.equal(back.ready.recovered, false);
  assert.notEqual((await back.join(roomId)).me.participantId, host.participantId);
});

test('[MD18] a worker’s death: its rooms are told, everybody joins again and media flows; other rooms notice nothing', async () => {
  await using app = await startTestApp({ MEDIA_WORKERS: '2' });
  const { roomId } = await app.createRoom();
  const { roomId: otherRoomId } = await app.createRoom();
  const [host, guest] = [await enter(app, roomId, 'host'), await enter(app, roomId, 'guest')];
  const [otherHost, otherGuest] = [await enter(app, otherRoomId, 'other-host'), await enter(app, otherRoomId, 'other-guest')];
  await receive(guest, await host.media.publishVideo('camera'));
  const otherPicture = await receive(otherGuest, await otherHost.media.publishVideo('camera'));
  const [first, second] = app.app.workers.workers();
  assert.deepEqual([first?.rooms, second?.rooms], [1, 1], 'rooms spread over the workers');
  // The first room went to the first of two idle workers.
  process.kill(first!.pid!, 'SIGKILL');
  for (const { client } of [host, guest]) assert.deepEqual(await client.notice('room:mediaLost'), { reason: 'worker_died' });
  await assert.rejects(host.client.request('media:createTransport', { direction: 'send' }), { code: 'media.unavailable' });

  const hostAgain = await host.client.joinWithMedia(roomId);
  const guestAgain = await guest.client.joinWithMedia(roomId);
  assert.deepEqual(
    [hostAgain, guestAgain].map(({ snapshot }) => snapshot.me.participantId),
    [host.participantId, guest.participantId],
  );
  const camera = await hostAgain.media.publishVideo('camera');
  await receive({ client: guest.client, media: guestAgain.media }, camera);
  await otherPicture.frames(5);
  assert.deepEqual([otherHost.client.pending('room:mediaLost'), otherGuest.client.pending('room:mediaLost')], [0, 0]);
  assert.equal(host.client.pending('room:participantLeft'), 0);
});

test('[MD19] joining while the worker dies succeeds, or fails with media.unavailable and leaves nothing behind', async () => {
  await using app = await startTestApp();
  const { roomId } = await app.createRoom();
  const host = await app.connect('host');
  const { rtpCapabilities } = await host.join(roomId);
  const guests = await Promise.all(Array.from({ length: 6 }, (_, index) => app.connect(`g${index}`, 'patient')));
  const joins = guests.map((guest) => guest.join(roomId, { rtpCapabilities }));
  process.kill(app.app.workers.workers()[0]!.pid!, 'SIGKILL');
  const results = await Promise.allSettled(joins);
  for (const result of results) if (result.status === 'rejected') assert.equal(result.reason.code, 'media.unavailable');
  const inside = results.filter(({ status }) => status === 'fulfilled').length;
  await host.notice('room:mediaLost');
  const { participants } = await host.join(roomId, { rtpCapabilities });
  assert.equal(participants.length, 1 + inside);
  const open = await app.sql('select 1 from room_participants where room_id = $1 and left_at is null', [roomId]);
  assert.equal(open.length, 1 + inside);
});
