/** The browser SDK. Everything an app needs is exported here. */
export type { ErrorCode } from '../protocol/errors.ts';
export type { MediaKind, Role, Source } from '../protocol/ids.ts';
export type { NoticeName, NoticePayload, Reply, RequestInput, RequestName } from '../protocol/index.ts';
export type { ProducerInfo } from '../protocol/media.ts';
export type { LeaveReason, Participant, Room as RoomInfo, RoomEndReason } from '../protocol/room.ts';
export { type ConnectionState, maxRetries, retryDelayMs } from './connection-state.ts';
export type { DataMessage } from './data-channels.ts';
export {
  type DeviceChoice,
  type DeviceList,
  listDevices,
  type OpenDeviceOptions,
  onDevicesChanged,
  openCamera,
  openMicrophone,
} from './devices.ts';
export type { Unsubscribe } from './emitter.ts';
export type { VideoQuality } from './layers.ts';
export { createLevelMeter, type LevelMeter } from './level-meter.ts';
export { createParleyClient, ParleyClient, type ParleyClientEvents, type ParleyClientOptions } from './parley-client.ts';
export { type ClientErrorCode, ParleyError } from './parley-error.ts';
export { Publication } from './publication.ts';
export type { PublishCameraOptions, PublishMicrophoneOptions, PublishScreenOptions } from './publications.ts';
export { type JoinOptions, Room } from './room.ts';
export type { PublicationView, RoomCloseReason, RoomEvents, RoomStatus, RoomView } from './room-events.ts';
export { Subscription, type SubscriptionEvents } from './subscription.ts';
