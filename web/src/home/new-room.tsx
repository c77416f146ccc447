import { type FormEvent, useId, useState } from 'react';
import { createRoom } from '../api.ts';
import { errorCode, errorText } from '../error-text.ts';
import { navigate, roomPathOf } from '../router.ts';
import type { Identity } from '../sign-in/identity.ts';
import { signOut } from '../sign-in/session.ts';
import { strings } from '../strings.ts';
import { Icon } from '../ui/icon.tsx';
import { Notice } from '../ui/notice.tsx';

/** Makes a room and goes there. */
export function NewRoom({ identity }: { identity: Identity }) {
  const [name, setName] = useState('');
  const [lobby, setLobby] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const id = useId();

  async function submit(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    setProblem(undefined);
    try {
      const trimmed = name.trim();
      const { roomId } = await createRoom(identity.token, { ...(trimmed !== '' && { name: trimmed }), lobby });
      navigate(roomPathOf(roomId));
    } catch (error) {
      if (errorCode(error) === 'auth.expired_token') signOut({ expired: true });
      setProblem(errorText(error));
      setBusy(false);
    }
  }

  return (
    <form className="card new-room" onSubmit={submit}>
      <h1>{strings.home.newTitle}</h1>
      <div className="field">
        <label htmlFor={id}>{strings.home.roomName}</label>
        <input
          id={id}
          maxLength={200}
          placeholder={strings.home.roomNamePlaceholder}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
      </div>
      <label className="check">
        <input type="checkbox" checked={lobby} onChange={(event) => setLobby(event.target.checked)} />
        {strings.home.lobby}
      </label>
      {problem !== undefined && <Notice tone="bad">{problem}</Notice>}
      <button type="submit" className="button primary wide" disabled={busy}>
        <Icon name="plus" size={20} />
        {strings.home.newRoom}
      </button>
    </form>
  );
}
