/** `waiting`: somebody rings while one is in a call. */
export type Tone = 'incoming' | 'waiting' | 'ringback' | 'busy' | 'ended';

/** Some frequencies at once, for a while. */
interface Beep {
  readonly hertz: readonly number[];
  readonly atSeconds: number;
  readonly seconds: number;
}

interface Pattern {
  readonly beeps: readonly Beep[];
  /** How long once through it takes, silence included. */
  readonly seconds: number;
  readonly loops: boolean;
}

const beep = (atSeconds: number, seconds: number, ...hertz: number[]): Beep => ({ atSeconds, seconds, hertz });

/** Ringback and busy as European networks sound them (ITU-T E.180, 425 Hz); the others are our own. */
const patterns: Readonly<Record<Tone, Pattern>> = {
  incoming: {
    beeps: [0, 0.9].flatMap((at) => [beep(at, 0.18, 659, 988), beep(at + 0.2, 0.18, 784, 1175), beep(at + 0.4, 0.3, 988, 1319)]),
    seconds: 3.5,
    loops: true,
  },
  waiting: { beeps: [beep(0, 0.15, 523), beep(0.25, 0.15, 659)], seconds: 4, loops: true },
  ringback: { beeps: [beep(0, 1, 425)], seconds: 5, loops: true },
  busy: { beeps: [0, 1, 2].map((at) => beep(at, 0.5, 425)), seconds: 3, loops: false },
  ended: { beeps: [beep(0, 0.15, 587), beep(0.17, 0.25, 440)], seconds: 0.5, loops: false },
};

/** A beep comes and goes within this time, so that it does not click. */
const rampSeconds = 0.015;

/** Whether a tone begins anew until it is stopped. */
export function toneLoops(tone: Tone): boolean {
  return patterns[tone].loops;
}

/** One round of a tone as mono samples between −1 and 1. */
export function renderTone(tone: Tone, sampleRate: number): Float32Array<ArrayBuffer> {
  const { beeps, seconds } = patterns[tone];
  const samples = new Float32Array(Math.round(seconds * sampleRate));
  for (const { hertz, atSeconds, seconds: length } of beeps) {
    const first = Math.round(atSeconds * sampleRate);
    const count = Math.round(length * sampleRate);
    for (let index = 0; index < count; index++) {
      const time = index / sampleRate;
      const ramp = Math.min(1, time / rampSeconds, (length - time) / rampSeconds);
      const wave = hertz.reduce((sum, frequency) => sum + Math.sin(2 * Math.PI * frequency * time), 0) / hertz.length;
      samples[first + index] = wave * Math.max(0, ramp);
    }
  }
  return samples;
}
