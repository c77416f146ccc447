import { useEffect, useState } from 'react';
import type { CallView, Room } from '../../../src/client/index.ts';
import { CallPage } from '../call/call-page.tsx';
import { useRoom } from '../call/use-room.ts';
import { errorText } from '../error-text.ts';
import { getDeviceChoice } from '../media/device-choice.ts';
import { useClient } from '../shell/client-context.tsx';
import type { Identity } from '../sign-in/identity.ts';
import { strings } from '../strings.ts';
import { Icon } from '../ui/icon.tsx';
import { Notice } from '../ui/notice.tsx';
import { useTabTitle } from '../ui/use-tab-title.ts';
import { CallSummary } from './call-summary.tsx';
import { currentTitleOf, otherIds, titleOf } from './call-words.ts';
import { useCallDesk } from './calls-context.tsx';
import { openMessages } from './open-messages.ts';
import { RingingAvatar } from './ringing-avatar.tsx';
import type { CallInRoom } from './use-call-in-room.ts';
import { useCallStart } from './use-call-start.ts';

interface CallRoomPageProps {
  identity: Identity;
  call: CallView;
}

/** The room of a call: entered without a preview, since whoever has rung or accepted wants to talk. */
export function CallRoomPage({ identity, call }: CallRoomPageProps) {
  const client = useClient();
  const { calls, view, place, isWithoutCamera } = useCallDesk();
  const { callId, phase } = call;
  const { room } = view;
  const [problem, setProblem] = useState<string>();
  const [attempt, setAttempt] = useState(0);
  const title = titleOf(call.call, identity.userId);
  const isOver = phase === 'ended';
  const { startedMs, lastedSeconds } = useCallStart(call);

  // biome-ignore lint/correctness/useExhaustiveDependencies: each attempt asks anew.
  useEffect(() => {
    if (isOver) return;
    setProblem(undefined);
    const { camera, microphone } = getDeviceChoice();
    calls
      .join(callId, {
        microphone: microphone === undefined ? {} : { deviceId: microphone },
        camera: isWithoutCamera(callId) ? false : camera === undefined ? {} : { deviceId: camera },
      })
      .catch((error: unknown) => setProblem(errorText(error)));
  }, [calls, callId, isOver, isWithoutCamera, attempt]);

  if (isOver) {
    return (
      <CallSummary
        identity={identity}
        call={call}
        lastedSeconds={lastedSeconds}
        problem={problem}
        onCallAgain={() => place({ calleeIds: otherIds(call.call, identity.userId), type: call.call.type, name: title })}
        onMessage={() => {
          openMessages(client, otherIds(call.call, identity.userId)).catch((error: unknown) => setProblem(errorText(error)));
        }}
      />
    );
  }
  if (room !== undefined && view.current?.callId === callId) {
    return (
      <InCall room={room} call={{ view: call, title: currentTitleOf(call.call, identity.userId), myId: identity.userId, startedMs }} />
    );
  }
  return <Connecting title={title} problem={problem} onRetry={() => setAttempt(attempt + 1)} onHangUp={() => void calls.hangUp(callId)} />;
}

function InCall({ room, call }: { room: Room; call: CallInRoom }) {
  const client = useClient();
  const view = useRoom(room);
  return <CallPage client={client} room={room} view={view} call={call} />;
}

interface ConnectingProps {
  title: string;
  problem: string | undefined;
  onRetry: () => void;
  onHangUp: () => void;
}

/** Between the answer and the room. */
function Connecting({ title, problem, onRetry, onHangUp }: ConnectingProps) {
  useTabTitle(title);
  return (
    <main className="call-connecting">
      <RingingAvatar name={title} isRinging={problem === undefined} />
      <h1>{title}</h1>
      {problem === undefined ? <p role="status">{strings.calls.inCall.connecting}</p> : <Notice tone="bad">{problem}</Notice>}
      <div className="row">
        {problem !== undefined && (
          <button type="button" className="button primary" onClick={onRetry}>
            {strings.tryAgain}
          </button>
        )}
        <button type="button" className="button danger" onClick={onHangUp}>
          <Icon name="leave" size={20} />
          {strings.calls.inCall.hangUp}
        </button>
      </div>
    </main>
  );
}
