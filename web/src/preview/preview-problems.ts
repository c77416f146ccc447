import type { LocalMediaView } from '../media/local-media.ts';
import { strings } from '../strings.ts';

const cameraProblems: Record<string, string> = {
  'client.device_denied': strings.preview.cameraDenied,
  'client.device_not_found': strings.preview.noCamera,
  'client.device_busy': strings.preview.cameraBusy,
};

const microphoneProblems: Record<string, string> = {
  'client.device_denied': strings.preview.microphoneDenied,
  'client.device_not_found': strings.preview.noMicrophone,
  'client.device_busy': strings.preview.microphoneBusy,
};

/** What is wrong with one's devices, in plain words. */
export function previewProblems({ camera, microphone }: LocalMediaView): readonly string[] {
  const failed = camera.status === 'failed' || microphone.status === 'failed';
  if (failed && !window.isSecureContext) return [strings.preview.insecure];
  const problems: string[] = [];
  if (camera.code !== undefined) problems.push(cameraProblems[camera.code] ?? strings.preview.noCamera);
  if (microphone.code !== undefined) problems.push(microphoneProblems[microphone.code] ?? strings.preview.noMicrophone);
  return problems;
}
