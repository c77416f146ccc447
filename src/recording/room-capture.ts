import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../log.ts';
import type { LiveRoom } from '../rooms/live-room.ts';
import type { MediaRoom } from '../sfu/media-room.ts';
import type { PortBlocks } from '../sfu/port-blocks.ts';
import type { Capture, CaptureMachine, CaptureOptions } from './capture.ts';
import type { Ffmpeg } from './ffmpeg.ts';
import { Recorder } from './recorder.ts';
import type { Timeline } from './timeline.ts';
import { readTimeline } from './timeline-file.ts';

/** How long after the media of a room was lost it is asked for again, in milliseconds. */
const attachAgainMs = 250;

/** Captures by a recorder in each room, which follows the room's media from worker to worker. */
export function createCaptureMachine(parts: { ffmpeg: Ffmpeg; ports: PortBlocks; log: Logger }): CaptureMachine {
  return { start: (options) => RoomCapture.start({ ...options, ...parts }) };
}

/** A recorder in one room. It takes the room's media anew after a worker's death. */
class RoomCapture implements Capture {
  readonly #live: LiveRoom;
  readonly #recorder: Recorder;
  readonly #log: Logger;
  readonly #closing = new AbortController();
  #following: Promise<void> = Promise.resolve();
  #media: MediaRoom | undefined;

  private constructor({ live, log }: CaptureOptions & { log: Logger }, recorder: Recorder) {
    this.#live = live;
    this.#log = log;
    this.#recorder = recorder;
  }

  static async start(options: CaptureOptions & { ffmpeg: Ffmpeg; ports: PortBlocks; log: Logger }): Promise<RoomCapture> {
    const { recordingId, live, folder, mayShow, isRecorded, ffmpeg, ports, log } = options;
    const userIdOf = (sessionId: string) => live.findSeat(sessionId)?.participant.identity.userId;
    const people = () => live.participants.filter(({ userId }) => mayShow(userId));
    const recorder = await Recorder.start({ recordingId, directory: folder, ffmpeg, ports, people, userIdOf, isRecorded, log });
    const capture = new RoomCapture(options, recorder);
    try {
      await capture.#attach();
      return capture;
    } catch (error) {
      await recorder.close();
      throw error;
    }
  }

  async #attach(): Promise<void> {
    const media = await this.#live.media();
    if (this.#closing.signal.aborted || media === this.#media) return;
    this.#media = media;
    this.#recorder.attach(media);
    media.once('closed', (reason) => {
      if (reason === 'worker_died') this.#following = this.#attachAgain();
    });
  }

  /** The room gets other media from another worker; there may be none for a moment. */
  async #attachAgain(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted && !this.#live.closed) {
      try {
        return await this.#attach();
      } catch (error) {
        this.#log.debug({ err: error }, 'a recording waits for media');
      }
      await delay(attachAgainMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async refresh(): Promise<void> {
    this.#recorder.refresh();
  }

  pause(): Promise<void> {
    return this.#recorder.pause();
  }

  async resume(): Promise<void> {
    this.#recorder.resume();
  }

  async stopUser(userId: string, { erase }: { readonly erase: boolean }): Promise<void> {
    await (erase ? this.#recorder.eraseUser(userId) : this.#recorder.stopUser(userId));
    this.#recorder.refresh();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#following;
    await this.#recorder.close();
  }
}

/** What a folder holds; undefined where nothing was begun. */
export async function findTimeline(folder: string): Promise<Timeline | undefined> {
  try {
    return await readTimeline(folder);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
