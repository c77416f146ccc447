import type { types } from 'mediasoup-client';
import type { Source } from '../protocol/ids.ts';

/** How a source is encoded: a part of mediasoup-client's options to `produce()`. */
export type PublishSettings = Pick<types.ProducerOptions, 'encodings' | 'codecOptions'>;

const settings: Record<Source, PublishSettings> = {
  microphone: {
    encodings: [{ maxBitrate: 48_000 }],
    codecOptions: { opusStereo: false, opusFec: true, opusDtx: true, opusMaxAverageBitrate: 40_000 },
  },
  camera: {
    encodings: [
      { scaleResolutionDownBy: 4, maxBitrate: 150_000, scalabilityMode: 'L1T3' },
      { scaleResolutionDownBy: 2, maxBitrate: 500_000, scalabilityMode: 'L1T3' },
      { scaleResolutionDownBy: 1, maxBitrate: 1_700_000, scalabilityMode: 'L1T3' },
    ],
    codecOptions: { videoGoogleStartBitrate: 1000 },
  },
  // One layer: text that is scaled down cannot be read.
  screen: { encodings: [{ maxBitrate: 2_500_000, maxFramerate: 15 }], codecOptions: { videoGoogleStartBitrate: 1500 } },
  // Music and films as often as speech: stereo, and no gaps in silence.
  screenAudio: {
    encodings: [{ maxBitrate: 160_000 }],
    codecOptions: { opusStereo: true, opusFec: true, opusDtx: false, opusMaxAverageBitrate: 128_000 },
  },
};

/** The settings of a source; `simulcast: false` sends a camera in its full size alone. */
export function publishSettings(source: Source, simulcast = true): PublishSettings {
  const { encodings = [], codecOptions } = settings[source];
  const chosen = source === 'camera' && !simulcast ? encodings.slice(-1) : encodings;
  // Copies: mediasoup-client writes into them.
  return { encodings: chosen.map((encoding) => ({ ...encoding })), ...(codecOptions && { codecOptions: { ...codecOptions } }) };
}

/** What the browser should favour when it has to give something up (W3C mst-content-hint). */
export const contentHints: Record<Source, string> = { microphone: 'speech', camera: 'motion', screen: 'detail', screenAudio: 'music' };

/** Whether a source is heard or seen. */
export function kindOf(source: Source): 'audio' | 'video' {
  return source === 'microphone' || source === 'screenAudio' ? 'audio' : 'video';
}

/** The codec that cameras and screens are sent in: every browser decodes it, and it has simulcast everywhere. */
export function preferredCodec(kind: 'audio' | 'video', capabilities: types.RtpCapabilities): types.RtpCodecCapability | undefined {
  if (kind === 'audio') return undefined;
  return capabilities.codecs?.find(({ mimeType }) => mimeType.toLowerCase() === 'video/vp8');
}
