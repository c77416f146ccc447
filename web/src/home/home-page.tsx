import { Conversations } from '../chat/conversation-list.tsx';
import type { Identity } from '../sign-in/identity.ts';
import { strings } from '../strings.ts';
import { PageHeader } from '../ui/page-header.tsx';
import { useTabTitle } from '../ui/use-tab-title.ts';
import { NewRoom } from './new-room.tsx';
import { PasteLink } from './paste-link.tsx';
import { RecentRooms } from './recent-rooms.tsx';

/** Where one starts: providers open rooms, patients follow a link. */
export function HomePage({ identity }: { identity: Identity }) {
  useTabTitle(strings.home.tabTitle);
  const mayCreate = identity.role !== 'patient';
  return (
    <div className="page">
      <PageHeader identity={identity} />
      <main className={mayCreate ? 'home' : 'home narrow'}>
        {mayCreate ? <NewRoom identity={identity} /> : <PasteLink />}
        <div className="home-lists">
          <Conversations />
          {mayCreate && <RecentRooms identity={identity} />}
        </div>
      </main>
    </div>
  );
}
