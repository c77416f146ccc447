import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type CallEvent, type CallOutcome, type CallPhase, type LocalCall, next, unknownCall } from '../../src/client/calls/call-table.ts';
import { type Call, type CallStatus, callStatus, type PartyState, partyState } from '../../src/protocol/call.ts';
import { callOf } from './call-fixture.ts';

const stateAfter = (userId: string, ...events: CallEvent[]): LocalCall => events.reduce(next, unknownCall(userId));
const rang: CallEvent = { type: 'rang', call: callOf('ringing') };
const told = (status: CallStatus, change: Partial<Call> = {}, states: Record<string, PartyState> = {}): CallEvent => ({
  type: 'told',
  call: callOf(status, change, states),
});
const started: CallEvent = { type: 'startAnswered', call: callOf('initiated') };
const accepted: CallEvent = { type: 'acceptAnswered', call: callOf('accepted') };

describe('[CK1] each call follows one table, as the device sees it', () => {
  const rows: [string, string, CallEvent[], CallPhase, CallOutcome?][] = [
    ['a call that one starts', 'caller', [started], 'calling'],
    ['it rings at the other side', 'caller', [started, told('ringing')], 'ringing'],
    ['they take it', 'caller', [started, told('ringing'), told('accepted')], 'connecting'],
    ['media flows', 'caller', [started, told('ringing'), told('accepted'), told('connected')], 'connected'],
    [
      'the other side hangs up',
      'caller',
      [started, told('connected'), told('ended', { endReason: 'user_hangup' })],
      'ended',
      'user_hangup',
    ],
    ['they decline', 'caller', [started, told('declined', { endReason: 'callee_declined' })], 'ended', 'callee_declined'],
    ['nobody answers', 'caller', [started, told('missed', { endReason: 'missed' })], 'ended', 'missed'],
    ['they are busy', 'caller', [{ type: 'startAnswered', call: callOf('busy', { endReason: 'busy' }) }], 'ended', 'busy'],
    [
      'no media comes',
      'caller',
      [started, told('accepted'), told('failed', { endReason: 'connection_failed' })],
      'ended',
      'connection_failed',
    ],
    ['one takes it back', 'caller', [started, { type: 'left', outcome: 'caller_cancelled' }], 'ended', 'caller_cancelled'],
    ['it rings here', 'callee', [rang], 'incoming'],
    ['one takes it', 'callee', [rang, { type: 'acceptSent' }], 'accepting'],
    ['it is ours', 'callee', [rang, { type: 'acceptSent' }, accepted], 'connecting'],
    ['the caller gives up', 'callee', [rang, told('cancelled', { endReason: 'caller_cancelled' })], 'ended', 'caller_cancelled'],
    ['one declines', 'callee', [rang, { type: 'left', outcome: 'callee_declined' }], 'ended', 'callee_declined'],
    ['another device declines', 'callee', [rang, told('ringing', {}, { callee: 'declined' })], 'ended', 'callee_declined'],
    ['the server forgets it', 'callee', [rang, { type: 'lost' }], 'ended', 'missed'],
    ['it is lost while one talks', 'caller', [started, told('connected'), { type: 'lost' }], 'ended', 'network_error'],
    [
      'one is rung into a running call',
      'late',
      [{ type: 'rang', call: callOf('connected', { calleeIds: ['callee', 'late'] }, { late: 'ringing' }) }],
      'incoming',
    ],
    [
      'somebody else declines a call of three',
      'caller',
      [started, told('ringing', { calleeIds: ['callee', 'b'] }, { b: 'declined' })],
      'ringing',
    ],
    ['one is in it with another device', 'caller', [told('connected')], 'elsewhere'],
    ['and goes on with it here', 'caller', [told('connected'), { type: 'takenHere' }], 'connected'],
  ];
  for (const [what, userId, events, phase, outcome] of rows) {
    test(what, () => {
      const state = stateAfter(userId, ...events);
      assert.equal(state.phase, phase);
      assert.equal(state.outcome, outcome);
    });
  }
});

describe('[CK2] two calls that cross become one', () => {
  test('ours is answered with theirs', () => {
    const theirs = callOf('accepted', { callerId: 'callee', calleeIds: ['caller'] });
    assert.equal(
      stateAfter('caller', { type: 'rang', call: { ...theirs, status: 'ringing' } }, { type: 'startAnswered', call: theirs }).phase,
      'connecting',
    );
  });

  test('the notice goes before the answer', () => {
    const state = stateAfter('caller', told('accepted'), started);
    assert.equal(state.phase, 'connecting');
    assert.equal(state.call?.status, 'accepted', 'what is older is not believed');
  });
});

describe('[CK3] one device has the call, the others stop ringing', () => {
  const elsewhere: CallEvent = { type: 'answeredElsewhere', call: callOf('accepted') };
  const rows: [string, CallEvent[], CallPhase, CallOutcome?][] = [
    ['another device took it', [rang, elsewhere], 'ended', 'answered_elsewhere'],
    ['so it is when the notice is lost', [rang, told('accepted')], 'ended', 'answered_elsewhere'],
    ['our own answer decides while it is on its way', [rang, { type: 'acceptSent' }, elsewhere], 'accepting'],
    ['ours was first', [rang, { type: 'acceptSent' }, elsewhere, accepted], 'connecting'],
    [
      'ours came second',
      [rang, { type: 'acceptSent' }, { type: 'acceptRefused', call: callOf('accepted') }],
      'ended',
      'answered_elsewhere',
    ],
    [
      'ours came after the end',
      [rang, { type: 'acceptSent' }, { type: 'acceptRefused', call: callOf('cancelled', { endReason: 'caller_cancelled' }) }],
      'ended',
      'caller_cancelled',
    ],
    ['ours could not be taken now', [rang, { type: 'acceptSent' }, { type: 'acceptRefused', call: callOf('ringing') }], 'incoming'],
    ['nor could the server be asked why', [rang, { type: 'acceptSent' }, { type: 'acceptRefused', call: undefined }], 'incoming'],
    [
      'somebody else who was rung took it',
      [rang, { type: 'answeredElsewhere', call: callOf('accepted', {}, { callee: 'elsewhere' }) }],
      'ended',
      'answered_elsewhere',
    ],
    ['it is ours already', [rang, { type: 'acceptSent' }, accepted, elsewhere], 'connecting'],
  ];
  for (const [what, events, phase, outcome] of rows) {
    test(what, () => {
      const state = stateAfter('callee', ...events);
      assert.equal(state.phase, phase);
      assert.equal(state.outcome, outcome);
    });
  }
});

const statuses = callStatus.options;
const partyStates = partyState.options;
const anyCall = fc
  .tuple(fc.constantFrom(...statuses), fc.constantFrom(...partyStates), fc.constantFrom(...partyStates))
  .map(([status, caller, callee]) => callOf(status, {}, { caller, callee }));
const anyEvent: fc.Arbitrary<CallEvent> = fc.oneof(
  anyCall.chain((call) =>
    fc.constantFrom<CallEvent[]>(
      { type: 'startAnswered', call },
      { type: 'rang', call },
      { type: 'told', call },
      { type: 'answeredElsewhere', call },
      { type: 'acceptAnswered', call },
      { type: 'acceptRefused', call },
    ),
  ),
  fc.constantFrom<CallEvent[]>(
    { type: 'acceptSent' },
    { type: 'acceptRefused', call: undefined },
    { type: 'takenHere' },
    { type: 'lost' },
    { type: 'left', outcome: 'user_hangup' },
  ),
);

test('[CK4] whatever comes in whatever order, a call ends once, and nothing rings after its end', () => {
  fc.assert(
    fc.property(fc.constantFrom('caller', 'callee'), fc.array(anyEvent, { maxLength: 30 }), (userId, events) => {
      let state = unknownCall(userId);
      for (const event of events) {
        const before = state;
        state = next(before, event);
        if (before.phase === 'ended') assert.equal(state, before, 'what has ended stays so');
        assert.equal(state.phase === 'ended', state.outcome !== undefined, 'an end has its reason, and nothing else has');
        const isEnd = 'call' in event && event.call?.endedAt;
        if (event.type !== 'acceptRefused' && isEnd) assert.equal(state.phase, 'ended');
        if (event.type === 'lost' || event.type === 'left') assert.equal(state.phase, 'ended');
      }
    }),
    { numRuns: 2000 },
  );
});

/** A server with one call, its callees' and its caller's devices, and wires between them that keep their order and nothing else. */
class Model {
  call: Call = callOf('ringing', { calleeIds: ['b', 'c'], callerId: 'a' });
  winner: string | undefined;
  readonly devices = new Map(
    ['a1', 'a2', 'b1', 'b2', 'c1'].map((id) => [id, { state: unknownCall(id[0] ?? ''), inbox: [] as CallEvent[], outbox: [] as string[] }]),
  );

  constructor() {
    this.device('a1').inbox.push({ type: 'startAnswered', call: this.call });
    for (const id of ['b1', 'b2', 'c1']) this.device(id).inbox.push({ type: 'rang', call: this.call });
  }

  device(id: string) {
    const device = this.devices.get(id);
    if (device === undefined) throw new Error(`no device ${id}`);
    return device;
  }

  /** One thing happens: a user does something, a device hears something, or the server does. */
  step(id: string, what: 'hear' | 'serve' | 'accept' | 'leave' | 'media' | 'timeout'): void {
    const device = this.device(id);
    const { phase } = device.state;
    if (what === 'hear') this.hear(id);
    else if (what === 'serve') this.serve(id);
    else if (what === 'accept' && phase === 'incoming') {
      device.state = next(device.state, { type: 'acceptSent' });
      device.outbox.push('accept');
    } else if (what === 'leave' && phase !== 'unknown' && phase !== 'ended' && phase !== 'elsewhere') {
      device.outbox.push(phase === 'incoming' ? 'decline' : 'end');
      device.state = next(device.state, { type: 'left', outcome: 'user_hangup' });
    } else if (what === 'media' && this.call.status === 'accepted') this.change({ status: 'connected' });
    else if (what === 'timeout' && this.call.status === 'ringing')
      this.change({ status: 'missed', endReason: 'missed', endedAt: '2026-01-01T12:01:00.000Z' });
  }

  hear(id: string): void {
    const device = this.device(id);
    const event = device.inbox.shift();
    if (event !== undefined) device.state = next(device.state, event);
  }

  serve(id: string): void {
    const [userId = ''] = id;
    const said = this.device(id).outbox.shift();
    if (said === undefined || this.call.endedAt !== null) {
      if (said === 'accept') this.device(id).inbox.push({ type: 'acceptRefused', call: this.call });
    } else if (said === 'accept' && this.call.status === 'ringing' && this.stateOf(userId) === 'ringing') {
      this.winner = id;
      const others = ['b', 'c'].filter((other) => other !== userId && this.stateOf(other) === 'ringing');
      this.setParties({ [userId]: 'joined', ...Object.fromEntries(others.map((other) => [other, 'elsewhere' as const])) });
      this.call = { ...this.call, status: 'accepted', answeredBy: userId };
      this.device(id).inbox.push({ type: 'acceptAnswered', call: this.call });
      for (const other of ['b1', 'b2', 'c1'])
        if (other !== id) this.device(other).inbox.push({ type: 'answeredElsewhere', call: this.call });
      for (const other of ['a1', 'a2']) this.device(other).inbox.push({ type: 'told', call: this.call });
    } else if (said === 'accept') this.device(id).inbox.push({ type: 'acceptRefused', call: this.call });
    else if (said === 'decline' && this.stateOf(userId) === 'ringing') {
      this.setParties({ [userId]: 'declined' });
      const rung = ['b', 'c'].some((one) => this.stateOf(one) === 'ringing');
      this.change(
        rung || this.winner !== undefined ? {} : { status: 'declined', endReason: 'callee_declined', endedAt: '2026-01-01T12:01:00.000Z' },
      );
    } else if (said === 'end' && this.stateOf(userId) === 'joined') {
      this.setParties({ [userId]: 'left' });
      this.change({ status: 'ended', endReason: 'user_hangup', endedAt: '2026-01-01T12:01:00.000Z' });
    }
  }

  stateOf(userId: string): PartyState | undefined {
    return this.call.parties.find((party) => party.userId === userId)?.state;
  }

  setParties(states: Record<string, PartyState>): void {
    this.call = { ...this.call, parties: this.call.parties.map((party) => ({ ...party, state: states[party.userId] ?? party.state })) };
  }

  change(change: Partial<Call>): void {
    this.call = { ...this.call, ...change };
    for (const { inbox } of this.devices.values()) inbox.push({ type: 'told', call: this.call });
  }

  drain(): void {
    const isBusy = () => [...this.devices.values()].some(({ inbox, outbox }) => inbox.length > 0 || outbox.length > 0);
    while (isBusy()) for (const id of this.devices.keys()) for (const what of ['serve', 'hear'] as const) this.step(id, what);
  }
}

test('[CK5] with five devices at once exactly one accept wins, and all agree in the end', () => {
  const ids = ['a1', 'a2', 'b1', 'b2', 'c1'];
  const step = fc.tuple(
    fc.constantFrom(...ids),
    fc.constantFrom('hear', 'hear', 'serve', 'serve', 'accept', 'accept', 'leave', 'media', 'timeout'),
  );
  fc.assert(
    fc.property(fc.array(step as fc.Arbitrary<[string, 'hear']>, { maxLength: 80 }), (steps) => {
      const model = new Model();
      for (const [id, what] of steps) model.step(id, what);
      model.drain();
      const phases = new Map([...model.devices].map(([id, { state }]) => [id, state.phase]));
      const talking = ['b1', 'b2', 'c1'].filter((id) => phases.get(id) === 'connecting' || phases.get(id) === 'connected');
      assert.ok(talking.length <= 1);
      if (model.call.endedAt !== null) {
        assert.deepEqual(
          new Set([...phases.values()].filter((phase) => phase !== 'unknown')),
          new Set(['ended']),
          JSON.stringify([...phases]),
        );
      } else if (model.winner !== undefined) {
        assert.deepEqual(talking, [model.winner]);
        assert.ok(![...phases.values()].some((phase) => phase === 'incoming' || phase === 'accepting' || phase === 'ringing'));
      } else assert.deepEqual(talking, []);
    }),
    { numRuns: 2000 },
  );
});
