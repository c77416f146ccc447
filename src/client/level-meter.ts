import { ParleyError } from './parley-error.ts';

/** Measures until it is closed. */
export interface LevelMeter {
  close(): void;
}

/** What is quieter than this shows as 0. */
const floorDb = -60;

/** A level from 0 to 1 of samples from −1 to 1: 0 at −60 dBFS and below, 1 at full scale, even steps of loudness between. */
export function levelOf(samples: Float32Array): number {
  if (samples.length === 0) return 0;
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const rms = Math.sqrt(sum / samples.length);
  if (rms === 0) return 0;
  return Math.min(Math.max(1 - (20 * Math.log10(rms)) / floorDb, 0), 1);
}

/**
 * Tells a microphone's level, 0 to 1, for a preview. The track is not stopped by closing.
 *
 * @throws {ParleyError} `client.unsupported`
 */
export function createLevelMeter(
  track: MediaStreamTrack,
  onLevel: (level: number) => void,
  options: { intervalMs?: number } = {},
): LevelMeter {
  if (typeof AudioContext !== 'function') throw new ParleyError('client.unsupported');
  const context = new AudioContext();
  const source = context.createMediaStreamSource(new MediaStream([track]));
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  source.connect(analyser);
  // Browsers start it suspended until the user has touched the page.
  void context.resume().catch(() => undefined);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    onLevel(levelOf(samples));
  }, options.intervalMs ?? 80);
  let closed = false;
  return {
    close() {
      if (closed) return;
      closed = true;
      clearInterval(timer);
      source.disconnect();
      void context.close().catch(() => undefined);
    },
  };
}
