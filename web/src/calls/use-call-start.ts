import { useEffect, useState } from 'react';
import type { CallView } from '../../../src/client/index.ts';

/** When both sides were connected, by this device's clock, and how long that lasted once it is over; the server's clock may differ. */
export function useCallStart({ call, phase }: CallView): { startedMs: number | undefined; lastedSeconds: number | undefined } {
  const [startedMs, setStartedMs] = useState<number>();
  const [endedMs, setEndedMs] = useState<number>();
  const isConnected = call.connectedAt !== null;
  const isOver = phase === 'ended';

  useEffect(() => {
    if (isConnected) setStartedMs((known) => known ?? Date.now() - (call.durationSeconds ?? 0) * 1000);
  }, [isConnected, call.durationSeconds]);

  useEffect(() => {
    if (isOver) setEndedMs((known) => known ?? Date.now());
  }, [isOver]);

  if (call.endedAt !== null) return { startedMs, lastedSeconds: call.connectedAt === null ? undefined : (call.durationSeconds ?? 0) };
  const lastedSeconds = startedMs === undefined || endedMs === undefined ? undefined : Math.max(0, endedMs - startedMs) / 1000;
  return { startedMs, lastedSeconds };
}
