import type { types } from 'mediasoup';
import type {
  DtlsParameters as WireDtlsParameters,
  RtpCapabilities as WireRtpCapabilities,
  RtpParameters as WireRtpParameters,
  SctpStreamParameters as WireSctpStreamParameters,
} from '../protocol/media.ts';

/** `T` with every `undefined` taken out of its optional fields, which mediasoup's types do not know. */
type Defined<T> = T extends object ? { [K in keyof T]: Defined<Exclude<T[K], undefined>> } : T;

function withoutUndefined<T>(value: T): Defined<T> {
  return JSON.parse(JSON.stringify(value));
}

/** The header extensions that the worker knows; it refuses any other. */
const headerExtensionUris: readonly types.RtpHeaderExtensionUri[] = [
  'urn:ietf:params:rtp-hdrext:sdes:mid',
  'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id',
  'urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id',
  'http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time',
  'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
  'urn:ietf:params:rtp-hdrext:ssrc-audio-level',
  'https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension',
  'urn:3gpp:video-orientation',
  'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time',
  'urn:ietf:params:rtp-hdrext:toffset',
  'http://www.webrtc.org/experiments/rtp-hdrext/playout-delay',
];

function findKnownUri(uri: string): types.RtpHeaderExtensionUri | undefined {
  return headerExtensionUris.find((known) => known === uri);
}

/**
 * RTP parameters of a browser, for mediasoup. Unknown header extensions are left out, and so are bitrates that are no whole numbers: mediasoup throws
 * on those half way through writing its request, after which the worker's channel is of no use to anybody.
 */
export function fromWireRtpParameters(wire: WireRtpParameters): types.RtpParameters {
  const { headerExtensions = [], encodings, ...rest } = withoutUndefined(wire);
  return {
    ...rest,
    headerExtensions: headerExtensions.flatMap(({ uri, ...extension }) => {
      const known = findKnownUri(uri);
      return known === undefined ? [] : [{ ...extension, uri: known }];
    }),
    ...(encodings && {
      encodings: encodings.map(({ maxBitrate, ...encoding }) => ({
        ...encoding,
        ...(maxBitrate !== undefined && Number.isSafeInteger(maxBitrate) && maxBitrate >= 0 && { maxBitrate }),
      })),
    }),
  };
}

/** RTP capabilities of a browser, for mediasoup. Unknown header extensions and codecs without a payload type are left out. */
export function fromWireRtpCapabilities(wire: WireRtpCapabilities): types.RtpCapabilities {
  const { codecs = [], headerExtensions = [] } = withoutUndefined(wire);
  return {
    codecs: codecs.flatMap(({ preferredPayloadType, ...codec }) =>
      preferredPayloadType === undefined ? [] : [{ ...codec, preferredPayloadType }],
    ),
    headerExtensions: headerExtensions.flatMap(({ uri, ...extension }) => {
      const known = findKnownUri(uri);
      return known === undefined ? [] : [{ ...extension, uri: known }];
    }),
  };
}

/** DTLS parameters of a browser, for mediasoup: the browser is always the client. */
export function fromWireDtlsParameters(wire: WireDtlsParameters): types.DtlsParameters {
  return { role: 'client', fingerprints: wire.fingerprints };
}

/** SCTP stream parameters of a browser, for mediasoup. */
export function fromWireSctpStreamParameters(wire: WireSctpStreamParameters): types.SctpStreamParameters {
  return withoutUndefined(wire);
}

/** mediasoup's RTP parameters, for a browser. */
export function toWireRtpParameters(rtpParameters: types.RtpParameters): WireRtpParameters {
  const { codecs, headerExtensions = [], ...rest } = rtpParameters;
  return {
    ...rest,
    codecs: codecs.map(({ parameters = {}, ...codec }) => ({ ...codec, parameters: plainParameters(parameters) })),
    headerExtensions: headerExtensions.map(({ uri, id, encrypt = false }) => ({ uri, id, encrypt })),
  };
}

/** mediasoup's RTP capabilities, for a browser. */
export function toWireRtpCapabilities(rtpCapabilities: types.RtpCapabilities): WireRtpCapabilities {
  const { codecs = [], headerExtensions = [] } = rtpCapabilities;
  return {
    codecs: codecs.map(({ parameters = {}, ...codec }) => ({ ...codec, parameters: plainParameters(parameters) })),
    headerExtensions,
  };
}

function plainParameters(parameters: Record<string, unknown>): Record<string, string | number | boolean> {
  const plain: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(parameters)) {
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') plain[name] = value;
  }
  return plain;
}
