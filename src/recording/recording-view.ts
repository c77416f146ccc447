import type { ConsentReceipt, Recording } from '../protocol/recording.ts';
import type { ConsentRow, RecordingRecord } from './recording-store.ts';

const iso = (time: Date | null) => time?.toISOString() ?? null;

/** How long was recorded, gaps left out; until now while it goes on. */
export function recordedMs({ startedAt, endedAt, gaps }: Pick<RecordingRecord, 'startedAt' | 'endedAt' | 'gaps'>): number {
  if (!startedAt) return 0;
  const end = endedAt?.getTime() ?? Date.now();
  const stood = gaps.reduce((sum, gap) => sum + ((gap.endedAt?.getTime() ?? end) - gap.startedAt.getTime()), 0);
  return Math.max(0, end - startedAt.getTime() - stood);
}

/** A recording as the wire has it. */
export function toRecording(record: RecordingRecord): Recording {
  const { callId, startedAt, endedAt, failureReason, progress, deleteAt } = record;
  const composite = record.files.find(({ kind }) => kind === 'composite');
  return {
    recordingId: record.recordingId,
    roomId: record.roomId,
    ...(callId !== null && { callId }),
    requestedBy: record.requestedBy,
    purpose: record.purpose,
    kinds: record.kinds,
    policy: record.policy,
    status: record.status,
    requestedAt: record.requestedAt.toISOString(),
    ...(startedAt && { startedAt: startedAt.toISOString(), durationSeconds: (record.durationMs ?? recordedMs(record)) / 1000 }),
    ...(endedAt && { endedAt: endedAt.toISOString() }),
    ...(failureReason !== null && { failureReason }),
    ...(progress !== null && { progress }),
    composition: record.composition,
    ...(composite && { bytes: composite.bytes }),
    held: record.heldAt !== null,
    ...(deleteAt && { deleteAt: deleteAt.toISOString() }),
    gaps: record.gaps.map((gap) => ({
      startedAt: gap.startedAt.toISOString(),
      ...(gap.endedAt && { endedAt: gap.endedAt.toISOString() }),
      reason: gap.reason,
    })),
    tracks: record.tracks.map((track) => ({
      trackId: track.trackId,
      userId: track.userId,
      source: track.source,
      codec: track.codec,
      startedAt: track.startedAt.toISOString(),
      endedAt: track.endedAt.toISOString(),
      parts: record.files
        .filter((file) => file.kind === 'part' && file.trackId === track.trackId)
        .map(({ part, bytes, sha256, ...file }) => ({
          part,
          startedAt: (file.startedAt ?? track.startedAt).toISOString(),
          endedAt: (file.endedAt ?? track.endedAt).toISOString(),
          bytes,
          sha256,
        })),
    })),
    consents: record.consents.map(({ userId, displayName, state, language, textVersion, ...at }) => ({
      userId,
      displayName,
      state,
      granted: state === 'asked' ? null : state === 'granted',
      language,
      textVersion,
      askedAt: at.askedAt.toISOString(),
      answeredAt: iso(at.answeredAt),
      withdrawnAt: iso(at.withdrawnAt),
    })),
  };
}

/** A receipt of consent, after ISO/IEC TS 27560:2023, section 6. */
export function toReceipt(record: RecordingRecord, consent: ConsentRow, text: string): ConsentReceipt {
  const { state, answeredAt, withdrawnAt, erasedAt } = consent;
  const isGiven = state === 'granted' || state === 'withdrawn';
  return {
    schemaVersion: 'ISO/IEC TS 27560:2023',
    receiptId: consent.receiptId,
    recordId: record.recordingId,
    piiPrincipalId: consent.userId,
    displayName: consent.displayName,
    requestedBy: record.requestedBy,
    purpose: record.purpose,
    piiCategories: record.kinds,
    notice: { language: consent.language, version: consent.textVersion, text },
    state,
    events: [
      { type: 'requested', at: consent.askedAt.toISOString() },
      ...(answeredAt ? [{ type: isGiven ? ('given' as const) : ('refused' as const), at: answeredAt.toISOString() }] : []),
      ...(withdrawnAt ? [{ type: 'withdrawn' as const, at: withdrawnAt.toISOString() }] : []),
      ...(erasedAt ? [{ type: 'erased' as const, at: erasedAt.toISOString() }] : []),
    ],
  };
}
