import { closeSync, openSync, writeSync } from 'node:fs';
import { readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from '../log.ts';
import { foldTimeline } from './fold-timeline.ts';
import type { Timeline } from './timeline.ts';
import { type NewTimelineEvent, type TimelineEvent, timelineEvent } from './timeline-event.ts';

const fileName = 'timeline.jsonl';

/**
 * Writes what happens in a recording, a line an event, beside its tracks. A line is in the kernel's hands when `write()` returns, and survives this
 * process. A line that cannot be written (the disk is full) is logged and left out.
 */
export class TimelineFile {
  readonly #log: Logger;
  #fd: number | undefined;
  /** The last write may have left half a line. */
  #isTorn = true;

  /** @throws Error when the file cannot be opened. */
  constructor(directory: string, log: Logger) {
    this.#log = log;
    this.#fd = openSync(path.join(directory, fileName), 'a', 0o600);
  }

  write(event: NewTimelineEvent): void {
    if (this.#fd === undefined) return;
    const line = `${JSON.stringify({ atMs: Date.now(), ...event })}\n`;
    try {
      writeSync(this.#fd, this.#isTorn ? `\n${line}` : line);
      this.#isTorn = false;
    } catch (error) {
      this.#isTorn = true;
      this.#log.error({ err: error, type: event.type }, 'cannot write the timeline of a recording');
    }
  }

  /** Idempotent; what is written later is left out. */
  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

/**
 * What a recording's folder holds, whatever ended it: lines that are cut or unknown are left out, a part without an end lasts as long as its file was
 * written to, and files that are gone or empty are no parts.
 *
 * @throws Error (`ENOENT`) when there is no timeline at all.
 */
export async function readTimeline(directory: string): Promise<Timeline> {
  const events = await readEvents(directory);
  const files = new Map<string, number>();
  for (const event of events) {
    if (event.type !== 'part') continue;
    const writtenAtMs = await findWriteTime(path.join(directory, event.file));
    if (writtenAtMs !== undefined) files.set(event.file, writtenAtMs);
  }
  return foldTimeline(events, files);
}

/** Removes the files of one user from a recording's folder, and whatever the timeline would tell of them. */
export async function eraseFromTimeline(directory: string, userId: string, log: Logger): Promise<void> {
  const timeline = new TimelineFile(directory, log);
  timeline.write({ type: 'erased', userId });
  timeline.close();
  const events = await readEvents(directory);
  const trackIds = new Set(events.flatMap((event) => (event.type === 'track' && event.userId === userId ? [event.trackId] : [])));
  for (const event of events) {
    if (event.type === 'part' && trackIds.has(event.trackId)) await rm(path.join(directory, event.file), { force: true });
  }
}

async function readEvents(directory: string): Promise<TimelineEvent[]> {
  const text = await readFile(path.join(directory, fileName), 'utf8');
  return text.split('\n').flatMap((line) => {
    const parsed = timelineEvent.safeParse(parseLine(line));
    return parsed.success ? [parsed.data] : [];
  });
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** When a file with something in it was written to last, in milliseconds since 1970. */
async function findWriteTime(file: string): Promise<number | undefined> {
  try {
    const { size, mtimeMs } = await stat(file);
    return size > 0 ? mtimeMs : undefined;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
