import { EventEmitter } from 'node:events';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import type { Logger } from '../log.ts';
import type { Source } from '../protocol/ids.ts';
import type { MediaRoom, MediaRoomEvents } from '../sfu/media-room.ts';
import type { ProducerInfo } from '../sfu/peer-events.ts';
import { MappingThinner } from './mapping-thinner.ts';
import type { RecorderEvents, RecorderOptions, TrackInfo } from './recorder-options.ts';
import { eraseFromTimeline, TimelineFile } from './timeline-file.ts';
import { TrackCapture } from './track-capture.ts';

interface Capture {
  userId: string;
  source: Source;
  capture: TrackCapture;
}

interface Track extends TrackInfo {
  parts: number;
  /** A producer of it is being captured right now. */
  isBusy: boolean;
}

/**
 * The silent participant: writes down what the room's people send who agreed to it, each source to files of its own, and beside them
 * `timeline.jsonl`. It is handed the room's media, again after a worker's death, and follows what producers come and go there by itself.
 *
 * A user's source is one track however often it begins anew (another device, a pause, a fault); each beginning is a part, which is a file. What is sent
 * twice at once, from two tabs, or in another codec than before, is another track.
 */
export class Recorder extends EventEmitter<RecorderEvents> {
  readonly recordingId: string;
  readonly directory: string;
  readonly #options: RecorderOptions;
  readonly #log: Logger;
  readonly #timeline: TimelineFile;
  /** By producer. */
  readonly #captures = new Map<string, Capture>();
  #tracks: Track[] = [];
  /** Producers that cannot be recorded. */
  readonly #failed = new Set<string>();
  #room: MediaRoom | undefined;
  #detach: (() => void) | undefined;
  /** User ids of those of whom the timeline says that they are there. */
  readonly #present = new Set<string>();
  #paused = false;
  #closing: Promise<void> | undefined;

  private constructor(options: RecorderOptions) {
    super();
    this.recordingId = options.recordingId;
    this.directory = options.directory;
    this.#options = options;
    this.#log = options.log.child({ recordingId: options.recordingId });
    this.#timeline = new TimelineFile(options.directory, this.#log);
    this.#timeline.write({ type: 'begun', recordingId: options.recordingId });
  }

  /** Makes the folder and the timeline; nothing is captured before `attach()`. */
  static async start(options: RecorderOptions): Promise<Recorder> {
    await mkdir(options.directory, { recursive: true, mode: 0o700 });
    return new Recorder(options);
  }

  get paused(): boolean {
    return this.#paused;
  }

  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /** Tracks so far; of one whose sender has sent nothing there is no file. */
  get tracks(): TrackInfo[] {
    return this.#tracks.map(({ trackId, userId, source, kind, codec }) => ({ trackId, userId, source, kind, codec }));
  }

  /** Who is being written down at this moment. */
  get capturedUserIds(): Set<string> {
    return new Set([...this.#captures.values()].map(({ userId }) => userId));
  }

  /** The processes that write at this moment. */
  get pids(): number[] {
    return [...this.#captures.values()].flatMap(({ capture }) => capture.part?.pid ?? []);
  }

  /** Takes the room's media in place of the one before, which has closed. */
  attach(room: MediaRoom): void {
    if (this.closed || this.#room === room) return;
    this.#detach?.();
    this.#room = room;
    const listeners: Partial<{ [Name in keyof MediaRoomEvents]: (...payload: MediaRoomEvents[Name]) => void }> = {
      producerAdded: (producer) => {
        this.#startCapture(producer);
        this.#notePeople();
      },
      // Whoever owns the peer has still to note that somebody is gone.
      peerClosed: () => queueMicrotask(() => this.#notePeople()),
      producerPaused: ({ producerId }) => this.#tellMuted(producerId, 'muted'),
      producerResumed: ({ producerId }) => this.#tellMuted(producerId, 'unmuted'),
      activeSpeaker: ({ peerId }) => this.#tellSpeaker(peerId),
      closed: () => this.#detach?.(),
    };
    const untyped: EventEmitter = room;
    for (const [name, listener] of Object.entries(listeners)) untyped.on(name, listener);
    this.#detach = () => {
      for (const [name, listener] of Object.entries(listeners)) untyped.off(name, listener);
      this.#detach = undefined;
      this.#room = undefined;
    };
    this.refresh();
  }

  /** Somebody's word has changed: begins what is to be recorded now, and ends what is no longer. */
  refresh(): void {
    for (const [producerId, { userId, source, capture }] of this.#captures) {
      if (!this.#options.isRecorded(userId, source)) this.#stop(producerId, capture);
    }
    for (const producer of this.#room?.producers ?? []) this.#startCapture(producer);
    this.#notePeople();
  }

  /**
   * Ends what is written of one user; resolves when their files are complete. `isRecorded` must have changed before, or their next producer is recorded
   * again.
   */
  async stopUser(userId: string): Promise<void> {
    const own = [...this.#captures.values()].filter((one) => one.userId === userId);
    await Promise.all(own.map(({ capture }) => capture.stop()));
  }

  /** Ends what is written of one user and removes all that was. Idempotent. */
  async eraseUser(userId: string): Promise<void> {
    await this.stopUser(userId);
    await this.#closing;
    // Whatever they agree to later begins anew.
    this.#present.delete(userId);
    this.#tracks = this.#tracks.filter((track) => track.userId !== userId);
    await eraseFromTimeline(this.directory, userId, this.#log);
  }

  /** Nothing is written until `resume()`; resolves when the files so far are complete. The timeline has a gap. */
  async pause(): Promise<void> {
    if (this.#paused || this.closed) return;
    this.#paused = true;
    this.#timeline.write({ type: 'paused' });
    await this.#stopAll();
  }

  /** Goes on, in further parts. */
  resume(): void {
    if (!this.#paused || this.closed) return;
    this.#paused = false;
    this.#timeline.write({ type: 'resumed' });
    this.refresh();
  }

  /** Ends all captures and completes the timeline; resolves when nothing is written any more. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #end(): Promise<void> {
    this.#detach?.();
    const endedAtMs = Date.now();
    await this.#stopAll();
    this.#timeline.write({ type: 'ended', atMs: endedAtMs });
    this.#timeline.close();
    this.emit('closed');
    this.removeAllListeners();
  }

  async #stopAll(): Promise<void> {
    await Promise.all([...this.#captures.values()].map(({ capture }) => capture.stop()));
  }

  #stop(producerId: string, capture: TrackCapture): void {
    capture.stop().catch((error: unknown) => this.#log.error({ err: error, producerId }, 'a track did not end well'));
  }

  #startCapture({ producerId, peerId, source, kind }: ProducerInfo): void {
    const room = this.#room;
    const userId = this.#options.userIdOf(peerId);
    if (room === undefined || userId === undefined || this.#paused || this.closed) return;
    if (this.#captures.has(producerId) || this.#failed.has(producerId) || !this.#options.isRecorded(userId, source)) return;
    const codec = room.codecOf(producerId);
    if (codec === undefined) return;
    if (!this.#options.ffmpeg.canCapture(codec)) {
      this.#fail(producerId, { userId, source, reason: 'codec_unsupported' });
      return;
    }
    const track = this.#trackOf({ userId, source, kind, codec });
    track.isBusy = true;
    const { ffmpeg, ports } = this.#options;
    const thinning = new Map<string, MappingThinner>();
    const capture = new TrackCapture({
      room,
      producerId,
      ports,
      ffmpeg,
      log: this.#log,
      nextTarget: () => {
        track.parts += 1;
        return path.join(this.directory, `${track.trackId}-${track.parts}`);
      },
      listener: {
        onPart: ({ file, clockRate }) => {
          thinning.set(file, new MappingThinner(clockRate));
          this.#timeline.write({ type: 'part', trackId: track.trackId, file, clockRate });
          if (room.findProducer(producerId)?.paused === true) this.#timeline.write({ type: 'muted', file });
        },
        onFlow: ({ file }, rtpTime) => {
          this.#timeline.write({ type: 'flowing', file, rtpTime });
          this.emit('partStarted', { ...infoOf(track), file });
        },
        onMapping: ({ file }, { rtpTime, atMs }) => {
          if (thinning.get(file)?.isNews({ rtpTime, atMs }) !== true) return;
          this.#timeline.write({ type: 'mapping', file, rtpTime, atMs: Math.round(atMs * 100) / 100 });
        },
        onPartEnded: ({ file }, { reason, isEmpty, missedPackets }) => {
          thinning.delete(file);
          this.#timeline.write({ type: 'partEnded', file, reason, isEmpty, missedPackets });
          if (!isEmpty) this.emit('partEnded', { ...infoOf(track), file, reason, missedPackets });
        },
        onFailed: (reason) => this.#fail(producerId, { userId, source, reason }),
      },
    });
    this.#captures.set(producerId, { userId, source, capture });
    const onEnd = (): void => {
      track.isBusy = false;
      this.#captures.delete(producerId);
      // Wanted again while it was ending: a word given back, a short pause.
      const producer = capture.hasFailed ? undefined : room.findProducer(producerId);
      if (room === this.#room && producer !== undefined) this.#startCapture(producer);
    };
    capture.ended.then(onEnd, (error: unknown) => {
      this.#log.error({ err: error, producerId }, 'a track did not end well');
      track.isBusy = false;
      this.#captures.delete(producerId);
    });
  }

  /** The track that goes on with this, or a new one. */
  #trackOf(wanted: Omit<TrackInfo, 'trackId'>): Track {
    const { userId, source, codec } = wanted;
    const existing = this.#tracks.find((one) => one.userId === userId && one.source === source && one.codec === codec && !one.isBusy);
    if (existing !== undefined) return existing;
    const track = { ...wanted, trackId: uuidv7(), parts: 0, isBusy: false };
    this.#tracks.push(track);
    this.#timeline.write({ type: 'track', ...infoOf(track) });
    return track;
  }

  #fail(producerId: string, track: { userId: string; source: Source; reason: string }): void {
    if (this.#failed.has(producerId)) return;
    this.#failed.add(producerId);
    this.#log.warn({ producerId, source: track.source, reason: track.reason }, 'a track is not recorded');
    this.#timeline.write({ type: 'trackFailed', ...track });
    this.emit('trackFailed', track);
  }

  #notePeople(): void {
    const people = this.#options.people();
    for (const userId of this.#present) {
      if (people.some((person) => person.userId === userId)) continue;
      this.#present.delete(userId);
      this.#timeline.write({ type: 'left', userId });
    }
    for (const { userId, displayName } of people) {
      if (this.#present.has(userId)) continue;
      this.#present.add(userId);
      this.#timeline.write({ type: 'entered', userId, displayName });
    }
  }

  #tellMuted(producerId: string, type: 'muted' | 'unmuted'): void {
    const file = this.#captures.get(producerId)?.capture.part?.file;
    if (file !== undefined) this.#timeline.write({ type, file });
  }

  #tellSpeaker(peerId: string | undefined): void {
    if (this.#paused) return;
    const userId = peerId === undefined ? undefined : this.#options.userIdOf(peerId);
    const isHeard = userId !== undefined && this.#options.isRecorded(userId, 'microphone');
    this.#timeline.write({ type: 'speaking', userId: isHeard ? userId : null });
  }
}

function infoOf({ trackId, userId, source, kind, codec }: Track): TrackInfo {
  return { trackId, userId, source, kind, codec };
}
