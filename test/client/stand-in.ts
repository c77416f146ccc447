import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Server, type Socket } from 'socket.io';
import { Connection } from '../../src/client/connection.ts';
import { createParleyClient, type ParleyClient, type ParleyClientOptions } from '../../src/client/index.ts';
import { tokenSubject } from '../../src/client/token.ts';
import { AppError } from '../../src/protocol/errors.ts';
import type { NoticeName, NoticePayload, Reply, RequestName, RequestPayload } from '../../src/protocol/index.ts';

/** Answers a request, or throws an AppError. `never` hands no answer out at all. */
export type Answer<N extends RequestName> = (payload: RequestPayload<N>) => Reply<N> | Promise<Reply<N>>;

/** Answers a REST call; `url` holds path and query. */
type RestAnswer = (url: URL, body: unknown) => unknown;

/**
 * The server's end of the wire and nothing behind it: a real socket and real REST that say what a test wants, in the order it wants. A token is a
 * JWT, or simply the user's id.
 */
export class StandIn {
  /** Every request that has arrived, in order. */
  readonly asked: { readonly name: RequestName; readonly payload: unknown }[] = [];
  /** Every REST call that has arrived, as `GET /calls?limit=10`. */
  readonly called: string[] = [];
  readonly #io: Server;
  readonly #http: HttpServer;
  readonly #answers = new Map<string, (payload: never) => unknown>();
  readonly #rest = new Map<string, RestAnswer>();
  readonly #sessions = new Set<string>();
  readonly #waiting = new Set<() => void>();
  #sessionCount = 0;

  private constructor() {
    this.#http = createServer((request, response) => void this.#onRest(request, response));
    this.#io = new Server(this.#http, { serveClient: false });
    this.#io.on('connection', (socket) => this.#onSocket(socket));
  }

  static async start(port = 0): Promise<StandIn> {
    const standIn = new StandIn();
    await new Promise<void>((resolve) => standIn.#http.listen(port, '127.0.0.1', resolve));
    return standIn;
  }

  get port(): number {
    const address = this.#http.address();
    if (typeof address !== 'object' || address === null) throw new Error('it does not listen');
    return address.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Sockets that are open now. */
  get socketCount(): number {
    return this.#io.sockets.sockets.size;
  }

  /** A client of one user. */
  client(userId: string, options: Partial<ParleyClientOptions> = {}): ParleyClient {
    return createParleyClient({ url: this.url, getToken: () => userId, ...options });
  }

  connection(userId = 'me'): Connection {
    return connectionTo(this.url, userId);
  }

  /** Says from now on how a request is answered. */
  answer<N extends RequestName>(name: N, answer: Answer<N>): void {
    this.#answers.set(name, answer as (payload: never) => unknown);
  }

  /** Says from now on how a REST call below `/api/v1` is answered, as `GET /calls`. */
  answerRest(route: string, answer: RestAnswer): void {
    this.#rest.set(route, answer);
  }

  /** Sends a notice to everybody. */
  tell<N extends NoticeName>(name: N, payload: NoticePayload<N>): void {
    this.#io.emit(name, payload);
  }

  /** What was asked under a name. */
  askedFor<N extends RequestName>(name: N): RequestPayload<N>[] {
    return this.asked.filter((one) => one.name === name).map(({ payload }) => payload as RequestPayload<N>);
  }

  /** Resolves when so many requests of a name have arrived. */
  async heard(name: RequestName, count = 1): Promise<void> {
    while (this.askedFor(name).length < count) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  /** Ends every socket without a goodbye; `forget`: their sessions as well. */
  drop({ forget = false } = {}): void {
    if (forget) this.#sessions.clear();
    for (const socket of this.#io.sockets.sockets.values()) socket.conn.close();
  }

  async close(): Promise<void> {
    this.#http.closeAllConnections();
    await this.#io.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #onSocket(socket: Socket): void {
    const { token, resume } = socket.handshake.auth as { token: string; resume?: { sessionId: string } };
    const recovered = resume !== undefined && this.#sessions.has(resume.sessionId);
    const number = String(++this.#sessionCount).padStart(12, '0');
    const sessionId = recovered ? resume.sessionId : `00000000-0000-7000-8000-${number}`;
    this.#sessions.add(sessionId);
    socket.emit('session:ready', { userId: tokenSubject(token) ?? token, sessionId, resumeKey: 'key', protocolVersion: 1, recovered });
    socket.onAny((name: RequestName, payload: unknown, acknowledge: (answer: unknown) => void) => {
      this.asked.push({ name, payload });
      for (const resolve of this.#waiting) resolve();
      this.#waiting.clear();
      void this.#answerTo(name, payload).then(acknowledge);
    });
  }

  async #answerTo(name: RequestName, payload: unknown): Promise<unknown> {
    try {
      const answer = this.#answers.get(name);
      return { ok: true, data: answer === undefined ? {} : await answer(payload as never) };
    } catch (error) {
      return { ok: false, error: (error instanceof AppError ? error : new AppError('internal', { cause: error })).toWire() };
    }
  }

  async #onRest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL((request.url ?? '').replace('/api/v1', ''), this.url);
    this.called.push(`${request.method} ${url.pathname}${url.search}`);
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const text = Buffer.concat(parts).toString();
    try {
      const answer = this.#rest.get(`${request.method} ${url.pathname}`);
      if (answer === undefined) throw new AppError('protocol.not_found');
      const data = await answer(url, text === '' ? undefined : JSON.parse(text));
      response.writeHead(data === undefined ? 204 : 200, { 'content-type': 'application/json' });
      response.end(data === undefined ? undefined : JSON.stringify(data));
    } catch (error) {
      const refused = error instanceof AppError ? error : new AppError('internal', { cause: error });
      response.writeHead(refused.status, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: refused.toWire() }));
    }
  }
}

/** A bare connection of one user. */
export function connectionTo(url: string, userId = 'me'): Connection {
  return new Connection({ url, getToken: () => userId, requestTimeoutMs: 2000 });
}

/** An answer that never comes. */
export function never(): Promise<never> {
  return new Promise(() => undefined);
}
