import { z } from 'zod';
import { request } from './define.ts';
import { maybe, namedId, plainText, timestamp, timestampInput, userId, uuid } from './ids.ts';

export const callType = z.enum(['video', 'voice']);
export type CallType = z.infer<typeof callType>;

export const callStatus = z.enum([
  'initiated',
  'ringing',
  'accepted',
  'connecting',
  'connected',
  'ended',
  'missed',
  'declined',
  'cancelled',
  'busy',
  'failed',
]);
export type CallStatus = z.infer<typeof callStatus>;

/** Why a call is over. */
export const callEndReason = z.enum([
  'user_hangup',
  'callee_declined',
  'caller_cancelled',
  'missed',
  'busy',
  'network_error',
  'timeout',
  'connection_failed',
  'room_ended',
]);
export type CallEndReason = z.infer<typeof callEndReason>;

/** How one user stands to a call: rung, in it, or why they are not. */
export const partyState = z.enum(['ringing', 'joined', 'declined', 'missed', 'elsewhere', 'busy', 'left']);
export type PartyState = z.infer<typeof partyState>;

export const call = z.object({
  callId: uuid,
  /** Null while there is none: a call that found its callees busy has no room. */
  roomId: uuid.nullable(),
  conversationId: uuid.nullable(),
  callerId: userId,
  /** Whoever was rung, also those who were rung into the running call. */
  calleeIds: z.array(userId),
  appointmentId: z.string().nullable(),
  type: callType,
  status: callStatus,
  parties: z.array(z.object({ userId, displayName: z.string(), state: partyState })),
  endReason: callEndReason.nullable(),
  /** Whoever declined, cancelled or hung up; null when the server ended it. */
  endedBy: userId.nullable(),
  /** What whoever declined or hung up said of it. */
  reason: z.string().nullable(),
  answeredBy: userId.nullable(),
  initiatedAt: timestamp,
  ringingAt: timestamp.nullable(),
  acceptedAt: timestamp.nullable(),
  connectedAt: timestamp.nullable(),
  endedAt: timestamp.nullable(),
  /** From `connectedAt` to the end, or until now; null when it never connected. */
  durationSeconds: z.number().nullable(),
  /** From the accepted ring to media of both sides. */
  setupMs: z.number().nullable(),
});
export type Call = z.infer<typeof call>;

const callRef = { callId: namedId };
const callReply = z.object({ call });
const callId = z.strictObject(callRef);
/** What somebody says on declining or hanging up. */
const reason = maybe(plainText(0, 200));

export const initiatePayload = z.strictObject({
  calleeIds: z.array(userId).min(1).max(16),
  appointmentId: maybe(plainText(1, 128)),
  type: callType,
  /** Rings even though everybody is in a call: they may take it as a second one. */
  wait: z.boolean().optional(),
});

export const callRequests = {
  'call:initiate': request(initiatePayload, z.object({ callId: uuid, roomId: uuid.nullable(), status: callStatus, call })),
  'call:accept': request(callId, callReply),
  'call:decline': request(z.strictObject({ ...callRef, reason }), callReply),
  'call:cancel': request(callId, callReply),
  /** Hangs up: the call goes on while two others are in it. */
  'call:end': request(z.strictObject({ ...callRef, reason }), callReply),
  /** Rings one more user into a running call. */
  'call:invite': request(z.strictObject({ ...callRef, userId }), callReply),
  /** Asks the others whether a voice call may become a video call. */
  'call:requestVideo': request(callId, callReply),
  /** Answers somebody's wish for video; consent makes it a video call. */
  'call:answerVideo': request(z.strictObject({ ...callRef, accepted: z.boolean() }), callReply),
  'call:signal': request(
    z.strictObject({ ...callRef, recipientId: userId, signalType: z.enum(['offer', 'answer', 'ice']), signal: z.unknown() }),
    z.object({}),
  ),
};

const callNotice = z.object({ call });

export const callNotices = {
  /** To every device of whoever is rung; also when such a device connects while it rings. */
  'call:incoming': callNotice,
  /** To the caller: the call has reached a device. */
  'call:ringing': callNotice,
  'call:accepted': callNotice,
  'call:declined': callNotice,
  /** To the other devices, and to the others who were rung. */
  'call:answeredElsewhere': callNotice,
  'call:busy': callNotice,
  'call:connected': callNotice,
  'call:ended': z.object({ call, reason: callEndReason, durationSeconds: z.number() }),
  'call:missed': callNotice,
  'call:failed': callNotice,
  /** Somebody was rung into a running call, came, declined, did not answer or left. */
  'call:updated': callNotice,
  /** Somebody would like to raise the voice call to video. */
  'call:videoRequested': z.object({ call, userId }),
  'call:videoAnswered': z.object({ call, userId, accepted: z.boolean() }),
  'call:signal': z.object({
    callId: uuid,
    senderId: userId,
    recipientId: userId,
    signalType: z.enum(['offer', 'answer', 'ice']),
    signal: z.unknown(),
  }),
};

export const listCallsQuery = z.strictObject({
  page: z.coerce.number().int().min(1).max(1_000_000).default(1),
  limit: z.coerce.number().int().min(1).max(100).default(20),
  type: callType.optional(),
  status: callStatus.optional(),
  from: timestampInput.optional(),
  to: timestampInput.optional(),
  /** Somebody else's calls, for admins. */
  userId: userId.optional(),
  format: z.enum(['json', 'csv']).default('json'),
});
export type ListCallsQuery = z.infer<typeof listCallsQuery>;

export const callPage = z.object({ calls: z.array(call), page: z.number(), limit: z.number(), total: z.number() });

/** A span of whole days up to now, such as `30d`. */
export const period = z
  .string()
  .regex(/^[1-9]\d{0,3}d$/, 'must be a number of days such as 30d')
  .transform((text) => Number(text.slice(0, -1)))
  .refine((days) => days <= 3650, 'must be at most 3650d');

export const callStats = z.object({
  total: z.number(),
  completed: z.number(),
  missed: z.number(),
  declined: z.number(),
  cancelled: z.number(),
  busy: z.number(),
  failed: z.number(),
  video: z.number(),
  voice: z.number(),
  averageDurationSeconds: z.number(),
  /** From the accepted ring to media of both sides; null when no call connected. */
  averageSetupMs: z.number().nullable(),
});
export type CallStats = z.infer<typeof callStats>;

export const endCallBody = z.strictObject({ reason });
