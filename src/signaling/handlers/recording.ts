import type { RecordingService } from '../../recording/recording-service.ts';
import type { Handlers, RequestsOf } from '../dispatch.ts';

/** `recording:*`. */
export function createRecordingHandlers(recordings: RecordingService): Handlers<RequestsOf<'recording'>> {
  return {
    'recording:request': (session, payload) => recordings.request(session, payload),
    'recording:consent': (session, payload) => recordings.consent(session, payload),
    'recording:withdraw': (session, payload) => recordings.withdraw(session, payload),
    'recording:pause': (session, { recordingId }) => recordings.pause(session, recordingId),
    'recording:resume': (session, { recordingId }) => recordings.resume(session, recordingId),
    'recording:stop': (session, { recordingId }) => recordings.stop(session, recordingId),
  };
}
