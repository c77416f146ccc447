import type { Notifier } from '../notifier.ts';
import type { ConsentText, PauseReason } from '../protocol/recording.ts';
import type { LiveRoom } from '../rooms/live-room.ts';
import type { LiveRooms } from '../rooms/live-rooms.ts';
import type { RecordingRecord } from './recording-store.ts';
import { toRecording } from './recording-view.ts';

type RoomNotice = 'recording:consentChanged' | 'recording:started' | 'recording:resumed' | 'recording:stopped';

export type RecordingNotices = ReturnType<typeof createRecordingNotices>;

/** Tells browsers what happens to recordings. */
export function createRecordingNotices({ notifier, rooms }: { notifier: Notifier; rooms: Pick<LiveRooms, 'find'> }) {
  return {
    /** Asks somebody, on each of their devices in the room; also one with a token for that room alone. */
    ask(record: RecordingRecord, live: LiveRoom, userId: string, found: ConsentText | undefined, onlySessionId?: string): void {
      if (!found) return;
      const { recordingId, roomId, requestedBy, purpose, kinds } = record;
      const { text, textVersion, language } = found;
      for (const { sessionId, participant } of live.seats) {
        if (participant.identity.userId !== userId || (onlySessionId !== undefined && sessionId !== onlySessionId)) continue;
        const question = { recordingId, roomId, requestedBy, purpose, kinds, text, textVersion, language };
        notifier.notify({ to: { sessionId } }, 'recording:consentRequested', question);
      }
    },

    /** Everybody in the room sees how its recording stands. */
    tellRoom(name: RoomNotice, record: RecordingRecord): void {
      notifier.notify({ to: { roomId: record.roomId } }, name, { recording: toRecording(record) });
    },

    tellPaused(record: RecordingRecord, reason: PauseReason): void {
      notifier.notify({ to: { roomId: record.roomId } }, 'recording:paused', { recording: toRecording(record), reason });
    },

    tellProgress({ recordingId, requestedBy }: RecordingRecord, progress: number): void {
      notifier.notify({ to: { userIds: [requestedBy] } }, 'recording:progress', { recordingId, progress });
    },

    /** What has become of it, to everybody who was asked, in the room or not. */
    tellConcerned(name: 'recording:ready' | 'recording:failed', record: RecordingRecord): void {
      const recording = toRecording(record);
      const live = rooms.find(record.roomId);
      const present = new Set(live?.participants.map(({ userId }) => userId));
      if (live) notifier.notify({ to: { roomId: record.roomId } }, name, { recording });
      const absent = [...new Set([record.requestedBy, ...record.consents.map(({ userId }) => userId)])].filter((id) => !present.has(id));
      if (absent.length > 0) notifier.notify({ to: { userIds: absent } }, name, { recording });
    },
  };
}
