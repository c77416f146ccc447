import { mkdir } from 'node:fs/promises';
import { v7 as uuidv7 } from 'uuid';
import { type Actor, audit, serverActor } from '../db/audit-log.ts';
import type { Database, Transaction } from '../db/database.ts';
import type { Facts } from '../facts.ts';
import { addJobIn } from '../jobs/job-queue.ts';
import type { Logger } from '../log.ts';
import { AppError } from '../protocol/errors.ts';
import type { Source } from '../protocol/ids.ts';
import type { ConsentText, PauseReason, RecordingFailure, RecordingKind } from '../protocol/recording.ts';
import type { LiveRoom } from '../rooms/live-room.ts';
import type { LiveRooms } from '../rooms/live-rooms.ts';
import type { Capture, CaptureMachine } from './capture.ts';
import type { ConsentTexts } from './consent-texts.ts';
import type { RecordingFolders } from './recording-folders.ts';
import type { RecordingNotices } from './recording-notices.ts';
import { isLive, next, type RecordingEvent } from './recording-state.ts';
import * as store from './recording-store.ts';
import { recordedMs } from './recording-view.ts';

/** A recording of a room of this server, for which people are asked or recorded. */
export interface RunningRecording {
  readonly recordingId: string;
  readonly roomId: string;
  /** As last committed. */
  record: store.RecordingRecord;
  /** Who may be recorded this very moment: a user is taken out before the database hears of it. */
  readonly granted: Set<string>;
  capture: Capture | undefined;
}

const kindOf: { readonly [S in Source]: RecordingKind } = { microphone: 'audio', camera: 'video', screen: 'screen', screenAudio: 'screen' };

export type RunningRecordings = ReturnType<typeof createRunningRecordings>;

/**
 * The recordings of this server's rooms: they live where their room lives. Callers see to it that what happens to the recording of one room happens
 * one after another; besides, every change is made under a lock on its row.
 */
export function createRunningRecordings(parts: {
  db: Database;
  facts: Facts;
  log: Logger;
  rooms: Pick<LiveRooms, 'find'>;
  notices: RecordingNotices;
  texts: ConsentTexts;
  folders: RecordingFolders;
  /** Undefined: recording is off. */
  machine: CaptureMachine | undefined;
  /** When a recording for a purpose is deleted by itself. */
  deleteAtOf: (purpose: string) => Date | null;
}) {
  const { db, facts, log, rooms, notices, texts, folders, machine, deleteAtOf } = parts;
  const byRoom = new Map<string, RunningRecording>();

  function runningOf(record: store.RecordingRecord): RunningRecording {
    const granted = record.consents.filter(({ state }) => state === 'granted').map(({ userId }) => userId);
    const { recordingId, roomId } = record;
    return { recordingId, roomId, record, granted: new Set(granted), capture: undefined };
  }

  /** Changes a recording under its lock. Errors: `recording.not_found`. */
  async function change(
    running: RunningRecording,
    work: (tx: Transaction, record: store.RecordingRecord) => Promise<void>,
  ): Promise<store.RecordingRecord> {
    const { recordingId } = running;
    running.record = await db.transaction(async (tx) => {
      const record = await store.lockRecording(tx, recordingId);
      if (!record) throw new AppError('recording.not_found');
      await work(tx, record);
      return (await store.findRecording(tx, recordingId)) ?? record;
    });
    return running.record;
  }

  /** Moves a recording by the table. Errors: `recording.invalid_state`. */
  async function step(
    tx: Transaction,
    record: store.RecordingRecord,
    event: RecordingEvent,
    changes: Parameters<typeof store.changeRecording>[3] = {},
  ): Promise<void> {
    const status = next(record.status, event);
    const isChanged = status !== undefined && (await store.changeRecording(tx, record.recordingId, record.status, { status, ...changes }));
    if (!isChanged) throw new AppError('recording.invalid_state');
  }

  const presentIn = (live: LiveRoom | undefined) => new Set(live?.participants.map(({ userId }) => userId));

  /** The text in force for each of some users. */
  async function textsFor(userIds: readonly string[]): Promise<Map<string, ConsentText>> {
    const locales = await store.findLocales(db.sql, userIds);
    const entries = userIds.map(async (userId) => [userId, await texts.inForce(db.sql, locales.get(userId) ?? 'en')] as const);
    return new Map(await Promise.all(entries));
  }

  const asked = (recordingId: string, userId: string, { language, textVersion }: ConsentText) => ({
    receiptId: uuidv7(),
    recordingId,
    userId,
    state: 'asked' as const,
    language,
    textVersion,
  });

  /** Begins to ask everybody in a room; the asker has agreed by asking. Errors: `recording.invalid_state` while the room has another one. */
  async function begin(options: {
    actor: Actor;
    live: LiveRoom;
    purpose: string;
    kinds: RecordingKind[];
    policy: 'leave_out' | 'unanimous';
  }): Promise<RunningRecording> {
    const { actor, live, purpose, kinds, policy } = options;
    const { roomId } = live;
    const recordingId = uuidv7();
    await finishLeft(await store.findLiveOfRoom(db.sql, roomId));
    const userIds = [...presentIn(live)];
    const found = await textsFor(userIds);
    const record = await db.transaction(async (tx) => {
      await store.lockRoom(tx, roomId);
      if (await store.findLiveOfRoom(tx, roomId)) throw new AppError('recording.invalid_state');
      const callId = (await store.findCallOfRoom(tx, roomId)) ?? null;
      const { folderId } = folders;
      const deleteAt = deleteAtOf(purpose);
      await store.insertRecording(tx, {
        ...{ recordingId, roomId, callId, requestedBy: actor.userId, purpose, kinds, policy },
        ...{ status: 'requested', folderId, deleteAt },
      });
      const [own, ...others] = [actor.userId, ...userIds.filter((userId) => userId !== actor.userId)].flatMap((userId) => {
        const text = found.get(userId);
        return text ? [asked(recordingId, userId, text)] : [];
      });
      if (own) await store.insertConsents(tx, [own, ...others]);
      await store.changeConsent(tx, recordingId, actor.userId, 'granted');
      await audit(tx, { actor, action: 'recording.requested', subject: recordingId, details: { roomId, purpose, kinds } });
      return await store.findRecording(tx, recordingId);
    });
    if (!record) throw new Error('the recording was not inserted');
    const running = runningOf(record);
    byRoom.set(roomId, running);
    const others = userIds.filter((userId) => userId !== actor.userId);
    for (const userId of others) notices.ask(running.record, live, userId, found.get(userId));
    facts.emit('recording.requested', { recordingId, roomId, requestedBy: actor.userId, userIds: others });
    notices.tellRoom('recording:consentChanged', running.record);
    return running;
  }

  /** Asks somebody who has come later. */
  async function askLate(running: RunningRecording, live: LiveRoom, userId: string): Promise<void> {
    const { recordingId, roomId } = running;
    if (running.record.consents.some((consent) => consent.userId === userId)) return;
    const text = (await textsFor([userId])).get(userId);
    if (!text) return;
    await change(running, (tx) => store.insertConsents(tx, [asked(recordingId, userId, text)]));
    notices.ask(running.record, live, userId, text);
    facts.emit('recording.requested', { recordingId, roomId, requestedBy: running.record.requestedBy, userIds: [userId] });
    notices.tellRoom('recording:consentChanged', running.record);
  }

  /** Starts, refuses or stops a recording, as the answers that there are demand. */
  async function settle(running: RunningRecording): Promise<void> {
    const { record, roomId } = running;
    const present = presentIn(rooms.find(roomId));
    const inState = (state: string) => record.consents.filter((consent) => consent.state === state);
    const granted = inState('granted').length;
    const objects = inState('refused').length + inState('withdrawn').length > 0;
    // Who has left without a word is not waited for.
    const isWaiting = inState('asked').some(({ userId }) => present.has(userId));
    const isUnanimous = record.policy === 'unanimous';
    const isRefused = granted === 0 || (isUnanimous && objects);
    if (record.status === 'requested') {
      if (isRefused) await refuse(running, serverActor);
      else if (!isWaiting || (!isUnanimous && granted >= 2)) await start(running);
    } else if (isRefused && isLive(record.status)) await stop(running, serverActor);
  }

  /** From here on whoever has agreed is recorded. */
  async function start(running: RunningRecording): Promise<void> {
    const { recordingId, roomId } = running;
    const live = rooms.find(roomId);
    if (!machine || !live) return await fail(running, 'room_ended');
    await change(running, async (tx, record) => {
      await step(tx, record, 'start', { startedAt: store.now });
      await audit(tx, { actor: serverActor, action: 'recording.started', subject: recordingId });
    });
    try {
      const folder = folders.folderOf(recordingId);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const { kinds } = running.record;
      const isRecorded = (userId: string, source: Source) => running.granted.has(userId) && kinds.includes(kindOf[source]);
      running.capture = await machine.start({ recordingId, live, folder, mayShow: (userId) => running.granted.has(userId), isRecorded });
    } catch (error) {
      log.error({ err: error, recordingId, roomId }, 'a recording did not start');
      return await fail(running, 'capture_failed');
    }
    log.info({ recordingId, roomId }, 'recording started');
    notices.tellRoom('recording:started', running.record);
    facts.emit('recording.started', { recordingId, roomId });
  }

  async function refuse(running: RunningRecording, actor: Actor): Promise<void> {
    await change(running, async (tx, record) => {
      await step(tx, record, 'refuse', { endedAt: store.now });
      await audit(tx, { actor, action: 'recording.refused', subject: running.recordingId });
    });
    byRoom.delete(running.roomId);
    notices.tellRoom('recording:stopped', running.record);
  }

  /** Ends a recording that came to nothing. */
  async function fail(running: RunningRecording, failureReason: RecordingFailure): Promise<void> {
    if (byRoom.get(running.roomId) === running) byRoom.delete(running.roomId);
    await closeCapture(running);
    const { recordingId, roomId } = running;
    await change(running, async (tx, record) => {
      await step(tx, record, 'fail', { failureReason, endedAt: store.now });
      await store.closeGaps(tx, recordingId);
      await audit(tx, { actor: serverActor, action: 'recording.failed', subject: recordingId, details: { failureReason } });
    });
    notices.tellConcerned('recording:failed', running.record);
    facts.emit('recording.failed', { recordingId, roomId, requestedBy: running.record.requestedBy, reason: failureReason });
  }

  async function closeCapture(running: RunningRecording): Promise<void> {
    const { capture, recordingId } = running;
    running.capture = undefined;
    try {
      await capture?.close();
    } catch (error) {
      // What is on disk is taken up all the same.
      log.error({ err: error, recordingId }, 'a capture did not end well');
    }
  }

  /** Captures no more; what was captured is kept and put together by jobs. Errors: `recording.invalid_state`. */
  async function stop(running: RunningRecording, actor: Actor): Promise<void> {
    const { recordingId, roomId } = running;
    const endedAt = new Date();
    if (next(running.record.status, 'stop') === undefined) throw new AppError('recording.invalid_state');
    byRoom.delete(roomId);
    await closeCapture(running);
    await finish(running, actor, endedAt);
    log.info({ recordingId, roomId }, 'recording stopped');
    notices.tellRoom('recording:stopped', running.record);
  }

  /** Hands what was captured over to the jobs. */
  async function finish(running: RunningRecording, actor: Actor, endedAt: Date): Promise<void> {
    const { recordingId } = running;
    await change(running, async (tx, record) => {
      await store.closeGaps(tx, recordingId);
      await step(tx, record, 'stop', {
        endedAt,
        processingAt: store.now,
        progress: 0,
        durationMs: Math.round(recordedMs({ ...record, endedAt })),
      });
      await audit(tx, { actor, action: 'recording.stopped', subject: recordingId });
      await addJobIn(tx, 'recordings:keep', { recordingId }, { key: `recordings:keep:${recordingId}`, on: record.folderId });
    });
  }

  /** Ends what a server has left that is gone: a recording lives where its room lives, and the room does so no more. */
  async function finishLeft(row: store.RecordingRow | undefined): Promise<void> {
    if (!row || byRoom.get(row.roomId)?.recordingId === row.recordingId) return;
    const { recordingId, seenAt, status } = row;
    const record = await store.findRecording(db.sql, recordingId);
    if (!record) return;
    const left = runningOf(record);
    if (status === 'requested') await fail(left, 'room_ended');
    else await finish(left, serverActor, seenAt);
    log.warn({ recordingId, was: status }, 'a recording was left by a server that is gone; it ends');
  }

  /** Stands still, announced. Errors: `recording.invalid_state`. */
  async function pause(running: RunningRecording, actor: Actor, reason: PauseReason): Promise<void> {
    const { recordingId } = running;
    await change(running, async (tx, record) => {
      await step(tx, record, 'pause');
      await store.openGap(tx, recordingId, reason);
      await audit(tx, { actor, action: 'recording.paused', subject: recordingId, details: { reason } });
    });
    await running.capture?.pause();
    notices.tellPaused(running.record, reason);
  }

  return {
    get all(): readonly RunningRecording[] {
      return [...byRoom.values()];
    },
    ofRoom: (roomId: string): RunningRecording | undefined => byRoom.get(roomId),
    find: (recordingId: string): RunningRecording | undefined =>
      [...byRoom.values()].find((running) => running.recordingId === recordingId),
    change,
    begin,
    askLate,
    settle,
    refuse,
    fail,
    stop,

    pause,
    pauseForDisk: (running: RunningRecording): Promise<void> => pause(running, serverActor, 'disk_low'),

    /** The room is over, or empty: what was captured is kept, and nobody is asked any more. */
    end: (running: RunningRecording): Promise<void> =>
      running.record.status === 'requested' ? fail(running, 'room_ended') : stop(running, serverActor),

    /** Goes on. Errors: `recording.invalid_state`. */
    async resume(running: RunningRecording, actor: Actor): Promise<void> {
      const { recordingId } = running;
      await change(running, async (tx, record) => {
        await step(tx, record, 'resume');
        await store.closeGaps(tx, recordingId);
        await audit(tx, { actor, action: 'recording.resumed', subject: recordingId });
      });
      await running.capture?.resume();
      notices.tellRoom('recording:resumed', running.record);
    },

    /** Takes up what this folder's server has left behind, when it died or lost the database: what is on disk is finished. */
    async recover(unseenSeconds = 0): Promise<void> {
      for (const row of await store.findLeftIn(db.sql, folders.folderId, unseenSeconds)) await finishLeft(row);
    },

    /** Another server has died with its rooms: what it was recording ends, and waits for its data folder to come back. */
    async serverDied(roomIds: readonly string[]): Promise<void> {
      for (const roomId of roomIds) await finishLeft(await store.findLiveOfRoom(db.sql, roomId));
    },
  };
}
