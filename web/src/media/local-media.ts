import { openCamera, openMicrophone } from '../../../src/client/index.ts';
import { errorCode } from '../error-text.ts';
import { getDeviceChoice } from './device-choice.ts';

export type LocalSource = 'camera' | 'microphone';

/** One's own device before the call. */
export interface LocalDevice {
  readonly status: 'off' | 'starting' | 'on' | 'failed';
  readonly track: MediaStreamTrack | undefined;
  /** Why it failed: a `client.…` code. */
  readonly code: string | undefined;
}

export interface LocalMediaView {
  readonly camera: LocalDevice;
  readonly microphone: LocalDevice;
}

/** Camera and microphone until a room takes them over. */
export interface LocalMedia {
  readonly view: LocalMediaView;
  subscribe(listener: () => void): () => void;
  /** Opens what is wanted. */
  start(): void;
  toggle(source: LocalSource): void;
  /** Opens the chosen device again, after the choice has changed or a fault was put right. */
  reopen(source: LocalSource): void;
  /** Hands a track over, once it has opened: from then on whoever took it stops it. Undefined when it is off or has failed. */
  take(source: LocalSource): Promise<MediaStreamTrack | undefined>;
  /** Stops all tracks; `start()` may follow. */
  stop(): void;
}

const off: LocalDevice = { status: 'off', track: undefined, code: undefined };
const starting: LocalDevice = { status: 'starting', track: undefined, code: undefined };

/** Makes the owner of the preview's devices; nothing is opened yet. */
export function createLocalMedia(): LocalMedia {
  let view: LocalMediaView = { camera: off, microphone: off };
  const wanted = { camera: true, microphone: true };
  const attempt = { camera: 0, microphone: 0 };
  const opening = { camera: Promise.resolve(), microphone: Promise.resolve() };
  const listeners = new Set<() => void>();

  function set(source: LocalSource, device: LocalDevice): void {
    view = { ...view, [source]: device };
    for (const listener of listeners) listener();
  }

  function open(source: LocalSource): void {
    opening[source] = openNow(source);
  }

  async function openNow(source: LocalSource): Promise<void> {
    attempt[source] += 1;
    const mine = attempt[source];
    view[source].track?.stop();
    set(source, starting);
    try {
      const track = await openDevice(source);
      if (mine !== attempt[source]) return track.stop();
      track.addEventListener('ended', () => {
        if (mine === attempt[source]) set(source, { status: 'failed', track: undefined, code: 'client.device_not_found' });
      });
      set(source, { status: 'on', track, code: undefined });
    } catch (error) {
      if (mine !== attempt[source]) return;
      set(source, { status: 'failed', track: undefined, code: errorCode(error) ?? 'client.device_busy' });
    }
  }

  function shut(source: LocalSource): void {
    attempt[source] += 1;
    view[source].track?.stop();
    set(source, off);
  }

  return {
    get view() {
      return view;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    start() {
      if (wanted.camera) open('camera');
      if (wanted.microphone) open('microphone');
    },
    toggle(source) {
      wanted[source] = view[source].status === 'off' || view[source].status === 'failed';
      if (wanted[source]) open(source);
      else shut(source);
    },
    reopen(source) {
      wanted[source] = true;
      open(source);
    },
    async take(source) {
      await opening[source];
      const { track } = view[source];
      attempt[source] += 1;
      set(source, off);
      return track;
    },
    stop() {
      shut('camera');
      shut('microphone');
    },
  };
}

/** The chosen device, or any when the chosen one is gone. */
async function openDevice(source: LocalSource): Promise<MediaStreamTrack> {
  const open = source === 'camera' ? openCamera : openMicrophone;
  const deviceId = getDeviceChoice()[source];
  if (deviceId === undefined) return open();
  try {
    return await open({ deviceId });
  } catch (error) {
    if (errorCode(error) === 'client.device_not_found') return open();
    throw error;
  }
}
