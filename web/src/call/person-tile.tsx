import { SubscriptionVideo } from '../media/subscription-video.tsx';
import { TrackVideo } from '../media/track-video.tsx';
import { strings } from '../strings.ts';
import { Avatar } from '../ui/avatar.tsx';
import { Icon } from '../ui/icon.tsx';
import type { Person } from './people-on-stage.ts';

/** One person: picture or initials, name, microphone and hand. */
export function PersonTile({ person }: { person: Person }) {
  const { participant, isMe, camera, microphoneOn, speaking } = person;
  const name = isMe ? strings.call.you : participant.displayName;
  return (
    <div className={speaking ? 'tile speaking' : 'tile'} data-participant={participant.participantId}>
      {camera === undefined && <Avatar name={participant.displayName} />}
      {camera instanceof MediaStreamTrack && <TrackVideo track={camera} label={name} mirrored={isMe} />}
      {camera !== undefined && !(camera instanceof MediaStreamTrack) && <SubscriptionVideo subscription={camera} label={name} />}
      <div className="tile-label">
        {!microphoneOn && <Mark icon="microphoneOff" words={strings.call.muted} />}
        <span className="tile-name" title={participant.displayName}>
          {name}
        </span>
        {speaking && <span className="unseen">{strings.call.speaking}</span>}
      </div>
      {participant.handRaised && (
        <div className="tile-hand" title={strings.call.handRaised}>
          <Icon name="hand" size={20} />
          <span className="unseen">{strings.call.handRaised}</span>
        </div>
      )}
    </div>
  );
}

function Mark({ icon, words }: { icon: 'microphoneOff'; words: string }) {
  return (
    <span className="tile-mark" title={words}>
      <Icon name={icon} size={16} />
      <span className="unseen">{words}</span>
    </span>
  );
}
