import { z } from 'zod';
import { request } from './define.ts';
import { namedId, plainText, role, source, timestamp, timestampInput, userId, uuid } from './ids.ts';
import { consumer, dataProducer, producer, rtpCapabilities, transport } from './media.ts';
import { recording } from './recording.ts';

/** A user in a room; several tabs of one user are one participant. */
export const participant = z.object({
  participantId: uuid,
  userId,
  displayName: z.string(),
  role,
  handRaised: z.boolean(),
  /** Sources that a moderator has muted and that may not be unmuted. */
  muted: z.array(source),
  /** Whether this participant may admit, mute, lock, kick and end. */
  isModerator: z.boolean(),
});
export type Participant = z.infer<typeof participant>;

export const roomStatus = z.enum(['waiting', 'in_progress', 'ended', 'cancelled']);
export type RoomStatus = z.infer<typeof roomStatus>;

export const room = z.object({
  roomId: uuid,
  roomName: z.string(),
  hostId: userId,
  status: roomStatus,
  lobby: z.boolean(),
  locked: z.boolean(),
  maxParticipants: z.number(),
  appointmentId: z.string().nullable(),
  scheduledAt: timestamp.nullable(),
  durationMinutes: z.number().nullable(),
  startedAt: timestamp.nullable(),
  endedAt: timestamp.nullable(),
  /** When the time limit ends the room; null while nobody has entered or without a limit. */
  endsAt: timestamp.nullable(),
});
export type Room = z.infer<typeof room>;

/** A device's own words about itself, in one or by name; whatever else it says is passed over. */
export const device = z.union([
  z.string().max(200),
  z.object({
    kind: z.string().max(200).optional(),
    name: z.string().max(200).optional(),
    browser: z.string().max(200).optional(),
    os: z.string().max(200).optional(),
  }),
]);

/** RTCIceServer, as the browser takes it. */
export const iceServer = z.object({ urls: z.array(z.string()), username: z.string().optional(), credential: z.string().optional() });
export type IceServer = z.infer<typeof iceServer>;

/** Everything a browser needs to be in the room; nothing falls between it and the first notice. */
export const roomSnapshot = z.object({
  room,
  me: participant,
  /** Everybody, oneself included. */
  participants: z.array(participant),
  producers: z.array(producer),
  dataProducers: z.array(dataProducer),
  rtpCapabilities,
  iceServers: z.array(iceServer),
  conversationId: uuid.nullable(),
  /** The one for which people are being asked or recorded now. */
  recording: recording.nullable(),
  /** Those who wait in the lobby; told to moderators only. */
  waiting: z.array(participant).optional(),
  /** Present when the request carried `rtpCapabilities`. */
  transports: z.object({ send: transport, recv: transport }).optional(),
  /** A paused consumer for each producer of the others, when the request carried `rtpCapabilities`. */
  consumers: z.array(consumer).optional(),
});
export type RoomSnapshot = z.infer<typeof roomSnapshot>;

const empty = z.object({});
const nothing = z.strictObject({});
const participantRef = z.strictObject({ participantId: namedId });

export const roomRequests = {
  'room:join': request(
    z.strictObject({
      roomId: namedId,
      token: z.string().max(16_384).optional(),
      device: device.optional(),
      rtpCapabilities: rtpCapabilities.optional(),
    }),
    z.union([z.object({ waiting: z.literal(true), me: participant }), roomSnapshot]),
  ),
  'room:leave': request(nothing, empty),
  'room:participants': request(z.strictObject({ roomId: namedId }), z.object({ participants: z.array(participant) })),
  'room:admit': request(participantRef, empty),
  'room:deny': request(participantRef, empty),
  'room:lock': request(nothing, empty),
  'room:unlock': request(nothing, empty),
  'room:end': request(nothing, empty),
  /** Pauses that source on the server; with `allowUnmute: false` it stays so until a moderator allows it again. */
  'room:mute': request(z.strictObject({ participantId: namedId, source, allowUnmute: z.boolean().default(true) }), empty),
  'room:kick': request(z.strictObject({ participantId: namedId, ban: z.boolean().optional() }), empty),
  'room:raiseHand': request(z.strictObject({ raised: z.boolean() }), empty),
};

/** Why a participant is no longer there. */
export const leaveReason = z.enum([
  'left',
  'connection_lost',
  'kicked',
  'banned',
  'room_ended',
  'suspended',
  'token_expired',
  'server_shutdown',
  'server_restart',
]);
export type LeaveReason = z.infer<typeof leaveReason>;

/** Why a room has ended. */
export const roomEndReason = z.enum(['ended_by_moderator', 'time_limit', 'cancelled', 'call_ended']);
export type RoomEndReason = z.infer<typeof roomEndReason>;

export const roomNotices = {
  /** To moderators: somebody waits in the lobby. */
  'room:waiting': z.object({ participant }),
  /** To the one who waits: join again. */
  'room:admitted': z.object({ roomId: uuid }),
  'room:denied': z.object({ roomId: uuid }),
  'room:participantJoined': z.object({ participant }),
  'room:participantUpdated': z.object({ participant }),
  'room:participantLeft': z.object({ participantId: uuid, userId, reason: leaveReason }),
  'room:locked': z.object({ roomId: uuid }),
  'room:unlocked': z.object({ roomId: uuid }),
  /** To the one who was muted. */
  'room:muted': z.object({ participantId: uuid, source, allowUnmute: z.boolean() }),
  /** To the one who was kicked. */
  'room:kicked': z.object({ roomId: uuid, banned: z.boolean() }),
  /** `null`: nobody speaks. */
  'room:activeSpeaker': z.object({ participantId: uuid.nullable() }),
  /** Who is heard now and how loud, in dBov (0 loudest, −127 silence). */
  'room:audioLevels': z.object({ levels: z.array(z.object({ participantId: uuid, volumeDbov: z.number() })) }),
  'room:ending': z.object({ secondsLeft: z.number() }),
  'room:ended': z.object({ roomId: uuid, reason: roomEndReason, durationSeconds: z.number() }),
  /** The room's media is gone: join again. Participants stay; with `moved` the room is on another server, to which joining again leads. */
  'room:mediaLost': z.object({ reason: z.string() }),
};

const roomName = plainText(1, 200);

export const createRoomBody = z.strictObject({
  appointmentId: plainText(1, 128).optional(),
  name: roomName.optional(),
  scheduledAt: timestampInput.optional(),
  durationMinutes: z.int().min(1).max(1440).optional(),
  hostId: userId.optional(),
  guestIds: z.array(userId).max(100).optional(),
  lobby: z.boolean().optional(),
  maxParticipants: z.int().min(1).max(1000).optional(),
});
export type CreateRoomBody = z.infer<typeof createRoomBody>;

export const createdRoom = z.object({
  roomId: uuid,
  roomName: z.string(),
  joinUrl: z.string(),
  hostToken: z.string(),
  guestToken: z.string(),
  expiresAt: timestamp,
});

export const updateRoomBody = z.strictObject({
  name: roomName.optional(),
  /** Private to moderators. */
  notes: plainText(0, 10_000).optional(),
  lobby: z.boolean().optional(),
});
export type UpdateRoomBody = z.infer<typeof updateRoomBody>;

/** A room over REST; `notes` are told to moderators only. */
export const roomDetails = room.extend({ joinUrl: z.string(), participantCount: z.number(), notes: z.string().optional() });
export type RoomDetails = z.infer<typeof roomDetails>;
