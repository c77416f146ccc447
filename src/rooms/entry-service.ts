import { v7 as uuidv7 } from 'uuid';
import { audit } from '../db/audit-log.ts';
import type { Identity, RoomGrants, TokenService } from '../auth/token.ts';
import type { Database } from '../db/database.ts';
import type { Facts } from '../facts.ts';
import type { Logger } from '../log.ts';
import { AppError } from '../protocol/errors.ts';
import type { Reply, RequestPayload } from '../protocol/index.ts';
import type { ConsumerInfo, RtpCapabilities } from '../protocol/media.ts';
import type { IceServer, LeaveReason, RoomSnapshot } from '../protocol/room.ts';
import type { Peer } from '../sfu/peer.ts';
import { createInTurn } from './in-turn.ts';
import { type LiveRoom, type ParticipantState, type Seat, toParticipant } from './live-room.ts';
import type { LiveRooms } from './live-rooms.ts';
import { toConsumerInfo } from './media-service.ts';
import { assertMayEnter, type Rights } from './room-access.ts';
import * as store from './room-store.ts';

/** A session as the rules of rooms see it. */
export interface Caller {
  readonly sessionId: string;
  readonly identity: Identity;
  readonly displayName: string;
  readonly address: string;
  /** True once the session has ended; whatever is being made for it is closed again. */
  readonly closed: boolean;
}

export type EntryService = ReturnType<typeof createEntryService>;

/** Rules of coming and going: who may enter, the lobby, the snapshot, and what happens when somebody leaves. */
export function createEntryService(parts: {
  db: Database;
  facts: Facts;
  log: Logger;
  rooms: LiveRooms;
  tokens: TokenService;
  accessPolicy: 'appointment' | 'open';
  iceServersFor: (userId: string) => IceServer[];
}) {
  const { db, facts, log, rooms, tokens, accessPolicy, iceServersFor } = parts;
  /** One user's comings and goings happen one after another, whatever tabs they come from. */
  const inTurn = createInTurn();

  async function join(caller: Caller, request: RequestPayload<'room:join'>): Promise<Reply<'room:join'>> {
    const { identity, sessionId } = caller;
    const lent = request.token === undefined ? undefined : await lentGrants(request.token);
    const row = await store.findRoom(db.sql, request.roomId);
    if (!row) throw new AppError('room.not_found');
    const relation = await store.findRelation(db.sql, row.roomId, identity.userId);
    const rights = assertMayEnter(row, identity, relation, lent, accessPolicy);
    if (row.status === 'ended' || row.status === 'cancelled') throw new AppError('room.ended');

    const previous = rooms.findSeat(sessionId);
    if (previous && previous.live.roomId !== row.roomId) await leaveSeat(caller, previous.live, 'left');

    const live = rooms.open(row);
    try {
      return await enter(caller, live, rights, request.rtpCapabilities);
    } finally {
      rooms.release(live);
    }
  }

  async function enter(caller: Caller, live: LiveRoom, rights: Rights, rtpCapabilities: RtpCapabilities | undefined) {
    const { identity, sessionId } = caller;
    const { userId } = identity;
    const known = live.findParticipantOfUser(userId);
    if (!known && !rights.canModerate) {
      if (live.row.locked) throw new AppError('room.locked');
      if (live.row.lobby && !live.isAdmitted(userId)) return { waiting: true as const, me: wait(caller, live) };
    }
    live.stopWaiting(sessionId, 'left');
    const release = live.reserve(userId);
    let fresh: Peer | undefined;
    try {
      const media = await live.media();
      const seat = live.findSeat(sessionId);
      const isAlive = seat !== undefined && !seat.peer.closed;
      const peer = isAlive ? seat.peer : media.addPeer(sessionId);
      if (!isAlive) fresh = peer;
      const transports = rtpCapabilities && (await peer.ensureTransports());
      const participant = live.findParticipantOfUser(userId) ?? newParticipant(caller);
      const isNew = participant.seats.size === 0;
      if (isNew) await writeJoin(caller, live, participant);
      if (rtpCapabilities && rights.canSubscribe) {
        const refused = new Set<string>();
        for (let missing = unconsumed(live, peer, participant, refused); missing.length > 0; ) {
          await Promise.all(missing.map((producerId) => consumeUnlessRefused(peer, producerId, rtpCapabilities, refused)));
          missing = peer.closed ? [] : unconsumed(live, peer, participant, refused);
        }
      }
      if (live.closed || caller.closed || peer.closed) {
        if (isNew) await store.markLeft(db.sql, [participant.participantId], live.closed ? 'room_ended' : 'connection_lost');
        throw new AppError(live.closed ? 'room.ended' : caller.closed ? 'room.not_joined' : 'media.unavailable');
      }
      // From here to the answer nothing is awaited: the snapshot and the subscription are of one tick.
      if (seat) {
        seat.rights = rights;
        if (!isAlive) live.attachPeer(seat, peer);
      }
      const seated = seat ?? live.seat(sessionId, participant, rights, peer);
      fresh = undefined;
      if (isNew) facts.emit('participant.joined', { roomId: live.roomId, participantId: participant.participantId, userId });
      return snapshot({ live, seat: seated, transports, rtpCapabilities: media.rtpCapabilities });
    } finally {
      release();
      fresh?.close();
    }
  }

  /** The first entry starts the room; entry and audit row commit together. Errors: `room.ended`. */
  async function writeJoin(caller: Caller, live: LiveRoom, participant: ParticipantState): Promise<void> {
    const { roomId } = live;
    const { participantId, identity } = participant;
    const result = await db.transaction(async (tx) => {
      const running = await store.startRoom(tx, roomId);
      if (!running) throw new AppError('room.ended');
      await store.insertParticipant(tx, { participantId, roomId, userId: identity.userId });
      await audit(tx, { actor: actorOf(caller), action: 'participant.joined', subject: roomId, details: { participantId } });
      return running;
    });
    live.row = { ...live.row, status: result.row.status, startedAt: result.row.startedAt };
    if (result.started) facts.emit('room.started', { roomId });
  }

  function wait(caller: Caller, live: LiveRoom) {
    const { sessionId } = caller;
    return live.wait(sessionId, toParticipant(newParticipant(caller)));
  }

  async function lentGrants(token: string): Promise<RoomGrants> {
    const { grants } = await tokens.verify(token);
    if (!grants) throw new AppError('auth.forbidden');
    return grants;
  }

  async function leaveSeat(caller: Pick<Caller, 'sessionId' | 'identity' | 'address'>, live: LiveRoom, reason: LeaveReason): Promise<void> {
    const left = live.unseat(caller.sessionId, reason);
    rooms.release(live);
    if (!left?.isGone) return;
    await writeLeave(actorOf(caller), live.roomId, left.participant, reason);
  }

  /** Keeps the books on somebody who has gone and publishes it. */
  async function writeLeave(actor: ReturnType<typeof actorOf>, roomId: string, participant: ParticipantState, reason: LeaveReason) {
    const { participantId, identity } = participant;
    await db.transaction(async (tx) => {
      await store.markLeft(tx, [participantId], reason);
      await audit(tx, { actor, action: 'participant.left', subject: roomId, details: { participantId, reason } });
    });
    facts.emit('participant.left', { roomId, participantId, userId: identity.userId, reason });
  }

  function snapshot(options: {
    live: LiveRoom;
    seat: Seat;
    transports: RoomSnapshot['transports'];
    rtpCapabilities: RtpCapabilities;
  }): RoomSnapshot {
    const { live, seat, transports, rtpCapabilities } = options;
    return {
      room: live.view,
      me: toParticipant(seat.participant),
      participants: live.participants,
      producers: live.producers,
      dataProducers: live.dataProducers,
      rtpCapabilities,
      iceServers: iceServersFor(seat.participant.identity.userId),
      conversationId: null,
      recording: null,
      ...(seat.rights.canModerate && { waiting: live.waiting }),
      ...(transports && { transports, consumers: consumersOf(live, seat.peer) }),
    };
  }

  return {
    /** Enters a room or its lobby; a second time it answers a fresh snapshot. See `room:join`. */
    join: (caller: Caller, request: RequestPayload<'room:join'>) => inTurn.run(caller.identity.userId, () => join(caller, request)),

    /** Leaves the room or its lobby, if in one. */
    leave(caller: Pick<Caller, 'sessionId' | 'identity' | 'address'>, reason: LeaveReason): Promise<void> {
      return inTurn.run(caller.identity.userId, async () => {
        for (const live of rooms.all) {
          live.stopWaiting(caller.sessionId, reason);
          if (live.findSeat(caller.sessionId)) await leaveSeat(caller, live, reason);
          else rooms.release(live);
        }
      });
    },

    /** Takes a participant with all their sessions out of a room. */
    async remove(actor: ReturnType<typeof actorOf>, live: LiveRoom, participant: ParticipantState, reason: LeaveReason): Promise<void> {
      for (const sessionId of [...participant.seats.keys()]) live.unseat(sessionId, reason);
      rooms.release(live);
      await writeLeave(actor, live.roomId, participant, reason);
    },

    /** Who is in a room; for those who are in it, and admins. Errors: `room.not_joined`. */
    participants(caller: Caller, roomId: string) {
      const live = rooms.find(roomId);
      if (caller.identity.role !== 'admin' && !live?.findParticipantOfUser(caller.identity.userId)) throw new AppError('room.not_joined');
      return live?.participants ?? [];
    },

    /** Waits for comings and goings under way, then closes every room of this server, with its books. */
    async close(reason: LeaveReason): Promise<void> {
      await inTurn.idle();
      const gone = rooms.all.flatMap((live) => {
        const participants = live.close(reason);
        rooms.release(live);
        return participants;
      });
      await store.markLeft(
        db.sql,
        gone.map((participant) => participant.participantId),
        reason,
      );
      if (gone.length > 0) log.info({ participants: gone.length, reason }, 'rooms closed');
    },
  };
}

/** Who the audit log says did it. */
export function actorOf({ identity, address }: Pick<Caller, 'identity' | 'address'>) {
  return { userId: identity.userId, role: identity.role, address };
}

function newParticipant({ identity, displayName }: Caller): ParticipantState {
  return { participantId: uuidv7(), identity, displayName, seats: new Map(), muted: new Map(), handRaised: false };
}

/** The producers of the others that a peer has no consumer for. */
function unconsumed(live: LiveRoom, peer: Peer, participant: ParticipantState, refused: ReadonlySet<string>): string[] {
  const consumed = new Set(peer.consumers.map((consumer) => consumer.producerId));
  return live.producers
    .filter(({ participantId }) => participantId !== participant.participantId)
    .map(({ producerId }) => producerId)
    .filter((producerId) => !consumed.has(producerId) && !refused.has(producerId));
}

/** Makes a paused consumer; what has gone meanwhile or the browser can't play is left out. */
async function consumeUnlessRefused(peer: Peer, producerId: string, rtpCapabilities: RtpCapabilities, refused: Set<string>): Promise<void> {
  try {
    await peer.consume({ producerId, rtpCapabilities });
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    refused.add(producerId);
  }
}

function consumersOf(live: LiveRoom, peer: Peer): ConsumerInfo[] {
  return peer.consumers.flatMap((consumer) => {
    const participantId = live.findSeat(consumer.peerId)?.participant.participantId;
    return participantId === undefined ? [] : [toConsumerInfo(consumer, participantId)];
  });
}
