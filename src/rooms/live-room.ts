import type { Identity } from '../auth/token.ts';
import type { Notifier } from '../notifier.ts';
import { AppError } from '../protocol/errors.ts';
import type { Source } from '../protocol/ids.ts';
import type { DataProducerInfo, ProducerInfo } from '../protocol/media.ts';
import type { LeaveReason, Participant, Room } from '../protocol/room.ts';
import type { MediaRoom } from '../sfu/media-room.ts';
import type { Peer } from '../sfu/peer.ts';
import { forwardPeerEvents, forwardRoomEvents } from './media-notices.ts';
import type { Rights } from './room-access.ts';
import type { RoomRow } from './room-store.ts';
import { toRoom } from './room-view.ts';

/** One session's place in a room: its rights and its media. */
export interface Seat {
  readonly sessionId: string;
  readonly participant: ParticipantState;
  rights: Rights;
  peer: Peer;
}

/** One user in a room, with a seat for each of their sessions. */
export interface ParticipantState {
  readonly participantId: string;
  readonly identity: Identity;
  readonly displayName: string;
  readonly seats: Map<string, Seat>;
  /** Sources that a moderator has muted, and whether the participant may unmute them. */
  readonly muted: Map<Source, { allowUnmute: boolean }>;
  handRaised: boolean;
}

/** Somebody who waits in the lobby. */
interface Waiter {
  readonly participant: Participant;
  readonly sessionIds: Set<string>;
}

/** Seconds before a room's time limit at which everybody is warned. */
const warningsAtSeconds = [300, 60];
/** setTimeout's own limit. */
const maxTimerMs = 2 ** 31 - 1;

/**
 * A room while somebody is in it or waits for it: who is there, what they share, its media and its clock. It lives from the first knock until
 * the last one has left. It knows no SQL; the services beside it keep the books.
 */
export class LiveRoom {
  row: RoomRow;
  readonly #notifier: Notifier;
  readonly #createMedia: () => Promise<MediaRoom>;
  readonly #limitMinutes: number;
  readonly #onTimeLimit: () => void;
  readonly #participants = new Map<string, ParticipantState>();
  readonly #seats = new Map<string, Seat>();
  readonly #waiters = new Map<string, Waiter>();
  readonly #admittedUserIds = new Set<string>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #clockStarted = false;
  #reservations = 0;
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
  }

  get roomId(): string {
    return this.row.roomId;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Nobody is here, waits or is on the way in. */
  get isEmpty(): boolean {
    return this.#participants.size === 0 && this.#waiters.size === 0 && this.#reservations === 0;
  }

  get participants(): Participant[] {
    return [...this.#participants.values()].map(toParticipant);
  }

  get waiting(): Participant[] {
    return [...this.#waiters.values()].map((waiter) => waiter.participant);
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

  isWaiting(sessionId: string): boolean {
    return [...this.#waiters.values()].some((waiter) => waiter.sessionIds.has(sessionId));
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

  /** Keeps a place for one more participant until the returned function is called. Errors: `room.full`. */
  reserve(userId: string): () => void {
    const isThere = this.findParticipantOfUser(userId) !== undefined;
    const { maxParticipants } = this.row;
    if (!isThere && maxParticipants > 0 && this.#participants.size + this.#reservations >= maxParticipants) throw new AppError('room.full');
    this.#reservations += 1;
    let released = false;
    return () => {
      if (!released) this.#reservations -= 1;
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
    this.#startClock();
    return seat;
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
      this.#notifier.notify({ to: { roomId: this.roomId } }, 'room:participantLeft', { participantId, userId: identity.userId, reason });
    }
    return { participant, isGone };
  }

  /** Tells everybody how a participant stands now. */
  tellUpdated(participant: ParticipantState): void {
    this.#notifier.notify({ to: { roomId: this.roomId } }, 'room:participantUpdated', { participant: toParticipant(participant) });
  }

  /** Puts a session into the lobby and tells the moderators. */
  wait(sessionId: string, participant: Participant): Participant {
    const known = [...this.#waiters.values()].find((waiter) => waiter.participant.userId === participant.userId);
    const waiter = known ?? { participant, sessionIds: new Set<string>() };
    waiter.sessionIds.add(sessionId);
    this.#waiters.set(waiter.participant.participantId, waiter);
    if (!known) this.#notifier.notify({ to: { moderatorsOf: this.roomId } }, 'room:waiting', { participant });
    return waiter.participant;
  }

  /** A waiting session has gone. */
  stopWaiting(sessionId: string, reason: LeaveReason): void {
    for (const [participantId, waiter] of this.#waiters) {
      if (!waiter.sessionIds.delete(sessionId) || waiter.sessionIds.size > 0) continue;
      this.#waiters.delete(participantId);
      const { userId } = waiter.participant;
      this.#notifier.notify({ to: { moderatorsOf: this.roomId } }, 'room:participantLeft', { participantId, userId, reason });
    }
  }

  /** Lets somebody in the lobby in, or not; answers who it was. Errors: `room.participant_not_found`. */
  decide(participantId: string, isAdmitted: boolean): Participant {
    const waiter = this.#waiters.get(participantId);
    if (!waiter) throw new AppError('room.participant_not_found');
    this.#waiters.delete(participantId);
    if (isAdmitted) this.#admittedUserIds.add(waiter.participant.userId);
    for (const sessionId of waiter.sessionIds) {
      this.#notifier.notify({ to: { sessionId } }, isAdmitted ? 'room:admitted' : 'room:denied', { roomId: this.roomId });
    }
    return waiter.participant;
  }

  isAdmitted(userId: string): boolean {
    return this.#admittedUserIds.has(userId);
  }

  /** Somebody who was let in has to knock again. */
  withdrawAdmission(userId: string): void {
    this.#admittedUserIds.delete(userId);
  }

  /** Sessions that wait in the lobby. */
  get waitingSessionIds(): string[] {
    return [...this.#waiters.values()].flatMap((waiter) => [...waiter.sessionIds]);
  }

  /** Unseats everybody, empties the lobby and closes the media; idempotent. Answers whom it unseated. */
  close(reason: LeaveReason): ParticipantState[] {
    if (this.#closed) return [];
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    const gone = [...this.#participants.values()];
    for (const seat of this.seats) this.unseat(seat.sessionId, reason);
    this.#waiters.clear();
    // A failed start of the media has been told to whoever asked for it.
    this.#media?.then((media) => media.close()).catch(() => undefined);
    return gone;
  }

  #startClock(): void {
    if (this.#clockStarted || this.#limitMinutes === 0 || !this.row.startedAt) return;
    this.#clockStarted = true;
    const endsAtMs = this.row.startedAt.getTime() + this.#limitMinutes * 60_000;
    for (const secondsLeft of warningsAtSeconds) {
      if (secondsLeft > this.#limitMinutes * 60) continue;
      this.#at(endsAtMs - secondsLeft * 1000, () => {
        this.#notifier.notify({ to: { roomId: this.roomId } }, 'room:ending', { secondsLeft });
      });
    }
    this.#at(endsAtMs, this.#onTimeLimit);
  }

  #at(timeMs: number, action: () => void): void {
    const delayMs = timeMs - Date.now();
    // A server that came back in the middle does not repeat warnings whose time has passed, but it does end what is overdue.
    if (delayMs < -1_000 && action !== this.#onTimeLimit) return;
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        action();
      },
      Math.min(Math.max(delayMs, 0), maxTimerMs),
    );
    this.#timers.add(timer);
  }
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
    isModerator: [...state.seats.values()].some((seat) => seat.rights.canModerate),
  };
}
