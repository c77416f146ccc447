import { type ReactNode, useState } from 'react';
import type { ConnectionState, Room, RoomView } from '../../../src/client/index.ts';
import { strings } from '../strings.ts';
import { Icon, type IconName } from '../ui/icon.tsx';

interface BannersProps {
  room: Room;
  view: RoomView;
  connection: ConnectionState;
  sharing: boolean;
  /** Others are recorded, oneself is not. */
  isLeftOut: boolean;
}

/** What one must know for as long as it is so. */
export function Banners({ room, view, connection, sharing, isLeftOut }: BannersProps) {
  const [closedAt, setClosedAt] = useState<number>();
  const { secondsLeft } = view;
  return (
    <div className="banners" role="status">
      {connection.status === 'reconnecting' && (
        <Banner tone="warn" icon="info">
          {strings.banner.reconnecting(connection.attempt)}
        </Banner>
      )}
      {view.status === 'rejoining' && connection.status !== 'reconnecting' && (
        <Banner tone="warn" icon="info">
          {strings.banner.restoring}
        </Banner>
      )}
      {view.playbackBlocked && (
        <Banner tone="calm" icon="sound">
          {strings.banner.soundBlocked}
          <button type="button" className="button compact" onClick={() => room.startPlayback().catch(() => undefined)}>
            {strings.banner.turnOnSound}
          </button>
        </Banner>
      )}
      {secondsLeft !== undefined && closedAt !== secondsLeft && (
        <Banner tone="warn" icon="info">
          {strings.banner.ending(secondsLeft)}
          <button
            type="button"
            className="button quiet compact square"
            aria-label={strings.close}
            title={strings.close}
            onClick={() => setClosedAt(secondsLeft)}
          >
            <Icon name="close" size={18} />
          </button>
        </Banner>
      )}
      {isLeftOut && (
        <Banner tone="calm" icon="record">
          <span>
            <strong>{strings.recording.indicator.leftOut}.</strong> {strings.recording.indicator.leftOutText}
          </span>
        </Banner>
      )}
      {sharing && (
        <Banner tone="calm" icon="screen">
          {strings.call.yourScreen}
        </Banner>
      )}
    </div>
  );
}

function Banner({ tone, icon, children }: { tone: 'warn' | 'calm'; icon: IconName; children: ReactNode }) {
  return (
    <div className={`banner ${tone}`}>
      <Icon name={icon} size={20} />
      {children}
    </div>
  );
}
