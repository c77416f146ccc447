import { type Actor, audit } from '../db/audit-log.ts';
import type { Database } from '../db/database.ts';
import { AppError } from '../protocol/errors.ts';
import type { RequestPayload } from '../protocol/index.ts';
import type { Recording, RecordingPolicy } from '../protocol/recording.ts';
import type { Caller } from '../rooms/entry-service.ts';
import type { InTurn } from '../rooms/in-turn.ts';
import type { LiveRooms } from '../rooms/live-rooms.ts';
import type { Admission } from './admission.ts';
import type { ConsentTexts } from './consent-texts.ts';
import type { RecordingNotices } from './recording-notices.ts';
import * as store from './recording-store.ts';
import { toRecording } from './recording-view.ts';
import type { RunningRecording, RunningRecordings } from './running-recordings.ts';

export type RecordingService = ReturnType<typeof createRecordingService>;

/** Rules of recording a room: who may ask, who is asked, what answers mean, and what happens when people come, change their mind or go. */
export function createRecordingService(parts: {
  db: Database;
  rooms: LiveRooms;
  running: RunningRecordings;
  notices: RecordingNotices;
  texts: ConsentTexts;
  admission: Admission;
  /** What happens to the recording of one room happens one after another. */
  inTurn: InTurn;
  policy: RecordingPolicy;
  /** False without ffmpeg. */
  isOn: boolean;
  /** Erases what was written of somebody after a recording has stopped. */
  eraseLater: (actor: Actor, recordingId: string) => Promise<Recording>;
}) {
  const { db, rooms, running, notices, texts, admission, inTurn, policy, isOn, eraseLater } = parts;

  /** The recording of that id, if it runs here and concerns the caller: they are in its room, or were asked. */
  function findMine({ sessionId, identity }: Caller, recordingId: string): RunningRecording | undefined {
    const found = running.find(recordingId);
    if (!found) return undefined;
    const isSeated = rooms.find(found.roomId)?.findSeat(sessionId) !== undefined;
    return isSeated || isAsked(found, identity.userId) ? found : undefined;
  }

  const isAsked = ({ record }: RunningRecording, userId: string) => record.consents.some((consent) => consent.userId === userId);

  /** Does something to a running recording, in its turn. Errors: `recording.not_found`, for strangers too; `recording.invalid_state` once it is over. */
  async function act(
    caller: Caller,
    recordingId: string,
    work: (mine: RunningRecording) => Promise<void>,
  ): Promise<{ recording: Recording }> {
    const mine = findMine(caller, recordingId);
    if (!mine) throw await whyGone(caller, recordingId);
    return await inTurn.run(mine.roomId, async () => {
      if (running.ofRoom(mine.roomId) !== mine) throw new AppError('recording.invalid_state');
      await work(mine);
      return { recording: toRecording(mine.record) };
    });
  }

  /** Those who were asked may know that it is over. */
  async function whyGone({ identity }: Caller, recordingId: string): Promise<AppError> {
    const record = await store.findRecording(db.sql, recordingId);
    const isMine = record?.consents.some(({ userId }) => userId === identity.userId) ?? false;
    return new AppError(isMine ? 'recording.invalid_state' : 'recording.not_found');
  }

  /** Whoever may record in the room, and whoever asked, has a say. Errors: `auth.forbidden`, `room.not_joined`. */
  function assertMayControl({ sessionId, identity }: Caller, { roomId, record }: RunningRecording): void {
    const seat = rooms.find(roomId)?.findSeat(sessionId);
    if (!seat) throw new AppError('room.not_joined');
    if (!seat.rights.canRecord && record.requestedBy !== identity.userId) throw new AppError('auth.forbidden');
  }

  const actorOf = ({ identity, address }: Caller): Actor => ({ userId: identity.userId, role: identity.role, address });

  return {
    /**
     * Asks everybody in a room whether they may be recorded. Errors: `room.not_found`, `room.ended`, `room.not_joined`, `auth.forbidden`,
     * `recording.disabled`, `recording.no_capacity`, `recording.invalid_state` while the room has another one.
     */
    async request(caller: Caller, { roomId, purpose, kinds }: RequestPayload<'recording:request'>): Promise<{ recording: Recording }> {
      const live = rooms.find(roomId);
      const seat = live?.findSeat(caller.sessionId);
      if (!live || !seat) {
        const room = await store.findRoomEnd(db.sql, roomId);
        if (!room) throw new AppError('room.not_found');
        throw new AppError(room.endedAt ? 'room.ended' : 'room.not_joined');
      }
      if (!seat.rights.canRecord) throw new AppError('auth.forbidden');
      if (!isOn) throw new AppError('recording.disabled');
      if (running.ofRoom(roomId)) throw new AppError('recording.invalid_state');
      await admission.assertCapacity();
      return await inTurn.run(roomId, async () => {
        if (live.closed) throw new AppError('room.ended');
        if (running.ofRoom(roomId)) throw new AppError('recording.invalid_state');
        const begun = await running.begin({ actor: actorOf(caller), live, purpose, kinds: [...new Set(kinds)], policy });
        await running.settle(begun);
        return { recording: toRecording(begun.record) };
      });
    },

    /**
     * Answers for oneself. Errors: `recording.not_found`, `recording.invalid_state` after another answer, `recording.text_outdated` with the text in
     * force in `details`.
     */
    consent(caller: Caller, { recordingId, granted, textVersion }: RequestPayload<'recording:consent'>) {
      const actor = actorOf(caller);
      const { userId } = actor;
      return act(caller, recordingId, async (mine) => {
        const own = mine.record.consents.find((consent) => consent.userId === userId);
        if (!own) throw new AppError('recording.not_found');
        if (own.state === (granted ? 'granted' : 'refused')) return;
        if (own.state !== 'asked') throw new AppError('recording.invalid_state');
        const locale = (await store.findLocales(db.sql, [userId])).get(userId) ?? 'en';
        await running.change(mine, async (tx) => {
          const { createdAt: _, ...inForce } = await texts.inForce(tx, locale);
          if (inForce.textVersion !== textVersion) throw new AppError('recording.text_outdated', { details: inForce });
          const { language } = inForce;
          await store.changeConsent(tx, recordingId, userId, granted ? 'granted' : 'refused', { language, textVersion });
          const action = granted ? 'recording.consent_granted' : 'recording.consent_refused';
          await audit(tx, { actor, action, subject: recordingId, details: { language, textVersion } });
        });
        if (granted) mine.granted.add(userId);
        await mine.capture?.refresh();
        notices.tellRoom('recording:consentChanged', mine.record);
        await running.settle(mine);
      });
    },

    /**
     * Takes one's consent back: nothing more is written from here on; with `erase` what was written goes too, also once the recording is over.
     * Errors: `recording.not_found`, `recording.invalid_state` without a consent to take back.
     */
    async withdraw(caller: Caller, { recordingId, erase }: RequestPayload<'recording:withdraw'>): Promise<{ recording: Recording }> {
      const actor = actorOf(caller);
      const { userId } = actor;
      const mine = findMine(caller, recordingId);
      if (!mine && erase) return { recording: await eraseLater(actor, recordingId) };
      const leaveOut = (one: RunningRecording) => (one.granted.delete(userId) ? one.capture?.stopUser(userId, { erase }) : undefined);
      // Before anything that may take its time: not even the turn is waited for. Whatever fails later, they stay left out.
      const stopped = mine && leaveOut(mine);
      stopped?.catch(() => undefined);
      return await act(caller, recordingId, async (now) => {
        // They may have agreed in the turn before.
        await Promise.all([stopped, leaveOut(now)]);
        const own = now.record.consents.find((consent) => consent.userId === userId);
        if (own?.state !== 'granted') throw new AppError('recording.invalid_state');
        await running.change(now, async (tx) => {
          await store.changeConsent(tx, recordingId, userId, 'withdrawn');
          if (erase) await store.markErased(tx, recordingId, userId);
          await audit(tx, { actor, action: 'recording.consent_withdrawn', subject: recordingId, details: { erase } });
        });
        notices.tellRoom('recording:consentChanged', now.record);
        await running.settle(now);
      });
    },

    /** Errors: `recording.not_found`, `auth.forbidden`, `recording.consent_required`, `recording.invalid_state`. */
    pause: (caller: Caller, recordingId: string) =>
      act(caller, recordingId, async (mine) => {
        assertMayControl(caller, mine);
        if (mine.record.status === 'requested') throw new AppError('recording.consent_required');
        await running.pause(mine, actorOf(caller), 'by_moderator');
      }),

    /** Errors: those of `pause`, and `recording.no_capacity` while the disk is full. */
    resume: (caller: Caller, recordingId: string) =>
      act(caller, recordingId, async (mine) => {
        assertMayControl(caller, mine);
        if (mine.record.status === 'requested') throw new AppError('recording.consent_required');
        await admission.assertDisk();
        await running.resume(mine, actorOf(caller));
      }),

    /** Ends it; while people are still being asked, asks no more. Errors: `recording.not_found`, `auth.forbidden`. */
    stop: (caller: Caller, recordingId: string) =>
      act(caller, recordingId, async (mine) => {
        assertMayControl(caller, mine);
        if (mine.record.status === 'requested') await running.refuse(mine, actorOf(caller));
        else await running.stop(mine, actorOf(caller));
      }),

    /** What somebody who enters sees of the room's recording; one who has not answered yet is asked again. */
    shownOnEntry(roomId: string, sessionId: string, userId: string): Recording | null {
      const found = running.ofRoom(roomId);
      if (!found) return null;
      const { record } = found;
      const live = rooms.find(roomId);
      const own = record.consents.find((consent) => consent.userId === userId);
      if (live && own?.state === 'asked') {
        texts
          .find(own.language, own.textVersion)
          .then((text) => notices.ask(record, live, userId, text, sessionId))
          // The page can look the text up; the snapshot says that the answer is missing.
          .catch(() => undefined);
      }
      return toRecording(record);
    },

    /** Somebody has entered a room: while it is recorded they are asked. */
    joined: (roomId: string, userId: string): Promise<void> =>
      inTurn.run(roomId, async () => {
        const mine = running.ofRoom(roomId);
        const live = rooms.find(roomId);
        if (!mine || !live) return;
        await running.askLate(mine, live, userId);
        await mine.capture?.refresh();
      }),

    /** Somebody has left a room: they are not waited for; with the last one the recording ends. */
    left: (roomId: string): Promise<void> =>
      inTurn.run(roomId, async () => {
        const mine = running.ofRoom(roomId);
        if (!mine) return;
        if ((rooms.find(roomId)?.participants.length ?? 0) > 0) return await running.settle(mine);
        await running.end(mine);
      }),

    /** A room has ended, and its recording with it. */
    roomEnded: (roomId: string): Promise<void> =>
      inTurn.run(roomId, async () => {
        const mine = running.ofRoom(roomId);
        if (mine) await running.end(mine);
      }),

    /** Pauses every recording, announced, when the disk runs low. */
    async watchDisk(): Promise<void> {
      const capturing = running.all.filter(({ record }) => record.status === 'recording');
      if (capturing.length === 0 || !(await admission.isDiskLow())) return;
      for (const mine of capturing) {
        await inTurn.run(mine.roomId, async () => {
          if (running.ofRoom(mine.roomId) === mine && mine.record.status === 'recording') await running.pauseForDisk(mine);
        });
      }
    },

    /** The server is here, and so are its recordings. */
    async markSeen(): Promise<void> {
      await store.markSeen(
        db.sql,
        running.all.map(({ recordingId }) => recordingId),
      );
    },

    /** Ends what runs on this server; what was captured is put together later. Errors, once all have ended: those of single ones. */
    async close(): Promise<void> {
      const ended = await Promise.allSettled(
        running.all.map((mine) =>
          inTurn.run(mine.roomId, async () => {
            if (running.ofRoom(mine.roomId) === mine) await running.end(mine);
          }),
        ),
      );
      const faults = ended.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
      if (faults.length > 0) throw new AggregateError(faults, `${faults.length} recordings did not end well`);
    },
  };
}
