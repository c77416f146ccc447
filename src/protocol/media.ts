import { z } from 'zod';
import { request } from './define.ts';
import { mediaId, mediaKind, source, uuid } from './ids.ts';

const parameters = z.record(z.string().max(64), z.union([z.string().max(512), z.number(), z.boolean()]));
const rtcpFeedback = z.object({ type: z.string().max(64), parameter: z.string().max(64).optional() });
const headerExtensionUri = z.string().max(256);

/** RTP capabilities of a device or a router (ORTC shape, as mediasoup writes it). */
export const rtpCapabilities = z.object({
  codecs: z
    .array(
      z.object({
        kind: mediaKind,
        mimeType: z.string().max(64),
        preferredPayloadType: z.int().min(0).max(127).optional(),
        clockRate: z.int().positive(),
        channels: z.int().positive().optional(),
        parameters: parameters.optional(),
        rtcpFeedback: z.array(rtcpFeedback).max(32).optional(),
      }),
    )
    .max(128)
    .optional(),
  headerExtensions: z
    .array(
      z.object({
        kind: mediaKind,
        uri: headerExtensionUri,
        preferredId: z.int().min(0).max(255),
        preferredEncrypt: z.boolean().optional(),
        direction: z.enum(['sendrecv', 'sendonly', 'recvonly', 'inactive']).optional(),
      }),
    )
    .max(64)
    .optional(),
});
export type RtpCapabilities = z.infer<typeof rtpCapabilities>;

const rtpEncoding = z.object({
  ssrc: z.int().min(0).max(0xffffffff).optional(),
  rid: z.string().max(16).optional(),
  codecPayloadType: z.int().min(0).max(127).optional(),
  rtx: z.object({ ssrc: z.int().min(0).max(0xffffffff) }).optional(),
  dtx: z.boolean().optional(),
  scalabilityMode: z.string().max(16).optional(),
  scaleResolutionDownBy: z.number().positive().optional(),
  maxBitrate: z.int().nonnegative().optional(),
});

/** RTP parameters of a producer or a consumer (ORTC shape, as mediasoup writes it). */
export const rtpParameters = z.object({
  mid: z.string().max(32).optional(),
  msid: z.string().max(256).optional(),
  codecs: z
    .array(
      z.object({
        mimeType: z.string().max(64),
        payloadType: z.int().min(0).max(127),
        clockRate: z.int().positive(),
        channels: z.int().positive().optional(),
        parameters: parameters.optional(),
        rtcpFeedback: z.array(rtcpFeedback).max(32).optional(),
      }),
    )
    .min(1)
    .max(32),
  headerExtensions: z
    .array(
      z.object({
        uri: headerExtensionUri,
        id: z.int().min(1).max(255),
        encrypt: z.boolean().optional(),
        parameters: parameters.optional(),
      }),
    )
    .max(64)
    .optional(),
  encodings: z.array(rtpEncoding).max(8).optional(),
  rtcp: z.object({ cname: z.string().max(256).optional(), reducedSize: z.boolean().optional(), mux: z.boolean().optional() }).optional(),
});
export type RtpParameters = z.infer<typeof rtpParameters>;

/** DTLS role and certificate fingerprints (RFC 8122). The browser is the DTLS client on both transports. */
export const dtlsParameters = z.object({
  role: z.enum(['auto', 'client', 'server']).optional(),
  fingerprints: z
    .array(z.object({ algorithm: z.enum(['sha-1', 'sha-224', 'sha-256', 'sha-384', 'sha-512']), value: z.string().max(256) }))
    .min(1)
    .max(8),
});
export type DtlsParameters = z.infer<typeof dtlsParameters>;

export const iceParameters = z.object({ usernameFragment: z.string(), password: z.string(), iceLite: z.boolean().optional() });
export type IceParameters = z.infer<typeof iceParameters>;

export const iceCandidate = z.object({
  foundation: z.string(),
  priority: z.number(),
  address: z.string(),
  ip: z.string().optional(),
  protocol: z.enum(['udp', 'tcp']),
  port: z.number(),
  type: z.enum(['host', 'srflx', 'prflx', 'relay']),
  tcpType: z.enum(['active', 'passive', 'so']).optional(),
});

export const sctpParameters = z.object({
  port: z.number(),
  OS: z.number(),
  MIS: z.number(),
  maxMessageSize: z.number(),
  maxSendMessageSize: z.number().optional(),
  maxReceiveMessageSize: z.number().optional(),
});

/** SCTP stream parameters of a data channel. */
export const sctpStreamParameters = z.object({
  streamId: z.int().min(0).max(65_534),
  ordered: z.boolean().optional(),
  maxPacketLifeTime: z.int().positive().optional(),
  maxRetransmits: z.int().nonnegative().optional(),
});
export type SctpStreamParameters = z.infer<typeof sctpStreamParameters>;

/** What a browser needs to open one of its two WebRTC transports. */
export const transport = z.object({
  transportId: mediaId,
  iceParameters,
  iceCandidates: z.array(iceCandidate),
  dtlsParameters,
  sctpParameters: sctpParameters.optional(),
});
export type TransportInfo = z.infer<typeof transport>;

export const direction = z.enum(['send', 'recv']);
export type Direction = z.infer<typeof direction>;

/** A producer as everybody in the room sees it. */
export const producer = z.object({
  producerId: mediaId,
  participantId: uuid,
  kind: mediaKind,
  source,
  paused: z.boolean(),
});
export type ProducerInfo = z.infer<typeof producer>;

/** A data producer as everybody in the room sees it. */
export const dataProducer = z.object({ dataProducerId: mediaId, participantId: uuid, label: z.string(), protocol: z.string() });
export type DataProducerInfo = z.infer<typeof dataProducer>;

/** What a browser needs to receive a producer. The consumer starts paused. */
export const consumer = z.object({
  consumerId: mediaId,
  producerId: mediaId,
  participantId: uuid,
  kind: mediaKind,
  source,
  rtpParameters,
  producerPaused: z.boolean(),
});
export type ConsumerInfo = z.infer<typeof consumer>;

const empty = z.object({});
const transportRef = { transportId: mediaId };
const consumerRef = z.strictObject({ consumerId: mediaId });
const producerRef = z.strictObject({ producerId: mediaId });
const layer = z.int().min(0).max(10);

export const mediaRequests = {
  'media:createTransport': request(z.strictObject({ direction }), transport),
  'media:connectTransport': request(z.strictObject({ ...transportRef, dtlsParameters }), empty),
  'media:restartIce': request(z.strictObject(transportRef), z.object({ iceParameters })),
  'media:produce': request(
    z.strictObject({ ...transportRef, source, rtpParameters, paused: z.boolean().optional() }),
    z.object({ producerId: mediaId }),
  ),
  'media:pauseProducer': request(producerRef, empty),
  'media:resumeProducer': request(producerRef, empty),
  'media:closeProducer': request(producerRef, empty),
  'media:consume': request(z.strictObject({ producerId: mediaId, rtpCapabilities }), consumer),
  'media:resumeConsumer': request(consumerRef, empty),
  'media:pauseConsumer': request(consumerRef, empty),
  'media:closeConsumer': request(consumerRef, empty),
  'media:requestKeyFrame': request(consumerRef, empty),
  'media:setPreferredLayers': request(z.strictObject({ consumerId: mediaId, spatialLayer: layer, temporalLayer: layer.optional() }), empty),
  'media:setPriority': request(z.strictObject({ consumerId: mediaId, priority: z.int().min(1).max(255) }), empty),
  'media:produceData': request(
    z.strictObject({
      ...transportRef,
      sctpStreamParameters,
      label: z.string().min(1).max(64),
      protocol: z.string().max(64).optional(),
    }),
    z.object({ dataProducerId: mediaId }),
  ),
  'media:consumeData': request(
    z.strictObject({ dataProducerId: mediaId }),
    z.object({
      dataConsumerId: mediaId,
      dataProducerId: mediaId,
      participantId: uuid,
      sctpStreamParameters,
      label: z.string(),
      protocol: z.string(),
    }),
  ),
};

export const mediaNotices = {
  'media:producerAdded': z.object({ producer }),
  'media:producerPaused': z.object({ producerId: mediaId }),
  'media:producerResumed': z.object({ producerId: mediaId }),
  'media:producerRemoved': z.object({ producerId: mediaId }),
  'media:dataProducerAdded': z.object({ dataProducer }),
  'media:dataProducerRemoved': z.object({ dataProducerId: mediaId }),
  'media:consumerPaused': z.object({ consumerId: mediaId }),
  'media:consumerResumed': z.object({ consumerId: mediaId }),
  'media:consumerClosed': z.object({ consumerId: mediaId, reason: z.string() }),
  /** `null`: nothing is forwarded at the moment. */
  'media:consumerLayersChanged': z.object({
    consumerId: mediaId,
    layers: z.object({ spatialLayer: z.number(), temporalLayer: z.number().optional() }).nullable(),
  }),
  /** Scores from 0 (worst) to 10, as mediasoup gives them. */
  'media:consumerScore': z.object({ consumerId: mediaId, score: z.number(), producerScore: z.number() }),
};
