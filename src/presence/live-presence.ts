import type { Device } from './presence-status.ts';

/** Users' devices, by user id; whoever has none is not in it. */
export type DevicesByUser = ReadonlyMap<string, readonly Device[]>;

/** What one server knows by itself: the devices that are connected to it. */
export interface DevicesHere {
  /** Whoever has a device here. */
  readonly userIds: readonly string[];
  /** A user's devices here; empty when there are none. */
  devicesOf(userId: string): readonly Device[];
}

/** Which devices are there, on this server and on all others. Nothing of it outlives the servers. */
export interface LivePresence {
  /**
   * Makes known to other servers how these users' devices here stand now. Resolves when they can read it, or when the store that servers share does
   * not answer: then it is said again as soon as it does. Never rejects.
   */
  publish(userIds: readonly string[]): Promise<void>;
  /**
   * The devices of some users; those of this server as they are at this moment. `isWhole` is false while the store that servers share is away: then
   * they alone are known. Never rejects.
   */
  find(userIds: readonly string[]): Promise<{ devices: DevicesByUser; isWhole: boolean }>;
  /** Takes all of this server's devices out; idempotent. */
  close(): Promise<void>;
}
