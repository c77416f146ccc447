import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assumedRouterCapabilities } from '../../src/client/assumed-router.ts';
import { ParleyError, type Room, type RoomEvents } from '../../src/client/index.ts';
import { startTestApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';
import { frames, Person, until } from './sdk-fixture.ts';

const hasCode = (code: string) => (error: unknown) => error instanceof ParleyError && error.code === code;

/** Resolves with the next event of a room. */
function next<E extends keyof RoomEvents>(room: Room, event: E): Promise<RoomEvents[E]> {
  return new Promise((resolve) => {
    const off = room.on(event, (payload) => {
      off();
      resolve(payload);
    });
  });
}

test('[SDK18] what the SDK assumes of a router is what this server has', async () => {
  await using app = await startTestApp({ ACCESS_POLICY: 'open' });
  const { roomId } = await app.createRoom();
  const client = await app.connect('host');
  const { rtpCapabilities } = await client.join(roomId);
  assert.deepEqual(rtpCapabilities, assumedRouterCapabilities);
  await client.close();
});

test('[SDK19] two people join in one round trip, publish, and see and hear each other', async () => {
  await using app = await startTestApp({ ACCESS_POLICY: 'open' });
  using host = await Person.create(app, 'host');
  using guest = await Person.create(app, 'guest', 'patient');
  const { roomId } = await app.createRoom({ guestIds: ['guest'] });

  await host.join(roomId);
  await host.showCamera();
  await host.speak();
  const room = await guest.join(roomId);
  const seen = Promise.all((['camera', 'microphone'] as const).map(async (source) => frames((await guest.receives(source)).track, 5)));
  await guest.showCamera();
  await guest.speak();
  await Promise.all([seen, ...(['camera', 'microphone'] as const).map(async (source) => frames((await host.receives(source)).track, 5))]);

  assert.deepEqual(
    room.view.participants.map(({ userId }) => userId),
    ['guest', 'host'],
  );
  assert.deepEqual(
    room.view.publications.map(({ source, muted }) => [source, muted]),
    [
      ['camera', false],
      ['microphone', false],
    ],
  );
});

test('[SDK20] muting is heard of, silences the device, and holds when a moderator says so', async () => {
  await using app = await startTestApp({ ACCESS_POLICY: 'open' });
  using host = await Person.create(app, 'host');
  using guest = await Person.create(app, 'guest', 'patient');
  const { roomId } = await app.createRoom({ guestIds: ['guest'] });
  const room = await host.join(roomId);
  const guestRoom = await guest.join(roomId);
  const track = await guest.speak();
  const heard = await host.receives('microphone');

  await guestRoom.mute('microphone');
  assert.equal(track.enabled, false);
  await until(room, () => heard.producerPaused || undefined);
  await guestRoom.unmute('microphone');
  assert.equal(track.enabled, true);
  await until(room, () => !heard.producerPaused || undefined);

  const { participantId } = heard;
  const muted = next(guestRoom, 'muted');
  await room.muteParticipant(participantId, 'microphone', { allowUnmute: false });
  await muted;
  assert.equal(track.enabled, false);
  assert.deepEqual(
    guestRoom.view.publications.map(({ muted, mayUnmute }) => [muted, mayUnmute]),
    [[true, false]],
  );
  await assert.rejects(guestRoom.unmute('microphone'), hasCode('media.muted'));
  assert.equal(track.enabled, false);

  const lifted = next(guestRoom, 'muted');
  await room.muteParticipant(participantId, 'microphone', { allowUnmute: true });
  await lifted;
  await guestRoom.unmute('microphone');
  await frames(heard.track, 5);
});

test('[SDK21] a lost socket is taken up again: the media goes on, and what waited is sent', async () => {
  await using app = await startTestApp({ ACCESS_POLICY: 'open', LIMIT_RECONNECT_SECONDS: '60' });
  using host = await Person.create(app, 'host');
  using guest = await Person.create(app, 'guest', 'patient');
  const { roomId } = await app.createRoom({ guestIds: ['guest'] });
  const room = await host.join(roomId);
  const guestRoom = await guest.join(roomId);
  await host.showCamera();
  await guest.speak();
  const [seen, heard] = [await guest.receives('camera'), await host.receives('microphone')];

  const lost = new Promise<void>((resolve) => {
    const off = guest.client.on('stateChanged', ({ status }) => {
      if (status !== 'reconnecting') return;
      off();
      resolve();
    });
  });
  guest.cut();
  await lost;
  const [hand, mute] = [guestRoom.raiseHand(true), guestRoom.mute('microphone')];
  await assert.rejects(guestRoom.lock(), hasCode('client.disconnected'));
  await frames(seen.track, 5);
  assert.equal(guest.client.state.status, 'reconnecting');
  guest.mend();

  await Promise.all([hand, mute]);
  await until(room, () => heard.producerPaused || undefined);
  await until(room, () => room.view.participants.find(({ userId, handRaised }) => userId === 'guest' && handRaised));
  assert.equal(guestRoom.view.status, 'joined');
  assert.equal(guestRoom.getSubscription(seen.producerId), seen, 'what was received is received as before');
});

test('[SDK22] media that is lost comes back by itself, with the same tracks', async () => {
  await using app = await startTestApp({ ACCESS_POLICY: 'open' });
  using host = await Person.create(app, 'host');
  using guest = await Person.create(app, 'guest', 'patient');
  const { roomId } = await app.createRoom({ guestIds: ['guest'] });
  const room = await host.join(roomId);
  const guestRoom = await guest.join(roomId);
  await host.showCamera();
  const track = await guest.speak();
  await Promise.all([frames((await guest.receives('camera')).track, 3), frames((await host.receives('microphone')).track, 3)]);

  const recovered = Promise.all([next(room, 'mediaRecovered'), next(guestRoom, 'mediaRecovered')]);
  const [worker] = app.app.workers.workers();
  process.kill(worker?.pid ?? 0, 'SIGKILL');
  await recovered;
  await Promise.all([frames((await guest.receives('camera')).track, 3), frames((await host.receives('microphone')).track, 3)]);
  assert.equal(guestRoom.view.publications[0]?.track, track);
  assert.equal(room.view.status, 'joined');
});

test('[SDK23] who waits in the lobby comes in by being admitted, and not by being denied', async () => {
  await using app = await startTestApp({ ACCESS_POLICY: 'open' });
  using host = await Person.create(app, 'host');
  using guest = await Person.create(app, 'guest', 'patient');
  using stranger = await Person.create(app, 'stranger', 'patient');
  const { roomId } = await app.createRoom({ guestIds: ['guest', 'stranger'], lobby: true });
  const room = await host.join(roomId);
  await host.showCamera();

  const guestRoom = await guest.join(roomId);
  assert.equal(guestRoom.view.status, 'waiting');
  const waiter = await until(room, () => room.view.waiting[0]);
  const joined = next(guestRoom, 'joined');
  await room.admit(waiter.participantId);
  assert.deepEqual(await joined, { recovered: false });
  await frames((await guest.receives('camera')).track, 3);

  const strangerRoom = await stranger.join(roomId);
  const other = await until(room, () => room.view.waiting.find(({ userId }) => userId === 'stranger'));
  const closed = next(strangerRoom, 'closed');
  await room.deny(other.participantId);
  assert.deepEqual(await closed, { reason: 'denied' });
  assert.deepEqual(room.view.waiting, []);
});

test('[SDK24] a refused join and every way out of a room leave nothing behind', async () => {
  await using app = await startTestApp({ ACCESS_POLICY: 'open' });
  using host = await Person.create(app, 'host');
  using guest = await Person.create(app, 'guest', 'patient');
  const { roomId } = await app.createRoom({ guestIds: ['guest'] });
  const room = await host.join(roomId);
  await room.lock();
  await assert.rejects(guest.join(roomId), hasCode('room.locked'));
  assert.equal(guest.client.room, undefined);
  await room.unlock();

  const guestRoom = await guest.join(roomId);
  const track = await guest.speak();
  const left = next(room, 'participantLeft');
  await guestRoom.leave();
  await guestRoom.leave();
  assert.equal((await left).reason, 'left');
  assert.equal(guestRoom.view.closeReason, 'left');
  assert.equal(track.readyState, 'ended');
  await assert.rejects(guestRoom.publishCamera(), hasCode('client.closed'));

  const again = await guest.join(roomId);
  const kicked = next(again, 'closed');
  await room.kick(again.view.me?.participantId ?? '');
  assert.deepEqual(await kicked, { reason: 'kicked' });

  const ended = next(room, 'closed');
  await room.end();
  assert.deepEqual(await ended, { reason: 'ended' });
  host.client.close();
  host.client.close();
  assert.deepEqual(host.client.state, { status: 'closed' });
  await assert.rejects(host.client.joinRoom(roomId), hasCode('client.closed'));
});

test('[SDK25] data channels carry text and bytes to everybody else', async () => {
  await using app = await startTestApp({ ACCESS_POLICY: 'open' });
  using host = await Person.create(app, 'host');
  using guest = await Person.create(app, 'guest', 'patient');
  const { roomId } = await app.createRoom({ guestIds: ['guest'] });
  const room = await host.join(roomId);
  const guestRoom = await guest.join(roomId);
  const heard: unknown[] = [];
  room.on('dataReceived', ({ label, data, participantId }) => heard.push([label, data, participantId]));
  // What is sent before the others listen to a new channel is not kept for them.
  await waitFor('the channel to be heard', async () => {
    await guestRoom.sendData('pointer', 'here');
    return heard.length > 0;
  });
  assert.deepEqual(heard[0], ['pointer', 'here', guestRoom.view.me?.participantId]);
  heard.length = 0;
  room.on('dataReceived', ({ data }) => {
    if (typeof data !== 'string') heard.push(data);
  });
  await guestRoom.sendData('pointer', Uint8Array.of(1, 2, 3));
  await waitFor('the bytes', () => heard.some((data) => data instanceof Uint8Array));
  assert.deepEqual(
    heard.filter((data) => data instanceof Uint8Array),
    [Uint8Array.of(1, 2, 3)],
  );
});

test('[SDK26] without automatic subscriptions only what is asked for is received', async () => {
  await using app = await startTestApp({ ACCESS_POLICY: 'open' });
  using host = await Person.create(app, 'host');
  using guest = await Person.create(app, 'guest', 'patient');
  const { roomId } = await app.createRoom({ guestIds: ['guest'] });
  await host.join(roomId);
  await host.showCamera();
  await host.speak();
  const room = await guest.join(roomId, { autoSubscribe: false });
  const camera = room.view.producers.find(({ source }) => source === 'camera');
  assert.ok(camera);
  assert.deepEqual(room.view.subscriptions, []);
  await frames((await room.subscribeTo(camera.producerId)).track, 3);
  assert.deepEqual(
    room.view.subscriptions.map(({ source }) => source),
    ['camera'],
  );
  await room.unsubscribeFrom(camera.producerId);
  assert.deepEqual(room.view.subscriptions, []);
  await assert.rejects(room.subscribeTo('unknown'), hasCode('media.producer_not_found'));
});
