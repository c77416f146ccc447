import type { Call, CallStats, CallStatus, CallType } from '../../protocol/call.ts';
import type { NoticePayload } from '../../protocol/index.ts';
import type { ParleyError } from '../parley-error.ts';
import type { PublishCameraOptions, PublishMicrophoneOptions } from '../publications.ts';
import type { JoinOptions, Room } from '../room.ts';
import type { CallOutcome, CallPhase } from './call-table.ts';

/** A call as this device sees it. Never changed: each change makes a new one. */
export interface CallView {
  readonly callId: string;
  readonly phase: CallPhase;
  /** Whether the signed-in user has started it. */
  readonly isOutgoing: boolean;
  /** What the server has told of it: parties, type, times, room and conversation. */
  readonly call: Call;
  /** Why it is over here; undefined while it is not. */
  readonly outcome: CallOutcome | undefined;
  /** Who wishes video in a voice call and waits for consent, oneself included. */
  readonly videoRequestedBy: string | undefined;
}

/** All calls as they are now. Never changed: each change makes a new one. */
export interface CallsView {
  /** The call of this device: started, being accepted, or running. */
  readonly current: CallView | undefined;
  /** What rings here, the longest first; during `current` these wait. */
  readonly incoming: readonly CallView[];
  /** Calls that one is in with another device; `calls.join()` takes them over. */
  readonly elsewhere: readonly CallView[];
  /** A call that the server has not answered yet. */
  readonly starting: { readonly calleeIds: readonly string[]; readonly type: CallType } | undefined;
  /** The room of `current`, once `calls.join()` has entered it. */
  readonly room: Room | undefined;
}

/** What calls tell. */
export interface CallsEvents {
  changed: CallsView;
  /** It rings here. */
  incoming: { call: CallView };
  /** Any change of a call that is not its end. */
  updated: { call: CallView };
  /** It is over here; once for each call. */
  ended: { call: CallView };
  /** Somebody has called in vain: nobody answered, they gave up, or one was busy. */
  missed: { call: CallView };
  /** Somebody else asks whether the voice call may become a video call: `calls.answerVideo()`. */
  videoRequested: { call: CallView; userId: string };
  /** Somebody has answered a wish for video; with consent `call.call.type` is `video`, and the app may publish a camera. */
  videoAnswered: { call: CallView; userId: string; accepted: boolean };
  /** Somebody in the call has sent a signal past the media server. */
  signal: NoticePayload<'call:signal'>;
  /** A microphone or camera could not be opened or sent; the call goes on without it. */
  deviceFailed: { callId: string; source: 'microphone' | 'camera'; error: ParleyError };
  /** Something in the background has given up. */
  error: { error: ParleyError };
}

/** Whom to call and how. */
export interface StartCallOptions {
  /** One to sixteen users. */
  readonly calleeIds: readonly string[];
  /** A voice call opens no camera. */
  readonly type: CallType;
  readonly appointmentId?: string;
  /** Rings even though everybody is in a call: they may take it as a second one. */
  readonly wait?: boolean;
  /** Gives up: what was started is cancelled, while nobody has taken it. */
  readonly signal?: AbortSignal;
}

/** How to take a call. */
export interface AcceptCallOptions {
  /** Hangs up the call that one is in. Without it a second call is `call.busy`. */
  readonly andEnd?: boolean;
}

/** How to enter a call's room. */
export interface JoinCallOptions extends JoinOptions {
  /** False: publishes none. */
  readonly microphone?: PublishMicrophoneOptions | false;
  /** False: publishes none. A voice call publishes none in any case. */
  readonly camera?: PublishCameraOptions | false;
}

/** Which calls of the past to read. */
export interface CallHistoryQuery {
  /** From 1. */
  readonly page?: number;
  /** 1 to 100; 20 by default. */
  readonly limit?: number;
  readonly type?: CallType;
  readonly status?: CallStatus;
  /** ISO 8601 with an offset. */
  readonly from?: string;
  readonly to?: string;
}

/** A page of calls, newest first. */
export interface CallHistoryPage {
  readonly calls: readonly Call[];
  readonly page: number;
  readonly limit: number;
  /** Of all pages. */
  readonly total: number;
}

export type { Call, CallStats, CallStatus, CallType };
