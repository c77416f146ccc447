import type { Room, RoomView } from '../../../src/client/index.ts';
import { canChooseSpeaker, chooseDevice, useDeviceChoice } from '../media/device-choice.ts';
import { DeviceSelect } from '../media/device-select.tsx';
import { LevelMeter } from '../media/level-meter.tsx';
import { useDevices } from '../media/use-devices.ts';
import { strings } from '../strings.ts';
import { SidePanel } from './side-panel.tsx';

interface DevicesPanelProps {
  room: Room;
  view: RoomView;
  act: (action: Promise<unknown>) => void;
  onClose: () => void;
}

/** Other camera, microphone or speaker, while the call goes on. */
export function DevicesPanel({ room, view, act, onClose }: DevicesPanelProps) {
  const camera = view.publications.find(({ source }) => source === 'camera');
  const microphone = view.publications.find(({ source }) => source === 'microphone');
  const devices = useDevices(`${camera?.muted} ${microphone?.muted}`);
  const choice = useDeviceChoice();

  function choose(source: 'camera' | 'microphone', deviceId: string) {
    chooseDevice(source, deviceId);
    const publication = source === 'camera' ? camera : microphone;
    if (publication !== undefined) act(room.switchDevice(source, deviceId));
  }

  return (
    <SidePanel title={strings.devices.title} onClose={onClose}>
      <div className="panel-form">
        <div className="with-level">
          <DeviceSelect
            kind="microphone"
            devices={devices?.microphones}
            value={microphone?.deviceId ?? choice.microphone}
            onChoose={(deviceId) => choose('microphone', deviceId)}
          />
          <LevelMeter track={microphone?.muted ? undefined : microphone?.track} />
        </div>
        <DeviceSelect
          kind="camera"
          devices={devices?.cameras}
          value={camera?.deviceId ?? choice.camera}
          onChoose={(deviceId) => choose('camera', deviceId)}
        />
        {canChooseSpeaker && (
          <DeviceSelect
            kind="speaker"
            devices={devices?.speakers}
            value={choice.speaker}
            onChoose={(deviceId) => chooseDevice('speaker', deviceId)}
          />
        )}
      </div>
    </SidePanel>
  );
}
