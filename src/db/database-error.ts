import { AppError } from '../protocol/errors.ts';

/** SQLSTATEs for text that can't be stored, such as with the character U+0000: the request's fault. */
const invalidText = new Set(['22021', '22P05']);
/** SQLSTATEs of a server that goes down, comes up, has no connection left or takes none; class 08 are lost connections. */
const unavailable = /^(08...|57P0[123]|53300|55000)$/;
/** What a socket says when there is nobody at its other end. */
const unreachable = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH']);
/** The driver's own words, which have no code. */
const driverLost = /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error)/;

/** The answer to an error of the database's that has one of its own: text it can't store, or that it is away. Undefined for all others. */
export function appErrorOfDatabase(error: unknown): AppError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, syscall } = error as { code?: unknown; syscall?: unknown };
  if (typeof code === 'string') {
    if (invalidText.has(code)) return new AppError('protocol.invalid_payload', { message: 'Text may not hold the character U+0000.' });
    // ENOENT: the database's Unix socket is gone.
    if (unavailable.test(code) || unreachable.has(code) || (code === 'ENOENT' && syscall === 'connect')) return away(error);
  }
  return driverLost.test(error.message) ? away(error) : appErrorOfDatabase(error.cause);
}

const away = (cause: Error) => new AppError('server.unavailable', { cause });
