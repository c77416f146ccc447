import type { RtpParameters } from '../../src/protocol/media.ts';

let lastSsrc = 1_000;

/** What a browser might say of a microphone, for producers that no browser stands behind. */
export function opusParameters(): RtpParameters {
  lastSsrc += 1;
  return {
    mid: String(lastSsrc),
    codecs: [{ mimeType: 'audio/opus', payloadType: 111, clockRate: 48_000, channels: 2 }],
    encodings: [{ ssrc: lastSsrc }],
    rtcp: { cname: 'test' },
  };
}

/** What a browser might say of a camera or a screen. */
export function vp8Parameters(): RtpParameters {
  lastSsrc += 1;
  return {
    mid: String(lastSsrc),
    codecs: [{ mimeType: 'video/VP8', payloadType: 96, clockRate: 90_000 }],
    encodings: [{ ssrc: lastSsrc }],
    rtcp: { cname: 'test' },
  };
}
