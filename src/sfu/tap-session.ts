import type { types } from 'mediasoup';
import type { MediaKind } from '../protocol/ids.ts';

/** The description (SDP, RFC 8866) of one RTP stream to an address, for whoever listens there. */
export function describeSession(options: { ip: string; port: number; kind: MediaKind; codec: types.RtpCodecParameters }): string {
  const { ip, port, kind, codec } = options;
  const { payloadType, clockRate, channels, parameters = {} } = codec;
  const name = codec.mimeType.slice(codec.mimeType.indexOf('/') + 1);
  const format = Object.entries(parameters).map(([key, value]) => `${key}=${value}`);
  const lines = [
    'v=0',
    `o=- 0 0 IN IP4 ${ip}`,
    's=-',
    `c=IN IP4 ${ip}`,
    't=0 0',
    `m=${kind} ${port} RTP/AVP ${payloadType}`,
    `a=rtpmap:${payloadType} ${name}/${clockRate}${kind === 'audio' ? `/${channels ?? 1}` : ''}`,
    ...(format.length > 0 ? [`a=fmtp:${payloadType} ${format.join(';')}`] : []),
    'a=recvonly',
  ];
  return `${lines.join('\r\n')}\r\n`;
}
