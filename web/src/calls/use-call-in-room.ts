import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { CallView, Room } from '../../../src/client/index.ts';
import type { PartyState } from '../../../src/protocol/call.ts';
import { errorText } from '../error-text.ts';
import { getDeviceChoice } from '../media/device-choice.ts';
import { strings } from '../strings.ts';
import { useOptionalCallDesk } from './calls-context.tsx';

/** A call as its room's page shows it. */
export interface CallInRoom {
  readonly view: CallView;
  /** Whom it is with. */
  readonly title: string;
  readonly myId: string;
  /** When both sides were connected; undefined before that. */
  readonly startedMs: number | undefined;
}

/** What the bar does for a call. */
export interface CallActions {
  /** In voice calls alone: in a video call one simply starts one's camera. */
  readonly askForVideo: (() => void) | undefined;
  /** One has asked and waits for the answer. */
  readonly isAsking: boolean;
  readonly addPerson: () => void;
  readonly hangUp: () => void;
}

/** All that a call adds to its room's page. */
export interface InCall {
  readonly call: CallInRoom;
  /** What is said in the place of the time. */
  readonly state: string | undefined;
  readonly actions: CallActions;
  /** Who would like to see one, by name. */
  readonly videoWishedBy: string | undefined;
  readonly answerVideo: (accepted: boolean) => void;
  readonly isAdding: boolean;
  readonly closeAdding: () => void;
  readonly add: (userId: string, name: string) => void;
}

type Say = (text: string, tone?: 'calm' | 'bad') => void;

/** Brings a call's own doings into its room; undefined in a room that nobody was rung into. */
export function useCallInRoom(room: Room, call: CallInRoom | undefined, say: Say): InCall | undefined {
  const inCall = useCallActions(room, call, say);
  useSayParties(call, say);
  return inCall;
}

function useCallActions(room: Room, call: CallInRoom | undefined, say: Say): InCall | undefined {
  const calls = useOptionalCallDesk()?.calls;
  const [isAdding, setAdding] = useState(false);
  const callId = call?.view.callId;
  const wish = call?.view.videoRequestedBy;
  const wasMyWish = useRef(false);
  if (wish !== undefined) wasMyWish.current = wish === call?.myId;

  const act = useCallback(
    (action: Promise<unknown>) => {
      action.catch((error: unknown) => say(errorText(error), 'bad'));
    },
    [say],
  );
  const startCamera = useCallback(() => {
    const { camera } = getDeviceChoice();
    const isOn = room.view.publications.some(({ source }) => source === 'camera');
    if (!isOn) act(room.publishCamera(camera === undefined ? {} : { deviceId: camera }));
  }, [room, act]);

  useEffect(
    () =>
      calls?.on('videoAnswered', ({ call: answered, userId, accepted }) => {
        if (answered.callId !== callId || userId === call?.myId) return;
        if (accepted) {
          say(strings.calls.inCall.videoAgreed);
          if (wasMyWish.current) startCamera();
        } else say(strings.calls.inCall.videoRefused(partyName(answered, userId)));
      }),
    [calls, callId, call?.myId, say, startCamera],
  );

  useEffect(
    () =>
      calls?.on('deviceFailed', ({ callId: failedId, source, error }) => {
        if (failedId === callId) say(`${strings.calls.inCall.deviceFailed[source]} ${errorText(error)}`, 'bad');
      }),
    [calls, callId, say],
  );

  return useMemo(() => {
    if (call === undefined || calls === undefined) return undefined;
    const { view, myId } = call;
    const isVoice = view.call.type === 'voice';
    return {
      call,
      state: call.startedMs === undefined ? strings.calls.inCall.connecting : undefined,
      actions: {
        askForVideo: isVoice
          ? () => {
              act(calls.requestVideo(view.callId).then(() => say(strings.calls.inCall.asked(call.title))));
            }
          : undefined,
        isAsking: wish === myId,
        addPerson: () => setAdding(true),
        hangUp: () => {
          calls.hangUp(view.callId).catch(() => undefined);
        },
      },
      videoWishedBy: wish === undefined || wish === myId || !isVoice ? undefined : partyName(view, wish),
      answerVideo: (accepted) => {
        act(
          calls.answerVideo(view.callId, accepted).then(() => {
            if (accepted) startCamera();
          }),
        );
      },
      isAdding,
      closeAdding: () => setAdding(false),
      add: (userId, name) => {
        setAdding(false);
        act(calls.invite(view.callId, userId).then(() => say(strings.calls.inCall.added(name))));
      },
    };
  }, [call, calls, wish, isAdding, act, say, startCamera]);
}

/** Says what became of those who were rung into the running call. */
function useSayParties(call: CallInRoom | undefined, say: Say): void {
  const before = useRef(new Map<string, PartyState>());
  const parties = call?.view.call.parties;

  useEffect(() => {
    for (const { userId, displayName, state } of parties ?? []) {
      const words = state === 'declined' || state === 'missed' || state === 'busy' ? strings.calls.inCall.party[state] : undefined;
      if (words !== undefined && before.current.get(userId) === 'ringing') say(words(displayName));
      before.current.set(userId, state);
    }
  }, [parties, say]);
}

function partyName({ call }: CallView, userId: string): string {
  return call.parties.find((party) => party.userId === userId)?.displayName ?? strings.calls.someone;
}
