import type { Source } from '../protocol/ids.ts';
import type { NoticePayload } from '../protocol/index.ts';
import type { ProducerInfo } from '../protocol/media.ts';
import type { PauseReason, Recording } from '../protocol/recording.ts';
import type { LeaveReason, Participant, RoomEndReason, Room as RoomInfo } from '../protocol/room.ts';
import type { DataMessage } from './data-channels.ts';
import type { ParleyError } from './parley-error.ts';
import type { ConsentQuestion, RoomRecording } from './recordings/recording-state.ts';
import type { Subscription } from './subscription.ts';

/**
 * Where one is in a room: `waiting` in its lobby; `rejoining`: the media was lost and is coming back by itself.
 */
export type RoomStatus = 'joining' | 'waiting' | 'joined' | 'rejoining' | 'closed';

/** Why one is no longer in a room. */
export type RoomCloseReason = 'left' | 'denied' | 'kicked' | 'banned' | 'ended' | 'connection_failed' | 'error' | 'client_closed';

/** One's own source as it is now. */
export interface PublicationView {
  readonly source: Source;
  /** Undefined while nothing is sent: a muted camera that was not opened yet, or media that is coming back. */
  readonly producerId: string | undefined;
  /** For a self-view; undefined while a camera is off. */
  readonly track: MediaStreamTrack | undefined;
  readonly muted: boolean;
  /** False when a moderator has muted it for good. */
  readonly mayUnmute: boolean;
  readonly deviceId: string | undefined;
}

/** What has happened to a room's recording. */
export type RecordingChange = 'consentChanged' | 'started' | 'paused' | 'resumed' | 'stopped' | 'ready' | 'failed';

/** A room as it is now. Never changed: each change makes a new one. */
export interface RoomView {
  readonly status: RoomStatus;
  readonly closeReason: RoomCloseReason | undefined;
  readonly info: RoomInfo | undefined;
  readonly me: Participant | undefined;
  /** Oneself first, then in order of arrival. */
  readonly participants: readonly Participant[];
  /** Those in the lobby; moderators alone see them. */
  readonly waiting: readonly Participant[];
  readonly publications: readonly PublicationView[];
  readonly subscriptions: readonly Subscription[];
  /** Everything that is published in the room, one's own included. */
  readonly producers: readonly ProducerInfo[];
  /** `null`: nobody speaks. */
  readonly activeSpeakerId: string | null;
  /** By participant, in dBov: 0 is loudest, −127 silence. It changes without a new view; see `audioLevelsChanged`. */
  readonly audioLevels: ReadonlyMap<string, number>;
  readonly conversationId: string | null;
  /** What the last warning before the time limit said. */
  readonly secondsLeft: number | undefined;
  /** Whether people are being asked or recorded; `client.recordings` acts on it. */
  readonly recording: RoomRecording;
  /** The browser wants a click before it plays sound: `room.startPlayback()`. */
  readonly playbackBlocked: boolean;
}

/** What a room tells. */
export interface RoomEvents {
  changed: RoomView;
  /** `recovered`: one was in the room before. */
  joined: { recovered: boolean };
  /** In the lobby now. */
  waiting: undefined;
  participantJoined: { participant: Participant };
  participantUpdated: { participant: Participant };
  participantLeft: { participantId: string; userId: string; reason: LeaveReason };
  /** To moderators: somebody is in the lobby. */
  participantWaiting: { participant: Participant };
  subscribed: { subscription: Subscription };
  unsubscribed: { subscription: Subscription };
  activeSpeakerChanged: { participantId: string | null };
  audioLevelsChanged: { levels: NoticePayload<'room:audioLevels'>['levels'] };
  /** A moderator has muted us. */
  muted: { source: Source; allowUnmute: boolean };
  /** The browser has ended it: the share was stopped in its own window, the device is gone. */
  publicationEnded: { source: Source };
  locked: undefined;
  unlocked: undefined;
  ending: { secondsLeft: number };
  ended: { reason: RoomEndReason; durationSeconds: number };
  mediaLost: { reason: string };
  /** Sending and receiving are set up again. */
  mediaRecovered: { afterMs: number };
  /** One is asked whether one may be recorded. */
  recordingAsked: { question: ConsentQuestion };
  /** The room's recording; `reason` says why it was paused. */
  recordingChanged: { change: RecordingChange; recording: Recording; reason?: PauseReason };
  dataReceived: DataMessage;
  playbackBlocked: undefined;
  /** Something in the background has given up; the room goes on. */
  error: { error: ParleyError };
  /** Once, last. */
  closed: { reason: RoomCloseReason };
}
