import type { Unsubscribe } from './emitter.ts';
import { ParleyError } from './parley-error.ts';

/** A device as the user may choose it. Without permission the browser gives neither id nor label. */
export interface DeviceChoice {
  readonly deviceId: string;
  readonly label: string;
}

/** What there is to choose from. */
export interface DeviceList {
  readonly microphones: readonly DeviceChoice[];
  readonly cameras: readonly DeviceChoice[];
  readonly speakers: readonly DeviceChoice[];
}

/** Which device to open and how. */
export interface OpenDeviceOptions {
  deviceId?: string;
  /** Merged over the SDK's own constraints. */
  constraints?: MediaTrackConstraints;
}

const microphoneConstraints: MediaTrackConstraints = {
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
  channelCount: 1,
};
const cameraConstraints: MediaTrackConstraints = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };
const screenConstraints: DisplayMediaStreamOptions = {
  video: { frameRate: { ideal: 15, max: 30 } },
  audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
};

/**
 * Lists microphones, cameras and loudspeakers.
 *
 * @throws {ParleyError} `client.unsupported` outside a secure context
 */
export async function listDevices(): Promise<DeviceList> {
  const devices = await mediaDevices().enumerateDevices();
  const ofKind = (kind: MediaDeviceKind): DeviceChoice[] =>
    devices.filter((device) => device.kind === kind).map(({ deviceId, label }) => ({ deviceId, label }));
  return { microphones: ofKind('audioinput'), cameras: ofKind('videoinput'), speakers: ofKind('audiooutput') };
}

/** Tells the new list whenever a device comes or goes. */
export function onDevicesChanged(listener: (devices: DeviceList) => void): Unsubscribe {
  const source = mediaDevices();
  let isListening = true;
  const onChange = (): void => {
    void listDevices().then(
      (devices) => {
        if (isListening) listener(devices);
      },
      () => undefined,
    );
  };
  source.addEventListener('devicechange', onChange);
  return () => {
    isListening = false;
    source.removeEventListener('devicechange', onChange);
  };
}

/**
 * Opens a microphone with echo cancellation, noise suppression and gain control. The caller stops the track, or hands it to `publishMicrophone`.
 *
 * @throws {ParleyError} `client.device_denied`, `client.device_not_found`, `client.device_busy`, `client.unsupported`
 */
export async function openMicrophone(options: OpenDeviceOptions = {}): Promise<MediaStreamTrack> {
  return openTrack({ audio: constraintsOf(microphoneConstraints, options) }, 'audio');
}

/**
 * Opens a camera, at best with 720 lines and 30 frames a second. The caller stops the track, or hands it to `publishCamera`.
 *
 * @throws {ParleyError} as {@link openMicrophone}
 */
export async function openCamera(options: OpenDeviceOptions = {}): Promise<MediaStreamTrack> {
  return openTrack({ video: constraintsOf(cameraConstraints, options) }, 'video');
}

/** Lets the user choose a screen, window or tab; its sound comes along where the browser can and the user wants.
 *
 * @throws {ParleyError} as {@link openMicrophone}
 */
export async function openScreen(
  options: { audio?: boolean; constraints?: DisplayMediaStreamOptions } = {},
): Promise<{ video: MediaStreamTrack; audio: MediaStreamTrack | undefined }> {
  const devices = mediaDevices();
  if (typeof devices.getDisplayMedia !== 'function') throw new ParleyError('client.unsupported');
  const constraints = { ...screenConstraints, ...options.constraints };
  if (options.audio === false) constraints.audio = false;
  const stream = await devices.getDisplayMedia(constraints).catch((error: unknown) => {
    throw deviceError(error);
  });
  const [video] = stream.getVideoTracks();
  if (video === undefined) throw new ParleyError('client.device_not_found');
  return { video, audio: stream.getAudioTracks()[0] };
}

async function openTrack(constraints: MediaStreamConstraints, kind: 'audio' | 'video'): Promise<MediaStreamTrack> {
  const stream = await mediaDevices()
    .getUserMedia(constraints)
    .catch((error: unknown) => {
      throw deviceError(error);
    });
  const [track] = kind === 'audio' ? stream.getAudioTracks() : stream.getVideoTracks();
  if (track === undefined) throw new ParleyError('client.device_not_found');
  return track;
}

function constraintsOf(base: MediaTrackConstraints, { deviceId, constraints }: OpenDeviceOptions): MediaTrackConstraints {
  return { ...base, ...(deviceId !== undefined && deviceId !== '' && { deviceId: { exact: deviceId } }), ...constraints };
}

function mediaDevices(): MediaDevices {
  // Undefined outside secure contexts (https, localhost) and outside browsers, whatever the DOM's types say.
  const devices: MediaDevices | undefined = globalThis.navigator?.mediaDevices;
  if (devices === undefined) throw new ParleyError('client.unsupported');
  return devices;
}

/** The code of what getUserMedia and getDisplayMedia throw (W3C mediacapture-main, 10.2). */
export function deviceError(error: unknown): ParleyError {
  const name = error instanceof Error || (typeof error === 'object' && error !== null && 'name' in error) ? String(error.name) : '';
  switch (name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return new ParleyError('client.device_denied', { cause: error });
    case 'NotFoundError':
    case 'OverconstrainedError':
      return new ParleyError('client.device_not_found', { cause: error });
    case 'NotReadableError':
    case 'AbortError':
    case 'InvalidStateError':
      return new ParleyError('client.device_busy', { cause: error });
    default:
      return ParleyError.from(error, 'client.unsupported');
  }
}
