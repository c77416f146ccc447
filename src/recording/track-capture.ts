import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../log.ts';
import { AppError } from '../protocol/errors.ts';
import type { MediaRoom } from '../sfu/media-room.ts';
import { PartCapture, type PartEnd, type PartOptions } from './part-capture.ts';

/** A part that lasted this long was a good one; what follows it begins at once. */
const goodPartMs = 5_000;
/** Waits before the second, third … part in a row that was not good, all under a second. */
const retryDelaysMs = [0, 100, 300, 600, 900];

/** What a capture tells its owner, of one part after the other. */
export interface CaptureListener {
  onPart(part: PartCapture, index: number): void;
  onFlow(part: PartCapture, rtpTime: number): void;
  onMapping(part: PartCapture, mapping: { rtpTime: number; atMs: number }): void;
  onPartEnded(part: PartCapture, end: PartEnd): void;
  /** It has given up: ffmpeg does not last, or there is no tap. */
  onFailed(reason: string): void;
}

/** What a capture is made with. */
export interface CaptureOptions extends Pick<PartOptions, 'producerId' | 'ports' | 'ffmpeg'> {
  room: MediaRoom;
  /** The path of its next part's file, without extension. */
  nextTarget: () => string;
  listener: CaptureListener;
  log: Logger;
}

/** Writes one producer down, part after part: when ffmpeg dies under one, the next begins within a second. Ends with its producer and its room. */
export class TrackCapture {
  /** Settles when nothing of it runs any more. */
  readonly ended: Promise<void>;
  readonly #options: CaptureOptions;
  readonly #stopping = new AbortController();
  #part: PartCapture | undefined;
  #hasFailed = false;

  constructor(options: CaptureOptions) {
    this.#options = options;
    this.ended = this.#run();
  }

  /** Whether it has given up. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  get part(): PartCapture | undefined {
    return this.#part;
  }

  /** Nothing is written of what comes from here on; resolves when the last file is complete. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#part?.stop();
    await this.ended;
  }

  async #run(): Promise<void> {
    const { listener, log, producerId } = this.#options;
    for (let index = 0, failures = 0; !this.#stopping.signal.aborted; index += 1) {
      const startedAt = performance.now();
      try {
        const end = await this.#runPart(index);
        if (end?.reason !== 'ffmpeg_died') return;
        log.warn({ producerId, isEmpty: end.isEmpty }, 'ffmpeg died under a track');
      } catch (error) {
        if (this.#isOver(error)) return;
        log.warn({ err: error, producerId }, 'cannot capture a track');
      }
      failures = performance.now() - startedAt >= goodPartMs ? 0 : failures + 1;
      const delayMs = retryDelaysMs[failures];
      if (delayMs === undefined) {
        this.#hasFailed = true;
        listener.onFailed('ffmpeg_fails');
        return;
      }
      await delay(delayMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
    }
  }

  async #runPart(index: number): Promise<PartEnd | undefined> {
    const { listener, nextTarget, room, producerId, ports, ffmpeg } = this.#options;
    // ffmpeg may speak before this is known.
    let part: PartCapture | undefined;
    part = await PartCapture.start({
      room,
      producerId,
      ports,
      ffmpeg,
      target: nextTarget(),
      onFlow: (rtpTime) => part && listener.onFlow(part, rtpTime),
      onMapping: (mapping) => part && listener.onMapping(part, mapping),
    });
    this.#part = part;
    listener.onPart(part, index);
    // Stopped while it was made.
    if (this.#stopping.signal.aborted) await part.stop();
    const end = await part.ended;
    this.#part = undefined;
    listener.onPartEnded(part, end);
    return end;
  }

  /** Whether a failure means that there is nothing left to capture. */
  #isOver(error: unknown): boolean {
    const { room, producerId } = this.#options;
    const isGone = error instanceof AppError && error.code === 'media.producer_not_found';
    return isGone || room.closed || this.#stopping.signal.aborted || room.findProducer(producerId) === undefined;
  }
}
