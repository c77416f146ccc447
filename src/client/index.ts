/** The browser SDK. Everything an app needs is exported here. */
export type {
  Attachment,
  Conversation,
  ConversationType,
  Member,
  Message,
  MessageStatus,
  MessageType,
  Reaction,
} from '../protocol/chat.ts';
export type { ErrorCode } from '../protocol/errors.ts';
export type { MediaKind, Role, Source } from '../protocol/ids.ts';
export type { NoticeName, NoticePayload, Reply, RequestInput, RequestName } from '../protocol/index.ts';
export type { ProducerInfo } from '../protocol/media.ts';
export type { LeaveReason, Participant, Room as RoomInfo, RoomEndReason } from '../protocol/room.ts';
export { Chat } from './chat/chat.ts';
export { ChatConversation } from './chat/chat-conversation.ts';
export type { ChatEvents, ChatView } from './chat/chat-events.ts';
export type { ConversationStatus, ConversationView, OutgoingContent, SentMessage, TimelineMessage } from './chat/conversation-view.ts';
export type { SendFormOptions as UploadOptions } from './chat/rest.ts';
export type { OutgoingMessage } from './chat/timeline.ts';
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
