import assert from 'node:assert/strict';
import { test } from 'node:test';
import { direct, person, unlimited } from '../chat/chat-fixture.ts';
import { startTestCluster, type TestCluster } from '../support/test-cluster.ts';

/** A doctor on the first server and a patient on the second, who see how the doctor stands. */
async function meet({ a, b }: TestCluster) {
  const [doctor, patient] = [person(a, 'doctor'), person(b, 'patient', 'patient')];
  await direct(doctor, patient);
  const [caller, callee] = [await doctor.connect(), await patient.connect()];
  await callee.request('presence:subscribe', { userIds: [doctor.userId] });
  return { doctor, patient, caller, callee };
}

test('[CL18] a call rings on another server, is answered there and goes on where its room is; presence says so everywhere', async () => {
  await using cluster = await startTestCluster({ env: unlimited });
  const { a } = cluster;
  const { doctor, patient, caller, callee } = await meet(cluster);
  const { callId, roomId } = await caller.request('call:initiate', { calleeIds: [patient.userId], type: 'video' });
  assert.ok(roomId);
  assert.equal((await callee.notice('call:incoming')).call.callId, callId);
  const { media: doctors } = await caller.joinWithMedia(roomId);
  await doctors.publishAudio('microphone');

  await callee.request('call:accept', { callId });
  await caller.notice('call:accepted');
  await callee.notice('presence:changed', ({ presences }) =>
    presences.some((presence) => presence.userId === doctor.userId && presence.status === 'in_call'),
  );
  await assert.rejects(callee.join(roomId), { code: 'room.elsewhere', details: { url: a.url } });
  const there = await a.connect(patient.userId, 'patient');
  const { media } = await there.joinWithMedia(roomId);
  await media.publishAudio('microphone');
  for (const client of [caller, callee, there]) assert.equal((await client.notice('call:connected')).call.callId, callId);

  await callee.request('call:end', { callId });
  for (const client of [caller, callee]) assert.equal((await client.notice('call:ended')).reason, 'user_hangup');
  await caller.notice('room:ended');
  await callee.notice('presence:changed', ({ presences }) =>
    presences.some((presence) => presence.userId === doctor.userId && presence.status === 'online'),
  );
});

test('[CL18] while Redis is away a call between people on one server rings, and is ended by either', async () => {
  await using cluster = await startTestCluster({ env: unlimited });
  const { a, redis } = cluster;
  const { patient, caller } = await meet(cluster);
  const near = await a.connect(patient.userId, 'patient');
  await redis.kill();
  const { callId } = await caller.request('call:initiate', { calleeIds: [patient.userId], type: 'voice' });
  assert.equal((await near.notice('call:incoming')).call.callId, callId);
  await near.request('call:accept', { callId });
  await caller.notice('call:accepted');
  await caller.request('call:end', { callId });
  await near.notice('call:ended');
});
