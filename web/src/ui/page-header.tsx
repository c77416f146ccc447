import type { ParleyClient } from '../../../src/client/index.ts';
import { useConnection } from '../call/use-room.ts';
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
      {isMember && <MainNav identity={identity} client={client} />}
      {isMember && (
        <div className="who">
          <Bell />
          <AccountMenu identity={identity} />
        </div>
      )}
      {isMember && <ConnectionLine client={client} />}
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

/** Says that the server is out of reach, for as long as it is: nobody can ring meanwhile. */
function ConnectionLine({ client }: { client: ParleyClient }) {
  const connection = useConnection(client);
  const isFailed = connection.status === 'failed';
  const isLost = isFailed || connection.status === 'reconnecting';
  return (
    <div className={isLost ? 'connection-line' : 'unseen'} role="status">
      {connection.status === 'reconnecting' && strings.banner.reconnecting(connection.attempt)}
      {isFailed && (
        <>
          {strings.noServer}
          <button type="button" className="button compact" onClick={() => client.connect().catch(() => undefined)}>
            {strings.tryAgain}
          </button>
        </>
      )}
    </div>
  );
}
