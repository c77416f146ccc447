import { Device, type types } from 'mediasoup-client';
import { assumedRouterCapabilities } from './assumed-router.ts';
import { ParleyError } from './parley-error.ts';

/** How mediasoup-client finds its way to WebRTC; by default it looks at the browser. */
export type MediaDeviceOptions = Pick<types.DeviceOptions, 'handlerName' | 'handlerFactory'>;

/** A device that fits the room's router. */
export interface FittingDevice {
  readonly device: Device;
  /** Whether the capabilities that went with the join were the right ones; if not, consumers made from them are no good. */
  readonly wasGuessRight: boolean;
}

/**
 * Loads mediasoup-client's device before the router's capabilities are known: with those of the last join, at first with
 * {@link assumedRouterCapabilities}. When the answer says otherwise the device is loaded again, and the consumers of the answer are asked for again.
 */
export class DeviceLoader {
  readonly #options: MediaDeviceOptions;
  #routerCapabilities = assumedRouterCapabilities;
  #device: Promise<Device> | undefined;

  constructor(options: MediaDeviceOptions = {}) {
    this.#options = options;
  }

  /**
   * What this browser receives, as the next router will probably number it.
   *
   * @throws {ParleyError} `client.unsupported`
   */
  async capabilities(): Promise<types.RtpCapabilities> {
    return (await this.#load()).recvRtpCapabilities;
  }

  /**
   * The device for the router that has answered.
   *
   * @throws {ParleyError} `client.unsupported`
   */
  async fit(routerCapabilities: types.RtpCapabilities): Promise<FittingDevice> {
    const guessed = await this.#load();
    if (canonical(routerCapabilities) === canonical(this.#routerCapabilities)) return { device: guessed, wasGuessRight: true };
    this.#routerCapabilities = routerCapabilities;
    this.#device = undefined;
    const device = await this.#load();
    return { device, wasGuessRight: covers(guessed.recvRtpCapabilities, device.recvRtpCapabilities) };
  }

  #load(): Promise<Device> {
    this.#device ??= loadDevice(this.#options, this.#routerCapabilities).catch((error: unknown) => {
      this.#device = undefined;
      throw ParleyError.from(error, 'client.unsupported');
    });
    return this.#device;
  }
}

async function loadDevice(options: MediaDeviceOptions, routerRtpCapabilities: types.RtpCapabilities): Promise<Device> {
  const device = new Device(options);
  await device.load({ routerRtpCapabilities });
  return device;
}

/**
 * Whether consumers made for `guessed` are as good as those made for `actual`. Payload types do not matter, a router uses its own; a header extension
 * matters by its number; a codec that the guess left out only by the producers that are sent in it, which then were not offered.
 */
export function covers(guessed: types.RtpCapabilities, actual: types.RtpCapabilities): boolean {
  return (actual.headerExtensions ?? []).every((extension) =>
    (guessed.headerExtensions ?? []).some(
      ({ kind, uri, preferredId }) => kind === extension.kind && uri === extension.uri && preferredId === extension.preferredId,
    ),
  );
}

/** JSON in which the order of keys and what is left out by default make no difference. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
