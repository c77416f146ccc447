import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Socket } from 'socket.io';
import { v7 as uuidv7 } from 'uuid';
import { clockToleranceSeconds, type Identity } from '../auth/token.ts';
import type { LeaveReason } from '../protocol/room.ts';

/** setTimeout's own limit; a later expiry is looked at again then. */
const maxTimerMs = 2 ** 31 - 1;

/** What a session needs from its owner. */
export interface SessionOptions {
  readonly identity: Identity;
  readonly displayName: string;
  readonly address: string;
  /** How long it waits for a lost socket to come back. */
  readonly graceMs: number;
  /** Called once, last. */
  readonly onClosed: (session: Session, reason: LeaveReason) => void;
}

/**
 * One browser tab's connection to the server. It outlives its socket: a lost one may be replaced within the grace time, with everything as it
 * was. It closes when its client says goodbye, its grace or its token runs out, or the server ends it.
 */
export class Session {
  readonly sessionId = uuidv7();
  readonly resumeKey = randomBytes(24).toString('base64url');
  readonly address: string;
  /** Rooms of socket.io in which every socket of this session is. */
  readonly channels = new Set<string>();
  readonly #graceMs: number;
  readonly #onClosed: SessionOptions['onClosed'];
  #identity: Identity;
  #displayName: string;
  #socket: Socket | undefined;
  #graceTimer: NodeJS.Timeout | undefined;
  #expiryTimer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor({ identity, displayName, address, graceMs, onClosed }: SessionOptions) {
    this.#identity = identity;
    this.#displayName = displayName;
    this.address = address;
    this.#graceMs = graceMs;
    this.#onClosed = onClosed;
    this.channels.add(sessionChannel(this.sessionId));
    this.#hearAsUser();
    this.#watchExpiry();
  }

  get identity(): Identity {
    return this.#identity;
  }

  get displayName(): string {
    return this.#displayName;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get isConnected(): boolean {
    return this.#socket !== undefined;
  }

  /** Whether a token may take the place of this session's: it is the same user's, and not for another room than this session's. */
  mayBeRenewedBy({ userId, grants }: Identity): boolean {
    return userId === this.#identity.userId && (!grants || grants.roomId === this.#identity.grants?.roomId);
  }

  /** Whether somebody who offers this key, with this token, may take the session up again. */
  mayBeResumedBy(identity: Identity, resumeKey: string): boolean {
    const given = Buffer.from(resumeKey);
    const own = Buffer.from(this.resumeKey);
    return !this.#closed && this.mayBeRenewedBy(identity) && given.length === own.length && timingSafeEqual(given, own);
  }

  /** Gives the session its socket, at first or again; an older one that is still open is let go. */
  attach(socket: Socket): void {
    clearTimeout(this.#graceTimer);
    const previous = this.#socket;
    this.#socket = socket;
    previous?.disconnect(true);
    void socket.join([...this.channels]);
  }

  /** The socket is gone. `saidGoodbye`: the client meant it, so nothing is waited for. */
  detach(socket: Socket, { saidGoodbye }: { saidGoodbye: boolean }): void {
    if (this.#socket !== socket || this.#closed) return;
    this.#socket = undefined;
    if (saidGoodbye) this.close('left');
    else if (this.#graceMs === 0) this.close('connection_lost');
    else this.#graceTimer = setTimeout(() => this.close('connection_lost'), this.#graceMs);
  }

  /** The session lives as long as this newer token of the same user. */
  renew(identity: Identity, displayName: string): void {
    if (this.#closed) return;
    this.#identity = identity;
    this.#displayName = displayName;
    this.#hearAsUser();
    this.#watchExpiry();
  }

  join(channel: string): void {
    this.channels.add(channel);
    void this.#socket?.join(channel);
  }

  leave(channel: string): void {
    this.channels.delete(channel);
    void this.#socket?.leave(channel);
  }

  /** A token for one room alone does not hear what is told to its user. */
  #hearAsUser(): void {
    const { userId, grants } = this.#identity;
    if (grants) this.leave(userChannel(userId));
    else this.join(userChannel(userId));
  }

  /** Ends the session and its socket; idempotent. */
  close(reason: LeaveReason): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#graceTimer);
    clearTimeout(this.#expiryTimer);
    this.#onClosed(this, reason);
    this.#socket?.disconnect(true);
    this.#socket = undefined;
  }

  #watchExpiry(): void {
    clearTimeout(this.#expiryTimer);
    const leftMs = this.#identity.expiresAt.getTime() + clockToleranceSeconds * 1000 - Date.now();
    this.#expiryTimer = setTimeout(
      () => {
        if (leftMs > maxTimerMs) this.#watchExpiry();
        else this.close('token_expired');
      },
      Math.min(Math.max(leftMs, 0), maxTimerMs),
    );
  }
}

/** socket.io's room of one session's sockets. */
export const sessionChannel = (sessionId: string) => `session:${sessionId}`;
/** socket.io's room of all sockets of a user. */
export const userChannel = (userId: string) => `user:${userId}`;
/** socket.io's room of a user's sessions that hear of one conversation alone. */
export const conversationChannel = (conversationId: string, userId: string) => `conversation:${conversationId}:${userId}`;
/** socket.io's room of everybody in a room. */
export const roomChannel = (roomId: string) => `room:${roomId}`;
/** socket.io's room of a room's moderators. */
export const moderatorChannel = (roomId: string) => `moderators:${roomId}`;
