import type { types } from 'mediasoup-client';
import type { RequestInput } from '../protocol/index.ts';
import type { ConsumerInfo, RtpCapabilities, TransportInfo } from '../protocol/media.ts';
import type { IceServer } from '../protocol/room.ts';

// The wire's shapes are ORTC as mediasoup writes it. They differ from mediasoup-client's types in one point only: the wire's optional fields may be
// declared `undefined`, which JSON never carries. The assertions below say no more than that.

/** A router's capabilities, for a device. */
export function routerCapabilitiesOf(wire: RtpCapabilities): types.RtpCapabilities {
  return wire as types.RtpCapabilities;
}

/** A device's capabilities, for the wire. */
export function wireCapabilitiesOf(capabilities: types.RtpCapabilities): RtpCapabilities {
  return capabilities as RtpCapabilities;
}

/** The parameters of something that is to be sent, for the wire. */
export function wireParametersOf(parameters: types.RtpParameters): RequestInput<'media:produce'>['rtpParameters'] {
  return parameters as RequestInput<'media:produce'>['rtpParameters'];
}

/** DTLS parameters of this browser, for the wire. */
export function wireDtlsOf(parameters: types.DtlsParameters): RequestInput<'media:connectTransport'>['dtlsParameters'] {
  return parameters;
}

/** A transport of the answer, for a device. */
export function transportOptionsOf(wire: TransportInfo, iceServers: readonly IceServer[]): types.TransportOptions {
  return {
    id: wire.transportId,
    iceParameters: wire.iceParameters as types.IceParameters,
    iceCandidates: wire.iceCandidates.map((candidate) => ({ ...candidate, ip: candidate.ip ?? candidate.address })) as types.IceCandidate[],
    dtlsParameters: wire.dtlsParameters as types.DtlsParameters,
    iceServers: iceServers.map((server) => ({ ...server })) as RTCIceServer[],
    ...(wire.sctpParameters && {
      sctpParameters: {
        ...wire.sctpParameters,
        maxSendMessageSize: wire.sctpParameters.maxMessageSize,
        maxReceiveMessageSize: wire.sctpParameters.maxMessageSize,
      },
    }),
  };
}

/** A consumer of the answer, for a device. Everything of one participant is played in step, but a screen apart from the camera. */
export function consumerOptionsOf(wire: ConsumerInfo): types.ConsumerOptions {
  return {
    id: wire.consumerId,
    producerId: wire.producerId,
    kind: wire.kind,
    rtpParameters: wire.rtpParameters as types.RtpParameters,
    streamId: `${wire.participantId}-${wire.source.startsWith('screen') ? 'screen' : 'person'}`,
  };
}
