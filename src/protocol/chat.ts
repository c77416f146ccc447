import { z } from 'zod';
import { request } from './define.ts';
import { plainText, timestamp, timestampInput, userId, uuid } from './ids.ts';

export const messageType = z.enum([
  'text',
  'image',
  'file',
  'audio',
  'video',
  'voiceNote',
  'sticker',
  'location',
  'contact',
  'prescription',
  'report',
  'system',
]);
export type MessageType = z.infer<typeof messageType>;

/** What people may send; system messages are the server's. */
export const sendableType = messageType.exclude(['system']);

export const conversationType = z.enum(['direct', 'group']);
export type ConversationType = z.infer<typeof conversationType>;
export const conversationStatus = z.enum(['active', 'archived', 'closed']);
export type ConversationStatus = z.infer<typeof conversationStatus>;
export const memberRole = z.enum(['owner', 'admin', 'member']);
export type MemberRole = z.infer<typeof memberRole>;

export const attachmentKind = z.enum(['image', 'audio', 'video', 'document', 'other']);
export type AttachmentKind = z.infer<typeof attachmentKind>;

/** A stored file. `mediaType` is what its bytes say, not what its name claims. */
export const attachment = z.object({
  attachmentId: uuid,
  name: z.string(),
  kind: attachmentKind,
  mediaType: z.string(),
  bytes: z.number(),
  width: z.number().optional(),
  height: z.number().optional(),
  durationSeconds: z.number().optional(),
  hasThumbnail: z.boolean(),
});
export type Attachment = z.infer<typeof attachment>;

export const reaction = z.object({ emoji: z.string(), count: z.number(), userIds: z.array(userId) });
export type Reaction = z.infer<typeof reaction>;

/** The message that another one answers, in short; `content` is null once it is deleted. */
export const repliedMessage = z.object({
  messageId: uuid,
  seq: z.number(),
  senderId: userId,
  type: messageType,
  content: z.string().nullable(),
});

/** `sent`, then `delivered` and `read` once all other members have it so. */
export const messageStatus = z.enum(['sent', 'delivered', 'read']);
export type MessageStatus = z.infer<typeof messageStatus>;

export const message = z.object({
  messageId: uuid,
  conversationId: uuid,
  /** Counts from 1 in each conversation, without gaps. */
  seq: z.number(),
  senderId: userId,
  type: messageType,
  /** Null when there is none, and once the message is deleted for everyone. */
  content: z.string().nullable(),
  attachments: z.array(attachment),
  mentions: z.array(userId),
  replyTo: repliedMessage.optional(),
  callId: z.string().optional(),
  clientId: z.string(),
  status: messageStatus,
  sentAt: timestamp,
  editedAt: timestamp.optional(),
  deletedAt: timestamp.optional(),
  reactions: z.array(reaction),
});
export type Message = z.infer<typeof message>;

export const member = z.object({
  userId,
  displayName: z.string(),
  role: memberRole,
  joinedAt: timestamp,
  /** Up to and including; hidden (0) for members who hide reading. */
  deliveredSeq: z.number(),
  readSeq: z.number(),
});
export type Member = z.infer<typeof member>;

/** A conversation as one of its members sees it. */
export const conversation = z.object({
  conversationId: uuid,
  type: conversationType,
  /** A group's name; of a direct conversation the other's. */
  name: z.string(),
  avatarId: uuid.nullable(),
  appointmentId: z.string().nullable(),
  roomId: uuid.nullable(),
  status: conversationStatus,
  role: memberRole,
  memberIds: z.array(userId),
  lastMessage: message.nullable(),
  lastSeq: z.number(),
  unreadCount: z.number(),
  deliveredSeq: z.number(),
  readSeq: z.number(),
  mutedUntil: timestamp.nullable(),
  createdAt: timestamp,
});
export type Conversation = z.infer<typeof conversation>;

const conversationRef = { conversationId: uuid };
const seq = z.int().nonnegative();
const content = z.string();
export const emoji = z
  .string()
  .min(1)
  .max(32)
  .regex(/^(\p{RGI_Emoji}|\p{Extended_Pictographic})$/v, 'must be one emoji');
const pageLimit = z.int().min(1).max(100);
/** What makes a message once, however often it is sent: the sender's own id for it. */
const clientId = plainText(1, 64);

export const sendPayload = z.strictObject({
  ...conversationRef,
  clientId,
  type: sendableType,
  content: content.optional(),
  attachmentIds: z.array(uuid).max(1000).optional(),
  replyToId: uuid.optional(),
  callId: uuid.optional(),
  mentions: z.array(userId).max(100).optional(),
});
export type SendPayload = z.infer<typeof sendPayload>;

const messageReply = z.object({ message });
const receipt = z.strictObject({ ...conversationRef, seq });

export const historyPayload = z.strictObject({
  ...conversationRef,
  /** Messages before this one, the latest of them. */
  beforeSeq: z.int().positive().optional(),
  /** Messages after this one, the earliest of them. */
  afterSeq: seq.optional(),
  limit: pageLimit.default(50),
});

export const searchPayload = z.strictObject({
  query: z.string().trim().min(1).max(200),
  conversationId: uuid.optional(),
  senderId: userId.optional(),
  from: timestampInput.optional(),
  to: timestampInput.optional(),
  limit: pageLimit.default(20),
  cursor: z.string().max(200).optional(),
});
export type SearchPayload = z.infer<typeof searchPayload>;

export const searchReply = z.object({
  /** Newest first. `highlights`: where the query's words stand in `content`, as [start, end) in UTF-16 units. */
  hits: z.array(z.object({ message, highlights: z.array(z.tuple([z.number(), z.number()])) })),
  facets: z.object({
    byConversation: z.array(z.object({ conversationId: uuid, count: z.number() })),
    byType: z.array(z.object({ type: messageType, count: z.number() })),
    /** False when only the newest matches were counted. */
    isComplete: z.boolean(),
  }),
  cursor: z.string().nullable(),
});

export const listConversationsPayload = z.strictObject({
  status: conversationStatus.optional(),
  type: conversationType.optional(),
  limit: pageLimit.default(50),
  cursor: z.string().max(200).optional(),
});

const empty = z.object({});

export const chatRequests = {
  'chat:send': request(sendPayload, messageReply),
  'chat:edit': request(z.strictObject({ messageId: uuid, content }), messageReply),
  'chat:delete': request(z.strictObject({ messageId: uuid, forEveryone: z.boolean() }), messageReply),
  'chat:react': request(z.strictObject({ messageId: uuid, emoji }), messageReply),
  'chat:unreact': request(z.strictObject({ messageId: uuid, emoji }), messageReply),
  'chat:history': request(historyPayload, z.object({ messages: z.array(message), hasMore: z.boolean() })),
  'chat:search': request(searchPayload, searchReply),
  'chat:delivered': request(receipt, empty),
  'chat:read': request(receipt, empty),
  'chat:typing': request(z.strictObject({ ...conversationRef, typing: z.boolean() }), empty),
  'chat:conversations': request(
    listConversationsPayload,
    z.object({ conversations: z.array(conversation), cursor: z.string().nullable() }),
  ),
};

const receiptNotice = z.object({ ...conversationRef, userId, seq: z.number() });

export const chatNotices = {
  'chat:message': z.object({ message }),
  'chat:messageEdited': z.object({ message }),
  /** Deleted for everyone, or (to oneself alone, `forEveryone: false`) from one's own view. */
  'chat:messageDeleted': z.object({ ...conversationRef, messageId: uuid, seq: z.number(), forEveryone: z.boolean() }),
  'chat:reactionsChanged': z.object({ ...conversationRef, messageId: uuid, reactions: z.array(reaction) }),
  'chat:delivered': receiptNotice,
  'chat:read': receiptNotice,
  'chat:typing': z.object({ ...conversationRef, userId, typing: z.boolean() }),
  'chat:conversationAdded': z.object({ conversation }),
  'chat:conversationUpdated': z.object({ conversation }),
  'chat:conversationRemoved': z.object({ ...conversationRef }),
  'chat:membersChanged': z.object({ ...conversationRef, members: z.array(member) }),
};

const groupName = plainText(1, 200);
const appointmentId = plainText(1, 128);

export const directConversationBody = z.strictObject({
  userId,
  appointmentId: appointmentId.optional(),
  initialMessage: content.optional(),
});
export const groupConversationBody = z.strictObject({
  name: groupName,
  memberIds: z.array(userId).min(1).max(200),
  appointmentId: appointmentId.optional(),
});
export const updateConversationBody = z.strictObject({ name: groupName.optional(), avatarId: uuid.nullable().optional() });
export const muteBody = z.strictObject({ until: timestampInput.optional() });
export const addMembersBody = z.strictObject({ userIds: z.array(userId).min(1).max(200) });
export const updateMemberBody = z.strictObject({ role: memberRole });
export const sendBody = sendPayload.omit({ conversationId: true });
export const editBody = z.strictObject({ content });

export const conversationStats = z.object({
  total: z.number(),
  direct: z.number(),
  group: z.number(),
  archived: z.number(),
  unreadConversations: z.number(),
  unreadMessages: z.number(),
});
export const messageStats = z.object({
  total: z.number(),
  byType: z.array(z.object({ type: messageType, count: z.number() })),
  bySender: z.array(z.object({ userId, count: z.number() })),
  firstAt: timestamp.nullable(),
  lastAt: timestamp.nullable(),
});
export const messageReceipts = z.object({
  messageId: uuid,
  receipts: z.array(z.object({ userId, status: messageStatus })),
});

export const attachmentAccess = z.enum(['private', 'conversation', 'call']);
export type AttachmentAccess = z.infer<typeof attachmentAccess>;
