import type { CallActions } from '../calls/use-call-in-room.ts';
import { strings } from '../strings.ts';
import { RoundButton } from '../ui/round-button.tsx';
import type { PanelName } from './call-page.tsx';
import type { CallControls } from './use-call-controls.ts';

interface CallBarProps {
  controls: CallControls;
  peopleCount: number;
  /** Unread messages; undefined in a room without a chat. */
  unreadCount: number | undefined;
  panel: PanelName | undefined;
  /** In a call that was rung: its own buttons. */
  call?: CallActions | undefined;
  onPanel: (panel: PanelName) => void;
}

/** The buttons below the stage. Their names are part of the product's contract. */
export function CallBar({ controls, peopleCount, unreadCount, panel, call, onPanel }: CallBarProps) {
  const { microphoneOn, cameraOn, sharing, handRaised, canShare, mayUse } = controls;
  const words = strings.call;
  return (
    <section className="call-bar" aria-label={words.controls}>
      <div className="call-bar-group">
        <RoundButton
          icon={microphoneOn ? 'microphone' : 'microphoneOff'}
          label={microphoneOn ? words.mute : words.unmute}
          shortcut="M"
          off={!microphoneOn}
          disabled={!microphoneOn && !mayUse('microphone')}
          onClick={controls.toggleMicrophone}
        />
        {call?.askForVideo !== undefined ? (
          <RoundButton icon="camera" label={strings.calls.inCall.askForVideo} disabled={call.isAsking} onClick={call.askForVideo} />
        ) : (
          <RoundButton
            icon={cameraOn ? 'camera' : 'cameraOff'}
            label={cameraOn ? words.stopCamera : words.startCamera}
            shortcut="V"
            off={!cameraOn}
            disabled={!cameraOn && !mayUse('camera')}
            onClick={controls.toggleCamera}
          />
        )}
        {canShare && (
          <RoundButton
            icon={sharing ? 'screenOff' : 'screen'}
            label={sharing ? words.stopSharing : words.shareScreen}
            shortcut="S"
            active={sharing}
            disabled={!sharing && !mayUse('screen')}
            onClick={controls.toggleScreen}
          />
        )}
        {call === undefined ? (
          <RoundButton
            icon="hand"
            label={handRaised ? words.lowerHand : words.raiseHand}
            shortcut="H"
            active={handRaised}
            onClick={controls.toggleHand}
          />
        ) : (
          <RoundButton icon="personPlus" label={strings.calls.inCall.addPerson} onClick={call.addPerson} />
        )}
      </div>
      <div className="call-bar-group">
        <RoundButton
          icon="people"
          label={words.people}
          shortcut="P"
          badge={peopleCount}
          expanded={panel === 'people'}
          onClick={() => onPanel('people')}
        />
        {unreadCount !== undefined && (
          <RoundButton
            icon="chat"
            label={words.chat}
            shortcut="C"
            {...(unreadCount > 0 && { badge: unreadCount, description: strings.chat.unread(unreadCount) })}
            expanded={panel === 'chat'}
            onClick={() => onPanel('chat')}
          />
        )}
        <RoundButton icon="devices" label={words.devices} shortcut="D" expanded={panel === 'devices'} onClick={() => onPanel('devices')} />
        <RoundButton
          icon="leave"
          label={call === undefined ? words.leave : strings.calls.inCall.hangUp}
          tone="danger"
          onClick={call === undefined ? controls.leave : call.hangUp}
        />
      </div>
    </section>
  );
}
