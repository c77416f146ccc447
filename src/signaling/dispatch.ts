import type { z } from 'zod';
import { appErrorOfDatabase } from '../db/database-error.ts';
import type { Logger } from '../log.ts';
import type { Acknowledgement } from '../protocol/define.ts';
import { AppError } from '../protocol/errors.ts';
import { isRequestName, type Reply, type RequestName, type RequestPayload, requestDefinition } from '../protocol/index.ts';
import { payloadSize } from './payload-size.ts';
import { createRequestLimiter } from './request-limiter.ts';
import type { Session } from './session.ts';

/** What answers each request. A missing one, or one with a wrong reply, fails the type check. */
export type Handlers<Names extends RequestName = RequestName> = {
  readonly [N in Names]: (session: Session, payload: RequestPayload<N>) => Reply<N> | Promise<Reply<N>>;
};

/** A handler that answers an empty object once `work` is done. */
export function done<P>(work: (session: Session, payload: P) => void | Promise<void>) {
  return async (session: Session, payload: P): Promise<Record<string, never>> => {
    await work(session, payload);
    return {};
  };
}

/** Requests of one namespace, such as `room`. */
export type RequestsOf<Namespace extends string> = Extract<RequestName, `${Namespace}:${string}`>;

/** Issues of a payload that are told. */
const maxIssuesTold = 10;

/** Answers one packet of a socket: `[event, payload?, acknowledge?]`. */
export type Dispatch = (session: Session, packet: readonly unknown[]) => Promise<void>;

/**
 * The one path of every request: rate limit, size, name, payload, handler, acknowledgement. It alone turns errors into answers; an error that
 * is not an AppError is logged and answered as `internal`. Limits of 0 are off.
 */
export function createDispatch(options: {
  handlers: Handlers;
  limits: { requestsPerSecond: number; payloadBytes: number };
  log: Logger;
}): Dispatch {
  const { handlers, limits, log } = options;
  const limiter = createRequestLimiter(limits.requestsPerSecond);

  async function answer(session: Session, packet: readonly unknown[]): Promise<unknown> {
    limiter.consume(session);
    if (limits.payloadBytes > 0 && payloadSize(packet) > limits.payloadBytes) {
      throw new AppError('protocol.too_large', { details: { limitBytes: limits.payloadBytes } });
    }
    const [event, ...rest] = packet;
    const args = typeof rest.at(-1) === 'function' ? rest.slice(0, -1) : rest;
    if (typeof event !== 'string' || !isRequestName(event)) throw new AppError('protocol.unknown_event');
    if (args.length > 1) throw new AppError('protocol.invalid_payload', { message: 'A request carries one object.' });
    return await call(handlers, session, event, args[0] ?? {});
  }

  return async (session, packet) => {
    const acknowledge = packet.at(-1);
    let acknowledgement: Acknowledgement<unknown>;
    try {
      acknowledgement = { ok: true, data: await answer(session, packet) };
    } catch (error) {
      acknowledgement = { ok: false, error: toAppError(error, nameOf(packet), session, log).toWire() };
    }
    if (typeof acknowledge === 'function') acknowledge(acknowledgement);
  };
}

/** Parses the payload by the request's definition and calls its handler with the result. */
async function call<N extends RequestName>(handlers: Handlers, session: Session, event: N, payload: unknown): Promise<unknown> {
  const parsed = requestDefinition(event).payload.safeParse(payload);
  if (!parsed.success) throw invalidPayload(parsed.error);
  return await handlers[event](session, parsed.data as RequestPayload<N>);
}

/** The error of a payload that does not fit; details name the first field and list the rest. */
export function invalidPayload(error: z.ZodError): AppError {
  const issues = error.issues.slice(0, maxIssuesTold).map((issue) => {
    const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? ''] : issue.path;
    return { field: path.join('.').slice(0, 200), message: issue.message.slice(0, 200) };
  });
  return new AppError('protocol.invalid_payload', { details: { field: issues[0]?.field ?? '', issues } });
}

/** The event's name for the log; what is no request's name may be anything and stays out of it. */
function nameOf([event]: readonly unknown[]): string {
  return typeof event === 'string' && isRequestName(event) ? event : 'unknown';
}

function toAppError(error: unknown, event: string, session: Session, log: Logger): AppError {
  const known = error instanceof AppError ? error : appErrorOfDatabase(error);
  if (known && known.code !== 'internal') {
    const fields = { event, code: known.code, sessionId: session.sessionId };
    if (known.status >= 500) log.warn({ ...fields, err: known }, 'request refused');
    else log.debug(fields, 'request refused');
    return known;
  }
  log.error({ event, sessionId: session.sessionId, err: error }, 'request failed');
  return new AppError('internal');
}
