import type { types } from 'mediasoup';
import type { MediaKind, Source } from '../protocol/ids.ts';
import type { Direction, RtpParameters, SctpStreamParameters } from '../protocol/media.ts';

/** A producer as everybody in the room sees it. */
export interface ProducerInfo {
  producerId: string;
  /** The peer who sends. */
  peerId: string;
  kind: MediaKind;
  source: Source;
  paused: boolean;
}

/** What a browser needs to receive a producer. */
export interface ConsumerInfo {
  consumerId: string;
  producerId: string;
  /** The peer who sends, not the one who receives. */
  peerId: string;
  kind: MediaKind;
  source: Source;
  rtpParameters: RtpParameters;
  /** By the receiver. */
  paused: boolean;
  /** By the sender. */
  producerPaused: boolean;
}

/** A data channel towards the server. */
export interface DataProducerInfo {
  dataProducerId: string;
  /** The peer who sends. */
  peerId: string;
  label: string;
  protocol: string;
}

/** A data channel from the server. */
export interface DataConsumerInfo {
  dataConsumerId: string;
  dataProducerId: string;
  /** The peer who sends, not the one who receives. */
  peerId: string;
  label: string;
  protocol: string;
  sctpStreamParameters: SctpStreamParameters;
}

/** Why a consumer is no more although its browser did not ask for that. */
export type ConsumerClosedReason = 'producer_closed' | 'transport_closed';

/** Why a peer is no more. */
export type PeerClosedReason = 'closed' | 'room_closed' | 'worker_died';

/** What a peer tells its owner. */
export interface PeerEvents {
  /** It sends something new. */
  producerAdded: [producer: ProducerInfo];
  /** One of its producers was paused, by itself or by the server. */
  producerPaused: [producer: { producerId: string }];
  producerResumed: [producer: { producerId: string }];
  /** One of its producers is closed; also fired for each when the peer is closed, but not when the whole room is. */
  producerRemoved: [producer: { producerId: string; source: Source }];
  /** The producer behind one of its consumers was paused. */
  consumerPaused: [consumer: { consumerId: string }];
  consumerResumed: [consumer: { consumerId: string }];
  /** One of its consumers was closed by something else than `closeConsumer()`. */
  consumerClosed: [consumer: { consumerId: string; producerId: string; reason: ConsumerClosedReason }];
  /** Other layers are forwarded to it than before; `null`: none at the moment. */
  consumerLayersChanged: [consumer: { consumerId: string; layers: types.ConsumerLayers | null }];
  /** How well it receives, and how well the server receives what it is sent of: from 0 (worst) to 10. */
  consumerScore: [consumer: { consumerId: string; score: number; producerScore: number }];
  dataProducerAdded: [dataProducer: DataProducerInfo];
  /** Fired as `producerRemoved` is. */
  dataProducerRemoved: [dataProducer: { dataProducerId: string; label: string }];
  /** One of its data consumers was closed by something else than `closeDataConsumer()`. */
  dataConsumerClosed: [dataConsumer: { dataConsumerId: string; dataProducerId: string; reason: ConsumerClosedReason }];
  /** A transport's ICE or DTLS state changed. With DTLS `closed` or `failed` the transport is closed right after. */
  transportStateChanged: [transport: { transportId: string; direction: Direction; iceState: types.IceState; dtlsState: types.DtlsState }];
  /** Once, and nothing after it. */
  closed: [reason: PeerClosedReason];
}
