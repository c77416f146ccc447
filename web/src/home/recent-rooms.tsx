import { useEffect, useState } from 'react';
import type { RoomDetails } from '../../../src/protocol/room.ts';
import { listRooms } from '../api.ts';
import { errorCode, errorText } from '../error-text.ts';
import { onLinkClick, roomPathOf } from '../router.ts';
import type { Identity } from '../sign-in/identity.ts';
import { signOut } from '../sign-in/session.ts';
import { strings } from '../strings.ts';
import { CopyLink } from '../ui/copy-link.tsx';
import { Notice } from '../ui/notice.tsx';

/** One's own rooms, newest first. */
export function RecentRooms({ identity }: { identity: Identity }) {
  const [rooms, setRooms] = useState<readonly RoomDetails[]>();
  const [problem, setProblem] = useState<string>();

  useEffect(() => {
    let wanted = true;
    listRooms(identity.token).then(
      (answer) => wanted && setRooms(answer.rooms),
      (error: unknown) => {
        if (!wanted) return;
        if (errorCode(error) === 'auth.expired_token') signOut({ expired: true });
        setProblem(errorText(error));
      },
    );
    return () => {
      wanted = false;
    };
  }, [identity.token]);

  return (
    <section className="recent" aria-labelledby="recent-title">
      <h2 id="recent-title">{strings.home.recent}</h2>
      {problem !== undefined && <Notice tone="bad">{problem}</Notice>}
      {problem === undefined && rooms === undefined && <p className="soft">{strings.loading}</p>}
      {rooms?.length === 0 && <p className="soft empty">{strings.home.none}</p>}
      {rooms !== undefined && rooms.length > 0 && (
        <ul className="room-list">
          {rooms.map((room) => (
            <RoomRow key={room.roomId} room={room} />
          ))}
        </ul>
      )}
    </section>
  );
}

function RoomRow({ room }: { room: RoomDetails }) {
  const open = room.status === 'waiting' || room.status === 'in_progress';
  const path = roomPathOf(room.roomId);
  return (
    <li>
      <div className="room-row-text">
        {open ? (
          <a href={path} onClick={onLinkClick}>
            {room.roomName}
          </a>
        ) : (
          <span className="room-row-name">{room.roomName}</span>
        )}
        <span className="room-row-meta">
          <span className={room.status === 'in_progress' ? 'chip live' : 'chip'}>{strings.home.status[room.status]}</span>
          {strings.formatTime(new Date(room.startedAt ?? room.scheduledAt ?? timeOfId(room.roomId)))}
        </span>
      </div>
      {open && <CopyLink roomId={room.roomId} label={strings.home.copyLinkOf(room.roomName)} />}
    </li>
  );
}

/** When an id was made: the first 48 bits of a UUIDv7 are milliseconds since 1970 (RFC 9562, 5.7). */
function timeOfId(roomId: string): number {
  return Number.parseInt(roomId.replaceAll('-', '').slice(0, 12), 16);
}
