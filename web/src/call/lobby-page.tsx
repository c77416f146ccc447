import { useSyncExternalStore } from 'react';
import type { Room } from '../../../src/client/index.ts';
import type { LocalMedia } from '../media/local-media.ts';
import { PreviewPicture } from '../preview/preview-picture.tsx';
import type { Identity } from '../sign-in/identity.ts';
import { strings } from '../strings.ts';
import { PageHeader } from '../ui/page-header.tsx';
import { useTabTitle } from '../ui/use-tab-title.ts';

interface LobbyPageProps {
  identity: Identity;
  room: Room;
  roomName: string | undefined;
  media: LocalMedia;
  onLeave: () => void;
}

/** Waiting until a moderator says yes or no. */
export function LobbyPage({ identity, room, roomName, media, onLeave }: LobbyPageProps) {
  const view = useSyncExternalStore(media.subscribe, () => media.view);
  useTabTitle(strings.lobby.tabTitle);

  function leave() {
    room.leave().catch(() => undefined);
    onLeave();
  }

  return (
    <div className="page">
      <PageHeader identity={identity} />
      <main className="preview">
        <PreviewPicture view={view} media={media} name={identity.name} />
        <div className="preview-side">
          <div className="preview-title" role="status">
            <span className="waiting-dots" aria-hidden="true">
              <i />
              <i />
              <i />
            </span>
            {roomName !== undefined && <p className="soft">{roomName}</p>}
            <h1>{strings.lobby.title}</h1>
            <p className="soft">{strings.lobby.text}</p>
          </div>
          <button type="button" className="button" onClick={leave}>
            {strings.call.leave}
          </button>
        </div>
      </main>
    </div>
  );
}
