import type { LocalMedia, LocalMediaView } from '../media/local-media.ts';
import { TrackVideo } from '../media/track-video.tsx';
import { strings } from '../strings.ts';
import { Avatar } from '../ui/avatar.tsx';
import { RoundButton } from '../ui/round-button.tsx';

interface PreviewPictureProps {
  view: LocalMediaView;
  media: LocalMedia;
  name: string;
}

/** One's own picture with the two switches on it. */
export function PreviewPicture({ view: { camera, microphone }, media, name }: PreviewPictureProps) {
  const cameraOn = camera.status === 'on' || camera.status === 'starting';
  const microphoneOn = microphone.status === 'on' || microphone.status === 'starting';
  return (
    <div className="preview-picture">
      {camera.track ? (
        <TrackVideo track={camera.track} label={strings.preview.selfView} mirrored />
      ) : (
        <div className="preview-empty">
          <Avatar name={name} />
          <p>{camera.status === 'starting' ? strings.preview.cameraStarting : strings.preview.cameraOff}</p>
        </div>
      )}
      <div className="preview-switches">
        <RoundButton
          icon={microphoneOn ? 'microphone' : 'microphoneOff'}
          label={microphoneOn ? strings.call.mute : strings.call.unmute}
          off={!microphoneOn}
          onClick={() => media.toggle('microphone')}
        />
        <RoundButton
          icon={cameraOn ? 'camera' : 'cameraOff'}
          label={cameraOn ? strings.call.stopCamera : strings.call.startCamera}
          off={!cameraOn}
          onClick={() => media.toggle('camera')}
        />
      </div>
    </div>
  );
}
