import type { DevicesByUser, DevicesHere, LivePresence } from './live-presence.ts';

/** The devices of one server alone. */
export class MemoryPresence implements LivePresence {
  readonly #here: DevicesHere;
  #closed = false;

  constructor(here: DevicesHere) {
    this.#here = here;
  }

  async publish(): Promise<void> {
    // There is nobody else to tell.
  }

  async find(userIds: readonly string[]): Promise<{ devices: DevicesByUser; isWhole: boolean }> {
    const found = userIds.map((userId) => [userId, this.#closed ? [] : this.#here.devicesOf(userId)] as const);
    return { devices: new Map(found.filter(([, devices]) => devices.length > 0)), isWhole: true };
  }

  async close(): Promise<void> {
    this.#closed = true;
  }
}
