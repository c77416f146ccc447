import { v7 as uuidv7 } from 'uuid';
import type { Identity, RoomGrants, TokenService } from '../auth/token.ts';
import type { ConversationService } from '../chat/conversation-service.ts';
import { type Actor, audit, serverActor } from '../db/audit-log.ts';
import type { Database, Transaction } from '../db/database.ts';
import type { Facts } from '../facts.ts';
import { AppError } from '../protocol/errors.ts';
import { allSources } from '../protocol/ids.ts';
import type { CreateRoomBody, IceServer, RoomDetails, RoomEndReason, UpdateRoomBody } from '../protocol/room.ts';
import type { LiveRooms } from './live-rooms.ts';
import { assertGrantsFit, assertMayEnter, assertNotTooEarly, isModerator } from './room-access.ts';
import type { RoomFollower } from './room-follower.ts';
import * as store from './room-store.ts';
import { durationSeconds, toRoom } from './room-view.ts';

/** How long the tokens of a room are good after the room could have begun. */
const tokenHours = 24;

/** Who asks, over REST. */
export interface Requester {
  readonly identity: Identity;
  readonly address: string;
}

export type RoomService = ReturnType<typeof createRoomService>;

/** Rules about rooms themselves: making, finding, changing and ending them, and the tokens that open them. */
export function createRoomService(parts: {
  db: Database;
  facts: Facts;
  rooms: LiveRooms;
  follower: RoomFollower;
  tokens: TokenService;
  conversations: Pick<ConversationService, 'createForRoom'>;
  accessPolicy: 'appointment' | 'open';
  limits: { roomsPerDay: number; participants: number; roomMinutes: number };
  publicUrl: () => string;
  iceServersFor: (userId: string) => IceServer[];
  /** Whether there is a recording of a room, and where. */
  recordingOf: (roomId: string) => Promise<{ available: boolean; url?: string }>;
}) {
  const { db, facts, rooms, follower, tokens, conversations, accessPolicy, limits, publicUrl, iceServersFor, recordingOf } = parts;
  const joinUrlOf = (roomId: string) => `${publicUrl()}/r/${roomId}`;

  /** The room, for those who may enter it. Errors: `room.not_found`, `room.banned`, `auth.forbidden`. */
  async function getRoomFor(identity: Identity, roomId: string) {
    assertGrantsFit(identity.grants, roomId);
    const row = await store.findRoom(db.sql, roomId);
    if (!row) throw new AppError('room.not_found');
    const relation = await store.findRelation(db.sql, roomId, identity.userId);
    return { row, relation, rights: assertMayEnter(row, identity, relation, undefined, accessPolicy) };
  }

  /** Rooms with what one may know of them. */
  async function toDetails(entries: readonly { row: store.RoomRow; canModerate: boolean }[]): Promise<RoomDetails[]> {
    // In a room that is not alive here people may be on another server, and only the books know of them.
    const unknown = entries.map(({ row }) => row).filter(({ roomId, status }) => status === 'in_progress' && !rooms.find(roomId));
    const present = await store.countPresent(
      db.sql,
      unknown.map(({ roomId }) => roomId),
    );
    return entries.map(({ row, canModerate }) => ({
      ...toRoom(row, limits.roomMinutes),
      joinUrl: joinUrlOf(row.roomId),
      participantCount: rooms.find(row.roomId)?.participants.length ?? present.get(row.roomId) ?? 0,
      ...(canModerate && { notes: row.notes }),
    }));
  }

  async function toDetailsOf(row: store.RoomRow, canModerate: boolean): Promise<RoomDetails> {
    const [details] = await toDetails([{ row, canModerate }]);
    if (!details) throw new Error('one room makes one answer');
    return details;
  }

  async function assertBelowDailyLimit(tx: Transaction, { userId, role }: Identity): Promise<void> {
    if (limits.roomsPerDay === 0 || role === 'service') return;
    const dayMs = 24 * 60 * 60 * 1000;
    const made = await store.countRoomsSince(tx, userId, new Date(Date.now() - dayMs));
    if (made >= limits.roomsPerDay) {
      throw new AppError('protocol.rate_limited', {
        message: `No more than ${limits.roomsPerDay} rooms a day.`,
        details: { retryAfterMs: 60 * 60 * 1000 },
      });
    }
  }

  /** Ends a room once: the row and its audit entry commit together, then everybody is told. Undefined when it had ended already. */
  async function end(actor: Actor, roomId: string, reason: RoomEndReason): Promise<store.RoomRow | undefined> {
    const row = await db.transaction(async (tx) => {
      const ended = await store.endRoom(tx, roomId, reason);
      if (!ended) return undefined;
      await store.markRoomLeft(tx, roomId, 'room_ended');
      await audit(tx, { actor, action: 'room.ended', subject: roomId, details: { reason } });
      return ended;
    });
    if (!row) return undefined;
    const notice = { roomId, reason: row.endReason ?? reason, durationSeconds: durationSeconds(row) };
    follower.close(notice);
    facts.emit('room.ended', notice);
    return row;
  }

  return {
    end,

    /**
     * Makes the room that users are rung into, as part of the transaction that begins the call. Providers and admins among them moderate before a
     * patient does. Its messages go to `conversationId`, or without one to a conversation of its own.
     */
    async insertForCall(
      tx: Transaction,
      call: {
        callerId: string;
        calleeIds: readonly string[];
        appointmentId: string | undefined;
        type: 'video' | 'voice';
        conversationId: string | null;
      },
    ): Promise<{ roomId: string; conversationId: string }> {
      const { callerId, calleeIds, type } = call;
      const roomId = uuidv7();
      const everybody = [callerId, ...calleeIds];
      const hostId = (await store.findFirstOfStaff(tx, everybody)) ?? callerId;
      const guestIds = everybody.filter((userId) => userId !== hostId);
      const name = type === 'video' ? 'Video call' : 'Voice call';
      const appointmentId = call.appointmentId ?? null;
      const maxParticipants = limits.participants;
      const { conversationId } = call;
      const row = { roomId, name, hostId, createdBy: hostId, appointmentId, conversationId, invitedOnly: true, maxParticipants };
      await store.insertRoom(tx, row, guestIds);
      return {
        roomId,
        conversationId: conversationId ?? (await conversations.createForRoom(tx, { roomId, name, hostId, appointmentId, guestIds })),
      };
    },

    /** Lets one more user into a call's room. Where it had the conversation of two, a new one is made and answered. */
    async inviteToCall(
      tx: Transaction,
      { roomId, userId, memberIds }: { roomId: string; userId: string; memberIds: readonly string[] },
    ): Promise<string | undefined> {
      const row = await store.addGuest(tx, roomId, userId);
      if (!row || row.endedAt) throw new AppError('room.ended');
      if (row.conversationId === null) return undefined;
      await store.giveOwnConversation(tx, roomId);
      const { name, hostId, appointmentId } = row;
      const guestIds = [...memberIds, userId].filter((id) => id !== hostId);
      return await conversations.createForRoom(tx, { roomId, name, hostId, appointmentId, guestIds });
    },

    /** Makes a room and the tokens of its host and guest. Errors: `auth.forbidden`, `protocol.rate_limited`, `protocol.invalid_payload`. */
    async create({ identity, address }: Requester, body: CreateRoomBody) {
      if (identity.role === 'patient' || identity.grants) throw new AppError('auth.forbidden');
      const { maxParticipants = limits.participants } = body;
      if (limits.participants > 0 && (maxParticipants === 0 || maxParticipants > limits.participants)) {
        throw new AppError('protocol.invalid_payload', { details: { field: 'maxParticipants', limit: limits.participants } });
      }
      const roomId = uuidv7();
      const hostId = body.hostId ?? identity.userId;
      const guestIds = [...new Set(body.guestIds ?? [])].filter((guestId) => guestId !== hostId);
      const scheduledAt = body.scheduledAt === undefined ? null : new Date(body.scheduledAt);
      const name = body.name ?? 'Consultation';
      await db.transaction(async (tx) => {
        await assertBelowDailyLimit(tx, identity);
        await store.insertRoom(
          tx,
          {
            roomId,
            name,
            hostId,
            createdBy: identity.userId,
            appointmentId: body.appointmentId ?? null,
            invitedOnly: guestIds.length > 0,
            lobby: body.lobby ?? false,
            maxParticipants,
            scheduledAt,
            durationMinutes: body.durationMinutes ?? null,
          },
          guestIds,
        );
        await conversations.createForRoom(tx, { roomId, name, hostId, appointmentId: body.appointmentId ?? null, guestIds });
        const actor = { userId: identity.userId, role: identity.role, address };
        await audit(tx, { actor, action: 'room.created', subject: roomId, details: { hostId, guestIds } });
      });
      const beginsMs = Math.max(Date.now(), scheduledAt?.getTime() ?? 0);
      const expiresAt = new Date(beginsMs + tokenHours * 60 * 60 * 1000);
      const hostGrants: RoomGrants = { roomId, canPublish: allSources, canSubscribe: true, canModerate: true, canRecord: true };
      const guestGrants: RoomGrants = { roomId, canPublish: allSources, canSubscribe: true, canModerate: false, canRecord: false };
      const isOwnHost = hostId === identity.userId;
      return {
        roomId,
        roomName: name,
        joinUrl: joinUrlOf(roomId),
        hostToken: tokens.sign(
          {
            userId: hostId,
            displayName: isOwnHost ? identity.displayName : hostId,
            role: isOwnHost ? identity.role : 'provider',
            grants: hostGrants,
          },
          expiresAt,
        ),
        guestToken: tokens.sign(
          { userId: guestIds[0] ?? `guest-${uuidv7()}`, displayName: guestIds[0] ?? 'Guest', role: 'patient', grants: guestGrants },
          expiresAt,
        ),
        expiresAt: expiresAt.toISOString(),
      };
    },

    /** Rooms that somebody hosts, made, is invited to, by name or by an appointment, or was in (admins: all), newest first. */
    async list({ identity }: Requester, { cursor, limit }: { cursor?: string | undefined; limit: number }) {
      if (identity.grants) throw new AppError('auth.forbidden');
      const { userId, role } = identity;
      const rows = await store.listRooms(db.sql, { userId, isAdmin: role === 'admin', beforeId: cursor, limit: limit + 1 });
      const page = rows.slice(0, limit);
      const own = await store.listRoomsOfAppointments(
        db.sql,
        userId,
        page.map((row) => row.roomId),
      );
      return {
        rooms: await toDetails(page.map((row) => ({ row, canModerate: isModerator(row, identity, undefined, own.has(row.roomId)) }))),
        cursor: rows.length > limit ? (page.at(-1)?.roomId ?? null) : null,
      };
    },

    /** One room. Errors: `room.not_found`. */
    async get({ identity }: Requester, roomId: string): Promise<RoomDetails> {
      const { row, rights } = await getRoomFor(identity, roomId);
      return await toDetailsOf(row, rights.canModerate);
    },

    /** Changes a room's name, notes or lobby; for moderators. Errors: `room.not_found`, `room.ended`, `auth.forbidden`. */
    async update({ identity, address }: Requester, roomId: string, body: UpdateRoomBody): Promise<RoomDetails> {
      const { row, rights } = await getRoomFor(identity, roomId);
      if (!rights.canModerate) throw new AppError('auth.forbidden');
      if (row.endedAt && (body.name !== undefined || body.lobby !== undefined)) throw new AppError('room.ended');
      const { name, notes, lobby } = body;
      const changes = { ...(name !== undefined && { name }), ...(notes !== undefined && { notes }), ...(lobby !== undefined && { lobby }) };
      if (Object.keys(changes).length === 0) return await toDetailsOf(row, true);
      const changed = await db.transaction(async (tx) => {
        const updated = await store.updateRoom(tx, roomId, changes);
        const actor = { userId: identity.userId, role: identity.role, address };
        await audit(tx, { actor, action: 'room.updated', subject: roomId, details: { fields: Object.keys(changes) } });
        return updated;
      });
      if (!changed) throw new AppError('room.not_found');
      const live = rooms.find(roomId);
      if (live) follower.apply(live, changes);
      facts.emit('room.updated', { roomId });
      return await toDetailsOf(changed, true);
    },

    /** A token for oneself that opens this room alone. Errors: `room.not_found`, `room.ended`. */
    async issueToken({ identity, address }: Requester, roomId: string) {
      const { row, rights } = await getRoomFor(identity, roomId);
      if (row.endedAt) throw new AppError('room.ended');
      const { userId, displayName, role } = identity;
      const actor = { userId, role, address };
      await audit(db.sql, { actor, action: 'room.token_issued', subject: roomId });
      const accessToken = tokens.sign({ userId, displayName, role, grants: { roomId, ...rights } }, identity.expiresAt);
      return { accessToken, joinUrl: joinUrlOf(roomId), iceServers: iceServersFor(userId) };
    },

    /**
     * Whether one may enter, and who is there; entering itself is `room:join` on the socket.
     * Errors: `room.not_found`, `room.ended`, `room.too_early`, `room.elsewhere`, `room.locked`, `room.full`.
     */
    async prepareJoin({ identity }: Requester, roomId: string) {
      const { row, relation, rights } = await getRoomFor(identity, roomId);
      if (row.endedAt) throw new AppError('room.ended');
      await rooms.assertNotElsewhere(roomId);
      const live = rooms.find(roomId);
      const isThere = live?.findParticipantOfUser(identity.userId) !== undefined;
      if (!isThere) assertNotTooEarly(identity, relation, rights);
      if (row.locked && !isThere && !rights.canModerate) throw new AppError('room.locked');
      // Asks for a place and gives it back at once.
      live?.reserve(identity.userId)();
      return { participants: live?.participants ?? [], status: row.status };
    },

    /** Ends a room; for moderators. Errors: `room.not_found`, `room.ended`, `auth.forbidden`. */
    async endByRequest({ identity, address }: Requester, roomId: string) {
      const { rights } = await getRoomFor(identity, roomId);
      if (!rights.canModerate) throw new AppError('auth.forbidden');
      const row = await end({ userId: identity.userId, role: identity.role, address }, roomId, 'ended_by_moderator');
      if (!row) throw new AppError('room.ended');
      return { durationSeconds: durationSeconds(row), recording: await recordingOf(roomId) };
    },

    /** Ends rooms whose time limit has passed while nobody was in them. */
    async endOverdue(): Promise<void> {
      if (limits.roomMinutes === 0) return;
      for (const roomId of await store.findOverdueRooms(db.sql, limits.roomMinutes)) await end(serverActor, roomId, 'time_limit');
    },
  };
}
