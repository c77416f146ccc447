import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startServerProcess } from '../support/server-process.ts';
import { TestClient } from '../support/test-client.ts';
import { startTestCluster } from '../support/test-cluster.ts';
import { waitFor } from '../support/wait-for.ts';
import { frames, Person, until } from './sdk-fixture.ts';

const env = { ACCESS_POLICY: 'open' };

test('[CE1] two people of two servers meet in one room, ring and chat', async () => {
  await using cluster = await startTestCluster({ env });
  using host = await Person.create(cluster.a, 'host');
  using guest = await Person.create(cluster.b, 'guest', 'patient');
  await Promise.all([host.client.connect(), guest.client.connect()]);
  const { calls } = guest.client;
  const rang = new Promise((resolve) => calls.on('incoming', resolve));
  const { callId } = await host.client.calls.start({ calleeIds: ['guest'], type: 'voice' });
  await rang;
  await calls.accept(callId);
  await waitFor('the answer', () => host.client.calls.view.current?.phase === 'connecting');
  await host.client.calls.join(callId, { microphone: false });
  await calls.join(callId, { microphone: false });
  await Promise.all([host.speak(), guest.speak()]);
  await frames((await guest.receives('microphone')).track, 3);
  await frames((await host.receives('microphone')).track, 3);
  await waitFor('both to be connected', () => [host, guest].every(({ client }) => client.calls.view.current?.phase === 'connected'));
  await guest.client.calls.hangUp(callId);
  await waitFor('the end', () => host.client.calls.find(callId)?.phase === 'ended');
  await waitFor('the rooms to be left', () => host.client.room === undefined && guest.client.room === undefined);
});

test('[CE4] [CE5] whoever is in the room of a server that is killed talks on through their own', async () => {
  await using cluster = await startTestCluster({ count: 1, env });
  const { a } = cluster;
  await using doomed = await startServerProcess(cluster.env);
  const { roomId } = await a.createRoom({ guestIds: ['guest'] });
  const first = await TestClient.connect(doomed.url, { token: a.tokenFor('host') });
  await first.join(roomId);
  using guest = await Person.create(a, 'guest', 'patient');
  const room = await guest.join(roomId);
  await guest.speak();
  assert.equal(a.app.rooms.all.length, 0, 'the room is on the other server');
  const recovered = new Promise((resolve) => room.on('mediaRecovered', resolve));
  await doomed.kill();
  await first.close();
  await recovered;
  assert.equal(a.app.rooms.all.length, 1);
  using host = await Person.create(a, 'host');
  await host.join(roomId);
  await frames((await host.receives('microphone')).track, 3);
  await until(room, () => room.view.participants.length === 2 || undefined);
});
