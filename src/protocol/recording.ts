import { z } from 'zod';
import { request } from './define.ts';
import { namedId, plainText, source, timestamp, timestampInput, userId, uuid } from './ids.ts';

/** What is recorded of people: what they say, their camera, what they show of their screen. */
export const recordingKind = z.enum(['audio', 'video', 'screen']);
export type RecordingKind = z.infer<typeof recordingKind>;

export const recordingStatus = z.enum(['requested', 'recording', 'paused', 'processing', 'ready', 'refused', 'failed']);
export type RecordingStatus = z.infer<typeof recordingStatus>;

/** `leave_out`: those who refuse are left out; `unanimous`: one refusal refuses the recording. */
export const recordingPolicy = z.enum(['leave_out', 'unanimous']);
export type RecordingPolicy = z.infer<typeof recordingPolicy>;

/** How one user stands to being recorded. */
export const consentState = z.enum(['asked', 'granted', 'refused', 'withdrawn']);
export type ConsentState = z.infer<typeof consentState>;

/** How the pictures of people are put together. */
export const recordingLayout = z.enum(['grid', 'speaker', 'sideBySide', 'screen']);
export type RecordingLayout = z.infer<typeof recordingLayout>;

/** How a recording is put together. */
export const compositionSettings = z.strictObject({
  layout: recordingLayout,
  /** Whether time in which it stood still is left out, or stands as a card. */
  gaps: z.enum(['cut', 'show']).default('cut'),
  /** Writes names onto pictures. */
  withNames: z.boolean().default(false),
  /** Writes the wall clock of this zone (IANA, such as `Europe/Berlin`) into the picture. */
  timeZone: z
    .string()
    .max(64)
    .refine((zone) => {
      try {
        return new Intl.DateTimeFormat('en', { timeZone: zone }).format(0) !== '';
      } catch {
        return false;
      }
    }, 'must be a time zone such as Europe/Berlin')
    .optional(),
});
export type CompositionSettings = z.infer<typeof compositionSettings>;

/** Why nothing came of a recording. */
export const recordingFailure = z.enum([
  /** The room ended while people were being asked. */
  'room_ended',
  /** Nothing of anybody was written. */
  'nothing_recorded',
  'capture_failed',
  'composition_failed',
  /** The store would not take it. */
  'storage_failed',
  /** The server that recorded did not come back. */
  'server_lost',
]);
export type RecordingFailure = z.infer<typeof recordingFailure>;

/** Why a recording stands still. */
export const pauseReason = z.enum(['by_moderator', 'disk_low']);
export type PauseReason = z.infer<typeof pauseReason>;

export const recordingConsent = z.object({
  userId,
  displayName: z.string(),
  state: consentState,
  /** Null while they have not answered. */
  granted: z.boolean().nullable(),
  language: z.string(),
  textVersion: z.number(),
  askedAt: timestamp,
  answeredAt: timestamp.nullable(),
  withdrawnAt: timestamp.nullable(),
});
export type RecordingConsent = z.infer<typeof recordingConsent>;

/** What one user sent of one source. It has several parts when its capture was cut. */
export const recordingTrack = z.object({
  trackId: uuid,
  userId,
  source,
  codec: z.string(),
  startedAt: timestamp,
  endedAt: timestamp,
  parts: z.array(z.object({ part: z.number(), startedAt: timestamp, endedAt: timestamp, bytes: z.number(), sha256: z.string() })),
});

export const recording = z.object({
  recordingId: uuid,
  roomId: uuid,
  callId: uuid.optional(),
  requestedBy: userId,
  purpose: z.string(),
  kinds: z.array(recordingKind),
  policy: recordingPolicy,
  status: recordingStatus,
  requestedAt: timestamp,
  startedAt: timestamp.optional(),
  endedAt: timestamp.optional(),
  /** Of what was recorded, gaps left out. */
  durationSeconds: z.number().optional(),
  failureReason: recordingFailure.optional(),
  /** Of the composition, from 0 to 1. */
  progress: z.number().optional(),
  composition: compositionSettings,
  /** Bytes of the composed file. */
  bytes: z.number().optional(),
  /** A hold keeps it from retention and deletion. */
  held: z.boolean(),
  /** When it is deleted by itself; without one it stays. */
  deleteAt: timestamp.optional(),
  gaps: z.array(z.object({ startedAt: timestamp, endedAt: timestamp.optional(), reason: pauseReason })),
  tracks: z.array(recordingTrack),
  consents: z.array(recordingConsent),
});
export type Recording = z.infer<typeof recording>;

const recordingRef = { recordingId: namedId };
const recordingReply = z.object({ recording });
const ref = z.strictObject(recordingRef);

/** A language tag such as `de` or `de-CH` (BCP 47). */
export const languageTag = z.string().regex(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, 'must be a language tag such as de or de-CH');

export const recordingRequests = {
  /** Asks everybody in the room; asking is one's own grant. */
  'recording:request': request(
    z.strictObject({ roomId: namedId, purpose: plainText(1, 500), kinds: z.array(recordingKind).min(1).max(3) }),
    recordingReply,
  ),
  /** Answers for oneself, having read that version of the text. */
  'recording:consent': request(
    z.strictObject({ ...recordingRef, granted: z.boolean(), textVersion: z.number().int().positive() }),
    recordingReply,
  ),
  /** Takes one's consent back; with `erase` what was written of one goes too. */
  'recording:withdraw': request(z.strictObject({ ...recordingRef, erase: z.boolean().default(false) }), recordingReply),
  'recording:pause': request(ref, recordingReply),
  'recording:resume': request(ref, recordingReply),
  'recording:stop': request(ref, recordingReply),
};

const recordingNotice = z.object({ recording });

export const recordingNotices = {
  /** To somebody who is asked; also when they come later. */
  'recording:consentRequested': z.object({
    recordingId: uuid,
    roomId: uuid,
    requestedBy: userId,
    purpose: z.string(),
    kinds: z.array(recordingKind),
    text: z.string(),
    textVersion: z.number(),
    language: z.string(),
  }),
  'recording:consentChanged': recordingNotice,
  'recording:started': recordingNotice,
  'recording:paused': z.object({ recording, reason: pauseReason }),
  'recording:resumed': recordingNotice,
  /** Nothing is captured from here on; also when it never began. */
  'recording:stopped': recordingNotice,
  /** How far the composition is. */
  'recording:progress': z.object({ recordingId: uuid, progress: z.number() }),
  'recording:ready': recordingNotice,
  'recording:failed': recordingNotice,
};

export const listRecordingsQuery = z.strictObject({
  roomId: namedId.optional(),
  status: recordingStatus.optional(),
  /** Recordings that somebody was asked for. */
  userId: userId.optional(),
  from: timestampInput.optional(),
  to: timestampInput.optional(),
  limit: z.coerce.number().int().min(1).max(100).default(20),
  cursor: z.string().max(200).optional(),
});
export type ListRecordingsQuery = z.infer<typeof listRecordingsQuery>;

export const recordingPage = z.object({ recordings: z.array(recording), cursor: z.string().nullable() });

export const createLinkBody = z.strictObject({
  /** Longer than `LIMIT_LINK_MINUTES` is as long as that. */
  expiresInMinutes: z.number().positive().max(10_000_000).optional(),
  /** How many times it may be opened; without one as often as one likes. */
  maxUses: z.number().int().min(1).max(1_000_000).optional(),
});
export const recordingLink = z.object({ url: z.string(), expiresAt: timestamp });

/** The text that people see before they answer. */
export const consentText = z.object({ language: z.string(), textVersion: z.number(), text: z.string(), createdAt: timestamp.nullable() });
export type ConsentText = z.infer<typeof consentText>;
export const setTextBody = z.strictObject({ text: plainText(1, 10_000) });

/** A receipt of consent, after ISO/IEC TS 27560:2023: who agreed to what, by which notice, and when. */
export const consentReceipt = z.object({
  schemaVersion: z.literal('ISO/IEC TS 27560:2023'),
  receiptId: uuid,
  recordId: uuid,
  piiPrincipalId: userId,
  displayName: z.string(),
  requestedBy: userId,
  purpose: z.string(),
  piiCategories: z.array(recordingKind),
  notice: z.object({ language: z.string(), version: z.number(), text: z.string() }),
  state: consentState,
  events: z.array(z.object({ type: z.enum(['requested', 'given', 'refused', 'withdrawn', 'erased']), at: timestamp })),
});
export type ConsentReceipt = z.infer<typeof consentReceipt>;
export const consentReceipts = z.object({ receipts: z.array(consentReceipt) });
