import type { Device } from 'mediasoup-client';
import type { Reply, RequestInput } from '../protocol/index.ts';
import type { ConsumerInfo, TransportInfo } from '../protocol/media.ts';
import type { IceServer, Participant, RoomSnapshot } from '../protocol/room.ts';
import { BreakableDelay } from './breakable-delay.ts';
import type { DeviceLoader } from './device-loader.ts';
import { ParleyError } from './parley-error.ts';
import type { RoomLink } from './room-link.ts';
import { routerCapabilitiesOf, wireCapabilitiesOf } from './wire-media.ts';

/**
 * What is to be fetched, the weaker before the stronger.
 *
 * - `snapshot`: the state alone; the media is as it was
 * - `transports`: the state, and new transports beside those that the server still holds
 * - `media`: the state and all media; for those who have none on the server
 */
export type Need = 'nothing' | 'snapshot' | 'transports' | 'media';

const strength: readonly Need[] = ['nothing', 'snapshot', 'transports', 'media'];

/** The stronger of two needs: it includes the other. */
export function strongerNeed(a: Need, b: Need): Need {
  return strength.indexOf(a) >= strength.indexOf(b) ? a : b;
}

/** Milliseconds before an entry that the server could not serve is tried again: quickly at first, media should be back within two seconds. */
export function rejoinDelayMs(failures: number): number {
  return Math.min(200 * 2 ** (failures - 1), 8000);
}

const maxFailures = 12;

/** Everything a media session is made of. */
export interface EnteredMedia {
  readonly device: Device;
  readonly transports: { readonly send: TransportInfo; readonly recv: TransportInfo };
  readonly iceServers: readonly IceServer[];
  readonly consumers: readonly ConsumerInfo[];
}

/** What an entry needs and whom it tells. */
export interface RoomEntryOptions {
  readonly connection: Pick<RoomLink, 'request' | 'join' | 'isConnected'>;
  readonly devices: Pick<DeviceLoader, 'capabilities' | 'fit'>;
  readonly payload: Omit<RequestInput<'room:join'>, 'rtpCapabilities'>;
  /** In the tick in which the answer arrives, before any later notice. */
  readonly onSnapshot: (snapshot: RoomSnapshot) => void;
  readonly onWaiting: (me: Participant) => void;
  readonly onMedia: (media: EnteredMedia) => void;
  /** The server will not have us; nothing is tried any more. */
  readonly onRefused: (error: ParleyError) => void;
}

/** Joins a room, and joins it again whenever that is needed: one join at a time, and as often as the strongest need asks for. */
export class RoomEntry {
  readonly #options: RoomEntryOptions;
  #need: Need = 'nothing';
  #isRunning = false;
  #hasEntered = false;
  #failures = 0;
  #closed = false;
  readonly #delay = new BreakableDelay();

  constructor(options: RoomEntryOptions) {
    this.#options = options;
  }

  /** Asks for something; while there is no connection the request is remembered, and {@link RoomEntry.resume} takes it up. */
  ask(need: Need): void {
    this.#need = strongerNeed(this.#need, need);
    void this.#run();
  }

  /** The connection is back. */
  resume(): void {
    void this.#run();
  }

  /** Stops; an answer that still comes is ignored. */
  close(): void {
    this.#closed = true;
    this.#delay.end();
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      while (!this.#closed && this.#need !== 'nothing' && this.#options.connection.isConnected) await this.#attempt();
    } finally {
      this.#isRunning = false;
    }
  }

  async #attempt(): Promise<void> {
    const need = this.#need;
    this.#need = 'nothing';
    try {
      await this.#enter(need);
      this.#failures = 0;
    } catch (cause) {
      if (this.#closed) return;
      this.#need = strongerNeed(need, this.#need);
      const error = ParleyError.from(cause, 'internal');
      if (error.code === 'client.disconnected') return;
      if (!this.#mayTryAgain(error)) {
        this.close();
        this.#options.onRefused(error);
        return;
      }
      const { retryAfterMs } = error.details ?? {};
      await this.#delay.wait(typeof retryAfterMs === 'number' ? retryAfterMs : rejoinDelayMs(this.#failures));
    }
  }

  async #enter(need: Need): Promise<void> {
    const { connection, devices, payload, onSnapshot, onWaiting } = this.#options;
    const rtpCapabilities = need === 'media' ? wireCapabilitiesOf(await devices.capabilities()) : undefined;
    const onReply = (reply: Reply<'room:join'>): void => {
      if (this.#closed) return;
      if ('waiting' in reply && reply.waiting === true) onWaiting(reply.me);
      else if (isSnapshot(reply)) onSnapshot(reply);
    };
    const reply = await connection.join({ ...payload, ...(rtpCapabilities && { rtpCapabilities }) }, { onReply });
    this.#hasEntered = true;
    if (this.#closed || need === 'snapshot' || !isSnapshot(reply)) return;
    const { device, wasGuessRight } = await devices.fit(routerCapabilitiesOf(reply.rtpCapabilities));
    const consumers = reply.consumers ?? [];
    // A consumer that is asked for again is the same one while it stands.
    if (!wasGuessRight)
      await Promise.all(
        consumers.map(({ consumerId }) => connection.request('media:closeConsumer', { consumerId }).catch(() => undefined)),
      );
    const transports = reply.transports ?? (await this.#createTransports());
    // The media that this describes may have been lost meanwhile: then the loop begins anew.
    if (this.#closed || this.#need === 'media') return;
    this.#options.onMedia({ device, transports, iceServers: reply.iceServers, consumers: wasGuessRight ? consumers : [] });
  }

  async #createTransports(): Promise<{ send: TransportInfo; recv: TransportInfo }> {
    const { connection } = this.#options;
    const [send, recv] = await Promise.all([
      connection.request('media:createTransport', { direction: 'send' }),
      connection.request('media:createTransport', { direction: 'recv' }),
    ]);
    return { send, recv };
  }

  #mayTryAgain(error: ParleyError): boolean {
    if (!this.#hasEntered || ++this.#failures > maxFailures) return false;
    return isTransient(error);
  }
}

function isSnapshot(reply: Reply<'room:join'>): reply is RoomSnapshot {
  return !('waiting' in reply && reply.waiting === true);
}

/** Whether the next try may fare better. */
function isTransient({ code }: ParleyError): boolean {
  return (
    code === 'media.unavailable' ||
    code === 'client.timeout' ||
    code === 'protocol.rate_limited' ||
    code === 'room.not_joined' ||
    code === 'internal'
  );
}
