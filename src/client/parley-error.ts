import { AppError, type ErrorCode, type WireError } from '../protocol/errors.ts';

/** What goes wrong on this side of the wire. */
export type ClientErrorCode =
  | 'client.disconnected'
  | 'client.timeout'
  | 'client.closed'
  | 'client.aborted'
  | 'client.unsupported'
  | 'client.device_denied'
  | 'client.device_not_found'
  | 'client.device_busy'
  | 'client.already_published';

const clientMessages: Record<ClientErrorCode, string> = {
  'client.disconnected': 'The connection to the server was lost.',
  'client.timeout': 'The server did not answer in time.',
  'client.closed': 'This is closed already.',
  'client.aborted': 'It was cancelled.',
  'client.unsupported': 'This browser cannot do that.',
  'client.device_denied': 'Access to the device was refused.',
  'client.device_not_found': 'There is no such device.',
  'client.device_busy': 'The device is in use elsewhere or does not start.',
  'client.already_published': 'This source is published already.',
};

/** The one error of the SDK. `code` is the contract: a code of the wire, or one of {@link ClientErrorCode}; `message` is for people. */
export class ParleyError extends Error {
  override readonly name = 'ParleyError';
  readonly code: ErrorCode | ClientErrorCode;
  readonly details: Record<string, unknown> | undefined;

  constructor(code: ErrorCode | ClientErrorCode, options: { message?: string; details?: Record<string, unknown>; cause?: unknown } = {}) {
    super(options.message ?? defaultMessage(code), options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.details = options.details;
  }

  /** From an acknowledgement with `ok: false`. */
  static fromWire(error: WireError): ParleyError {
    return new ParleyError(error.code, { message: error.message, ...(error.details && { details: error.details }) });
  }

  /** As it is when it is one already, otherwise wrapped in `fallback`. */
  static from(error: unknown, fallback: ErrorCode | ClientErrorCode): ParleyError {
    if (error instanceof ParleyError) return error;
    return new ParleyError(fallback, { ...(error instanceof Error && { message: error.message }), cause: error });
  }
}

function defaultMessage(code: ErrorCode | ClientErrorCode): string {
  return isClientCode(code) ? clientMessages[code] : new AppError(code).message;
}

function isClientCode(code: ErrorCode | ClientErrorCode): code is ClientErrorCode {
  return code in clientMessages;
}
