import type { Unsubscribe } from '../emitter.ts';
import type { CallView } from './call-events.ts';
import type { Calls } from './calls.ts';
import { renderTone, type Tone, toneLoops } from './tone-patterns.ts';

export type { Tone };

/** What a ring tone uses of an AudioContext. */
export type ToneContext = Pick<
  AudioContext,
  'close' | 'createBuffer' | 'createBufferSource' | 'createGain' | 'destination' | 'resume' | 'sampleRate' | 'state'
>;

/** Where ring tones sound and how. */
export interface RingToneOptions {
  /** Makes what sounds; by default the browser's AudioContext. Undefined: there is no sound here. */
  readonly createContext?: () => ToneContext | undefined;
  /** Where a user's first click or key is noticed, on which a browser lets sound begin; by default the window. */
  readonly gestures?: Pick<EventTarget, 'addEventListener' | 'removeEventListener'>;
  /** 0 to 1; 0.5 by default. */
  readonly volume?: number;
}

/** The sounds of calling, one at a time, made without audio files. */
export interface RingTones {
  /** What is to be heard now; undefined: nothing. */
  readonly playing: Tone | undefined;
  /** Whether the browser waits for the user's first click before it lets it sound. */
  readonly isBlocked: boolean;
  /** Begins a tone in place of the one that sounds; the same one goes on. `busy` and `ended` end by themselves. */
  play(tone: Tone): void;
  /** Silence, at once. */
  stop(): void;
}

/** Events that count as the user's consent to sound (HTML, "user activation"). */
const gestures = ['pointerup', 'keydown', 'touchend'] as const;

/** Makes ring tones; nothing sounds and nothing is held before the first `play`, nor after `stop`. */
export function createRingTones(options: RingToneOptions = {}): RingTones {
  const { createContext = createPageContext, volume = 0.5 } = options;
  const target = options.gestures ?? (typeof globalThis.addEventListener === 'function' ? globalThis : undefined);
  let playing: Tone | undefined;
  let context: ToneContext | undefined;

  const resume = (): void => {
    // Refused until there was a gesture; the next one tries again.
    context?.resume().then(onResumed, () => undefined);
  };
  const forget = (): void => {
    for (const gesture of gestures) target?.removeEventListener(gesture, resume, { capture: true });
  };
  const onResumed = (): void => {
    if (context?.state === 'running') forget();
  };
  const stop = (): void => {
    const ended = context;
    playing = undefined;
    context = undefined;
    forget();
    // Takes every source along; a context that is closed already says so, which is what we want.
    ended?.close().catch(() => undefined);
  };

  return {
    get playing() {
      return playing;
    },
    get isBlocked() {
      return playing !== undefined && context?.state === 'suspended';
    },
    play(tone) {
      if (playing === tone) return;
      stop();
      const mine = createContext();
      if (mine === undefined) return;
      playing = tone;
      context = mine;
      startTone(mine, tone, volume, () => {
        if (context === mine) stop();
      });
      if (mine.state === 'running') return;
      for (const gesture of gestures) target?.addEventListener(gesture, resume, { capture: true });
      resume();
    },
    stop,
  };
}

/**
 * Lets calls be heard: a ring for what comes in, a soft knock while one is in another call, the ringback while one's own call rings, busy and end.
 * Answers how to stop.
 */
export function followCalls(calls: Pick<Calls, 'view' | 'subscribe' | 'on'>, tones: RingTones): Unsubscribe {
  const look = (): void => {
    const { current, incoming } = calls.view;
    const isTalking = current !== undefined && current.phase !== 'calling' && current.phase !== 'ringing';
    if (incoming.length > 0) tones.play(current === undefined ? 'incoming' : 'waiting');
    else if (current?.phase === 'ringing') tones.play('ringback');
    else if (isTalking || !isOneShot(tones.playing)) tones.stop();
  };
  const offs = [
    calls.subscribe(look),
    calls.on('ended', ({ call }) => {
      look();
      const tone = endToneOf(call);
      if (tone !== undefined && calls.view.current === undefined && calls.view.incoming.length === 0) tones.play(tone);
    }),
  ];
  look();
  return () => {
    for (const off of offs) off();
    tones.stop();
  };
}

/** What the end of a call sounds like: nothing for one that was never taken here. */
function endToneOf({ isOutgoing, outcome, call }: CallView): Tone | undefined {
  if (outcome === 'answered_elsewhere' || outcome === 'caller_cancelled') return undefined;
  if (outcome === 'busy' || outcome === 'callee_declined') return isOutgoing ? 'busy' : undefined;
  return isOutgoing || call.acceptedAt !== null ? 'ended' : undefined;
}

function isOneShot(tone: Tone | undefined): boolean {
  return tone !== undefined && !toneLoops(tone);
}

function startTone(context: ToneContext, tone: Tone, volume: number, onEnded: () => void): void {
  const samples = renderTone(tone, context.sampleRate);
  const buffer = context.createBuffer(1, samples.length, context.sampleRate);
  buffer.copyToChannel(samples, 0);
  const source = context.createBufferSource();
  const gain = context.createGain();
  gain.gain.value = volume;
  source.buffer = buffer;
  source.loop = toneLoops(tone);
  source.onended = onEnded;
  source.connect(gain).connect(context.destination);
  source.start();
}

function createPageContext(): ToneContext | undefined {
  return typeof globalThis.AudioContext === 'function' ? new AudioContext() : undefined;
}
