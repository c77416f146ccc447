import { EventEmitter } from 'node:events';
import type { MessageType } from './protocol/chat.ts';
import type { LeaveReason, RoomEndReason } from './protocol/room.ts';

/** What has happened, published after the transaction that made it so has committed. */
export interface FactMap {
  /** A user's sessions and media must end at once; their tokens are refused from now on. */
  'user.suspended': [{ userId: string }];
  'room.started': [{ roomId: string }];
  'room.ended': [{ roomId: string; reason: RoomEndReason; durationSeconds: number }];
  'participant.joined': [{ roomId: string; participantId: string; userId: string }];
  'participant.left': [{ roomId: string; participantId: string; userId: string; reason: LeaveReason }];
  /** Somebody who enters a room has become a member of its conversation. */
  'conversation.entered': [{ conversationId: string; userId: string }];
  'message.created': [{ messageId: string; conversationId: string; senderId: string; type: MessageType; memberIds: readonly string[] }];
}

/** The server's own bus of facts. Listeners are synchronous and must not throw. */
export type Facts = EventEmitter<FactMap>;

/** Makes the bus; one a server. */
export function createFacts(): Facts {
  return new EventEmitter<FactMap>();
}
