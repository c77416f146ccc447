import { navigate } from '../router.ts';
import type { Identity } from '../sign-in/identity.ts';
import { signOut } from '../sign-in/session.ts';
import { strings } from '../strings.ts';
import { Wordmark } from './wordmark.tsx';

/** The top of every page but the call: where one is, who one is. */
export function PageHeader({ identity }: { identity: Identity | undefined }) {
  return (
    <header className="page-header">
      <a
        className="home-link"
        href="/"
        onClick={(event) => {
          if (event.metaKey || event.ctrlKey || event.shiftKey) return;
          event.preventDefault();
          navigate('/');
        }}
      >
        <Wordmark />
      </a>
      {identity && (
        <div className="who">
          <span className="who-name">{strings.account.signedInAs(identity.name, strings.roles[identity.role])}</span>
          <button type="button" className="button quiet compact" onClick={() => signOut()}>
            {strings.account.signOut}
          </button>
        </div>
      )}
    </header>
  );
}
