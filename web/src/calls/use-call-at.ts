import { useEffect, useState } from 'react';
import type { CallView } from '../../../src/client/index.ts';
import { useOptionalCallDesk } from './calls-context.tsx';

/** The call that goes on in a room, here or (until it is taken over) on another device; also once it is over, as long as the page is shown. */
export function useCallAt(roomId: string): CallView | undefined {
  const desk = useOptionalCallDesk();
  const [callId, setCallId] = useState<string>();
  const here = desk?.view.current;
  const running = [...(here === undefined ? [] : [here]), ...(desk?.view.elsewhere ?? [])].find(
    ({ call, phase }) => call.roomId === roomId && (phase === 'connecting' || phase === 'connected' || phase === 'elsewhere'),
  );
  const runningId = running?.callId;

  useEffect(() => {
    if (runningId !== undefined) setCallId(runningId);
  }, [runningId]);

  return running ?? (callId === undefined ? undefined : desk?.calls.find(callId));
}
