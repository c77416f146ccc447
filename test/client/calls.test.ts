import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { type CallsEvents, type CallView, type ParleyClient, ParleyError } from '../../src/client/index.ts';
import type { Call } from '../../src/protocol/call.ts';
import { AppError } from '../../src/protocol/errors.ts';
import { waitFor } from '../support/wait-for.ts';
import { callOf } from './call-fixture.ts';
import { never, StandIn } from './stand-in.ts';

const hasCode = (code: string) => (error: unknown) => error instanceof ParleyError && error.code === code;
const endedAt = '2026-01-01T12:01:00.000Z';
const cancelled = callOf('cancelled', { endReason: 'caller_cancelled', endedBy: 'caller' });

/** A server that knows some calls, and a connected user of it. */
async function meet(userId: string, calls: readonly Call[] = []) {
  const parts = new AsyncDisposableStack();
  const server = parts.use(await StandIn.start());
  knows(server, calls);
  const client = server.client(userId);
  parts.defer(() => client.close());
  const heard: [keyof CallsEvents, CallView][] = [];
  for (const event of ['incoming', 'updated', 'ended', 'missed'] as const) client.calls.on(event, ({ call }) => heard.push([event, call]));
  await client.connect();
  await caughtUp(server);
  const events = () => heard.map(([event, { phase, outcome }]) => (outcome === undefined ? `${event} ${phase}` : `${event} ${outcome}`));
  return { server, client, calls: client.calls, events, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

/** What REST answers from now on. */
function knows(server: StandIn, calls: readonly Call[]): void {
  server.answerRest('GET /calls', () => ({ calls, page: 1, limit: 10, total: calls.length }));
  for (const id of ['call', 'second']) {
    server.answerRest(`GET /calls/${id}`, () => {
      const call = calls.find(({ callId }) => callId === id);
      if (call === undefined) throw new AppError('call.not_found');
      return call;
    });
  }
}

async function caughtUp(server: StandIn, times = 1): Promise<void> {
  await waitFor('the calls to be read', () => server.called.filter((route) => route.startsWith('GET /calls?')).length >= times);
}

const phaseOf = (client: ParleyClient, callId = 'call') => client.calls.find(callId)?.phase;

test('[CK6] a call is started, rings, is taken and ends; an app hears of each step once', async () => {
  await using talk = await meet('caller');
  const { server, calls, events } = talk;
  server.answer('call:initiate', () => ({ callId: 'call', roomId: 'room', status: 'initiated', call: callOf('initiated') }));
  const starting = calls.start({ calleeIds: ['callee'], type: 'video', appointmentId: 'visit' });
  assert.deepEqual(calls.view.starting, { calleeIds: ['callee'], type: 'video' });
  assert.equal((await starting).phase, 'calling');
  assert.deepEqual(server.askedFor('call:initiate'), [{ calleeIds: ['callee'], type: 'video', appointmentId: 'visit' }]);
  assert.equal(calls.view.starting, undefined);
  assert.equal(calls.view.current?.isOutgoing, true);
  await assert.rejects(calls.start({ calleeIds: ['other'], type: 'voice' }), hasCode('call.busy'));

  server.tell('call:ringing', { call: callOf('ringing') });
  server.tell('call:accepted', { call: callOf('accepted') });
  server.tell('call:connected', { call: callOf('connected') });
  const over = callOf('ended', { endReason: 'user_hangup', endedBy: 'callee' });
  server.tell('call:ended', { call: over, reason: 'user_hangup', durationSeconds: 5 });
  server.tell('call:ended', { call: over, reason: 'user_hangup', durationSeconds: 5 });
  server.tell('call:connected', { call: callOf('connected') });
  await waitFor('the end', () => calls.find('call')?.phase === 'ended');
  assert.deepEqual(events(), ['updated calling', 'updated ringing', 'updated connecting', 'updated connected', 'ended user_hangup']);
  assert.equal(calls.view.current, undefined);
});

test('[CK6] whoever is busy is told at once', async () => {
  await using talk = await meet('caller');
  const { server, calls, events } = talk;
  server.answer('call:initiate', () => ({
    callId: 'call',
    roomId: null,
    status: 'busy',
    call: callOf('busy', { roomId: null, endReason: 'busy' }),
  }));
  const call = await calls.start({ calleeIds: ['callee'], type: 'voice' });
  assert.equal(call.outcome, 'busy');
  assert.deepEqual(events(), ['ended busy']);
  server.answer('call:initiate', () => {
    throw new AppError('auth.forbidden');
  });
  await assert.rejects(calls.start({ calleeIds: ['stranger'], type: 'voice' }), hasCode('auth.forbidden'));
  assert.equal(calls.view.starting, undefined);
});

test('[CK6] what is told of a call before its start is answered is told once', async () => {
  await using talk = await meet('caller');
  const { server, calls, events } = talk;
  server.answer('call:initiate', () => {
    server.tell('call:ringing', { call: callOf('ringing') });
    return { callId: 'call', roomId: 'room', status: 'ringing', call: callOf('ringing') };
  });
  const views: string[] = [];
  calls.subscribe(() => views.push(`${calls.view.elsewhere.length} ${calls.view.current?.phase}`));
  await calls.start({ calleeIds: ['callee', 'callee'], type: 'video' });
  assert.deepEqual(events(), ['updated ringing']);
  assert.ok(views.every((view) => view.startsWith('0')));
  await calls.cancel('call');

  const busy = callOf('busy', { callId: 'second', endReason: 'busy' });
  server.answer('call:initiate', () => {
    server.tell('call:busy', { call: busy });
    return { callId: 'second', roomId: null, status: 'busy', call: busy };
  });
  await calls.start({ calleeIds: ['callee'], type: 'video' });
  assert.deepEqual(events().slice(1), ['ended caller_cancelled', 'ended busy']);
});

test('[CK6] a start that is given up is cancelled', async () => {
  await using talk = await meet('caller');
  const { server, calls } = talk;
  const answer = Promise.withResolvers<void>();
  server.answer('call:initiate', async () => {
    await answer.promise;
    return { callId: 'call', roomId: 'room', status: 'ringing', call: callOf('ringing') };
  });
  server.answer('call:cancel', () => ({ call: cancelled }));
  const giveUp = new AbortController();
  const starting = calls.start({ calleeIds: ['callee'], type: 'video', signal: giveUp.signal });
  await server.heard('call:initiate');
  giveUp.abort();
  answer.resolve();
  await assert.rejects(starting, hasCode('client.aborted'));
  await server.heard('call:cancel');
  assert.equal(calls.view.current, undefined);
});

test('[CK7] it rings here once, however often it is told, and is taken', async () => {
  await using talk = await meet('callee');
  const { server, calls, events } = talk;
  server.answer('call:accept', () => ({ call: callOf('accepted') }));
  server.tell('call:incoming', { call: callOf('ringing') });
  server.tell('call:incoming', { call: callOf('ringing') });
  await waitFor('it to ring', () => calls.view.incoming.length === 1);
  assert.equal((await calls.accept('call')).phase, 'connecting');
  assert.equal(calls.view.incoming.length, 0);
  assert.equal(calls.view.current?.callId, 'call');
  assert.deepEqual(
    events().filter((event) => event.startsWith('incoming')),
    ['incoming incoming'],
  );
  await assert.rejects(calls.accept('call'), hasCode('call.invalid_state'));
});

test('[CK7] a call that another device was faster to take stops ringing', async () => {
  await using talk = await meet('callee', [callOf('accepted')]);
  const { server, calls, events } = talk;
  server.answer('call:accept', () => {
    throw new AppError('call.invalid_state');
  });
  server.tell('call:incoming', { call: callOf('ringing', { callId: 'second' }) });
  server.tell('call:answeredElsewhere', { call: callOf('accepted', { callId: 'second' }) });
  await waitFor('it to stop', () => calls.find('second')?.phase === 'ended');
  assert.deepEqual(events().slice(-2), ['incoming incoming', 'ended answered_elsewhere']);
});

test('[CK7] declining stops the ring at once, also without a connection, and the server hears it later', async () => {
  await using talk = await meet('callee', [callOf('ringing')]);
  const { server, client, calls, events } = talk;
  await waitFor('it to ring', () => calls.view.incoming.length === 1);
  server.drop();
  await waitFor('the loss', () => client.state.status === 'reconnecting');
  const declined = calls.decline('call', 'in a meeting');
  assert.deepEqual(events(), ['incoming incoming', 'ended callee_declined']);
  // It is told again to a device that connects while it rings: not to one that has said no.
  await waitFor('the connection', () => client.state.status === 'connected');
  server.tell('call:incoming', { call: callOf('ringing') });
  await declined;
  assert.deepEqual(server.askedFor('call:decline'), [{ callId: 'call', reason: 'in a meeting' }]);
  assert.equal(phaseOf(client), 'ended');
});

test('[CK7] whoever has left a call may be rung into it again', async () => {
  await using talk = await meet('callee');
  const { server, calls } = talk;
  server.tell('call:incoming', { call: callOf('ringing') });
  await waitFor('it to ring', () => calls.view.incoming.length === 1);
  await calls.decline('call');
  server.tell('call:incoming', { call: callOf('connected', {}, { callee: 'ringing' }) });
  await waitFor('it to ring again', () => calls.view.incoming.length === 1);
});

test('[CK8] a second call waits; it is taken by hanging up the first', async () => {
  await using talk = await meet('callee');
  const { server, calls, events } = talk;
  server.answer('call:accept', ({ callId }) => ({ call: callOf('accepted', { callId }) }));
  server.answer('call:end', ({ callId }) => ({ call: callOf('ended', { callId }) }));
  server.tell('call:incoming', { call: callOf('ringing') });
  await waitFor('it to ring', () => calls.view.incoming.length === 1);
  await calls.accept('call');
  server.tell('call:incoming', { call: callOf('ringing', { callId: 'second', callerId: 'other' }) });
  await waitFor('the second to ring', () => calls.view.incoming.length === 1);
  assert.equal(calls.view.current?.callId, 'call');
  await assert.rejects(calls.accept('second'), hasCode('call.busy'));
  await calls.accept('second', { andEnd: true });
  assert.equal(calls.view.current?.callId, 'second');
  const order = server.asked.map(({ name }) => name).filter((name) => name === 'call:end' || name === 'call:accept');
  assert.deepEqual(order, ['call:accept', 'call:end', 'call:accept']);
  assert.ok(events().includes('ended user_hangup'));
});

test('[CK9] while one calls somebody their own call does not ring, and becomes the same', async () => {
  await using talk = await meet('caller');
  const { server, calls, events } = talk;
  const theirs = { callerId: 'callee', calleeIds: ['caller'] };
  const answer = Promise.withResolvers<void>();
  server.answer('call:initiate', async () => {
    await answer.promise;
    return { callId: 'call', roomId: 'room', status: 'accepted', call: callOf('accepted', theirs) };
  });
  const starting = calls.start({ calleeIds: ['callee'], type: 'video' });
  await server.heard('call:initiate');
  server.tell('call:incoming', { call: callOf('ringing', theirs) });
  await waitFor('it to be heard', () => calls.find('call') !== undefined);
  assert.deepEqual(calls.view.incoming, []);
  assert.equal(calls.view.current, undefined);
  // What is read meanwhile may know already that one is in it: that is this device.
  knows(server, [callOf('accepted', theirs)]);
  server.tell('session:resync', {});
  await waitFor('it to be read', () => calls.find('call')?.call.status === 'accepted');
  answer.resolve();
  assert.equal((await starting).phase, 'connecting');
  assert.deepEqual(events(), ['updated connecting']);
});

test('[CK9] their call rings once ours has failed', async () => {
  await using talk = await meet('caller');
  const { server, calls, events } = talk;
  const answer = Promise.withResolvers<void>();
  server.answer('call:initiate', async () => {
    await answer.promise;
    throw new AppError('call.busy');
  });
  const starting = calls.start({ calleeIds: ['callee'], type: 'video' });
  await server.heard('call:initiate');
  server.tell('call:incoming', { call: callOf('ringing', { callerId: 'callee', calleeIds: ['caller'] }) });
  await waitFor('it to be heard', () => calls.find('call') !== undefined);
  answer.resolve();
  await assert.rejects(starting, hasCode('call.busy'));
  assert.deepEqual(events(), ['incoming incoming']);
  assert.equal(calls.view.incoming.length, 1);
});

test('[CK10] after a lost connection a call that has ended meanwhile ends here, with its reason', async () => {
  await using talk = await meet('callee', [callOf('ringing')]);
  const { server, client, calls, events } = talk;
  await waitFor('it to ring', () => calls.view.incoming.length === 1);
  knows(server, [cancelled]);
  server.drop({ forget: true });
  await caughtUp(server, 2);
  await waitFor('the end', () => phaseOf(client) === 'ended');
  assert.deepEqual(events(), ['incoming incoming', 'ended caller_cancelled', 'missed caller_cancelled']);
});

test('[CK10] so it is when the server asks for it, and for calls beyond the last ten', async () => {
  await using talk = await meet('callee', [callOf('ringing')]);
  const { server, client, calls } = talk;
  await waitFor('it to ring', () => calls.view.incoming.length === 1);
  server.answerRest('GET /calls', () => ({ calls: [], page: 1, limit: 10, total: 0 }));
  server.answerRest('GET /calls/call', () => cancelled);
  server.tell('session:resync', {});
  await waitFor('the end', () => phaseOf(client) === 'ended');
  assert.equal(calls.find('call')?.outcome, 'caller_cancelled');
});

test('[CK10] one that the server does not know any more is over', async () => {
  await using talk = await meet('callee', [callOf('ringing')]);
  const { server, client, calls } = talk;
  await waitFor('it to ring', () => calls.view.incoming.length === 1);
  knows(server, []);
  server.tell('session:resync', {});
  await waitFor('the end', () => phaseOf(client) === 'ended');
});

test('[CK10] an accept whose answer was lost is said again, and the call is ours', async () => {
  await using talk = await meet('callee', [callOf('ringing')]);
  const { server, calls } = talk;
  await waitFor('it to ring', () => calls.view.incoming.length === 1);
  let isFirst = true;
  server.answer('call:accept', () => {
    if (!isFirst) throw new AppError('call.invalid_state');
    isFirst = false;
    knows(server, [callOf('accepted')]);
    return never();
  });
  const accepting = calls.accept('call');
  await server.heard('call:accept');
  server.drop();
  assert.equal((await accepting).phase, 'connecting');
  assert.equal(server.askedFor('call:accept').length, 2);
});

test('[CK10] a call that was told to have failed and begun all the same is cancelled', async () => {
  await using talk = await meet('caller');
  const { server, calls, events } = talk;
  server.answer('call:initiate', () => {
    knows(server, [callOf('ringing')]);
    return never();
  });
  server.answer('call:cancel', () => ({ call: cancelled }));
  const starting = calls.start({ calleeIds: ['callee'], type: 'video' });
  await server.heard('call:initiate');
  server.drop();
  await assert.rejects(starting, hasCode('client.disconnected'));
  await server.heard('call:cancel');
  assert.deepEqual(events(), ['ended caller_cancelled']);
});

test('[CK10] such a call makes way for the next try, which is not taken for it', async () => {
  await using talk = await meet('caller');
  const { server, calls, events } = talk;
  server.answer('call:initiate', () => never());
  server.answer('call:cancel', () => ({ call: cancelled }));
  const starting = calls.start({ calleeIds: ['callee'], type: 'video' });
  await server.heard('call:initiate');
  server.drop();
  await assert.rejects(starting, hasCode('client.disconnected'));
  await caughtUp(server, 2);
  server.answer('call:initiate', () => {
    server.tell('call:ringing', { call: callOf('ringing') });
    throw new AppError('call.busy');
  });
  await assert.rejects(calls.start({ calleeIds: ['callee'], type: 'video' }), hasCode('call.busy'));
  await server.heard('call:cancel');
  server.answer('call:initiate', () => {
    server.tell('call:ringing', { call: callOf('ringing', { callId: 'second' }) });
    return { callId: 'second', roomId: 'room', status: 'ringing', call: callOf('ringing', { callId: 'second' }) };
  });
  await calls.start({ calleeIds: ['callee'], type: 'video' });
  assert.equal(calls.view.current?.phase, 'ringing');
  assert.deepEqual(events(), ['ended caller_cancelled', 'updated ringing']);
});

test('[CK10] calls of a page that was loaded anew are there: what rings, and what one is in', async () => {
  const running = callOf('connected', { callId: 'second' });
  await using talk = await meet('callee', [callOf('ringing'), running, callOf('missed', { callId: 'old', endedAt })]);
  const { calls, events } = talk;
  await waitFor('both to be there', () => calls.view.incoming.length === 1 && calls.view.elsewhere.length === 1);
  assert.equal(calls.find('old'), undefined);
  assert.deepEqual(events(), ['incoming incoming', 'updated elsewhere']);
});

test('[CK11] a wish for video is asked, answered and shown', async () => {
  await using talk = await meet('caller', [callOf('connected', { type: 'voice' })]);
  const { server, calls } = talk;
  await waitFor('it to be there', () => calls.view.elsewhere.length === 1);
  const wish = new Promise((resolve) => calls.on('videoRequested', resolve));
  server.tell('call:videoRequested', { call: callOf('connected', { type: 'voice' }), userId: 'callee' });
  await wish;
  assert.equal(calls.find('call')?.videoRequestedBy, 'callee');
  server.answer('call:answerVideo', () => ({ call: callOf('connected') }));
  await calls.answerVideo('call', true);
  assert.equal(calls.find('call')?.videoRequestedBy, undefined);
  assert.equal(calls.find('call')?.call.type, 'video');

  knows(server, [callOf('connected', { callId: 'second', type: 'voice' })]);
  server.tell('session:resync', {});
  await waitFor('the other call', () => calls.find('second') !== undefined);
  server.answer('call:requestVideo', () => ({ call: callOf('connected', { callId: 'second', type: 'voice' }) }));
  await calls.requestVideo('second');
  assert.equal(calls.find('second')?.videoRequestedBy, 'caller');
  const answered = new Promise<CallsEvents['videoAnswered']>((resolve) => calls.on('videoAnswered', resolve));
  server.tell('call:videoAnswered', { call: callOf('connected', { callId: 'second', type: 'voice' }), userId: 'callee', accepted: false });
  assert.equal((await answered).accepted, false);
  assert.equal(calls.find('second')?.videoRequestedBy, undefined);
});

test('[CK11] signals and invitations go out and come in', async () => {
  await using talk = await meet('caller', [callOf('connected')]);
  const { server, calls } = talk;
  server.answer('call:invite', () => ({ call: callOf('connected', { calleeIds: ['callee', 'late'] }, { late: 'ringing' }) }));
  await waitFor('it to be there', () => calls.view.elsewhere.length === 1);
  await calls.invite('call', 'late');
  assert.deepEqual(calls.find('call')?.call.calleeIds, ['callee', 'late']);
  await calls.signal('call', 'callee', 'ice', { candidate: '' });
  assert.deepEqual(server.askedFor('call:signal'), [
    { callId: 'call', recipientId: 'callee', signalType: 'ice', signal: { candidate: '' } },
  ]);
  const signal = new Promise<CallsEvents['signal']>((resolve) => calls.on('signal', resolve));
  server.tell('call:signal', { callId: 'call', senderId: 'callee', recipientId: 'caller', signalType: 'offer', signal: 'sdp' });
  assert.equal((await signal).senderId, 'callee');
});

test('[CK12] history, its CSV and the counts are read over REST', async () => {
  await using talk = await meet('caller', [callOf('missed', { endedAt })]);
  const { server, calls } = talk;
  const page = await calls.history({ page: 2, limit: 5, type: 'voice', from: '2026-01-01T00:00:00+01:00' });
  assert.equal(page.calls[0]?.status, 'missed');
  assert.equal(server.called.at(-1), 'GET /calls?page=2&limit=5&type=voice&from=2026-01-01T00%3A00%3A00%2B01%3A00');
  await calls.historyCsv({ status: 'missed' });
  assert.equal(server.called.at(-1), 'GET /calls?status=missed&format=csv');
  server.answerRest('GET /calls/stats', () => ({ total: 7 }));
  assert.equal((await calls.stats('7d')).total, 7);
  assert.equal(server.called.at(-1), 'GET /calls/stats?period=7d');
  await assert.rejects(calls.get('second'), hasCode('call.not_found'));
});

test('[CK7] a call that has not rung here yet is read and taken', async () => {
  await using talk = await meet('callee');
  const { server, calls } = talk;
  server.answerRest('GET /calls/call', () => callOf('ringing'));
  server.answer('call:accept', () => ({ call: callOf('accepted') }));
  assert.equal((await calls.accept('call')).phase, 'connecting');
  await assert.rejects(calls.accept('second'), hasCode('call.not_found'));
});

test('[CK18] a call of which nothing is heard for 75 s is asked for, and is over when nobody can say', async (t) => {
  await using talk = await meet('callee');
  const { server, calls } = talk;
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  /** As waitFor does, whose clock stands still here. */
  const until = async (condition: () => boolean) => {
    while (!condition()) await new Promise((resolve) => setImmediate(resolve));
  };
  const isAsked = (times: number) => () => server.called.filter((route) => route === 'GET /calls/call').length === times;
  server.answerRest('GET /calls/call', () => callOf('ringing'));
  server.tell('call:incoming', { call: callOf('ringing') });
  await until(() => calls.view.incoming.length === 1);
  mock.timers.tick(74_999);
  assert.ok(isAsked(0)());
  mock.timers.tick(1);
  await until(isAsked(1));
  // Until the answer has come, which begins the time anew.
  await until(() => {
    mock.timers.tick(75_000);
    return isAsked(2)();
  });
  assert.equal(calls.view.incoming.length, 1);
  server.answerRest('GET /calls/call', () => {
    throw new AppError('server.unavailable');
  });
  await until(() => {
    mock.timers.tick(75_000);
    return calls.find('call')?.phase === 'ended';
  });
  assert.equal(calls.find('call')?.outcome, 'missed');
});

test('[CK13] after the end everything is refused, and nothing runs on', async () => {
  await using talk = await meet('callee', [callOf('ringing')]);
  const { client, calls } = talk;
  await waitFor('it to ring', () => calls.view.incoming.length === 1);
  client.close();
  await assert.rejects(calls.accept('call'), hasCode('client.closed'));
  await assert.rejects(calls.decline('call'), hasCode('client.closed'));
  await assert.rejects(calls.start({ calleeIds: ['x'], type: 'voice' }), hasCode('client.closed'));
  await assert.rejects(calls.join('call'), hasCode('client.closed'));
  assert.equal(calls.view.incoming.length, 1, 'it can still be looked at');
});
