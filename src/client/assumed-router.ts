import type { types } from 'mediasoup-client';

const videoFeedback = [
  { type: 'nack', parameter: '' },
  { type: 'nack', parameter: 'pli' },
  { type: 'ccm', parameter: 'fir' },
  { type: 'goog-remb', parameter: '' },
  { type: 'transport-cc', parameter: '' },
];

function video(mimeType: string, payloadType: number, parameters: Record<string, unknown> = {}): types.RtpCodecCapability[] {
  return [
    { kind: 'video', mimeType, clockRate: 90_000, preferredPayloadType: payloadType, parameters, rtcpFeedback: videoFeedback },
    {
      kind: 'video',
      mimeType: 'video/rtx',
      clockRate: 90_000,
      preferredPayloadType: payloadType + 1,
      parameters: { apt: payloadType },
      rtcpFeedback: [],
    },
  ];
}

function extension(
  uri: string,
  id: number,
  audio: types.RtpHeaderExtensionDirection | undefined,
  video?: types.RtpHeaderExtensionDirection,
): types.RtpHeaderExtension[] {
  const common = { uri: uri as types.RtpHeaderExtensionUri, preferredId: id, preferredEncrypt: false };
  return [
    ...(audio === undefined ? [] : [{ ...common, kind: 'audio' as const, direction: audio }]),
    ...(video === undefined ? [] : [{ ...common, kind: 'video' as const, direction: video }]),
  ];
}

/**
 * What this server's routers are expected to accept, so that a join can say what it receives before the router has answered and one round trip is
 * enough. mediasoup numbers header extensions itself and matches them by number, so native capabilities alone would lose them, and with
 * them the bandwidth estimate. It is a guess and treated as one: see {@link DeviceLoader}.
 */
export const assumedRouterCapabilities: types.RtpCapabilities = {
  codecs: [
    {
      kind: 'audio',
      mimeType: 'audio/opus',
      clockRate: 48_000,
      channels: 2,
      preferredPayloadType: 100,
      parameters: { useinbandfec: 1, usedtx: 1 },
      rtcpFeedback: [
        { type: 'nack', parameter: '' },
        { type: 'transport-cc', parameter: '' },
      ],
    },
    ...video('video/VP8', 101),
    ...video('video/VP9', 103, { 'profile-id': 0 }),
    ...video('video/H264', 105, { 'packetization-mode': 1, 'profile-level-id': '42e01f', 'level-asymmetry-allowed': 1 }),
    ...video('video/AV1', 107),
  ],
  headerExtensions: [
    ...extension('urn:ietf:params:rtp-hdrext:sdes:mid', 1, 'sendrecv', 'sendrecv'),
    ...extension('urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id', 2, undefined, 'recvonly'),
    ...extension('urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id', 3, undefined, 'recvonly'),
    ...extension('http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time', 4, 'sendrecv', 'sendrecv'),
    ...extension('http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01', 5, 'recvonly', 'sendrecv'),
    ...extension('urn:ietf:params:rtp-hdrext:ssrc-audio-level', 6, 'sendrecv'),
    ...extension('https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension', 7, undefined, 'recvonly'),
    ...extension('urn:3gpp:video-orientation', 8, undefined, 'sendrecv'),
    ...extension('urn:ietf:params:rtp-hdrext:toffset', 9, undefined, 'sendrecv'),
    ...extension('http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time', 10, 'sendrecv', 'sendrecv'),
    ...extension('http://www.webrtc.org/experiments/rtp-hdrext/playout-delay', 11, 'sendrecv', 'sendrecv'),
    ...extension('urn:mediasoup:params:rtp-hdrext:packet-id', 12, 'sendrecv', 'sendrecv'),
  ],
};
