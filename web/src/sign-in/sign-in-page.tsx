import { type FormEvent, useId, useState } from 'react';
import type { Role } from '../../../src/client/index.ts';
import { ApiError, getDemoToken } from '../api.ts';
import { errorText } from '../error-text.ts';
import { strings } from '../strings.ts';
import { Icon } from '../ui/icon.tsx';
import { MessagePage } from '../ui/message-page.tsx';
import { Notice } from '../ui/notice.tsx';
import { useTabTitle } from '../ui/use-tab-title.ts';
import { Wordmark } from '../ui/wordmark.tsx';
import { signInWith } from './session.ts';

const roles = ['patient', 'provider', 'admin'] as const satisfies readonly Role[];

interface SignInPageProps {
  /** Whether a room waits behind the sign-in. */
  forRoom: boolean;
  expired: boolean;
}

/** Demo mode's sign-in; elsewhere the host application hands over a token. */
export function SignInPage({ forRoom, expired }: SignInPageProps) {
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>(forRoom ? 'patient' : 'provider');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const [demo, setDemo] = useState(true);
  const id = useId();
  useTabTitle(strings.signIn.title);

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (name.trim() === '') return setName('');
    setBusy(true);
    setProblem(undefined);
    try {
      signInWith((await getDemoToken(name.trim(), role)).token);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) setDemo(false);
      else setProblem(errorText(error));
      setBusy(false);
    }
  }

  if (!demo) return <MessagePage title={strings.signIn.noDemoTitle} text={strings.signIn.noDemo} />;
  return (
    <div className="sign-in">
      <aside className="sign-in-side">
        <Wordmark />
        <p className="tagline">{strings.tagline}</p>
        <ul>
          {strings.signIn.points.map((point) => (
            <li key={point}>
              <Icon name="check" size={20} />
              {point}
            </li>
          ))}
        </ul>
      </aside>
      <main className="sign-in-main">
        <form onSubmit={submit}>
          <h1>{strings.signIn.title}</h1>
          {expired && <Notice>{strings.signIn.expired}</Notice>}
          {forRoom && !expired && <p className="soft">{strings.signIn.onTheWayToRoom}</p>}
          <div className="field">
            <label htmlFor={`${id}-name`}>{strings.signIn.name}</label>
            <input
              id={`${id}-name`}
              name="name"
              autoComplete="name"
              required
              maxLength={200}
              placeholder={strings.signIn.namePlaceholder}
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          </div>
          <fieldset className="field">
            <legend>{strings.signIn.role}</legend>
            <div className="choice">
              {roles.map((choice) => (
                <label key={choice}>
                  <input
                    className="unseen"
                    type="radio"
                    name="role"
                    value={choice}
                    checked={role === choice}
                    onChange={() => setRole(choice)}
                  />
                  {strings.roles[choice]}
                </label>
              ))}
            </div>
          </fieldset>
          {problem !== undefined && <Notice tone="bad">{problem}</Notice>}
          <button type="submit" className="button primary wide" disabled={busy}>
            {strings.signIn.submit}
          </button>
          <p className="soft small">{strings.signIn.demo}</p>
        </form>
      </main>
    </div>
  );
}
