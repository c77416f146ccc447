import { useId } from 'react';
import { strings } from '../strings.ts';

interface DeviceSelectProps {
  kind: 'camera' | 'microphone' | 'speaker';
  devices: readonly { deviceId: string; label: string }[] | undefined;
  /** The device in use, when it is known. */
  value: string | undefined;
  onChoose: (deviceId: string) => void;
}

/** Chooses one of several devices of a kind. */
export function DeviceSelect({ kind, devices = [], value, onChoose }: DeviceSelectProps) {
  const id = useId();
  const label = strings.devices[kind];
  const usable = devices.filter(({ deviceId }) => deviceId !== '');
  const chosen = usable.some(({ deviceId }) => deviceId === value) ? value : usable[0]?.deviceId;
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select id={id} value={chosen ?? ''} disabled={usable.length === 0} onChange={(event) => onChoose(event.target.value)}>
        {usable.length === 0 && <option value="">{devices.length === 0 ? strings.devices.none : strings.devices.notAllowed}</option>}
        {usable.map((device, index) => (
          <option key={device.deviceId} value={device.deviceId}>
            {device.label || strings.devices.numbered(label, index + 1)}
          </option>
        ))}
      </select>
    </div>
  );
}
