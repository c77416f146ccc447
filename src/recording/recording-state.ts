import type { RecordingStatus } from '../protocol/recording.ts';

/** What may happen to a recording. */
export type RecordingEvent =
  /** Enough people have agreed. */
  | 'start'
  /** Not everybody agrees where everybody must, or nobody asks any more. */
  | 'refuse'
  | 'pause'
  | 'resume'
  | 'stop'
  /** What was captured is put together. */
  | 'complete'
  | 'fail'
  /** Put together again from its tracks: it had failed, or somebody has had themselves erased. */
  | 'retry';

type Row = { readonly [E in RecordingEvent]?: RecordingStatus };

/** A recording's life; what is not here does not happen. */
const table: { readonly [S in RecordingStatus]: Row } = {
  requested: { start: 'recording', refuse: 'refused', fail: 'failed' },
  recording: { pause: 'paused', stop: 'processing', fail: 'failed' },
  paused: { resume: 'recording', stop: 'processing', fail: 'failed' },
  processing: { complete: 'ready', fail: 'failed' },
  ready: { retry: 'processing' },
  refused: {},
  failed: { retry: 'processing' },
};

/** The status after an event, or undefined where the event does not fit. */
export function next(status: RecordingStatus, event: RecordingEvent): RecordingStatus | undefined {
  return table[status][event];
}

/** Statuses in which a room has a recording: people are asked, or recorded. */
export const liveStatuses = ['requested', 'recording', 'paused'] as const satisfies RecordingStatus[];

/** Whether people are being asked, or recorded. */
export function isLive(status: RecordingStatus): boolean {
  return (liveStatuses as readonly RecordingStatus[]).includes(status);
}

/** The table as a Mermaid state diagram; docs/recording.md shows it. */
export function drawRecordingTable(): string {
  const lines = Object.entries(table).flatMap(([from, row]) => Object.entries(row).map(([event, to]) => `  ${from} --> ${to}: ${event}`));
  const ends = (['ready', 'refused', 'failed'] as const).map((status) => `  ${status} --> [*]`);
  return ['stateDiagram-v2', '  [*] --> requested', ...lines, ...ends].join('\n');
}
