import type { Server as HttpServer, IncomingMessage } from 'node:http';
import proxyAddr from '@fastify/proxy-addr';
import { type RateLimiterAbstract, RateLimiterRes } from 'rate-limiter-flexible';
import { Server, type Socket } from 'socket.io';
import { Encoder } from 'socket.io-parser';
import type { Identity, TokenService } from '../auth/token.ts';
import type { CreateLimiter } from '../cluster/limiters.ts';
import { appErrorOfDatabase } from '../db/database-error.ts';
import type { Facts } from '../facts.ts';
import type { Logger } from '../log.ts';
import { AppError } from '../protocol/errors.ts';
import type { LeaveReason } from '../protocol/room.ts';
import { handshake, protocolVersion } from '../protocol/session.ts';
import type { User } from '../protocol/user.ts';
import type { UserService } from '../users/user-service.ts';
import type { Dispatch } from './dispatch.ts';
import { measuringDecoder } from './payload-size.ts';
import { Session } from './session.ts';

/** Payloads up to this multiple of the limit are answered with an error; beyond, the connection closes. */
const hardLimitFactor = 4;
/** How long browsers are told to wait before they come back after a shutdown. */
const reconnectAfterMs = 1_000;

const refusals: Record<string, string> = {
  'auth.missing_token': 'Authentication error: No token provided',
  'auth.invalid_token': 'Authentication error: Invalid token',
  'auth.expired_token': 'Authentication error: Token expired',
  'auth.suspended': 'Authentication error: User suspended',
  'auth.unavailable': 'Authentication error: Tokens cannot be checked right now',
  'auth.too_many_attempts': 'Authentication error: Too many attempts',
};

/** What the handshake finds out for the connection that follows it. */
interface Admission {
  identity: Identity;
  user: User;
  address: string;
  /** When the user was found not to be suspended, or a little before. */
  checkedAtMs: number;
  resume: { sessionId: string; resumeKey: string } | undefined;
}

export interface SocketServerOptions {
  readonly httpServer: HttpServer;
  readonly tokens: TokenService;
  readonly users: UserService;
  readonly facts: Facts;
  readonly log: Logger;
  readonly corsOrigins: readonly string[];
  readonly trustedProxies: readonly string[];
  readonly createLimiter: CreateLimiter;
  readonly limits: {
    readonly reconnectSeconds: number;
    readonly pingIntervalSeconds: number;
    readonly pingTimeoutSeconds: number;
    readonly refusedConnectionsPerMinute: number;
    readonly payloadBytes: number;
  };
}

/**
 * The socket edge: signs connections in, keeps sessions through lost sockets, and hands every packet to `dispatch`. Built before the rules,
 * which need `io` to tell browsers things; `start` gives it what answers requests.
 */
export class SocketServer {
  readonly io: Server;
  readonly #options: SocketServerOptions;
  readonly #sessions = new Map<string, Session>();
  readonly #refusedAttempts: RateLimiterAbstract | undefined;
  readonly #trusts: (address: string, hop: number) => boolean;
  /** When users were last suspended, for those that were being signed in at that moment. */
  readonly #suspendedAtMs = new Map<string, number>();
  #closing = false;

  constructor(options: SocketServerOptions) {
    const { httpServer, limits, corsOrigins, trustedProxies } = options;
    this.#options = options;
    this.#trusts = proxyAddr.compile([...trustedProxies]);
    const points = limits.refusedConnectionsPerMinute;
    this.#refusedAttempts = options.createLimiter('refused-connections', { points, durationSeconds: 60 });
    const maxBytes = limits.payloadBytes > 0 ? limits.payloadBytes * hardLimitFactor : Number.MAX_SAFE_INTEGER;
    this.io = new Server(httpServer, {
      serveClient: false,
      pingInterval: limits.pingIntervalSeconds * 1000,
      pingTimeout: limits.pingTimeoutSeconds * 1000,
      maxHttpBufferSize: maxBytes,
      cors: { origin: corsOrigins.length > 0 ? [...corsOrigins] : false, credentials: true },
      parser: { Encoder, Decoder: measuringDecoder(maxBytes) },
    });
  }

  /** Sessions that live, with or without a socket at the moment. */
  get sessions(): readonly Session[] {
    return [...this.#sessions.values()];
  }

  findSession(sessionId: string): Session | undefined {
    return this.#sessions.get(sessionId);
  }

  /** Takes connections from now on. Sessions lose their sockets, get new ones and close; the last once for each. */
  start(parts: {
    dispatch: Dispatch;
    onSocketLost: (session: Session) => void;
    onResumed: (session: Session) => void;
    onSessionClosed: (session: Session, reason: LeaveReason) => void;
  }): void {
    this.io.use((socket, next) => {
      this.#admit(socket).then(
        () => next(),
        (error: unknown) => next(this.#refusal(error)),
      );
    });
    this.io.on('connection', (socket) => this.#connect(socket, parts));
    this.#options.facts.on('user.suspended', ({ userId }) => {
      this.#suspendedAtMs.set(userId, performance.now());
      this.endSessionsOf(userId, 'suspended');
    });
  }

  /** Notices may have been lost on the way from other servers: everybody here is asked to look for themselves. */
  tellResync(): void {
    this.io.emit('session:resync', {});
  }

  /** Ends all sessions of a user. */
  endSessionsOf(userId: string, reason: LeaveReason): void {
    for (const session of this.sessions) if (session.identity.userId === userId) session.close(reason);
  }

  /** Tells everybody to come back later, ends all sessions and takes no more; idempotent. */
  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    this.io.emit('session:shutdown', { reconnectAfterMs });
    for (const session of this.sessions) session.close('server_shutdown');
    await this.io.close();
  }

  async #admit(socket: Socket): Promise<void> {
    if (this.#closing) throw new AppError('server.shutting_down');
    const { tokens, users } = this.#options;
    const address = proxyAddr(socket.request as IncomingMessage, this.#trusts);
    try {
      const offered = handshake.safeParse(socket.handshake.auth);
      if (!offered.success) throw new AppError('auth.invalid_token');
      const { token, resume } = offered.data;
      const identity = await tokens.verify(token ?? undefined);
      const checkedAtMs = performance.now();
      const user = await (this.#findLost({ identity, resume }) ? users.admit(identity) : users.signIn(identity, address));
      socket.data = { identity, user, address, checkedAtMs, resume } satisfies Admission;
    } catch (error) {
      if (!(error instanceof AppError) || error.status >= 500) throw error;
      throw await this.#countRefusal(address, error);
    }
  }

  /** A refused connection counts against its address; past the limit the answer is `auth.too_many_attempts`. */
  async #countRefusal(address: string, error: AppError): Promise<AppError> {
    this.#options.log.info({ code: error.code, address }, 'connection refused');
    if (!this.#refusedAttempts) return error;
    const tooMany = await this.#refusedAttempts.consume(address).then(
      () => false,
      (reason: unknown) => reason instanceof RateLimiterRes,
    );
    return tooMany ? new AppError('auth.too_many_attempts') : error;
  }

  #refusal(error: unknown): Error {
    const appError = error instanceof AppError ? error : (appErrorOfDatabase(error) ?? new AppError('internal', { cause: error }));
    if (appError.code === 'internal') this.#options.log.error({ err: error }, 'connection could not be signed in');
    else if (appError.status >= 500) this.#options.log.warn({ err: error }, 'connection could not be signed in');
    const refusal = new Error(refusals[appError.code] ?? `Authentication error: ${appError.message}`);
    return Object.assign(refusal, { data: appError.toWire() });
  }

  #connect(socket: Socket, parts: Parameters<SocketServer['start']>[0]): void {
    const admission = socket.data as Admission;
    const { userId } = admission.identity;
    if ((this.#suspendedAtMs.get(userId) ?? 0) > admission.checkedAtMs) {
      socket.disconnect(true);
      return;
    }
    forgetHandshake(socket);
    const { session, recovered } = this.#takeUp(admission, parts.onSessionClosed);
    session.attach(socket);
    socket.use((packet) => {
      // Not passed on: `dispatch` is the only listener. It answers every error itself.
      if (!session.closed) void parts.dispatch(session, packet);
    });
    socket.on('disconnect', (reason) => {
      session.detach(socket, { saidGoodbye: reason === 'client namespace disconnect' });
      if (session.isConnected) return;
      parts.onSocketLost(session);
      if (!session.closed) this.#options.facts.emit('session.lost', { sessionId: session.sessionId, userId });
    });
    socket.emit('session:ready', {
      userId,
      sessionId: session.sessionId,
      resumeKey: session.resumeKey,
      protocolVersion,
      recovered,
    });
    const { sessionId, identity } = session;
    if (recovered) {
      parts.onResumed(session);
      this.#options.facts.emit('session.resumed', { sessionId, userId });
    } else this.#options.facts.emit('session.opened', { sessionId, userId, role: identity.role, onlyRoomId: identity.grants?.roomId });
  }

  /** The session that a handshake may take up again. */
  #findLost({ identity, resume }: Pick<Admission, 'identity' | 'resume'>): Session | undefined {
    const session = resume && this.#sessions.get(resume.sessionId);
    return session?.mayBeResumedBy(identity, resume?.resumeKey ?? '') ? session : undefined;
  }

  #takeUp(admission: Admission, onClosed: (session: Session, reason: LeaveReason) => void) {
    const { identity, user, address } = admission;
    const lost = this.#findLost(admission);
    if (lost) {
      lost.renew(identity, user.displayName);
      return { session: lost, recovered: true };
    }
    const session = new Session({
      identity,
      displayName: user.displayName,
      address,
      graceMs: this.#closing ? 0 : this.#options.limits.reconnectSeconds * 1000,
      onClosed: (closed, reason) => {
        this.#sessions.delete(closed.sessionId);
        this.#options.log.info({ sessionId: closed.sessionId, reason }, 'session ended');
        onClosed(closed, reason);
        this.#options.facts.emit('session.closed', { sessionId: closed.sessionId, userId: closed.identity.userId, reason });
      },
    });
    this.#sessions.set(session.sessionId, session);
    this.#options.log.info({ sessionId: session.sessionId, role: identity.role }, 'session started');
    return { session, recovered: false };
  }
}

/** Lets go of the HTTP request and of all that was made from it: a third of what a socket takes, and of no use once it is signed in. */
function forgetHandshake(socket: Socket): void {
  Object.assign(socket.conn, { request: null });
  Object.assign(socket, { handshake: null, data: null });
}
