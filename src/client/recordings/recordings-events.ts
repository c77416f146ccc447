import type {
  CompositionSettings,
  ConsentReceipt,
  PauseReason,
  Recording,
  RecordingKind,
  RecordingStatus,
} from '../../protocol/recording.ts';
import type { ConsentQuestion, RecordingStanding } from './recording-state.ts';

/** The recording of the room that one is in, as it is now. Never changed: each change makes a new one. */
export interface RecordingsView {
  /** The one for which people are being asked or recorded; null in no room, too. */
  readonly recording: Recording | null;
  /** What one is asked and has not answered. */
  readonly question: ConsentQuestion | undefined;
  /** How oneself stands to it. */
  readonly standing: RecordingStanding;
}

/** What recordings tell: of the room that one is in, and, wherever one is, what has become of those for which one was asked. */
export interface RecordingsEvents {
  changed: RecordingsView;
  /** One is asked, or asked again. */
  asked: { question: ConsentQuestion };
  /** Somebody has answered, or taken their consent back. */
  consentChanged: { recording: Recording };
  started: { recording: Recording };
  paused: { recording: Recording; reason: PauseReason };
  resumed: { recording: Recording };
  /** Nothing is captured any more; `refused` is the status when it never began. */
  stopped: { recording: Recording };
  ready: { recording: Recording };
  failed: { recording: Recording };
  /** Of the composition, from 0 to 1; told to the one who asked. */
  progress: { recordingId: string; progress: number };
}

/** Which recordings to read. */
export interface RecordingsQuery {
  readonly roomId?: string;
  readonly status?: RecordingStatus;
  /** Recordings that somebody was asked for. */
  readonly userId?: string;
  /** When it was asked for; ISO 8601 with an offset. */
  readonly from?: string;
  readonly to?: string;
  /** 1 to 100; 20 by default. */
  readonly limit?: number;
  readonly cursor?: string;
}

/** A page of recordings, newest first. */
export interface RecordingsPage {
  readonly recordings: readonly Recording[];
  readonly cursor: string | null;
}

/** A signed link that opens a recording without a token. */
export interface RecordingLink {
  readonly url: string;
  readonly expiresAt: string;
}

/** How long and how often a link opens. */
export interface RecordingLinkOptions {
  readonly expiresInMinutes?: number;
  readonly maxUses?: number;
}

export type { CompositionSettings, ConsentReceipt, Recording, RecordingKind, RecordingStatus };
