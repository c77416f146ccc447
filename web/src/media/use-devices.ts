import { useEffect, useState } from 'react';
import { type DeviceList, listDevices, onDevicesChanged } from '../../../src/client/index.ts';

/** What is plugged in. Labels are empty until the browser allows camera or microphone: pass what that hangs on. */
export function useDevices(permission: string): DeviceList | undefined {
  const [devices, setDevices] = useState<DeviceList>();

  // biome-ignore lint/correctness/useExhaustiveDependencies: a change of permission brings the labels
  useEffect(() => {
    let wanted = true;
    const take = (list: DeviceList) => wanted && setDevices(list);
    listDevices().then(take, () => undefined);
    const unsubscribe = onDevicesChanged(take);
    return () => {
      wanted = false;
      unsubscribe();
    };
  }, [permission]);

  return devices;
}
