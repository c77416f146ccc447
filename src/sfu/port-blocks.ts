import { AppError } from '../protocol/errors.ts';

/** Ports that one tap needs: RTP and RTCP of the listener, of mediasoup, and one of our own. Even, so that RTP ports are even (RFC 3550, section 11). */
export const portsPerTap = 6;

/** A range of UDP ports on loopback, lent in blocks; no port is in two blocks, and what was given back last is lent last. */
export class PortBlocks {
  readonly #free: number[];

  constructor({ basePort, count }: { basePort: number; count: number }) {
    this.#free = Array.from({ length: Math.floor(count / portsPerTap) }, (_, index) => basePort + index * portsPerTap);
  }

  /** How many blocks could be lent now. */
  get freeCount(): number {
    return this.#free.length;
  }

  /** The first port of a block. `media.limit_reached` when all are lent. */
  take(): number {
    const port = this.#free.shift();
    if (port === undefined) throw new AppError('media.limit_reached', { details: { limit: 'recordingPorts' } });
    return port;
  }

  /** Gives a block back, once nobody uses its ports any more. */
  release(port: number): void {
    this.#free.push(port);
  }
}
