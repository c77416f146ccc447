/** Every error code of the wire with the HTTP status it answers. Codes are never renamed. */
export const errorStatus = {
  'protocol.unknown_event': 404,
  'protocol.invalid_payload': 400,
  'protocol.too_large': 413,
  'protocol.rate_limited': 429,
  'protocol.not_found': 404,
  'protocol.method_not_allowed': 405,
  'protocol.unsupported_media_type': 415,
  'protocol.range_not_satisfiable': 416,
  'auth.missing_token': 401,
  'auth.invalid_token': 401,
  'auth.expired_token': 401,
  'auth.forbidden': 403,
  'auth.suspended': 403,
  'auth.too_many_attempts': 429,
  'auth.unavailable': 503,
  'user.not_found': 404,
  'room.not_found': 404,
  'room.full': 409,
  'room.locked': 403,
  'room.banned': 403,
  'room.ended': 410,
  'room.not_joined': 409,
  'room.elsewhere': 409,
  'room.participant_not_found': 404,
  'room.invalid_state': 409,
  'room.too_early': 403,
  'chat.attachment_not_found': 404,
  'chat.attachment_sent': 409,
  'chat.unsupported_file': 415,
  'chat.infected_file': 422,
  'chat.scan_unavailable': 503,
  'chat.storage_full': 507,
  'chat.storage_unavailable': 503,
  'call.not_found': 404,
  'call.busy': 409,
  'call.invalid_state': 409,
  'notification.not_found': 404,
  'notification.push_address_refused': 400,
  'media.transport_not_found': 404,
  'media.producer_not_found': 404,
  'media.consumer_not_found': 404,
  'media.already_connected': 409,
  'media.invalid_parameters': 400,
  'media.cannot_consume': 409,
  'media.source_in_use': 409,
  'media.muted': 403,
  'media.limit_reached': 409,
  'media.unavailable': 503,
  'appointment.not_found': 404,
  'chat.conversation_not_found': 404,
  'chat.message_not_found': 404,
  'chat.member_not_found': 404,
  'chat.conversation_closed': 409,
  'chat.too_late': 409,
  'chat.owner_must_hand_over': 409,
  'chat.direct_conversation': 409,
  'recording.not_found': 404,
  'recording.invalid_state': 409,
  'recording.consent_required': 409,
  'recording.text_outdated': 409,
  'recording.disabled': 503,
  'recording.no_capacity': 503,
  'recording.held': 409,
  'recording.link_expired': 410,
  'recording.storage_unavailable': 503,
  'server.shutting_down': 503,
  'server.unavailable': 503,
  internal: 500,
} as const;

/** A code of {@link errorStatus}. */
export type ErrorCode = keyof typeof errorStatus;

/** What an error looks like on the wire, on the socket and over REST alike. */
export interface WireError {
  code: ErrorCode;
  /** For people; may change between versions. */
  message: string;
  details?: Record<string, unknown>;
}

const messages: Record<ErrorCode, string> = {
  'protocol.unknown_event': 'There is no such request.',
  'protocol.invalid_payload': 'The request is malformed.',
  'protocol.too_large': 'The request is too large.',
  'protocol.rate_limited': 'Too many requests; slow down.',
  'protocol.not_found': 'There is no such thing.',
  'protocol.method_not_allowed': 'This address does not take that method.',
  'protocol.unsupported_media_type': 'The body has to be JSON.',
  'auth.missing_token': 'No token was provided.',
  'auth.invalid_token': 'The token is not valid.',
  'auth.expired_token': 'The token has expired.',
  'auth.forbidden': 'This is not allowed.',
  'auth.suspended': 'This user is suspended.',
  'auth.too_many_attempts': 'Too many refused connections; try again later.',
  'auth.unavailable': 'Tokens cannot be checked right now; try again.',
  'user.not_found': 'There is no such user.',
  'room.not_found': 'There is no such room.',
  'room.full': 'The room is full.',
  'room.locked': 'The room is locked.',
  'room.banned': 'This user may not come back to the room.',
  'room.ended': 'The room has ended.',
  'room.not_joined': 'Join a room first.',
  'protocol.range_not_satisfiable': 'The file has no such part.',
  'chat.attachment_not_found': 'There is no such file.',
  'chat.attachment_sent': 'The file belongs to a message; delete the message.',
  'chat.unsupported_file': 'Files of this kind are not accepted.',
  'chat.infected_file': 'The file carries a virus.',
  'chat.scan_unavailable': 'Files cannot be checked for viruses right now; try again.',
  'chat.storage_full': 'There is no room left for files.',
  'chat.storage_unavailable': 'Files cannot be stored or read right now; try again.',
  'call.not_found': 'There is no such call.',
  'call.busy': 'You are in another call.',
  'call.invalid_state': 'The call does not allow this now.',
  'notification.not_found': 'There is no such notification.',
  'notification.push_address_refused': 'Messages cannot be pushed to that address.',
  'appointment.not_found': 'There is no such appointment.',
  'chat.member_not_found': 'There is no such member.',
  'chat.conversation_not_found': 'There is no such conversation.',
  'chat.message_not_found': 'There is no such message.',
  'chat.conversation_closed': 'The conversation is closed.',
  'chat.too_late': 'The message is too old to be edited.',
  'chat.owner_must_hand_over': 'Make somebody else the owner first.',
  'chat.direct_conversation': 'This is for groups only.',
  'server.unavailable': 'The server cannot reach its database right now; try again.',
  'room.elsewhere': 'The room is on another server.',
  'room.participant_not_found': 'There is no such participant.',
  'room.invalid_state': 'The room does not allow this now.',
  'room.too_early': 'The room opens 15 minutes before the appointment.',
  'media.transport_not_found': 'There is no such transport.',
  'media.producer_not_found': 'There is no such producer.',
  'media.consumer_not_found': 'There is no such consumer.',
  'media.already_connected': 'The transport is connected already.',
  'media.invalid_parameters': 'The media parameters do not fit.',
  'media.cannot_consume': 'This browser cannot receive that producer.',
  'media.source_in_use': 'This source is being sent already.',
  'media.limit_reached': 'There are too many of these already.',
  'media.muted': 'A moderator has muted this source.',
  'media.unavailable': 'The media server is restarting; join again.',
  'recording.not_found': 'There is no such recording.',
  'recording.invalid_state': 'The recording does not allow this now.',
  'recording.consent_required': 'Somebody has to agree first.',
  'recording.text_outdated': 'The text of consent has changed; read the new one.',
  'recording.disabled': 'Recording is off on this server.',
  'recording.no_capacity': 'There is no disk or CPU to spare for a recording.',
  'recording.held': 'The recording is under a legal hold.',
  'recording.link_expired': 'The link has expired or was used up.',
  'recording.storage_unavailable': 'Recordings cannot be read right now; try again.',
  'server.shutting_down': 'The server is shutting down.',
  internal: 'Something went wrong on the server.',
};

/** The one error that reaches clients. Its code is the contract; its message is for people. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly details: Record<string, unknown> | undefined;

  constructor(code: ErrorCode, options: { message?: string; details?: Record<string, unknown>; cause?: unknown } = {}) {
    super(options.message ?? messages[code], options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.details = options.details;
  }

  /** The HTTP status of this error's code. */
  get status(): number {
    return errorStatus[this.code];
  }

  /** The shape that goes over the wire. */
  toWire(): WireError {
    return { code: this.code, message: this.message, ...(this.details && { details: this.details }) };
  }
}
