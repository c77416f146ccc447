import { useSyncExternalStore } from 'react';
import type { RoomDetails } from '../../../src/protocol/room.ts';
import type { LocalMedia } from '../media/local-media.ts';
import type { Identity } from '../sign-in/identity.ts';
import { strings } from '../strings.ts';
import { Notice } from '../ui/notice.tsx';
import { PageHeader } from '../ui/page-header.tsx';
import { useTabTitle } from '../ui/use-tab-title.ts';
import { PreviewDevices } from './preview-devices.tsx';
import { PreviewPicture } from './preview-picture.tsx';
import { previewProblems } from './preview-problems.ts';

interface PreviewPageProps {
  identity: Identity;
  /** Undefined while it is asked for, or when this user may not read it before joining. */
  room: RoomDetails | undefined;
  media: LocalMedia;
  joining: boolean;
  /** Why the last try to join failed. */
  problem: string | undefined;
  onJoin: () => void;
}

/** Before the call: how one looks and sounds, and with which devices. */
export function PreviewPage({ identity, room, media, joining, problem, onJoin }: PreviewPageProps) {
  const view = useSyncExternalStore(media.subscribe, () => media.view);
  useTabTitle(room?.roomName ?? strings.preview.untitledRoom);
  return (
    <div className="page">
      <PageHeader identity={identity} />
      <main className="preview">
        <PreviewPicture view={view} media={media} name={identity.name} />
        <div className="preview-side">
          <div className="preview-title">
            <h1>{room?.roomName ?? strings.preview.untitledRoom}</h1>
            <p className="soft">{strings.preview.joinAs(identity.name)}</p>
            {room !== undefined && (room.locked || room.lobby) && (
              <p className="row chips">
                {room.locked && <span className="chip">{strings.preview.locked}</span>}
                {room.lobby && <span className="chip">{strings.preview.lobby}</span>}
              </p>
            )}
          </div>
          {problem !== undefined && <Notice tone="bad">{problem}</Notice>}
          <button type="button" className="button primary wide join" disabled={joining} onClick={onJoin}>
            {joining ? strings.preview.joining : strings.preview.join}
          </button>
          {previewProblems(view).map((text) => (
            <Notice key={text}>{text}</Notice>
          ))}
          <PreviewDevices view={view} media={media} />
        </div>
      </main>
    </div>
  );
}
