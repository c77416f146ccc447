import type { types } from 'mediasoup';
import { z } from 'zod';
import type { RtpCapabilities, RtpParameters } from '../../src/protocol/media.ts';
import type { IceTarget } from '../receiver/load.ts';

/** A media server under measurement: one worker, one room at a time, one publisher in it and many subscribers. */
export interface Subject {
  readonly workerPid: number;
  openRoom(): Promise<void>;
  /** Makes everything the publisher needs; `fingerprint` is the SHA-256 of its DTLS certificate. */
  addPublisher(fingerprint: string): Promise<IceTarget>;
  /** Makes everything one subscriber needs, with a paused consumer of the publisher's stream. */
  addSubscriber(subscriberId: number, fingerprint: string): Promise<IceTarget>;
  resumeSubscriber(subscriberId: number): Promise<void>;
  closeRoom(): Promise<void>;
  close(): Promise<void>;
}

export const subjectNameSchema = z.enum(['parley', 'bare']);
export type SubjectName = z.infer<typeof subjectNameSchema>;

export const serverNames = [...subjectNameSchema.options, 'whole'] as const;
export type ServerName = (typeof serverNames)[number];

/** A subject with processes of its own, whose CPU time can be told. */
export interface MeasuredServer extends Subject, AsyncDisposable {
  readonly name: ServerName;
  readonly nodePid: number;
}

/** The stream that the load publishes: VP8, one encoding, so that the SFU passes RTP timestamps on as they are. */
export const publishedStream = { ssrc: 0x50_41_52_4c, payloadType: 96 };

export const publisherRtpParameters: RtpParameters = {
  codecs: [
    {
      mimeType: 'video/VP8',
      clockRate: 90_000,
      payloadType: publishedStream.payloadType,
      parameters: {},
      rtcpFeedback: [{ type: 'nack' }, { type: 'nack', parameter: 'pli' }],
    },
  ],
  headerExtensions: [],
  encodings: [{ ssrc: publishedStream.ssrc }],
  rtcp: { cname: 'bench' },
};

/**
 * What a subscriber says it can receive: VP8 with retransmission, and the header extensions that the server has to write into each packet.
 * Congestion control is left out, because the load sends no feedback.
 */
export function subscriberCapabilities(router: RtpCapabilities): RtpCapabilities {
  const codecs = router.codecs ?? [];
  const vp8 = codecs.find(({ mimeType }) => mimeType === 'video/VP8');
  const rtx = codecs.find(({ parameters }) => parameters?.['apt'] !== undefined && parameters['apt'] === vp8?.preferredPayloadType);
  if (vp8 === undefined || rtx === undefined) throw new Error('the server offers no VP8 with retransmission');
  const rtcpFeedback = (vp8.rtcpFeedback ?? []).filter(({ type }) => type === 'nack' || type === 'ccm');
  return {
    codecs: [{ ...vp8, rtcpFeedback }, rtx],
    headerExtensions: (router.headerExtensions ?? []).filter(({ uri }) => /sdes:mid$|abs-send-time$/.test(uri)),
  };
}

/** Connects a transport as the server of a DTLS handshake whose client has this certificate. */
export function dtlsClient(fingerprint: string): types.DtlsParameters {
  return { role: 'client', fingerprints: [{ algorithm: 'sha-256', value: fingerprint }] };
}

/** Where the load reaches a transport: its first UDP candidate. */
export function iceTarget(
  parameters: { usernameFragment: string; password: string },
  candidates: readonly { address: string; port: number; protocol: string }[],
): IceTarget {
  const candidate = candidates.find(({ protocol }) => protocol === 'udp');
  if (candidate === undefined) throw new Error('the transport has no UDP candidate');
  return { ip: candidate.address, port: candidate.port, usernameFragment: parameters.usernameFragment, password: parameters.password };
}
