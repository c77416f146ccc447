import { Bell } from '../notifications/bell.tsx';
import { onLinkClick } from '../router.ts';
import { AccountMenu } from '../shell/account-menu.tsx';
import { useOptionalClient } from '../shell/client-context.tsx';
import { MainNav } from '../shell/main-nav.tsx';
import type { Identity } from '../sign-in/identity.ts';
import { signOut } from '../sign-in/session.ts';
import { strings } from '../strings.ts';
import { Wordmark } from './wordmark.tsx';

/** The top of every page but the call: where one is and may go, what is new, who one is. */
export function PageHeader({ identity }: { identity: Identity | undefined }) {
  const client = useOptionalClient();
  const isMember = identity !== undefined && client !== undefined && !identity.isForOneRoom;
  return (
    <header className="page-header">
      <a className="home-link" href="/" onClick={onLinkClick}>
        <Wordmark />
      </a>
      {isMember && <MainNav />}
      {isMember && (
        <div className="who">
          <Bell />
          <AccountMenu identity={identity} />
        </div>
      )}
      {identity !== undefined && !isMember && (
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
