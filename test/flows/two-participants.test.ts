import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestApp } from '../support/test-app.ts';

test('[RM1] two participants join a room, see each other and decode each other’s sound and picture', async () => {
  await using app = await startTestApp();
  const { roomId } = await app.createRoom({ name: 'Knee' });
  const host = await app.connect('host');
  const guest = await app.connect('guest', 'patient');

  const hostSide = await host.joinWithMedia(roomId);
  assert.equal(hostSide.snapshot.room.roomName, 'Knee');
  const guestSide = await guest.joinWithMedia(roomId);
  const joined = await host.notice('room:participantJoined');
  assert.equal(joined.participant.userId, 'guest');

  const camera = await hostSide.media.publishVideo('camera');
  const microphone = await hostSide.media.publishAudio('microphone');
  for (const { producerId } of [camera, microphone]) {
    await guest.notice('media:producerAdded', ({ producer }) => producer.producerId === producerId);
    const subscription = await guestSide.media.subscribe(producerId);
    await subscription.resume();
    await subscription.frames(5);
  }
});
