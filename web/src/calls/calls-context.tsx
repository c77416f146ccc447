import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import type { Calls, CallsView } from '../../../src/client/index.ts';
import type { CallType } from '../../../src/protocol/call.ts';
import { errorCode, errorText } from '../error-text.ts';
import { useClient } from '../shell/client-context.tsx';

/** A call that was placed in this window, from the click until somebody talks or the screen is put away. */
export interface PlacedCall {
  readonly calleeIds: readonly string[];
  readonly type: CallType;
  /** Whom one calls, in one line. */
  readonly name: string;
  /** It rings beside another call of theirs. */
  readonly isWaiting: boolean;
  /** Undefined until the server has it. */
  readonly callId: string | undefined;
  /** Why it could not be started. */
  readonly problem: string | undefined;
}

/** Whom to ring. */
export type PlaceCall = Pick<PlacedCall, 'calleeIds' | 'type' | 'name'> & { readonly isWaiting?: boolean };

/** What every part of the page that has to do with calls needs. */
export interface CallDesk {
  readonly calls: Calls;
  readonly view: CallsView;
  readonly placed: PlacedCall | undefined;
  place(call: PlaceCall): void;
  /** Takes the placed call back, or puts its screen away. */
  putAway(): void;
  /** Whether a call is taken without a camera here. */
  isWithoutCamera(callId: string): boolean;
  takeWithoutCamera(callId: string): void;
}

const deskContext = createContext<CallDesk | undefined>(undefined);

/** The calls of this window. */
export function useCallDesk(): CallDesk {
  const desk = useContext(deskContext);
  if (desk === undefined) throw new Error('A part of the calls stands outside CallsProvider.');
  return desk;
}

/** The same where there are no calls for people with a token for one room. */
export function useOptionalCallDesk(): CallDesk | undefined {
  return useContext(deskContext);
}

/** Keeps the calls of this window, whatever page it shows. */
export function CallsProvider({ children }: { children: ReactNode }) {
  const { calls } = useClient();
  const view = useSyncExternalStore(calls.subscribe, () => calls.view);
  const [placed, setPlaced] = useState<PlacedCall>();
  const [giveUp, setGiveUp] = useState<AbortController>();
  const [withoutCamera] = useState(() => new Set<string>());

  const place = useCallback(
    ({ calleeIds, type, name, isWaiting = false }: PlaceCall) => {
      const mine: PlacedCall = { calleeIds, type, name, isWaiting, callId: undefined, problem: undefined };
      const abort = new AbortController();
      setPlaced(mine);
      setGiveUp(abort);
      calls.start({ calleeIds, type, signal: abort.signal, ...(isWaiting && { wait: true }) }).then(
        ({ callId }) => setPlaced((now) => (now === mine ? { ...mine, callId } : now)),
        (error: unknown) => {
          if (errorCode(error) !== 'client.aborted') setPlaced((now) => (now === mine ? { ...mine, problem: errorText(error) } : now));
        },
      );
    },
    [calls],
  );

  const putAway = useCallback(() => {
    giveUp?.abort();
    setPlaced(undefined);
  }, [giveUp]);

  // Somebody has answered: the call's room takes over from here.
  const { current } = view;
  const isTaken =
    current !== undefined && current.callId === placed?.callId && (current.phase === 'connecting' || current.phase === 'connected');
  useEffect(() => {
    if (isTaken) setPlaced(undefined);
  }, [isTaken]);

  const desk = useMemo<CallDesk>(
    () => ({
      calls,
      view,
      placed,
      place,
      putAway,
      isWithoutCamera: (callId) => withoutCamera.has(callId),
      takeWithoutCamera: (callId) => withoutCamera.add(callId),
    }),
    [calls, view, placed, place, putAway, withoutCamera],
  );
  return <deskContext.Provider value={desk}>{children}</deskContext.Provider>;
}
