import { EventEmitter } from 'node:events';
import type { CallStatus, CallType } from './protocol/call.ts';
import type { MessageType } from './protocol/chat.ts';
import type { Role } from './protocol/ids.ts';
import type { RecordingFailure } from './protocol/recording.ts';
import type { LeaveReason, RoomEndReason } from './protocol/room.ts';

/** What has happened, published after the transaction that made it so has committed. */
export interface FactMap {
  /** A user's sessions and media must end at once; their tokens are refused from now on. */
  'user.suspended': [{ userId: string }];
  /** A session has begun; `onlyRoomId`: its token is for that room alone. */
  'session.opened': [{ sessionId: string; userId: string; role: Role; onlyRoomId: string | undefined }];
  /** Its socket is gone, and waited for. */
  'session.lost': [{ sessionId: string; userId: string }];
  /** Its socket is back. */
  'session.resumed': [{ sessionId: string; userId: string }];
  'session.closed': [{ sessionId: string; userId: string; reason: LeaveReason }];
  /** These users stand otherwise to others than before: devices, status, note, or being in a call. */
  'presence.changed': [{ userIds: readonly string[] }];
  'room.started': [{ roomId: string }];
  /** A room's name, notes, lobby or lock has changed. */
  'room.updated': [{ roomId: string }];
  'room.ended': [{ roomId: string; reason: RoomEndReason; durationSeconds: number }];
  'participant.joined': [{ roomId: string; participantId: string; userId: string }];
  'participant.left': [{ roomId: string; participantId: string; userId: string; reason: LeaveReason }];
  /** Somebody who enters a room has become a member of its conversation. */
  'conversation.entered': [{ conversationId: string; userId: string }];
  /** A member has read a conversation up to and including `seq`. */
  'conversation.read': [{ conversationId: string; userId: string; seq: number }];
  'appointment.declared': [{ appointmentId: string; scheduledAt: Date; participantIds: readonly string[] }];
  'appointment.removed': [{ appointmentId: string }];
  /** A call has another status, or somebody in it another state; `userIds` are all its parties. */
  'call.changed': [{ callId: string; roomId: string | null; status: CallStatus; userIds: readonly string[] }];
  /** A call has been accepted; people may be in its room already, on this server or another. */
  'call.accepted': [{ roomId: string }];
  /** These users are being rung. */
  'call.rang': [{ callId: string; callerId: string; type: CallType; userIds: readonly string[] }];
  /** These users were rung, or would have been had they not been busy, and did not answer. */
  'call.missed': [{ callId: string; callerId: string; type: CallType; userIds: readonly string[] }];
  /** These users are asked whether they may be recorded. */
  'recording.requested': [{ recordingId: string; roomId: string; requestedBy: string; userIds: readonly string[] }];
  'recording.started': [{ recordingId: string; roomId: string }];
  'recording.ready': [{ recordingId: string; roomId: string; requestedBy: string }];
  'recording.failed': [{ recordingId: string; roomId: string; requestedBy: string; reason: RecordingFailure }];
  /** Another server has died; its books are closed. These rooms stood there, these users were in them. Told by one server only. */
  'server.died': [{ serverId: string; roomIds: readonly string[]; userIds: readonly string[] }];
  'message.created': [{ messageId: string; conversationId: string; senderId: string; type: MessageType; memberIds: readonly string[] }];
}

/** The server's own bus of facts. Listeners are synchronous and must not throw. */
export type Facts = EventEmitter<FactMap>;

/** Makes the bus; one a server. */
export function createFacts(): Facts {
  return new EventEmitter<FactMap>();
}

const relayed = new WeakSet<object>();

/** Marks a fact that has happened on another server. */
export function markRelayed(fact: object): void {
  relayed.add(fact);
}

/** Whether a fact has happened on another server, whose listeners have done what is to be done once: a listener that tells everybody passes it over. */
export function isRelayed(fact: object): boolean {
  return relayed.has(fact);
}
