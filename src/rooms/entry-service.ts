import { v7 as uuidv7 } from 'uuid';
import type { Identity, RoomGrants, TokenService } from '../auth/token.ts';
import type { ConversationService } from '../chat/conversation-service.ts';
import { type Actor, audit, serverActor } from '../db/audit-log.ts';
import type { Database } from '../db/database.ts';
import type { Facts } from '../facts.ts';
import type { Logger } from '../log.ts';
import type { Notifier } from '../notifier.ts';
import { AppError } from '../protocol/errors.ts';
import type { Reply, RequestPayload } from '../protocol/index.ts';
import type { RtpCapabilities } from '../protocol/media.ts';
import type { Recording } from '../protocol/recording.ts';
import type { IceServer, LeaveReason, RoomSnapshot } from '../protocol/room.ts';
import type { Peer } from '../sfu/peer.ts';
import { consumeAll, consumersOf } from './consume-all.ts';
import { createInTurn } from './in-turn.ts';
import { type LiveRoom, type ParticipantState, type Seat, toParticipant } from './live-room.ts';
import type { LiveRooms } from './live-rooms.ts';
import { assertGrantsFit, assertMayEnter, assertNotTooEarly, type Rights } from './room-access.ts';
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
  /** This server, in the books. */
  serverId: string;
  facts: Facts;
  log: Logger;
  rooms: LiveRooms;
  tokens: TokenService;
  conversations: Pick<ConversationService, 'enterRoom'>;
  notifier: Notifier;
  accessPolicy: 'appointment' | 'open';
  iceServersFor: (userId: string) => IceServer[];
  /** What somebody who enters sees of the room's recording. */
  recordingOf: (roomId: string, sessionId: string, userId: string) => Recording | null;
}) {
  const { db, serverId, facts, log, rooms, tokens, conversations, notifier, accessPolicy, iceServersFor, recordingOf } = parts;
  /** One user's comings and goings happen one after another, whatever tabs they come from. */
  const inTurn = createInTurn();

  async function join(caller: Caller, request: RequestPayload<'room:join'>): Promise<Reply<'room:join'>> {
    const { identity } = caller;
    const lent = request.token === undefined ? undefined : await lentGrants(request.token);
    assertGrantsFit(lent ?? identity.grants, request.roomId);
    const row = await store.findRoom(db.sql, request.roomId);
    if (!row) throw new AppError('room.not_found');
    const relation = await store.findRelation(db.sql, row.roomId, identity.userId);
    const there = rooms.find(row.roomId);
    const held = there?.findSeat(caller.sessionId)?.rights;
    const rights = assertMayEnter(row, identity, { ...relation, held }, lent, accessPolicy);
    if (row.endedAt) throw new AppError('room.ended');
    if (!there?.findParticipantOfUser(identity.userId)) assertNotTooEarly(identity, relation, rights);

    const { live, letGo } = await rooms.open(row);
    try {
      const reply = await enterOrWait(caller, live, rights, request.rtpCapabilities);
      await leaveOtherRooms(caller, live);
      return reply;
    } finally {
      letGo();
    }
  }

  async function enterOrWait(caller: Caller, live: LiveRoom, rights: Rights, rtpCapabilities: RtpCapabilities | undefined) {
    const { userId } = caller.identity;
    if (!rights.canModerate && !live.findParticipantOfUser(userId)) {
      if (live.row.locked) throw new AppError('room.locked');
      if (live.row.lobby && !live.lobby.isAdmitted(userId)) {
        // The room was looked up before it was alive here, where changes reach it: it may have ended, or opened, meanwhile.
        const row = await store.findRoom(db.sql, live.roomId);
        assertOpen(live, caller);
        if (!row || row.endedAt) throw new AppError('room.ended');
        if (row.lobby) return { waiting: true as const, me: live.lobby.wait(caller.sessionId, toParticipant(newParticipant(caller))) };
      }
    }
    try {
      return await enter(caller, live, rights, rtpCapabilities);
    } catch (error) {
      // A worker that died on the way in has a successor.
      const isLost = error instanceof AppError && error.code === 'media.unavailable' && !live.closed && !caller.closed;
      if (!isLost) throw error;
      return await enter(caller, live, rights, rtpCapabilities);
    }
  }

  async function enter(caller: Caller, live: LiveRoom, rights: Rights, rtpCapabilities: RtpCapabilities | undefined) {
    const { identity, sessionId } = caller;
    const { userId } = identity;
    const release = live.reserve(userId);
    let fresh: Peer | undefined;
    let written: ParticipantState | undefined;
    try {
      const media = await live.media();
      const seat = live.findSeat(sessionId);
      const isAlive = seat !== undefined && !seat.peer.closed;
      const peer = isAlive ? seat.peer : media.addPeer(sessionId);
      if (!isAlive) fresh = peer;
      const transports = rtpCapabilities && (await peer.ensureTransports());
      const known = live.findParticipantOfUser(userId);
      const participant = known ?? newParticipant(caller, live);
      if (!known) {
        await writeJoin(caller, live, participant, rights);
        written = participant;
      }
      if (rtpCapabilities && rights.canSubscribe) await consumeAll(live, peer, participant.participantId, rtpCapabilities);
      assertOpen(live, caller);
      if (peer.closed) throw new AppError('media.unavailable');
      // From here to the answer nothing is awaited: the snapshot and the subscription are of one tick.
      if (seat) {
        live.setRights(seat, rights);
        if (!isAlive) live.attachPeer(seat, peer);
      }
      const seated = seat ?? live.seat(sessionId, participant, rights, peer);
      if (identity.grants && live.conversationId) notifier.enterConversation(sessionId, live.conversationId);
      fresh = undefined;
      written = undefined;
      if (!known) facts.emit('participant.joined', { roomId: live.roomId, participantId: participant.participantId, userId });
      return snapshot({ live, seat: seated, transports, rtpCapabilities: media.rtpCapabilities });
    } finally {
      release();
      fresh?.close();
      if (written) await writeLeave(actorOf(caller), live.roomId, written, live.closed ? 'room_ended' : 'connection_lost');
    }
  }

  /** Errors: `room.ended`, `room.not_joined` when the session ended on the way. */
  function assertOpen(live: LiveRoom, caller: Caller): void {
    if (live.closed) throw new AppError('room.ended');
    if (caller.closed) throw new AppError('room.not_joined');
  }

  /** The first entry starts the room; entry and audit row commit together. Errors: `room.ended`, `room.locked`. */
  async function writeJoin(caller: Caller, live: LiveRoom, participant: ParticipantState, rights: Rights): Promise<void> {
    const { roomId } = live;
    const { participantId, identity } = participant;
    const result = await db.transaction(async (tx) => {
      const running = await store.startRoom(tx, roomId);
      if (!running) throw new AppError('room.ended');
      if (running.row.locked && !rights.canModerate) throw new AppError('room.locked');
      const { userId } = identity;
      await store.insertParticipant(tx, { participantId, roomId, userId, serverId });
      const conversation = await conversations.enterRoom(tx, running.row, userId, rights.canModerate ? 'admin' : 'member');
      await audit(tx, { actor: actorOf(caller), action: 'participant.joined', subject: roomId, details: { participantId } });
      return { ...running, conversation };
    });
    const { conversationId, isNew } = result.conversation;
    live.conversationId = conversationId;
    if (isNew) facts.emit('conversation.entered', { conversationId, userId: identity.userId });
    // Read under a lock that changes of the row wait for: never older than what is known here.
    live.row = result.row;
    if (result.started) facts.emit('room.started', { roomId });
  }

  /** A session is in one room, or in one lobby, at a time. */
  async function leaveOtherRooms(caller: Caller, here: LiveRoom): Promise<void> {
    for (const live of rooms.all) {
      if (live === here) continue;
      live.lobby.stopWaiting(caller.sessionId, 'left');
      await leaveSeat(caller, live, 'left');
    }
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
    tellLeft(live.roomId, left.participant, reason);
  }

  /** Keeps the books on somebody who has gone; nothing when they are closed already, as by the end of the room. */
  async function writeLeave(actor: Actor, roomId: string, { participantId }: ParticipantState, reason: LeaveReason) {
    await db.transaction(async (tx) => {
      if ((await store.markLeft(tx, [participantId], reason)) === 0) return;
      await audit(tx, { actor, action: 'participant.left', subject: roomId, details: { participantId, reason } });
    });
  }

  function tellLeft(roomId: string, { participantId, identity }: ParticipantState, reason: LeaveReason): void {
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
      conversationId: live.conversationId,
      recording: recordingOf(live.roomId, seat.sessionId, seat.participant.identity.userId),
      ...(seat.rights.canModerate && { waiting: live.lobby.participants }),
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
          live.lobby.stopWaiting(caller.sessionId, reason);
          await leaveSeat(caller, live, reason);
        }
      });
    },

    /** Takes a user with all their sessions out of a room, after whatever they have under way; `beforehand` is called in the same tick. */
    remove(options: {
      actor: ReturnType<typeof actorOf>;
      live: LiveRoom;
      userId: string;
      reason: LeaveReason;
      beforehand: (participant: ParticipantState) => void;
    }): Promise<void> {
      const { actor, live, userId, reason, beforehand } = options;
      return inTurn.run(userId, async () => {
        const participant = live.findParticipantOfUser(userId);
        if (!participant) return;
        beforehand(participant);
        for (const sessionId of [...participant.seats.keys()]) live.unseat(sessionId, reason);
        rooms.release(live);
        await writeLeave(actor, live.roomId, participant, reason);
        tellLeft(live.roomId, participant, reason);
      });
    },

    /** A session has its socket back: that its media was lost meanwhile is told again, because no snapshot shows it. */
    resumed({ sessionId }: Pick<Caller, 'sessionId'>): void {
      const isLost = rooms.findSeat(sessionId)?.seat.peer.closed;
      if (isLost) notifier.notify({ to: { sessionId } }, 'room:mediaLost', { reason: 'worker_died' });
    },

    /** Who is in a room; for those who are in it, and admins. Errors: `room.not_joined`, `room.elsewhere` (admins). */
    async participants({ identity }: Caller, roomId: string) {
      const live = rooms.find(roomId);
      const { role, userId, grants } = identity;
      const isAdminHere = role === 'admin' && (grants === undefined || grants.roomId === roomId);
      if (!isAdminHere && !live?.findParticipantOfUser(userId)) throw new AppError('room.not_joined');
      if (!live) await rooms.assertNotElsewhere(roomId);
      return live?.participants ?? [];
    },

    /**
     * A room that is alive here belongs to another server, as after a long pause of this one: it closes here, and whoever is in it or waits for it
     * is asked to join again, which sends them there.
     */
    async giveUp(roomId: string): Promise<void> {
      const live = rooms.find(roomId);
      if (!live) return;
      notifier.notify({ to: { roomId } }, 'room:mediaLost', { reason: 'moved' });
      for (const sessionId of live.lobby.sessionIds) notifier.notify({ to: { sessionId } }, 'room:admitted', { roomId });
      const gone = live.close('server_restart');
      rooms.release(live);
      for (const participant of gone) {
        await writeLeave(serverActor, roomId, participant, 'server_restart');
        tellLeft(roomId, participant, 'server_restart');
      }
    },

    /** Others have taken this server for dead and closed its books: opens them again for those who are still here. */
    async reopenBooks(): Promise<void> {
      const present = rooms.all.flatMap((live) => live.participants.map(({ participantId }) => participantId));
      await store.markBack(db.sql, present, serverId);
    },

    /** Waits for comings and goings under way, then closes every room of this server, with its books. */
    async close(reason: LeaveReason): Promise<void> {
      await inTurn.idle();
      const gone = rooms.all.flatMap((live) => {
        const participants = live.close(reason);
        rooms.release(live);
        return participants.map((participant) => ({ roomId: live.roomId, participant }));
      });
      await store.markLeft(
        db.sql,
        gone.map(({ participant }) => participant.participantId),
        reason,
      );
      for (const { roomId, participant } of gone) tellLeft(roomId, participant, reason);
      if (gone.length > 0) log.info({ participants: gone.length, reason }, 'rooms closed');
      await rooms.idle();
    },
  };
}

/** Who the audit log says did it. */
export function actorOf({ identity, address }: Pick<Caller, 'identity' | 'address'>) {
  return { userId: identity.userId, role: identity.role, address };
}

/** Somebody about to enter, or to wait. Who was let in keeps the id of the lobby, and who comes back keeps the mutes. */
function newParticipant({ identity, displayName }: Caller, live?: LiveRoom): ParticipantState {
  const { userId } = identity;
  const participantId = live?.lobby.takeWaitingId(userId) ?? uuidv7();
  return { participantId, identity, displayName, seats: new Map(), muted: live?.keptMutesOf(userId) ?? new Map(), handRaised: false };
}
