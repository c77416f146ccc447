import type { Notifier } from '../notifier.ts';
import { AppError } from '../protocol/errors.ts';
import type { LeaveReason, Participant } from '../protocol/room.ts';

/** Somebody who waits to be let in, with every tab that waits. */
interface Waiter {
  readonly participant: Participant;
  readonly sessionIds: Set<string>;
}

/** Who waits for one room and who was let in. Tells the moderators who waits and those who wait what was decided. */
export class Lobby {
  readonly #roomId: string;
  readonly #notifier: Notifier;
  readonly #waiters = new Map<string, Waiter>();
  /** Users who may enter, with the id under which they waited until they have used it. */
  readonly #admitted = new Map<string, string | undefined>();

  constructor(roomId: string, notifier: Notifier) {
    this.#roomId = roomId;
    this.#notifier = notifier;
  }

  get isEmpty(): boolean {
    return this.#waiters.size === 0;
  }

  get participants(): Participant[] {
    return [...this.#waiters.values()].map((waiter) => waiter.participant);
  }

  get sessionIds(): string[] {
    return [...this.#waiters.values()].flatMap((waiter) => [...waiter.sessionIds]);
  }

  /** Lets a session wait; further tabs of a user wait with the first one. Answers as whom. */
  wait(sessionId: string, participant: Participant): Participant {
    const known = this.#findByUser(participant.userId);
    if (known) {
      known.sessionIds.add(sessionId);
      return known.participant;
    }
    this.#waiters.set(participant.participantId, { participant, sessionIds: new Set([sessionId]) });
    this.#notifier.notify({ to: { moderatorsOf: this.#roomId } }, 'room:waiting', { participant });
    return participant;
  }

  /** A session waits no longer. */
  stopWaiting(sessionId: string, reason: LeaveReason): void {
    for (const [participantId, { participant, sessionIds }] of this.#waiters) {
      if (!sessionIds.delete(sessionId) || sessionIds.size > 0) continue;
      this.#waiters.delete(participantId);
      this.#tellGone(participant, reason);
    }
  }

  /** Lets somebody in, or not; answers who it was. Errors: `room.participant_not_found`. */
  decide(participantId: string, isAdmitted: boolean): Participant {
    const waiter = this.#waiters.get(participantId);
    if (!waiter) throw new AppError('room.participant_not_found');
    const { participant, sessionIds } = waiter;
    this.#waiters.delete(participantId);
    if (isAdmitted) this.#admitted.set(participant.userId, participantId);
    else this.#tellGone(participant, 'kicked');
    for (const sessionId of sessionIds) {
      this.#notifier.notify({ to: { sessionId } }, isAdmitted ? 'room:admitted' : 'room:denied', { roomId: this.#roomId });
    }
    return participant;
  }

  /** Lets everybody in who waits: the room has no lobby any more. */
  admitAll(): void {
    for (const { participantId } of this.participants) this.decide(participantId, true);
  }

  isAdmitted(userId: string): boolean {
    return this.#admitted.has(userId);
  }

  /** Somebody who was let in has to knock again. */
  withdrawAdmission(userId: string): void {
    this.#admitted.delete(userId);
  }

  /** The id under which an admitted user waited, once, so that moderators see the same participant enter. */
  takeWaitingId(userId: string): string | undefined {
    const participantId = this.#admitted.get(userId);
    if (participantId !== undefined) this.#admitted.set(userId, undefined);
    return participantId;
  }

  /** A user has entered with one tab; the others that wait may follow. */
  onEntered({ participantId, userId }: Pick<Participant, 'participantId' | 'userId'>, sessionId: string): void {
    const waiter = this.#findByUser(userId);
    if (!waiter) return;
    this.#waiters.delete(waiter.participant.participantId);
    if (waiter.participant.participantId !== participantId) this.#tellGone(waiter.participant, 'left');
    for (const other of waiter.sessionIds) {
      if (other !== sessionId) this.#notifier.notify({ to: { sessionId: other } }, 'room:admitted', { roomId: this.#roomId });
    }
  }

  /** Forgets everybody. */
  close(): void {
    this.#waiters.clear();
    this.#admitted.clear();
  }

  #findByUser(userId: string): Waiter | undefined {
    return [...this.#waiters.values()].find((waiter) => waiter.participant.userId === userId);
  }

  #tellGone({ participantId, userId }: Participant, reason: LeaveReason): void {
    this.#notifier.notify({ to: { moderatorsOf: this.#roomId } }, 'room:participantLeft', { participantId, userId, reason });
  }
}
