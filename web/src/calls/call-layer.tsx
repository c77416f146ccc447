import { useCallback, useEffect, useState } from 'react';
import type { CallView } from '../../../src/client/index.ts';
import { errorText } from '../error-text.ts';
import { navigate, roomPathOf, routeOf, usePath } from '../router.ts';
import { useClient } from '../shell/client-context.tsx';
import type { Identity } from '../sign-in/identity.ts';
import { strings } from '../strings.ts';
import { Icon } from '../ui/icon.tsx';
import { useTabAlert } from '../ui/use-tab-title.ts';
import { callerName } from './call-words.ts';
import { useCallDesk } from './calls-context.tsx';
import { IncomingCallDialog } from './incoming-call-dialog.tsx';
import { OutgoingCall } from './outgoing-call.tsx';
import { useRingTones } from './use-ring-tones.ts';
import { WaitingCallCard } from './waiting-call-card.tsx';

/** What calls show over every page: who rings, whom one rings, and a second call during the first. */
export function CallLayer({ identity }: { identity: Identity }) {
  const client = useClient();
  const { calls, view, placed, takeWithoutCamera } = useCallDesk();
  const { current, incoming } = view;
  const silence = useRingTones();
  const [busyWith, setBusyWith] = useState<string>();
  const [said, setSaid] = useState('');
  const ringing = incoming[0];
  usePushClicks(current === undefined);
  // Also in a room that nobody was rung into.
  const isBusy = client.room !== undefined || current !== undefined || view.starting !== undefined || placed !== undefined;

  useGoToCall(current);
  useTabAlert(ringing && strings.calls.incoming.tabTitle(incoming.length, callerName(ringing.call)));

  useEffect(
    () =>
      calls.on('ended', ({ call }) => {
        if (call.outcome === 'answered_elsewhere') setSaid(strings.calls.incoming.taken);
      }),
    [calls],
  );

  const answer = useCallback((call: CallView, action: () => Promise<unknown>) => {
    setBusyWith(call.callId);
    setSaid('');
    action()
      // Answered on another device in the same moment, or over: the ringing stops by itself.
      .catch((error: unknown) => setSaid(errorText(error)))
      .finally(() => setBusyWith(undefined));
  }, []);

  return (
    <>
      {ringing !== undefined && !isBusy && (
        <IncomingCallDialog
          key={ringing.callId}
          call={ringing.call}
          isBusy={busyWith === ringing.callId}
          onAccept={({ video }) => {
            if (!video) takeWithoutCamera(ringing.callId);
            answer(ringing, () => calls.accept(ringing.callId));
          }}
          onDecline={() => answer(ringing, () => calls.decline(ringing.callId))}
          onSilence={() => silence(ringing.callId)}
        />
      )}
      {ringing !== undefined && isBusy && (
        <WaitingCallCard
          key={ringing.callId}
          call={ringing.call}
          isBusy={busyWith === ringing.callId}
          onAccept={() => answer(ringing, () => calls.accept(ringing.callId, { andEnd: true }))}
          onDecline={() => answer(ringing, () => calls.decline(ringing.callId))}
        />
      )}
      <OutgoingCall identity={identity} />
      <CallElsewhere />
      {ringing !== undefined && isBusy && (
        <p className="unseen" role="alert">
          {strings.calls.incoming.title(callerName(ringing.call))}
        </p>
      )}
      <p className="unseen" role="status">
        {said}
      </p>
    </>
  );
}

/** One is in a call with another device or window: the way to go on with it here. */
function CallElsewhere() {
  const { view, placed } = useCallDesk();
  const path = usePath();
  const [call] = view.elsewhere;
  if (call === undefined || call.call.roomId === null || view.current !== undefined || placed !== undefined) return null;
  const callPath = roomPathOf(call.call.roomId);
  if (path === callPath) return null;
  return (
    <section className="waiting-call at-the-foot" aria-label={strings.calls.elsewhere.title}>
      <span className="row-icon">
        <Icon name={call.call.type === 'video' ? 'camera' : 'phone'} size={20} />
      </span>
      <p className="waiting-call-text">{strings.calls.elsewhere.title}</p>
      <button type="button" className="button primary compact" onClick={() => navigate(callPath)}>
        {strings.calls.elsewhere.goOn}
      </button>
    </section>
  );
}

/** Goes to the room of the call that one is in; going away from there hangs up. */
function useGoToCall(current: CallView | undefined): void {
  const { calls } = useCallDesk();
  const path = usePath();
  const isRunning = current?.phase === 'connecting' || current?.phase === 'connected';
  const callId = isRunning ? current.callId : undefined;
  const callPath = isRunning && current.call.roomId !== null ? roomPathOf(current.call.roomId) : undefined;
  const [shown, setShown] = useState<string>();

  useEffect(() => {
    if (callId === undefined || callPath === undefined) return setShown(undefined);
    if (path === callPath) setShown(callId);
    else if (shown === callId) calls.hangUp(callId).catch(() => undefined);
    else navigate(callPath);
  }, [calls, path, callId, callPath, shown]);
}

/** A click on what was pushed leads to its page, unless one is talking: one's call is not left for that. */
function usePushClicks(mayGo: boolean): void {
  useEffect(() => {
    const worker = navigator.serviceWorker as ServiceWorkerContainer | undefined;
    if (worker === undefined) return;
    function onMessage({ data }: MessageEvent<unknown>) {
      if (typeof data !== 'object' || data === null || !('type' in data) || data.type !== 'parley:open' || !('path' in data)) return;
      if (mayGo && typeof data.path === 'string' && routeOf(data.path).page !== 'notFound') navigate(data.path);
    }
    worker.addEventListener('message', onMessage);
    return () => worker.removeEventListener('message', onMessage);
  }, [mayGo]);
}
