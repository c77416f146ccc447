import { rm } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import type { MediaRoom } from '../sfu/media-room.ts';
import type { PortBlocks } from '../sfu/port-blocks.ts';
import type { RtpTap } from '../sfu/rtp-tap.ts';
import type { Ffmpeg, FfmpegProcess } from './ffmpeg.ts';

/** ffmpeg ends by itself when it has heard nothing for so long, not even the tap's sign of life: the server is dead. */
const silenceSeconds = 10;
/** Time in a cluster, which is written when it is complete: what a kill can cost. */
const clusterMs = 100;
/**
 * How long ffmpeg looks at a stream before it begins to write, at most; it stops as soon as it knows the picture's size, which a key frame tells.
 * Nothing is lost meanwhile.
 */
const analyzeMicroseconds = 20_000_000;

/**
 * Why a part came to its end: it was wished (`stopped`: a pause, a withdrawal, the end), its producer went, its room went, or ffmpeg ended by itself.
 */
export type PartEndReason = 'stopped' | 'producer_closed' | 'room_closed' | 'worker_died' | 'ffmpeg_died';

/** What a part tells. */
export interface PartListener {
  /** The first packet is in ffmpeg's hands; `rtpTime` is the RTP time of the file's time zero. */
  onFlow(rtpTime: number): void;
  /** When the media of an RTP time was captured; milliseconds since 1970. */
  onMapping(mapping: { rtpTime: number; atMs: number }): void;
}

/** What a part is made with. */
export interface PartOptions extends PartListener {
  room: Pick<MediaRoom, 'openTap' | 'closedReason'>;
  producerId: string;
  ports: PortBlocks;
  ffmpeg: Ffmpeg;
  /** The file's path without its extension. */
  target: string;
}

/** How a part has ended. */
export interface PartEnd {
  reason: PartEndReason;
  /** Nothing came: there is no file. */
  isEmpty: boolean;
  /** Packets that never came, by ffmpeg's count. */
  missedPackets: number;
}

/** One file being written: a tap and the ffmpeg that listens to it. ffmpeg only wraps what it gets; a kill costs the last tenth of a second. */
export class PartCapture {
  /** The file's name. */
  readonly file: string;
  readonly clockRate: number;
  readonly mimeType: string;
  /** Settles when tap and ffmpeg are gone and their ports are free. */
  readonly ended: Promise<PartEnd>;
  readonly #tap: RtpTap;
  readonly #process: FfmpegProcess;
  #reason: PartEndReason | undefined;

  private constructor(tap: RtpTap, options: PartOptions, basePort: number) {
    const { target, ports } = options;
    this.#tap = tap;
    this.mimeType = tap.mimeType;
    this.clockRate = tap.clockRate;
    const container = containerOf(tap.mimeType);
    this.file = `${path.basename(target)}.${container.extension}`;
    const file = path.join(path.dirname(target), this.file);
    let hasFlowed = false;
    let missedPackets = 0;
    this.#process = options.ffmpeg.start({
      inputs: [{ source: Readable.from([tap.sdp]), options: inputOptions }],
      outputs: [{ target: file, options: ['-c', 'copy', ...container.options, '-f', container.format, ...outputOptions] }],
      onLine: (line) => {
        missedPackets += missedPacketsOf(line);
        const startSeconds = hasFlowed ? undefined : startSecondsOf(line);
        if (startSeconds === undefined) return;
        hasFlowed = true;
        options.onFlow((tap.originRtpTime + Math.round(startSeconds * tap.clockRate)) >>> 0);
      },
    });
    tap.on('mapping', (mapping) => options.onMapping(mapping));
    tap.on('closed', (reason) => {
      if (reason === 'producer_closed') this.#reason ??= 'producer_closed';
      else if (reason === 'transport_closed') this.#reason ??= 'room_closed';
      // The goodbye that the tap has said ends it; this is for when it does not.
      void this.#process.stop();
    });
    this.ended = this.#process.ended.then(async () => {
      this.#reason ??= 'ffmpeg_died';
      tap.close();
      await tap.gone;
      ports.release(basePort);
      if (!hasFlowed) await rm(file, { force: true });
      const reason = this.#reason === 'room_closed' && options.room.closedReason === 'worker_died' ? 'worker_died' : this.#reason;
      return { reason, isEmpty: !hasFlowed, missedPackets };
    });
  }

  /**
   * Opens the tap and starts ffmpeg. Errors: those of `MediaRoom.openTap()`, and `media.limit_reached` without free ports. Whatever goes wrong later, also
   * with the first flow, ends the part.
   */
  static async start(options: PartOptions): Promise<PartCapture> {
    const { room, producerId, ports } = options;
    const basePort = ports.take();
    let tap: RtpTap;
    try {
      tap = await room.openTap(producerId, basePort);
    } catch (error) {
      ports.release(basePort);
      throw error;
    }
    const part = new PartCapture(tap, options, basePort);
    tap.flow().catch(() => part.#process.kill());
    return part;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Nothing is written of what comes from here on; resolves when the file is complete. Idempotent. */
  async stop(): Promise<void> {
    this.#reason ??= 'stopped';
    this.#tap.close();
    await this.ended;
  }
}

const inputOptions = [
  '-hide_banner',
  '-nostats',
  ...['-protocol_whitelist', 'pipe,fd,udp,rtp'],
  ...['-f', 'sdp', '-listen_timeout', String(silenceSeconds), '-buffer_size', String(4 * 1024 * 1024)],
  ...['-fpsprobesize', '0', '-analyzeduration', String(analyzeMicroseconds)],
];

const outputOptions = ['-live', '1', '-flush_packets', '1', '-cluster_time_limit', String(clusterMs)];

/** WebM holds no H.264; Matroska, its mother, does. */
function containerOf(mimeType: string): { format: string; extension: string; options: readonly string[] } {
  const codec = mimeType.toLowerCase();
  if (codec === 'video/h264') return { format: 'matroska', extension: 'mkv', options: [] };
  // ffmpeg does not see which frames of VP9 are key frames and would wait for one for ever; what comes begins with one.
  return { format: 'webm', extension: 'webm', options: codec === 'video/vp9' ? ['-copyinkf'] : [] };
}

/** The time of the first packet, in the line that ffmpeg writes of its input before it begins. */
function startSecondsOf(line: string): number | undefined {
  const [, start] = /^ +Duration: .*\bstart: (-?\d+\.\d+)/.exec(line) ?? [];
  return start === undefined ? undefined : Number(start);
}

function missedPacketsOf(line: string): number {
  return Number(/RTP: missed (\d+) packets/.exec(line)?.[1] ?? 0);
}
