import { availableParallelism, loadavg } from 'node:os';
import { AppError } from '../protocol/errors.ts';

/** Decides whether there is disk and CPU for a recording. */
export interface Admission {
  /** Errors: `recording.no_capacity`; `details.reason` is `disk` or `cpu`. */
  assertCapacity(): Promise<void>;
  /** Errors: `recording.no_capacity`. */
  assertDisk(): Promise<void>;
  isDiskLow(): Promise<boolean>;
}

/** `minFreeBytes` and `maxLoad` (jobs waiting for each core, over a minute): 0 turns one off. */
export function createAdmission({
  freeBytes,
  minFreeBytes,
  maxLoad,
}: {
  freeBytes: () => Promise<number>;
  minFreeBytes: number;
  maxLoad: number;
}): Admission {
  const isDiskLow = async () => minFreeBytes > 0 && (await freeBytes()) < minFreeBytes;
  async function assertDisk(): Promise<void> {
    if (await isDiskLow()) throw new AppError('recording.no_capacity', { details: { reason: 'disk' } });
  }
  return {
    isDiskLow,
    assertDisk,
    async assertCapacity() {
      await assertDisk();
      const [load = 0] = loadavg();
      if (maxLoad > 0 && load / availableParallelism() > maxLoad) {
        throw new AppError('recording.no_capacity', { details: { reason: 'cpu' } });
      }
    },
  };
}
