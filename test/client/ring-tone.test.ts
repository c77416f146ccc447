import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ToneContext } from '../../src/client/calls/ring-tone.ts';
import { renderTone, toneLoops } from '../../src/client/calls/tone-patterns.ts';
import { Emitter } from '../../src/client/emitter.ts';
import { type CallsEvents, type CallsView, type CallView, createRingTones, followCalls, type Tone } from '../../src/client/index.ts';
import { callOf } from './call-fixture.ts';

const tones: Tone[] = ['incoming', 'waiting', 'ringback', 'busy', 'ended'];

/** A browser's sound, with what sounds. */
function speaker(startState: 'running' | 'suspended' = 'running') {
  const log: string[] = [];
  const page = new EventTarget();
  const held = { mayPlay: startState === 'running', onEnded: (): void => undefined, contexts: 0 };
  const createContext = () => {
    held.contexts++;
    const context = {
      state: startState as string,
      sampleRate: 8000,
      destination: {},
      createBuffer: () => ({ copyToChannel: () => undefined }),
      createGain: () => ({ gain: { value: 1 }, connect: (next: unknown) => next }),
      createBufferSource: () => {
        const source = {
          loop: false,
          onended: (): void => undefined,
          connect: (next: unknown) => next,
          start: () => {
            held.onEnded = () => source.onended();
            log.push(source.loop ? 'rings' : 'sounds');
          },
        };
        return source;
      },
      resume: async () => {
        if (!held.mayPlay) throw new DOMException('no gesture', 'NotAllowedError');
        context.state = 'running';
        log.push('resumed');
      },
      close: async () => {
        context.state = 'closed';
        held.contexts--;
        log.push('closed');
      },
    };
    return context as unknown as ToneContext;
  };
  return { log, page, held, ring: createRingTones({ createContext, gestures: page }) };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('[CK15] ring tones are made without files', () => {
  for (const tone of tones) {
    test(`${tone} sounds, is not too loud, and does not click`, () => {
      const samples = renderTone(tone, 8000);
      assert.ok(samples.some((sample) => Math.abs(sample) > 0.3));
      assert.ok(samples.every((sample) => Math.abs(sample) <= 1));
      assert.ok(Math.abs(samples[0] ?? 1) < 0.01 && Math.abs(samples.at(-1) ?? 1) < 0.05);
    });
  }

  test('what rings goes on until it is stopped, what tells of an end does not', () => {
    assert.deepEqual(tones.filter(toneLoops), ['incoming', 'waiting', 'ringback']);
  });
});

describe('[CK16] one tone at a time; it always stops', () => {
  test('another takes its place, the same goes on, and silence is at once', async () => {
    const { ring, log, held } = speaker();
    ring.play('incoming');
    ring.play('incoming');
    ring.play('ringback');
    assert.deepEqual(log, ['rings', 'closed', 'rings']);
    ring.stop();
    ring.stop();
    assert.equal(held.contexts, 0);
    assert.equal(ring.playing, undefined);
  });

  test('what ends by itself lets go', () => {
    const { ring, held } = speaker();
    ring.play('busy');
    held.onEnded();
    assert.equal(ring.playing, undefined);
    assert.equal(held.contexts, 0);
  });

  test('where the browser wants a gesture first, it sounds with the first one', async () => {
    const { ring, log, page, held } = speaker('suspended');
    ring.play('incoming');
    await turn();
    assert.equal(ring.isBlocked, true);
    page.dispatchEvent(new Event('keydown'));
    await turn();
    assert.deepEqual(log, ['rings']);
    held.mayPlay = true;
    page.dispatchEvent(new Event('pointerup'));
    await turn();
    assert.equal(ring.isBlocked, false);
    page.dispatchEvent(new Event('pointerup'));
    await turn();
    assert.deepEqual(log, ['rings', 'resumed']);
  });

  test('a gesture after the end wakes nothing', async () => {
    const { ring, log, page, held } = speaker('suspended');
    ring.play('incoming');
    ring.stop();
    held.mayPlay = true;
    page.dispatchEvent(new Event('pointerup'));
    await turn();
    assert.deepEqual(log, ['rings', 'closed']);
  });

  test('without sound nothing happens', () => {
    const ring = createRingTones({ createContext: () => undefined });
    ring.play('incoming');
    assert.equal(ring.playing, undefined);
  });
});

test('[CK17] calls are heard as they stand', () => {
  const { ring } = speaker();
  const events = new Emitter<CallsEvents>();
  let view: CallsView = { current: undefined, incoming: [], elsewhere: [], starting: undefined, room: undefined };
  const calls = {
    get view() {
      return view;
    },
    subscribe: (listener: () => void) => events.on('changed', () => listener()),
    on: events.on.bind(events),
  };
  const off = followCalls(calls, ring);
  const shown = (phase: CallView['phase'], change: Partial<CallView> = {}): CallView => ({
    callId: 'call',
    phase,
    isOutgoing: true,
    call: callOf('ringing'),
    outcome: undefined,
    videoRequestedBy: undefined,
    ...change,
  });
  const become = (change: Partial<CallsView>): Tone | undefined => {
    view = { ...view, ...change };
    events.emit('changed', view);
    return ring.playing;
  };
  const end = (change: Partial<CallView>): Tone | undefined => {
    become({ current: undefined, incoming: [] });
    events.emit('ended', { call: shown('ended', change) });
    return ring.playing;
  };

  assert.equal(become({ current: shown('calling') }), undefined);
  assert.equal(become({ current: shown('ringing') }), 'ringback');
  assert.equal(become({ current: shown('connecting') }), undefined);
  assert.equal(become({ incoming: [shown('incoming', { isOutgoing: false })] }), 'waiting');
  assert.equal(become({ incoming: [] }), undefined);
  assert.equal(end({ outcome: 'user_hangup' }), 'ended');
  assert.equal(become({}), 'ended', 'it may end by itself');
  assert.equal(become({ incoming: [shown('incoming', { isOutgoing: false })] }), 'incoming');
  assert.equal(end({ isOutgoing: false, outcome: 'answered_elsewhere' }), undefined);
  assert.equal(end({ outcome: 'busy' }), 'busy');
  assert.equal(end({ isOutgoing: false, outcome: 'callee_declined' }), 'busy', 'what sounds is not cut short by a silent end');
  become({ current: shown('ringing') });
  off();
  assert.equal(ring.playing, undefined);
});
