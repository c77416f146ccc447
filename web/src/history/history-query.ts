import type { CallHistoryQuery } from '../../../src/client/index.ts';
import type { HistoryFilter } from './history-filters.tsx';

/** What to ask the server for: the days are whole ones of this device's time zone. */
export function queryOf({ type, status, from, to }: HistoryFilter): CallHistoryQuery {
  return {
    ...(type !== '' && { type }),
    ...(status !== '' && { status }),
    ...(from !== '' && { from: new Date(`${from}T00:00:00`).toISOString() }),
    ...(to !== '' && { to: new Date(`${to}T23:59:59.999`).toISOString() }),
  };
}
