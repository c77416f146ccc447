import type { z } from 'zod';
import { callNotices, callRequests } from './call.ts';
import { chatNotices, chatRequests } from './chat.ts';
import type { Acknowledgement, RequestDefinition } from './define.ts';
import { mediaNotices, mediaRequests } from './media.ts';
import { notificationNotices, notificationRequests } from './notification.ts';
import { presenceNotices, presenceRequests } from './presence.ts';
import { recordingNotices, recordingRequests } from './recording.ts';
import { roomNotices, roomRequests } from './room.ts';
import { authRequests, sessionNotices } from './session.ts';

/** Every request a browser may send, by event name. */
export const requests = {
  ...authRequests,
  ...callRequests,
  ...chatRequests,
  ...mediaRequests,
  ...notificationRequests,
  ...presenceRequests,
  ...recordingRequests,
  ...roomRequests,
};

/** Every notice the server may send, by event name. */
export const notices = {
  ...callNotices,
  ...chatNotices,
  ...mediaNotices,
  ...notificationNotices,
  ...presenceNotices,
  ...recordingNotices,
  ...roomNotices,
  ...sessionNotices,
};

export type RequestName = keyof typeof requests;
export type NoticeName = keyof typeof notices;

/** A request's payload as the browser writes it. */
export type RequestInput<N extends RequestName> = z.input<(typeof requests)[N]['payload']>;
/** A request's payload as the server reads it, defaults filled in. */
export type RequestPayload<N extends RequestName> = z.output<(typeof requests)[N]['payload']>;
/** What a request's acknowledgement carries as `data`. */
export type Reply<N extends RequestName> = z.output<(typeof requests)[N]['reply']>;
/** What a notice carries. */
export type NoticePayload<N extends NoticeName> = z.output<(typeof notices)[N]>;

/** socket.io's map of requests. */
export type ClientToServerEvents = {
  [N in RequestName]: (payload: RequestInput<N>, acknowledge: (answer: Acknowledgement<Reply<N>>) => void) => void;
};

/** socket.io's map of notices. */
export type ServerToClientEvents = { [N in NoticeName]: (payload: NoticePayload<N>) => void };

/** Whether a name from the wire is a request's. */
export function isRequestName(name: string): name is RequestName {
  return Object.hasOwn(requests, name);
}

/** The definition of a request, seen without its own types. */
export function requestDefinition(name: RequestName): RequestDefinition {
  return requests[name];
}
