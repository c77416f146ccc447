import { canChooseSpeaker, chooseDevice, useDeviceChoice } from '../media/device-choice.ts';
import { DeviceSelect } from '../media/device-select.tsx';
import { LevelMeter } from '../media/level-meter.tsx';
import type { LocalMedia, LocalMediaView, LocalSource } from '../media/local-media.ts';
import { useDevices } from '../media/use-devices.ts';

interface PreviewDevicesProps {
  view: LocalMediaView;
  media: LocalMedia;
}

/** Which camera, microphone and speaker, and whether the microphone hears anything. */
export function PreviewDevices({ view: { camera, microphone }, media }: PreviewDevicesProps) {
  const devices = useDevices(`${camera.status} ${microphone.status}`);
  const choice = useDeviceChoice();

  function choose(source: LocalSource, deviceId: string) {
    chooseDevice(source, deviceId);
    media.reopen(source);
  }

  return (
    <div className="preview-devices">
      <DeviceSelect
        kind="camera"
        devices={devices?.cameras}
        value={camera.track?.getSettings().deviceId ?? choice.camera}
        onChoose={(deviceId) => choose('camera', deviceId)}
      />
      <div className="with-level">
        <DeviceSelect
          kind="microphone"
          devices={devices?.microphones}
          value={microphone.track?.getSettings().deviceId ?? choice.microphone}
          onChoose={(deviceId) => choose('microphone', deviceId)}
        />
        <LevelMeter track={microphone.track} />
      </div>
      {canChooseSpeaker && (
        <DeviceSelect
          kind="speaker"
          devices={devices?.speakers}
          value={choice.speaker}
          onChoose={(deviceId) => chooseDevice('speaker', deviceId)}
        />
      )}
    </div>
  );
}
