import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ParleyError, type RecordingStanding } from '../../src/client/index.ts';
import { startTestApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';
import { Person } from './sdk-fixture.ts';

/** Resolves when somebody stands so to the recording of their room. */
function stands({ client }: Person, standing: RecordingStanding): Promise<void> {
  return waitFor(`to be ${standing}`, () => client.recordings.view.standing === standing);
}

test('[CQ1] [CQ2] [CQ3] a room’s recording from the question to the end, with one who comes later and one who withdraws', async () => {
  await using app = await startTestApp();
  const { roomId } = await app.createRoom();
  using host = await Person.create(app, 'host');
  using ann = await Person.create(app, 'ann', 'patient');
  using bob = await Person.create(app, 'bob', 'patient');
  const told: string[] = [];
  for (const event of ['started', 'resumed', 'stopped'] as const) ann.client.recordings.on(event, () => told.push(event));
  ann.client.recordings.on('paused', ({ reason }) => told.push(`paused ${reason}`));
  await Promise.all([host.join(roomId), ann.join(roomId)]);
  await host.client.recordings.request({ purpose: 'Training', kinds: ['audio', 'video'] });
  await stands(host, 'agreed');
  await waitFor('the question', () => ann.client.recordings.view.question !== undefined);
  assert.equal(ann.client.recordings.view.question?.purpose, 'Training');

  const body = { text: 'In other words.' };
  assert.equal((await app.rest('PUT', 'recordings/texts/en', { token: app.tokenFor('portal', 'service'), body })).status, 200);
  await assert.rejects(
    ann.client.recordings.consent(true),
    (error) => error instanceof ParleyError && error.code === 'recording.text_outdated',
  );
  assert.equal(ann.client.recordings.view.question?.text, 'In other words.');
  await ann.client.recordings.consent(true);
  await stands(ann, 'recorded');
  assert.equal(ann.client.recordings.view.question, undefined);

  await bob.join(roomId);
  await stands(bob, 'left_out');
  await waitFor('the late question', () => bob.client.recordings.view.question !== undefined);
  await bob.client.recordings.consent(false);
  await waitFor('no question any more', () => bob.client.recordings.view.question === undefined);
  assert.equal(bob.client.recordings.view.standing, 'left_out');

  await host.client.recordings.pause();
  await stands(ann, 'paused');
  await host.client.recordings.resume();
  await stands(ann, 'recorded');
  await ann.client.recordings.withdraw();
  await stands(ann, 'left_out');
  ann.cut();
  ann.mend();
  await host.client.recordings.stop();
  for (const person of [host, ann, bob]) await stands(person, 'none');
  assert.deepEqual(told.slice(0, 3), ['started', 'paused by_moderator', 'resumed']);
});
