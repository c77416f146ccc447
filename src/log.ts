import { type DestinationStream, type Logger as PinoLogger, pino } from 'pino';

/** A structured logger: constant text, facts in fields. Never payloads, SDP, tokens or message bodies. */
export type Logger = PinoLogger;

/** Fields whose values never reach a log, wherever they stand within two levels. */
const secretFields = ['token', 'authorization', 'cookie', 'password', 'secret', 'resumeKey', 'credential', 'content', 'body', 'sdp'];

/** The root logger. `level` is one of pino's; `destination` is standard output unless given. */
export function createLog(level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: secretFields.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]), censor: '[redacted]' },
  };
  return destination ? pino(options, destination) : pino(options);
}
