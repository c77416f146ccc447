import { sql } from 'drizzle-orm';
import {
  bigint,
  bigserial,
  boolean,
  customType,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  real,
  text,
  timestamp,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import type { CallEndReason, CallStatus, CallType, PartyState } from '../protocol/call.ts';
import type { AttachmentAccess, AttachmentKind, ConversationType, MemberRole, MessageType } from '../protocol/chat.ts';
import type { MediaKind, Role, Source } from '../protocol/ids.ts';
import type { NotificationPriority } from '../protocol/notification.ts';
import type { SettableStatus } from '../protocol/presence.ts';
import type {
  CompositionSettings,
  ConsentState,
  PauseReason,
  RecordingFailure,
  RecordingKind,
  RecordingPolicy,
  RecordingStatus,
} from '../protocol/recording.ts';
import type { LeaveReason, RoomEndReason, RoomStatus } from '../protocol/room.ts';
import type { Privacy } from '../protocol/user.ts';

const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });
const count = (name: string) => bigint(name, { mode: 'number' });
const time = (name: string) => timestamp(name, { withTimezone: true, precision: 3 });

/** Servers on this database. One that has not been seen for a while is dead, and another one closes its books. */
export const servers = pgTable('servers', {
  serverId: uuid('server_id').primaryKey(),
  /** Where browsers reach it. */
  url: text('url').notNull(),
  startedAt: time('started_at').notNull().defaultNow(),
  seenAt: time('seen_at').notNull().defaultNow(),
});

/** What Parley keeps of the host application's users. */
export const users = pgTable('users', {
  userId: text('user_id').primaryKey(),
  /** From the token; the user's own choice goes before it. */
  tokenName: text('token_name').notNull(),
  chosenName: text('chosen_name'),
  role: text('role').$type<Role>().notNull(),
  /** From the token, if it says one. */
  tokenEmail: text('token_email'),
  locale: text('locale').notNull().default('en'),
  privacy: jsonb('privacy').$type<Privacy>().notNull().default({ showLastSeen: true, showReadReceipts: true, showTyping: true }),
  suspendedAt: time('suspended_at'),
  createdAt: time('created_at').notNull().defaultNow(),
});

export const rooms = pgTable(
  'rooms',
  {
    roomId: uuid('room_id').primaryKey(),
    name: text('name').notNull(),
    notes: text('notes').notNull().default(''),
    hostId: text('host_id').notNull(),
    createdBy: text('created_by').notNull(),
    appointmentId: text('appointment_id'),
    /** Where its messages go when that is not a conversation of its own: a call between two has theirs. */
    conversationId: uuid('conversation_id'),
    /** Only the invited may enter; otherwise the room's address is the invitation. */
    invitedOnly: boolean('invited_only').notNull().default(false),
    lobby: boolean('lobby').notNull().default(false),
    locked: boolean('locked').notNull().default(false),
    maxParticipants: integer('max_participants').notNull(),
    status: text('status').$type<RoomStatus>().notNull().default('waiting'),
    endReason: text('end_reason').$type<RoomEndReason>(),
    scheduledAt: time('scheduled_at'),
    durationMinutes: integer('duration_minutes'),
    createdAt: time('created_at').notNull().defaultNow(),
    startedAt: time('started_at'),
    endedAt: time('ended_at'),
  },
  (table) => [
    index('rooms_host').on(table.hostId, table.roomId),
    index('rooms_created_by').on(table.createdBy, table.createdAt),
    index('rooms_running').on(table.startedAt).where(sql`status = 'in_progress'`),
  ],
);

export const roomGuests = pgTable(
  'room_guests',
  {
    roomId: uuid('room_id')
      .notNull()
      .references(() => rooms.roomId),
    userId: text('user_id').notNull(),
  },
  (table) => [primaryKey({ columns: [table.roomId, table.userId] }), index('room_guests_user').on(table.userId, table.roomId)],
);

export const roomBans = pgTable(
  'room_bans',
  {
    roomId: uuid('room_id')
      .notNull()
      .references(() => rooms.roomId),
    userId: text('user_id').notNull(),
    bannedBy: text('banned_by').notNull(),
    bannedAt: time('banned_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.roomId, table.userId] })],
);

/** Who was in a room, from when to when. */
export const roomParticipants = pgTable(
  'room_participants',
  {
    participantId: uuid('participant_id').primaryKey(),
    roomId: uuid('room_id')
      .notNull()
      .references(() => rooms.roomId),
    userId: text('user_id').notNull(),
    /** The server whose media they are on. */
    serverId: uuid('server_id'),
    joinedAt: time('joined_at').notNull().defaultNow(),
    leftAt: time('left_at'),
    leaveReason: text('leave_reason').$type<LeaveReason>(),
  },
  (table) => [
    index('room_participants_room').on(table.roomId),
    index('room_participants_user').on(table.userId, table.roomId),
    index('room_participants_present').on(table.roomId).where(sql`left_at is null`),
  ],
);

/** Who did what. Append-only: the database refuses updates and deletions. */
export const auditLog = pgTable('audit_log', {
  seq: bigserial('seq', { mode: 'number' }).primaryKey(),
  at: time('at').notNull().default(sql`clock_timestamp()`),
  actorId: text('actor_id').notNull(),
  actorRole: text('actor_role').notNull(),
  action: text('action').notNull(),
  subject: text('subject'),
  address: text('address'),
  details: jsonb('details').$type<Record<string, unknown>>().notNull().default({}),
});

/** Who may meet whom and when, as the host application says. */
export const appointments = pgTable('appointments', {
  appointmentId: text('appointment_id').primaryKey(),
  scheduledAt: time('scheduled_at').notNull(),
  durationMinutes: integer('duration_minutes').notNull(),
  createdBy: text('created_by').notNull(),
  createdAt: time('created_at').notNull().defaultNow(),
});

export const appointmentParticipants = pgTable(
  'appointment_participants',
  {
    appointmentId: text('appointment_id')
      .notNull()
      .references(() => appointments.appointmentId, { onDelete: 'cascade' }),
    userId: text('user_id').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.appointmentId, table.userId] }),
    index('appointment_participants_user').on(table.userId, table.appointmentId),
  ],
);

/** Random keys that are kept wrapped by the key ring. */
export const dataKeys = pgTable('data_keys', {
  name: text('name').primaryKey(),
  keyId: text('key_id').notNull(),
  sealed: bytea('sealed').notNull(),
  createdAt: time('created_at').notNull().defaultNow(),
});

export const conversations = pgTable(
  'conversations',
  {
    conversationId: uuid('conversation_id').primaryKey(),
    type: text('type').$type<ConversationType>().notNull(),
    name: text('name').notNull().default(''),
    /** Of a direct conversation: both user ids and the appointment's, so that two at once make one. */
    directKey: text('direct_key').unique(),
    appointmentId: text('appointment_id'),
    roomId: uuid('room_id')
      .unique()
      .references(() => rooms.roomId),
    avatarId: uuid('avatar_id'),
    createdBy: text('created_by').notNull(),
    createdAt: time('created_at').notNull().defaultNow(),
    closedAt: time('closed_at'),
    /** Seq of the last message, system messages included. */
    lastSeq: count('last_seq').notNull().default(0),
    /** Messages that can be unread: all but the system's. */
    messageCount: count('message_count').notNull().default(0),
    lastMessageId: uuid('last_message_id'),
    lastActivityAt: time('last_activity_at').notNull().defaultNow(),
  },
  (table) => [index('conversations_appointment').on(table.appointmentId)],
);

/**
 * Membership with its receipts. What is unread costs the same however long the conversation is:
 * (conversation.message_count − read_count) − (own_count − read_own_count).
 */
export const conversationMembers = pgTable(
  'conversation_members',
  {
    conversationId: uuid('conversation_id')
      .notNull()
      .references(() => conversations.conversationId),
    userId: text('user_id').notNull(),
    role: text('role').$type<MemberRole>().notNull(),
    joinedAt: time('joined_at').notNull().defaultNow(),
    archivedAt: time('archived_at'),
    mutedUntil: time('muted_until'),
    deliveredSeq: count('delivered_seq').notNull().default(0),
    readSeq: count('read_seq').notNull().default(0),
    /** Of the conversation's messages that can be unread, how many are up to `read_seq`. */
    readCount: count('read_count').notNull().default(0),
    /** How many of the conversation's messages this member sent, and how many of those are up to `read_seq`. */
    ownCount: count('own_count').notNull().default(0),
    readOwnCount: count('read_own_count').notNull().default(0),
  },
  (table) => [
    primaryKey({ columns: [table.conversationId, table.userId] }),
    index('conversation_members_user').on(table.userId, table.conversationId),
  ],
);

export const messages = pgTable(
  'messages',
  {
    messageId: uuid('message_id').primaryKey(),
    conversationId: uuid('conversation_id')
      .notNull()
      .references(() => conversations.conversationId),
    seq: count('seq').notNull(),
    /** How many messages that can be unread the conversation has up to this one, and how many of them are the sender's. */
    ordinal: count('ordinal').notNull(),
    senderOrdinal: count('sender_ordinal').notNull(),
    senderId: text('sender_id').notNull(),
    clientId: text('client_id').notNull(),
    type: text('type').$type<MessageType>().notNull(),
    /** The content, sealed for conversation and message id; null when there is none or it was destroyed. */
    keyId: text('key_id'),
    sealed: bytea('sealed'),
    /** Blind index of the content's words; see chat/search-index.ts. */
    searchTokens: bigint('search_tokens', { mode: 'bigint' }).array().notNull().default(sql`'{}'`),
    mentions: text('mentions').array().notNull().default(sql`'{}'`),
    replyToId: uuid('reply_to_id'),
    callId: text('call_id'),
    sentAt: time('sent_at').notNull(),
    editedAt: time('edited_at'),
    deletedAt: time('deleted_at'),
  },
  (table) => [
    unique('messages_seq').on(table.conversationId, table.seq),
    unique('messages_client_id').on(table.conversationId, table.senderId, table.clientId),
    index('messages_own').on(table.conversationId, table.senderId, table.seq),
    index('messages_search').using('gin', table.searchTokens),
    index('messages_key').on(table.keyId).where(sql`sealed is not null`),
  ],
);

/** What a message said before it was edited. */
export const messageVersions = pgTable(
  'message_versions',
  {
    messageId: uuid('message_id')
      .notNull()
      .references(() => messages.messageId),
    version: integer('version').notNull(),
    keyId: text('key_id').notNull(),
    sealed: bytea('sealed').notNull(),
    replacedAt: time('replaced_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.messageId, table.version] })],
);

/** Messages that somebody has deleted for themselves. */
export const messageHidden = pgTable(
  'message_hidden',
  {
    messageId: uuid('message_id')
      .notNull()
      .references(() => messages.messageId),
    userId: text('user_id').notNull(),
  },
  (table) => [primaryKey({ columns: [table.userId, table.messageId] })],
);

export const messageReactions = pgTable(
  'message_reactions',
  {
    messageId: uuid('message_id')
      .notNull()
      .references(() => messages.messageId),
    userId: text('user_id').notNull(),
    emoji: text('emoji').notNull(),
    reactedAt: time('reacted_at').notNull().default(sql`clock_timestamp()`),
  },
  (table) => [primaryKey({ columns: [table.messageId, table.userId, table.emoji] })],
);

/** Uploaded files; their bytes are sealed in the blob store. */
export const attachments = pgTable(
  'attachments',
  {
    attachmentId: uuid('attachment_id').primaryKey(),
    ownerId: text('owner_id').notNull(),
    access: text('access').$type<AttachmentAccess>().notNull(),
    conversationId: uuid('conversation_id').references(() => conversations.conversationId),
    callId: text('call_id'),
    /** Set when it is sent; until then it is an orphan. */
    messageId: uuid('message_id').references(() => messages.messageId),
    /** Its place among the message's attachments. */
    position: integer('position').notNull().default(0),
    name: text('name').notNull(),
    kind: text('kind').$type<AttachmentKind>().notNull(),
    mediaType: text('media_type').notNull(),
    bytes: count('bytes').notNull(),
    width: integer('width'),
    height: integer('height'),
    durationMs: integer('duration_ms'),
    /** SHA-256 of the bytes, hex: the ETag. */
    sha256: text('sha256').notNull(),
    blobKey: text('blob_key').notNull(),
    thumbnailBlobKey: text('thumbnail_blob_key'),
    createdAt: time('created_at').notNull().defaultNow(),
    expiresAt: time('expires_at'),
  },
  (table) => [
    index('attachments_message').on(table.messageId),
    index('attachments_orphans').on(table.createdAt).where(sql`message_id is null`),
    index('attachments_owner').on(table.ownerId, table.createdAt),
    index('attachments_expiring').on(table.expiresAt).where(sql`expires_at is not null`),
  ],
);

/** Ringing users into a room, and how it went. */
export const calls = pgTable(
  'calls',
  {
    callId: uuid('call_id').primaryKey(),
    roomId: uuid('room_id').references(() => rooms.roomId),
    conversationId: uuid('conversation_id').references(() => conversations.conversationId),
    callerId: text('caller_id').notNull(),
    appointmentId: text('appointment_id'),
    type: text('type').$type<CallType>().notNull(),
    status: text('status').$type<CallStatus>().notNull(),
    endReason: text('end_reason').$type<CallEndReason>(),
    endedBy: text('ended_by'),
    /** What whoever declined or hung up said. */
    reason: text('reason'),
    answeredBy: text('answered_by'),
    /** Who would like to raise the voice call to video, until another one answers. */
    videoRequestedBy: text('video_requested_by'),
    initiatedAt: time('initiated_at').notNull(),
    ringingAt: time('ringing_at'),
    acceptedAt: time('accepted_at'),
    connectedAt: time('connected_at'),
    endedAt: time('ended_at'),
    /** When ringing, connecting or standing empty has lasted too long; null while nothing is waited for. */
    deadlineAt: time('deadline_at'),
  },
  (table) => [
    index('calls_room').on(table.roomId),
    index('calls_initiated').on(table.initiatedAt),
    index('calls_deadline').on(table.deadlineAt).where(sql`deadline_at is not null`),
  ],
);

/** Who has to do with a call. */
export const callParties = pgTable(
  'call_parties',
  {
    callId: uuid('call_id')
      .notNull()
      .references(() => calls.callId),
    userId: text('user_id').notNull(),
    state: text('state').$type<PartyState>().notNull(),
    /** The order in which they came: the caller is 0. */
    position: integer('position').notNull(),
    /** When ringing somebody into a running call has lasted too long. */
    deadlineAt: time('deadline_at'),
  },
  (table) => [
    primaryKey({ columns: [table.callId, table.userId] }),
    index('call_parties_user').on(table.userId, table.callId),
    index('call_parties_engaged').on(table.userId).where(sql`state in ('ringing', 'joined')`),
    index('call_parties_deadline').on(table.deadlineAt).where(sql`deadline_at is not null`),
  ],
);

/** What users say of themselves, and when they were last there. */
export const userPresence = pgTable('user_presence', {
  userId: text('user_id').primaryKey(),
  /** Null: as their devices show it. */
  status: text('status').$type<SettableStatus>(),
  note: text('note'),
  endsAt: time('ends_at'),
  lastSeenAt: time('last_seen_at'),
});

export const notifications = pgTable(
  'notifications',
  {
    notificationId: uuid('notification_id').primaryKey(),
    userId: text('user_id').notNull(),
    type: text('type').notNull(),
    priority: text('priority').$type<NotificationPriority>().notNull(),
    topic: text('topic'),
    /** Title, body and data, sealed for the notification's id. */
    keyId: text('key_id').notNull(),
    sealed: bytea('sealed').notNull(),
    /** Of what may be made many times over, what makes it the same one. */
    dedupeKey: text('dedupe_key'),
    createdAt: time('created_at').notNull(),
    readAt: time('read_at'),
  },
  (table) => [
    index('notifications_user').on(table.userId, table.notificationId),
    index('notifications_unread').on(table.userId).where(sql`read_at is null`),
    index('notifications_created').on(table.createdAt),
    unique('notifications_dedupe').on(table.userId, table.dedupeKey),
  ],
);

export const notificationTopics = pgTable(
  'notification_topics',
  { topic: text('topic').notNull(), userId: text('user_id').notNull() },
  (table) => [primaryKey({ columns: [table.topic, table.userId] }), index('notification_topics_user').on(table.userId)],
);

/** How users want to be told what happens while they are away; a row that is not there says the defaults. */
export const notificationSettings = pgTable('notification_settings', {
  userId: text('user_id').primaryKey(),
  push: boolean('push').notNull().default(true),
  email: boolean('email').notNull().default(true),
  emailAddress: text('email_address'),
  showContent: boolean('show_content').notNull().default(false),
  quietFrom: text('quiet_from'),
  quietTo: text('quiet_to'),
  quietTimeZone: text('quiet_time_zone'),
});

/** Browsers that take Web Push. */
export const pushSubscriptions = pgTable(
  'push_subscriptions',
  {
    subscriptionId: uuid('subscription_id').primaryKey(),
    userId: text('user_id').notNull(),
    endpoint: text('endpoint').notNull().unique(),
    p256dh: text('p256dh').notNull(),
    auth: text('auth').notNull(),
    createdAt: time('created_at').notNull().defaultNow(),
  },
  (table) => [index('push_subscriptions_user').on(table.userId)],
);

/** Recordings of rooms: who asked for them, how they went, and until when they are kept. */
export const recordings = pgTable(
  'recordings',
  {
    recordingId: uuid('recording_id').primaryKey(),
    roomId: uuid('room_id')
      .notNull()
      .references(() => rooms.roomId),
    callId: uuid('call_id').references(() => calls.callId),
    requestedBy: text('requested_by').notNull(),
    purpose: text('purpose').notNull(),
    kinds: text('kinds').array().$type<RecordingKind[]>().notNull(),
    policy: text('policy').$type<RecordingPolicy>().notNull(),
    status: text('status').$type<RecordingStatus>().notNull(),
    failureReason: text('failure_reason').$type<RecordingFailure>(),
    /** The data folder that its files are written to, of one server. */
    folderId: uuid('folder_id').notNull(),
    composition: jsonb('composition').$type<CompositionSettings>().notNull().default({ layout: 'grid', gaps: 'cut', withNames: false }),
    /** Of the composition under way, 0 to 1. */
    progress: real('progress'),
    requestedAt: time('requested_at').notNull().defaultNow(),
    startedAt: time('started_at'),
    endedAt: time('ended_at'),
    durationMs: integer('duration_ms'),
    /** When it was last given to the jobs. */
    processingAt: time('processing_at'),
    /** Its server was there, while people are asked or recorded. */
    seenAt: time('seen_at').notNull().defaultNow(),
    deleteAt: time('delete_at'),
    heldAt: time('held_at'),
    deletedAt: time('deleted_at'),
  },
  (table) => [
    uniqueIndex('recordings_live').on(table.roomId).where(sql`status in ('requested', 'recording', 'paused')`),
    index('recordings_room').on(table.roomId),
    index('recordings_requested').on(table.requestedAt, table.recordingId),
    index('recordings_delete').on(table.deleteAt).where(sql`deleted_at is null`),
  ],
);

/** When a recording stood still. */
export const recordingGaps = pgTable(
  'recording_gaps',
  {
    recordingId: uuid('recording_id')
      .notNull()
      .references(() => recordings.recordingId),
    startedAt: time('started_at').notNull(),
    endedAt: time('ended_at'),
    reason: text('reason').$type<PauseReason>().notNull(),
  },
  (table) => [primaryKey({ columns: [table.recordingId, table.startedAt] })],
);

/** Receipts of consent: who was asked for what, in which words, and what they answered when. */
export const recordingConsents = pgTable(
  'recording_consents',
  {
    receiptId: uuid('receipt_id').primaryKey(),
    recordingId: uuid('recording_id')
      .notNull()
      .references(() => recordings.recordingId),
    userId: text('user_id').notNull(),
    state: text('state').$type<ConsentState>().notNull(),
    language: text('language').notNull(),
    textVersion: integer('text_version').notNull(),
    askedAt: time('asked_at').notNull().default(sql`clock_timestamp()`),
    answeredAt: time('answered_at'),
    withdrawnAt: time('withdrawn_at'),
    /** What was written of them is gone since. */
    erasedAt: time('erased_at'),
  },
  (table) => [
    unique('recording_consents_user').on(table.recordingId, table.userId),
    index('recording_consents_by_user').on(table.userId, table.recordingId),
  ],
);

/** What people read before they answer; the highest version of a language is in force. */
export const recordingTexts = pgTable(
  'recording_texts',
  {
    language: text('language').notNull(),
    version: integer('version').notNull(),
    text: text('text').notNull(),
    createdBy: text('created_by').notNull(),
    createdAt: time('created_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.language, table.version] })],
);

export const recordingTracks = pgTable(
  'recording_tracks',
  {
    trackId: uuid('track_id').primaryKey(),
    recordingId: uuid('recording_id')
      .notNull()
      .references(() => recordings.recordingId),
    userId: text('user_id').notNull(),
    source: text('source').$type<Source>().notNull(),
    kind: text('kind').$type<MediaKind>().notNull(),
    codec: text('codec').notNull(),
    startedAt: time('started_at').notNull(),
    endedAt: time('ended_at').notNull(),
  },
  (table) => [index('recording_tracks_recording').on(table.recordingId)],
);

/** Files of a recording; their bytes are sealed in the blob store under the recording's own key. */
export const recordingFiles = pgTable(
  'recording_files',
  {
    fileId: uuid('file_id').primaryKey(),
    recordingId: uuid('recording_id')
      .notNull()
      .references(() => recordings.recordingId),
    kind: text('kind').$type<RecordingFileKind>().notNull(),
    trackId: uuid('track_id').references(() => recordingTracks.trackId),
    /** Its place among the track's parts, from 0. */
    part: integer('part').notNull().default(0),
    startedAt: time('started_at'),
    endedAt: time('ended_at'),
    name: text('name').notNull(),
    mediaType: text('media_type').notNull(),
    bytes: count('bytes').notNull(),
    /** SHA-256 of the bytes, hex: the ETag. */
    sha256: text('sha256').notNull(),
    blobKey: text('blob_key').notNull(),
    createdAt: time('created_at').notNull().defaultNow(),
  },
  (table) => [index('recording_files_recording').on(table.recordingId, table.kind)],
);

/** What a file of a recording is. */
export type RecordingFileKind = 'part' | 'timeline' | 'composite' | 'poster' | 'speakers';

/** Links that open a recording without a token. */
export const recordingLinks = pgTable(
  'recording_links',
  {
    linkId: uuid('link_id').primaryKey(),
    recordingId: uuid('recording_id')
      .notNull()
      .references(() => recordings.recordingId),
    createdBy: text('created_by').notNull(),
    expiresAt: time('expires_at').notNull(),
    /** Null: as often as one likes. */
    maxUses: integer('max_uses'),
    uses: integer('uses').notNull().default(0),
    /** Addresses that have opened it and may go on reading. */
    addresses: text('addresses').array().notNull().default(sql`'{}'`),
    createdAt: time('created_at').notNull().defaultNow(),
  },
  (table) => [index('recording_links_recording').on(table.recordingId)],
);

/** Workers of the job queue that are alive; jobs that a dead one holds are given to others. */
export const jobPools = pgTable('job_pools', {
  poolId: text('pool_id').primaryKey(),
  seenAt: time('seen_at').notNull().defaultNow(),
});
