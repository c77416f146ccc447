import { type FormEvent, useId, useState } from 'react';
import { navigate, roomIdOf, roomPathOf } from '../router.ts';
import { strings } from '../strings.ts';
import { Notice } from '../ui/notice.tsx';

/** For those who are invited: paste the link, go to the room. */
export function PasteLink() {
  const [link, setLink] = useState('');
  const [bad, setBad] = useState(false);
  const id = useId();

  function submit(event: FormEvent) {
    event.preventDefault();
    const roomId = roomIdOf(link);
    if (roomId === undefined) setBad(true);
    else navigate(roomPathOf(roomId));
  }

  return (
    <form className="card" onSubmit={submit}>
      <h1>{strings.home.patientTitle}</h1>
      <p className="soft">{strings.home.patientText}</p>
      <div className="field">
        <label htmlFor={id}>{strings.home.link}</label>
        <input
          id={id}
          inputMode="url"
          autoComplete="off"
          required
          placeholder={strings.home.linkPlaceholder}
          aria-invalid={bad}
          value={link}
          onChange={(event) => {
            setLink(event.target.value);
            setBad(false);
          }}
        />
      </div>
      {bad && <Notice tone="bad">{strings.home.badLink}</Notice>}
      <button type="submit" className="button primary wide">
        {strings.home.openLink}
      </button>
    </form>
  );
}
