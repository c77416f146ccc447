import type { NoticePayload } from '../../protocol/index.ts';
import type { Recording, RecordingStatus } from '../../protocol/recording.ts';

/** What one is asked before one is recorded. */
export type ConsentQuestion = NoticePayload<'recording:consentRequested'>;

/** The recording of the room that one is in. Never changed in place. */
export interface RoomRecording {
  /** The one for which people are being asked or recorded now. */
  readonly recording: Recording | null;
  /** What oneself has not answered yet. */
  readonly question: ConsentQuestion | undefined;
}

/** Nobody asks and nobody records. */
export const noRecording: RoomRecording = { recording: null, question: undefined };

/** How oneself stands to the room's recording: `left_out` are those who refused, took their consent back or have not answered while others are recorded. */
export type RecordingStanding = 'none' | 'asked' | 'agreed' | 'recorded' | 'paused' | 'left_out';

const live: readonly RecordingStatus[] = ['requested', 'recording', 'paused'];

/** As a snapshot tells it. The question stays while it is still open: no snapshot carries its text. */
export function fromRecordingSnapshot({ question }: RoomRecording, recording: Recording | null, userId: string): RoomRecording {
  return { recording, question: question !== undefined && isOpen(question, recording, userId) ? question : undefined };
}

/** With a question that the server has asked. */
export function withQuestion(state: RoomRecording, question: ConsentQuestion): RoomRecording {
  return { ...state, question };
}

/** With the recording as a notice tells it; one that is over is the room's no more. */
export function withRecording(state: RoomRecording, recording: Recording, userId: string | undefined): RoomRecording {
  const { recordingId } = recording;
  if (!live.includes(recording.status)) {
    const isOurs = state.recording?.recordingId === recordingId || state.question?.recordingId === recordingId;
    return isOurs ? noRecording : state;
  }
  return fromRecordingSnapshot(state, recording, userId ?? '');
}

/** How somebody stands to a recording. */
export function standingOf(recording: Recording | null, userId: string | undefined): RecordingStanding {
  if (recording === null || !live.includes(recording.status)) return 'none';
  const own = recording.consents.find((consent) => consent.userId === userId)?.state;
  if (own === 'granted') {
    if (recording.status === 'requested') return 'agreed';
    return recording.status === 'paused' ? 'paused' : 'recorded';
  }
  return recording.status === 'requested' && own === 'asked' ? 'asked' : 'left_out';
}

/** Somebody who comes later is asked before the recording lists them. */
function isOpen(question: ConsentQuestion, recording: Recording | null, userId: string): boolean {
  if (question.recordingId !== recording?.recordingId) return false;
  const own = recording.consents.find((consent) => consent.userId === userId);
  return own === undefined || own.state === 'asked';
}
