/** The browser SDK. Everything an app needs is exported here. */
export type { Call, CallEndReason, CallStats, CallStatus, CallType, PartyState } from '../protocol/call.ts';
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
export type { Notification as ParleyNotification, NotificationPriority, NotificationSettings } from '../protocol/notification.ts';
export type { Contact, Presence as PresenceInfo, PresenceStatus, SettableStatus } from '../protocol/presence.ts';
export type {
  CompositionSettings,
  ConsentReceipt,
  PauseReason,
  Recording,
  RecordingFailure,
  RecordingKind,
  RecordingStatus,
} from '../protocol/recording.ts';
export type { LeaveReason, Participant, Room as RoomInfo, RoomEndReason } from '../protocol/room.ts';
export type {
  AcceptCallOptions,
  CallHistoryPage,
  CallHistoryQuery,
  CallsEvents,
  CallsView,
  CallView,
  JoinCallOptions,
  StartCallOptions,
} from './calls/call-events.ts';
export type { CallOutcome, CallPhase } from './calls/call-table.ts';
export { Calls } from './calls/calls.ts';
export { createRingTones, followCalls, type RingToneOptions, type RingTones, type Tone } from './calls/ring-tone.ts';
export { Chat } from './chat/chat.ts';
export { ChatConversation } from './chat/chat-conversation.ts';
export type { ChatEvents, ChatView } from './chat/chat-events.ts';
export type { ConversationStatus, ConversationView, OutgoingContent, SentMessage, TimelineMessage } from './chat/conversation-view.ts';
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
export type { NotificationsEvents, NotificationsView } from './notifications/notification-events.ts';
export { Notifications } from './notifications/notifications.ts';
export type { PushRegistration } from './notifications/web-push.ts';
export { createParleyClient, ParleyClient, type ParleyClientEvents, type ParleyClientOptions } from './parley-client.ts';
export { type ClientErrorCode, ParleyError } from './parley-error.ts';
export type { ActivitySource } from './presence/activity.ts';
export { Presence } from './presence/presence.ts';
export type { ContactsPage, ContactsQuery, PresenceEvents, PresenceView, SetPresenceOptions } from './presence/presence-events.ts';
export { Publication } from './publication.ts';
export type { PublishCameraOptions, PublishMicrophoneOptions, PublishScreenOptions } from './publications.ts';
export { RecordingLibrary } from './recordings/recording-library.ts';
export { type ConsentQuestion, type RecordingStanding, type RoomRecording, standingOf } from './recordings/recording-state.ts';
export { Recordings } from './recordings/recordings.ts';
export type {
  RecordingLink,
  RecordingLinkOptions,
  RecordingsEvents,
  RecordingsPage,
  RecordingsQuery,
  RecordingsView,
} from './recordings/recordings-events.ts';
export type { SendFormOptions as UploadOptions } from './rest.ts';
export { type JoinOptions, Room } from './room.ts';
export type { PublicationView, RecordingChange, RoomCloseReason, RoomEvents, RoomStatus, RoomView } from './room-events.ts';
export { Subscription, type SubscriptionEvents } from './subscription.ts';
