import { type DestinationStream, type Logger as PinoLogger, pino } from 'pino';

/** A structured logger: constant text, facts in fields. Never payloads, SDP, tokens or message bodies. */
export type Logger = PinoLogger;

/** Fields whose values never reach a log, wherever they stand within two levels. */
const secretFields = ['token', 'authorization', 'cookie', 'password', 'secret', 'resumeKey', 'credential', 'content', 'body', 'sdp'];

/** A logged error. */
interface LoggedError {
  type: string;
  message: string;
  stack: string;
  code?: string;
  cause?: LoggedError;
}

/** How far down an error's causes are told. */
const maxCauses = 5;

/**
 * What is told of an error: its name, message, code, stack and causes, and no other field. Of a database's errors the message is left out too,
 * because it quotes what was to be stored.
 */
export function describeError(error: unknown, causesLeft = maxCauses): LoggedError {
  if (!(error instanceof Error)) return { type: typeof error, message: 'something was thrown that is no error', stack: '' };
  const isOfDatabase = 'query' in error || 'severity' in error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return {
    type: error.name,
    message: isOfDatabase ? 'the database refused a query' : error.message.slice(0, 1_000),
    // The first lines of a stack repeat the message.
    stack: (error.stack ?? '')
      .split('\n')
      .filter((line) => /^\s+at /.test(line))
      .join('\n'),
    ...(code !== undefined && { code }),
    ...(error.cause !== undefined && causesLeft > 0 && { cause: describeError(error.cause, causesLeft - 1) }),
  };
}

/** The root logger. `level` is one of pino's; `destination` is standard output unless given. */
export function createLog(level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: (error: unknown) => describeError(error) },
    redact: { paths: secretFields.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]), censor: '[redacted]' },
  };
  return destination ? pino(options, destination) : pino(options);
}
