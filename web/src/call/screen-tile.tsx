import { SubscriptionVideo } from '../media/subscription-video.tsx';
import { strings } from '../strings.ts';
import { Icon } from '../ui/icon.tsx';
import type { SharedScreen } from './people-on-stage.ts';

/** A screen that somebody shares, shown whole. */
export function ScreenTile({ screen: { participant, subscription } }: { screen: SharedScreen }) {
  const label = strings.call.screenOf(participant.displayName);
  return (
    <div className="tile screen-tile">
      <SubscriptionVideo subscription={subscription} label={label} />
      <div className="tile-label">
        <Icon name="screen" size={16} />
        <span className="tile-name">{label}</span>
      </div>
    </div>
  );
}
