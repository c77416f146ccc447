import type { types } from 'mediasoup';
import type { MediaKind, Source } from '../protocol/ids.ts';

/**
 * What a router accepts, in the order in which browsers choose.
 *
 * Opus: in-band FEC and DTX are asked of everybody here (RFC 7587), since the router's parameters end up in the answer that the browser's encoder
 * reads. Stereo is not among them: it is a property of one producer, see {@link producerSettings}.
 */
export const mediaCodecs: types.RouterRtpCodecCapability[] = [
  { kind: 'audio', mimeType: 'audio/opus', clockRate: 48_000, channels: 2, parameters: { useinbandfec: 1, usedtx: 1 } },
  { kind: 'video', mimeType: 'video/VP8', clockRate: 90_000 },
  { kind: 'video', mimeType: 'video/VP9', clockRate: 90_000, parameters: { 'profile-id': 0 } },
  {
    kind: 'video',
    mimeType: 'video/H264',
    clockRate: 90_000,
    parameters: { 'packetization-mode': 1, 'profile-level-id': '42e01f', 'level-asymmetry-allowed': 1 },
  },
  { kind: 'video', mimeType: 'video/AV1', clockRate: 90_000 },
];

/** How many of each a peer may have. */
export interface PeerLimits {
  maxTransports: number;
  maxProducers: number;
  maxConsumers: number;
  maxDataProducers: number;
  maxDataConsumers: number;
}

/** Transports: two in use and two that are about to replace them. Producers: one a source. */
export const defaultPeerLimits: PeerLimits = {
  maxTransports: 4,
  maxProducers: 4,
  maxConsumers: 256,
  maxDataProducers: 8,
  maxDataConsumers: 256,
};

/**
 * Time between two requests for a key frame. A sender drops a request that comes within 300 ms of the last; without a longer pause of our own
 * mediasoup would ask again after a full second, and whoever joins just then would wait that long for a picture.
 */
export const keyFrameRequestDelayMs = 400;
/** What the estimate of a receiver's bandwidth starts from. */
export const initialOutgoingBitrateBps = 1_000_000;
/** What a send transport may bring in: a camera in three layers, a screen and two audios, with room to spare. */
export const maxIncomingBitrateBps = 8_000_000;
/** What a recv transport may send out. */
export const maxOutgoingBitrateBps = 20_000_000;
/** The largest data channel message, both ways. */
export const maxDataMessageBytes = 65_536;

/** How a browser should send one source: the options of mediasoup-client's `produce()`. */
export interface ProducerSettings {
  encodings: {
    maxBitrate: number;
    maxFramerate?: number;
    scaleResolutionDownBy?: number;
    scalabilityMode?: string;
  }[];
  codecOptions: {
    opusStereo?: boolean;
    opusFec?: boolean;
    opusDtx?: boolean;
    opusMaxAverageBitrate?: number;
    videoGoogleStartBitrate?: number;
  };
}

/**
 * Plain data, sent to browsers.
 *
 * - camera: three simulcast layers, lowest first, each with three temporal layers
 * - screen: one layer at full resolution, few frames and many bits, so that text stays sharp
 * - screenAudio: stereo without DTX, since it is music and films as often as speech
 */
export const producerSettings: Record<Source, ProducerSettings> = {
  microphone: {
    encodings: [{ maxBitrate: 48_000 }],
    codecOptions: { opusStereo: false, opusFec: true, opusDtx: true, opusMaxAverageBitrate: 40_000 },
  },
  camera: {
    encodings: [
      { maxBitrate: 150_000, scaleResolutionDownBy: 4, scalabilityMode: 'L1T3' },
      { maxBitrate: 500_000, scaleResolutionDownBy: 2, scalabilityMode: 'L1T3' },
      { maxBitrate: 1_700_000, scaleResolutionDownBy: 1, scalabilityMode: 'L1T3' },
    ],
    codecOptions: { videoGoogleStartBitrate: 1_000 },
  },
  screen: {
    encodings: [{ maxBitrate: 2_500_000, maxFramerate: 15, scalabilityMode: 'L1T1' }],
    codecOptions: { videoGoogleStartBitrate: 1_500 },
  },
  screenAudio: {
    encodings: [{ maxBitrate: 160_000 }],
    codecOptions: { opusStereo: true, opusFec: true, opusDtx: false, opusMaxAverageBitrate: 128_000 },
  },
};

const kindOfSource: Record<Source, MediaKind> = { microphone: 'audio', camera: 'video', screen: 'video', screenAudio: 'audio' };

/** Whether a source is heard or seen. */
export function kindOf(source: Source): MediaKind {
  return kindOfSource[source];
}

/** Whether all codecs are of the source's kind: mediasoup itself would take in a picture as a sound. */
export function areCodecsOf(source: Source, { codecs }: types.RtpParameters): boolean {
  return codecs.every(({ mimeType }) => mimeType.toLowerCase().startsWith(`${kindOf(source)}/`));
}

/**
 * What a browser says it sends, held to what its source may send: stereo is for screen audio alone, and a screen may stand still for minutes
 * (with `dtx` mediasoup does not take that for a dead stream).
 */
export function producerParametersOf(source: Source, rtpParameters: types.RtpParameters): types.RtpParameters {
  const codecs = source === 'microphone' ? rtpParameters.codecs.map(inMono) : rtpParameters.codecs;
  if (source !== 'screen') return { ...rtpParameters, codecs };
  const encodings = (rtpParameters.encodings ?? [{}]).map((encoding) => ({ ...encoding, dtx: true }));
  return { ...rtpParameters, codecs, encodings };
}

function inMono(codec: types.RtpCodecParameters): types.RtpCodecParameters {
  if (codec.parameters === undefined) return codec;
  const { stereo: _stereo, 'sprop-stereo': _spropStereo, ...parameters } = codec.parameters;
  return { ...codec, parameters };
}
