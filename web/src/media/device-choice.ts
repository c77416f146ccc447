import { useSyncExternalStore } from 'react';

/** Which devices one likes; absent: whatever the system says. */
export interface DeviceChoice {
  readonly camera?: string;
  readonly microphone?: string;
  readonly speaker?: string;
}

const key = 'parley.devices';
const listeners = new Set<() => void>();
let choice: DeviceChoice = load();

function load(): DeviceChoice {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(key) ?? '{}');
    if (typeof stored !== 'object' || stored === null) return {};
    const { camera, microphone, speaker } = stored as Record<string, unknown>;
    return {
      ...(typeof camera === 'string' && { camera }),
      ...(typeof microphone === 'string' && { microphone }),
      ...(typeof speaker === 'string' && { speaker }),
    };
  } catch {
    return {};
  }
}

export function getDeviceChoice(): DeviceChoice {
  return choice;
}

/** Remembers a choice for the next time; it switches nothing by itself, but for the speaker. */
export function chooseDevice(kind: keyof DeviceChoice, deviceId: string): void {
  choice = { ...choice, [kind]: deviceId };
  localStorage.setItem(key, JSON.stringify(choice));
  for (const listener of listeners) listener();
}

export function useDeviceChoice(): DeviceChoice {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => choice,
  );
}

/** Whether this browser lets a page choose where sound comes out. */
export const canChooseSpeaker = 'setSinkId' in HTMLMediaElement.prototype;
