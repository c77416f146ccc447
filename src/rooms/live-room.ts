import type { Identity } from '../auth/token.ts';
import type { Notifier } from '../notifier.ts';
import { AppError } from '../protocol/errors.ts';
import type { Source } from '../protocol/ids.ts';
import type { DataProducerInfo, ProducerInfo } from '../protocol/media.ts';
import type { LeaveReason, Participant, Room } from '../protocol/room.ts';
import type { MediaRoom } from '../sfu/media-room.ts';
import type { Peer } from '../sfu/peer.ts';
import { Lobby } from './lobby.ts';
import { forwardPeerEvents, forwardRoomEvents } from './media-notices.ts';
import type { Rights } from './room-access.ts';
import { RoomClock } from './room-clock.ts';
import type { RoomRow } from './room-store.ts';
import { toRoom } from './room-view.ts';

/** One session's place in a room: its rights and its media. */
export interface Seat {
  readonly sessionId: string;
  readonly participant: ParticipantState;
  rights: Rights;
  peer: Peer;
}

/** A moderator's mute of one source. */
export interface Mute {
  readonly allowUnmute: boolean;
}

/** One user in a room, with a seat for each of their sessions. */
export interface ParticipantState {
  readonly participantId: string;
  readonly identity: Identity;
  readonly displayName: string;
  readonly seats: Map<string, Seat>;
  /** Sources that a moderator has muted, and whether the participant may unmute them. */
  readonly muted: Map<Source, Mute>;
  handRaised: boolean;
}

/**
 * A room while somebody is in it or waits for it: who is there, what they share, its media and its clock. It lives from the first knock until
 * the last one has left. It knows no SQL; the services beside it keep the books.
 */
export class LiveRoom {
  row: RoomRow;
  /** The room's conversation; known from the first entry on. */
  conversationId: string | null = null;
  readonly lobby: Lobby;
  readonly #notifier: Notifier;
  readonly #createMedia: () => Promise<MediaRoom>;
  readonly #limitMinutes: number;
  readonly #onTimeLimit: () => void;
  readonly #participants = new Map<string, ParticipantState>();
  readonly #seats = new Map<string, Seat>();
  readonly #clock = new RoomClock();
  /** Mutes that may not be lifted, of users who have left: coming back does not lift them either. */
  readonly #keptMutes = new Map<string, Map<Source, Mute>>();
  /** Joins under way, and those of them that need a place of their own. */
  #entering = 0;
  #reservedPlaces = 0;
  #media: Promise<MediaRoom> | undefined;
  #closed = false;

  constructor(options: {
    row: RoomRow;
    notifier: Notifier;
    createMedia: () => Promise<MediaRoom>;
    limitMinutes: number;
    onTimeLimit: () => void;
  }) {
    this.row = options.row;
    this.#notifier = options.notifier;
    this.#createMedia = options.createMedia;
    this.#limitMinutes = options.limitMinutes;
    this.#onTimeLimit = options.onTimeLimit;
    this.lobby = new Lobby(options.row.roomId, options.notifier);
  }

  get roomId(): string {
    return this.row.roomId;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Nobody is here, waits or is on the way in. */
  get isEmpty(): boolean {
    return this.#participants.size === 0 && this.lobby.isEmpty && this.#entering === 0;
  }

  get participants(): Participant[] {
    return [...this.#participants.values()].map(toParticipant);
  }

  get seats(): readonly Seat[] {
    return [...this.#seats.values()];
  }

  get producers(): ProducerInfo[] {
    return this.seats.flatMap((seat) =>
      seat.peer.producers.map(({ producerId, kind, source, paused }) => ({
        producerId,
        participantId: seat.participant.participantId,
        kind,
        source,
        paused,
      })),
    );
  }

  get dataProducers(): DataProducerInfo[] {
    return this.seats.flatMap((seat) =>
      seat.peer.dataProducers.map(({ dataProducerId, label, protocol }) => ({
        dataProducerId,
        participantId: seat.participant.participantId,
        label,
        protocol,
      })),
    );
  }

  /** The room as everybody sees it. */
  get view(): Room {
    return toRoom(this.row, this.#limitMinutes);
  }

  findSeat(sessionId: string): Seat | undefined {
    return this.#seats.get(sessionId);
  }

  findParticipantOfUser(userId: string): ParticipantState | undefined {
    return [...this.#participants.values()].find((participant) => participant.identity.userId === userId);
  }

  /** Errors: `room.participant_not_found`. */
  getParticipant(participantId: string): ParticipantState {
    const participant = this.#participants.get(participantId);
    if (!participant) throw new AppError('room.participant_not_found');
    return participant;
  }

  /** The room's media, made on first need and again after its worker died. Errors: `media.unavailable`. */
  media(): Promise<MediaRoom> {
    this.#media ??= this.#openMedia();
    return this.#media;
  }

  async #openMedia(): Promise<MediaRoom> {
    try {
      const media = await this.#createMedia();
      if (this.#closed) {
        media.close();
        throw new AppError('room.ended');
      }
      forwardRoomEvents(media, this, this.#notifier);
      media.once('closed', (reason) => {
        this.#media = undefined;
        if (reason === 'worker_died') this.#notifier.notify({ to: { roomId: this.roomId } }, 'room:mediaLost', { reason });
      });
      return media;
    } catch (error) {
      this.#media = undefined;
      throw error;
    }
  }

  /** Keeps the room alive for somebody on the way in, until the returned function is called. */
  hold(): () => void {
    this.#entering += 1;
    let released = false;
    return () => {
      if (!released) this.#entering -= 1;
      released = true;
    };
  }

  /** Keeps a place for a user until the returned function is called; one who is here needs none. Errors: `room.full`. */
  reserve(userId: string): () => void {
    if (this.findParticipantOfUser(userId)) return () => undefined;
    const { maxParticipants } = this.row;
    if (maxParticipants > 0 && this.#participants.size + this.#reservedPlaces >= maxParticipants) throw new AppError('room.full');
    this.#reservedPlaces += 1;
    let released = false;
    return () => {
      if (!released) this.#reservedPlaces -= 1;
      released = true;
    };
  }

  /** Seats a session; the same tick tells the others, subscribes it, and is the one in which the caller must take its snapshot. */
  seat(sessionId: string, participant: ParticipantState, rights: Rights, peer: Peer): Seat {
    const seat: Seat = { sessionId, participant, rights, peer };
    const isNew = !this.#participants.has(participant.participantId);
    this.#participants.set(participant.participantId, participant);
    participant.seats.set(sessionId, seat);
    this.#seats.set(sessionId, seat);
    this.attachPeer(seat, peer);
    if (isNew) {
      this.#notifier.notify({ to: { roomId: this.roomId } }, 'room:participantJoined', { participant: toParticipant(participant) });
    }
    this.#notifier.enterRoom(sessionId, this.roomId, { moderator: rights.canModerate });
    this.lobby.onEntered({ participantId: participant.participantId, userId: participant.identity.userId }, sessionId);
    this.#startClock();
    return seat;
  }

  /** A seated session has joined again, perhaps with other rights. */
  setRights(seat: Seat, rights: Rights): void {
    const wasModerator = isModerating(seat.participant);
    seat.rights = rights;
    closeForbidden(seat);
    this.#notifier.enterRoom(seat.sessionId, this.roomId, { moderator: rights.canModerate });
    if (isModerating(seat.participant) !== wasModerator) this.tellUpdated(seat.participant);
  }

  /** Gives a seat its media, at first or again after the media was lost. */
  attachPeer(seat: Seat, peer: Peer): void {
    seat.peer = peer;
    forwardPeerEvents(peer, seat, this, this.#notifier);
  }

  /** Takes a session's seat away and closes its media; the others hear of it when it was the participant's last. */
  unseat(sessionId: string, reason: LeaveReason): { participant: ParticipantState; isGone: boolean } | undefined {
    const seat = this.#seats.get(sessionId);
    if (!seat) return undefined;
    const { participant, peer } = seat;
    this.#notifier.leaveRoom(sessionId, this.roomId);
    this.#seats.delete(sessionId);
    peer.close();
    participant.seats.delete(sessionId);
    const isGone = participant.seats.size === 0;
    if (isGone) {
      this.#participants.delete(participant.participantId);
      const { participantId, identity } = participant;
      const kept = new Map([...participant.muted].filter(([, mute]) => !mute.allowUnmute));
      if (kept.size > 0) this.#keptMutes.set(identity.userId, kept);
      else this.#keptMutes.delete(identity.userId);
      this.#notifier.notify({ to: { roomId: this.roomId } }, 'room:participantLeft', { participantId, userId: identity.userId, reason });
    }
    return { participant, isGone };
  }

  /** Tells everybody how a participant stands now. */
  tellUpdated(participant: ParticipantState): void {
    this.#notifier.notify({ to: { roomId: this.roomId } }, 'room:participantUpdated', { participant: toParticipant(participant) });
  }

  /** What a moderator has muted for good of a user who was here before and comes back. */
  keptMutesOf(userId: string): Map<Source, Mute> {
    return new Map(this.#keptMutes.get(userId));
  }

  /** Unseats everybody without a notice for each, empties the lobby and closes the media; idempotent. Answers whom it unseated. */
  close(reason: LeaveReason): ParticipantState[] {
    if (this.#closed) return [];
    this.#closed = true;
    this.#clock.close();
    const gone = [...this.#participants.values()];
    for (const { sessionId } of this.seats) this.#notifier.leaveRoom(sessionId, this.roomId);
    for (const { sessionId } of this.seats) this.unseat(sessionId, reason);
    this.lobby.close();
    // A failed start of the media has been told to whoever asked for it.
    this.#media?.then((media) => media.close()).catch(() => undefined);
    return gone;
  }

  #startClock(): void {
    const { startedAt } = this.row;
    if (this.#limitMinutes === 0 || !startedAt) return;
    this.#clock.start({
      startedAt,
      limitMinutes: this.#limitMinutes,
      onWarning: (secondsLeft) => this.#notifier.notify({ to: { roomId: this.roomId } }, 'room:ending', { secondsLeft }),
      onEnd: this.#onTimeLimit,
    });
  }
}

/** Closes what a seat may send or receive no more. */
function closeForbidden({ peer, rights: { canPublish, canSubscribe } }: Seat): void {
  if (peer.closed) return;
  for (const { producerId, source } of peer.producers) if (!canPublish.includes(source)) peer.closeProducer(producerId);
  if (canPublish.length === 0) for (const { dataProducerId } of peer.dataProducers) peer.closeDataProducer(dataProducerId);
  if (canSubscribe) return;
  for (const { consumerId } of peer.consumers) peer.closeConsumer(consumerId);
  for (const { dataConsumerId } of peer.dataConsumers) peer.closeDataConsumer(dataConsumerId);
}

function isModerating(state: ParticipantState): boolean {
  return [...state.seats.values()].some((seat) => seat.rights.canModerate);
}

/** A participant as everybody sees them. */
export function toParticipant(state: ParticipantState): Participant {
  return {
    participantId: state.participantId,
    userId: state.identity.userId,
    displayName: state.displayName,
    role: state.identity.role,
    handRaised: state.handRaised,
    muted: [...state.muted.keys()],
    isModerator: isModerating(state),
  };
}
