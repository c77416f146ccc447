import { useCallback, useMemo, useState } from 'react';
import type { PublicationView, Room, RoomView, Source } from '../../../src/client/index.ts';
import { errorCode, errorText } from '../error-text.ts';
import { getDeviceChoice } from '../media/device-choice.ts';

export interface CallControls {
  readonly microphoneOn: boolean;
  readonly cameraOn: boolean;
  readonly sharing: boolean;
  readonly handRaised: boolean;
  readonly canShare: boolean;
  /** Whether no moderator holds this source muted. */
  readonly mayUse: (source: Source) => boolean;
  readonly toggleMicrophone: () => void;
  readonly toggleCamera: () => void;
  readonly toggleScreen: () => void;
  readonly toggleHand: () => void;
  readonly leave: () => void;
}

function find(view: RoomView, source: Source): PublicationView | undefined {
  return view.publications.find((publication) => publication.source === source);
}

/** What the call bar does. Each switch waits for the one before it of the same source; faults are said. */
export function useCallControls(room: Room, view: RoomView, say: (text: string, tone: 'bad') => void): CallControls {
  const [busy] = useState(() => new Set<string>());

  const run = useCallback(
    (what: string, action: () => Promise<unknown>) => {
      if (busy.has(what)) return;
      busy.add(what);
      action()
        .catch((error: unknown) => {
          // Closing the browser's own screen picker is no fault.
          if (what === 'screen' && errorCode(error) === 'client.device_denied') return;
          say(errorText(error), 'bad');
        })
        .finally(() => busy.delete(what));
    },
    [busy, say],
  );

  const microphone = find(view, 'microphone');
  const camera = find(view, 'camera');
  const screen = find(view, 'screen');
  const handRaised = view.me?.handRaised ?? false;

  return useMemo(
    () => ({
      microphoneOn: microphone !== undefined && !microphone.muted,
      cameraOn: camera !== undefined && !camera.muted,
      sharing: screen !== undefined,
      handRaised,
      canShare: typeof navigator.mediaDevices?.getDisplayMedia === 'function',
      mayUse: (source) => find(view, source)?.mayUnmute !== false,
      toggleMicrophone: () =>
        run('microphone', () => {
          if (microphone === undefined) return room.publishMicrophone(chosen('microphone'));
          return microphone.muted ? room.unmute('microphone') : room.mute('microphone');
        }),
      toggleCamera: () =>
        run('camera', () => {
          if (camera === undefined) return room.publishCamera(chosen('camera'));
          return camera.muted ? room.unmute('camera') : room.mute('camera');
        }),
      toggleScreen: () => run('screen', () => (screen === undefined ? room.publishScreen({ audio: true }) : stopSharing(room))),
      toggleHand: () => run('hand', () => room.raiseHand(!handRaised)),
      leave: () => run('leave', () => room.leave()),
    }),
    [room, run, microphone, camera, screen, view, handRaised],
  );
}

function chosen(source: 'camera' | 'microphone'): { deviceId?: string } {
  const deviceId = getDeviceChoice()[source];
  return deviceId === undefined ? {} : { deviceId };
}

async function stopSharing(room: Room): Promise<void> {
  if (find(room.view, 'screenAudio') !== undefined) await room.unpublish('screenAudio');
  await room.unpublish('screen');
}
