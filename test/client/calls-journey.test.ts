import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Calls, CallsEvents } from '../../src/client/index.ts';
import { ParleyError } from '../../src/client/index.ts';
import { startTestApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';
import { frames, Person } from './sdk-fixture.ts';

const settings = { ACCESS_POLICY: 'open', LIMIT_REFUSED_CONNECTIONS_PER_MINUTE: '0' };

/** Resolves with the next event of calls. */
function nextOf<E extends keyof CallsEvents>(calls: Calls, event: E): Promise<CallsEvents[E]> {
  return new Promise((resolve) => {
    const off = calls.on(event, (payload) => {
      off();
      resolve(payload);
    });
  });
}

test('[CK6] [CK12] [CK14] two people ring, accept, talk, hang up and find it in their history', async () => {
  await using app = await startTestApp(settings);
  using host = await Person.create(app, 'host');
  using guest = await Person.create(app, 'guest', 'patient');
  const [theirs, ours] = [guest.client.calls, host.client.calls];
  await Promise.all([host.client.connect(), guest.client.connect()]);
  const rang = nextOf(theirs, 'incoming');
  const started = await ours.start({ calleeIds: ['guest'], type: 'voice' });
  assert.equal(started.phase, 'ringing');
  const { callId } = (await rang).call;
  assert.equal(callId, started.callId);
  await theirs.accept(callId);
  await waitFor('the caller to hear of it', () => ours.view.current?.phase === 'connecting');
  await Promise.all([ours.join(callId, { microphone: false }), theirs.join(callId, { microphone: false })]);
  await Promise.all([host.speak(), guest.speak()]);
  await frames((await guest.receives('microphone')).track, 3);
  await waitFor('both to be connected', () => [ours, theirs].every(({ view }) => view.current?.phase === 'connected'));

  const over = nextOf(ours, 'ended');
  await theirs.hangUp(callId);
  assert.equal((await over).call.outcome, 'user_hangup');
  await waitFor('both rooms to be left', () => host.client.room === undefined && guest.client.room === undefined);
  const { calls, total } = await theirs.history({ type: 'voice' });
  assert.equal(total, 1);
  assert.equal(calls[0]?.endedBy, 'guest');
  assert.equal((await theirs.get(callId)).status, 'ended');
  assert.equal((await theirs.stats()).completed, 1);
  assert.match(await (await theirs.historyCsv()).text(), new RegExp(callId));
});

test('[CK5] of two devices that accept in the same moment one has the call', async () => {
  await using app = await startTestApp(settings);
  using host = await Person.create(app, 'host');
  using phone = await Person.create(app, 'guest', 'patient');
  using laptop = await Person.create(app, 'guest', 'patient');
  const devices = [phone.client.calls, laptop.client.calls];
  await Promise.all([host, phone, laptop].map(({ client }) => client.connect()));
  const ring = Promise.all(devices.map((calls) => nextOf(calls, 'incoming')));
  const { callId } = await host.client.calls.start({ calleeIds: ['guest'], type: 'video' });
  await ring;
  const answers = await Promise.allSettled(devices.map((calls) => calls.accept(callId)));
  assert.deepEqual(answers.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  await waitFor('the other to stop', () => devices.filter((calls) => calls.find(callId)?.outcome === 'answered_elsewhere').length === 1);
  assert.equal(devices.filter((calls) => calls.view.current?.phase === 'connecting').length, 1);
  await host.client.calls.hangUp(callId);
  await waitFor('the end', () => devices.every((calls) => calls.find(callId)?.phase === 'ended'));
});

test('[CK9] two who call each other at once are in one call', async () => {
  await using app = await startTestApp(settings);
  using host = await Person.create(app, 'host');
  using guest = await Person.create(app, 'guest', 'patient');
  await Promise.all([host.client.connect(), guest.client.connect()]);
  const [ours, theirs] = [host.client.calls, guest.client.calls];
  const [a, b] = await Promise.all([
    ours.start({ calleeIds: ['guest'], type: 'video' }),
    theirs.start({ calleeIds: ['host'], type: 'video' }),
  ]);
  assert.equal(a.callId, b.callId);
  await waitFor('both to be in it', () => [ours, theirs].every(({ view }) => view.current?.phase === 'connecting'));
  assert.equal(ours.view.incoming.length + theirs.view.incoming.length, 0);
  await ours.hangUp(a.callId);
  await waitFor('the end', () => theirs.find(a.callId)?.phase === 'ended');
});

test('[CK10] whoever is away while the caller gives up hears of it on coming back, as one who was called in vain', async () => {
  await using app = await startTestApp(settings);
  using host = await Person.create(app, 'host');
  using guest = await Person.create(app, 'guest', 'patient');
  await Promise.all([host.client.connect(), guest.client.connect()]);
  const { calls } = guest.client;
  const rang = nextOf(calls, 'incoming');
  const { callId } = await host.client.calls.start({ calleeIds: ['guest'], type: 'video' });
  await rang;
  guest.cut();
  await waitFor('the loss', () => guest.client.state.status === 'reconnecting');
  await host.client.calls.cancel(callId);
  const missed = nextOf(calls, 'missed');
  guest.mend();
  assert.equal((await missed).call.outcome, 'caller_cancelled');
});

test('[CK7] who declines stops all of their own devices, and the caller is told', async () => {
  await using app = await startTestApp(settings);
  using host = await Person.create(app, 'host');
  using phone = await Person.create(app, 'guest', 'patient');
  using laptop = await Person.create(app, 'guest', 'patient');
  const devices = [phone.client.calls, laptop.client.calls];
  await Promise.all([host, phone, laptop].map(({ client }) => client.connect()));
  const ring = Promise.all(devices.map((calls) => nextOf(calls, 'incoming')));
  const over = nextOf(host.client.calls, 'ended');
  const { callId } = await host.client.calls.start({ calleeIds: ['guest'], type: 'video' });
  await ring;
  await phone.client.calls.decline(callId);
  assert.equal((await over).call.outcome, 'callee_declined');
  await waitFor('the other device', () => laptop.client.calls.find(callId)?.outcome === 'callee_declined');
  await assert.rejects(
    laptop.client.calls.accept(callId),
    (error: unknown) => error instanceof ParleyError && error.code === 'call.invalid_state',
  );
});
