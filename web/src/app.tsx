import { lazy, Suspense } from 'react';
import { type Route, routeOf, usePath } from './router.ts';
import { ClientProvider } from './shell/client-context.tsx';
import type { Identity } from './sign-in/identity.ts';
import { useSignIn } from './sign-in/session.ts';
import { SignInPage } from './sign-in/sign-in-page.tsx';
import { strings } from './strings.ts';
import { MessagePage } from './ui/message-page.tsx';

// Loaded when they are needed: most of the code is for rooms and the chat.
const RoomPage = lazy(async () => ({ default: (await import('./room-page.tsx')).RoomPage }));
const ConversationPage = lazy(async () => ({ default: (await import('./chat/conversation-page.tsx')).ConversationPage }));
const ContactsPage = lazy(async () => ({ default: (await import('./contacts/contacts-page.tsx')).ContactsPage }));
const HistoryPage = lazy(async () => ({ default: (await import('./history/history-page.tsx')).HistoryPage }));
const RecordingsPage = lazy(async () => ({ default: (await import('./recordings/recordings-page.tsx')).RecordingsPage }));
const RecordingPage = lazy(async () => ({ default: (await import('./recordings/recording-page.tsx')).RecordingPage }));
const NotificationsPage = lazy(async () => ({ default: (await import('./notifications/notifications-page.tsx')).NotificationsPage }));
const SettingsPage = lazy(async () => ({ default: (await import('./settings/settings-page.tsx')).SettingsPage }));
const MemberLayer = lazy(async () => ({ default: (await import('./calls/member-layer.tsx')).MemberLayer }));
const HomePage = lazy(async () => ({ default: (await import('./home/home-page.tsx')).HomePage }));

/** Which page to show: the address says which, and all but the sign-in need somebody who is signed in. */
export function App() {
  const route = routeOf(usePath());
  const { identity, expired } = useSignIn();
  if (route.page === 'notFound') return <MessagePage title={strings.notFound[0]} text={strings.notFound[1]} />;
  if (identity === undefined) return <SignInPage forRoom={route.page === 'room'} expired={expired} />;
  const page = <Page route={route} identity={identity} />;
  return (
    <ClientProvider identity={identity}>
      <Suspense fallback={<p className="unseen">{strings.loading}</p>}>
        {identity.isForOneRoom ? page : <MemberLayer identity={identity}>{page}</MemberLayer>}
      </Suspense>
    </ClientProvider>
  );
}

function Page({ route, identity }: { route: Route; identity: Identity }) {
  switch (route.page) {
    case 'conversation':
      return <ConversationPage key={route.conversationId} conversationId={route.conversationId} identity={identity} />;
    case 'room':
      return <RoomPage key={route.roomId} roomId={route.roomId} identity={identity} />;
    case 'contacts':
      return identity.isForOneRoom ? <OneRoomOnly identity={identity} /> : <ContactsPage identity={identity} />;
    case 'history':
      return identity.isForOneRoom ? <OneRoomOnly identity={identity} /> : <HistoryPage identity={identity} />;
    case 'recordings':
      return identity.isForOneRoom ? <OneRoomOnly identity={identity} /> : <RecordingsPage identity={identity} />;
    case 'recording':
      return identity.isForOneRoom ? (
        <OneRoomOnly identity={identity} />
      ) : (
        <RecordingPage key={route.recordingId} recordingId={route.recordingId} identity={identity} />
      );
    case 'notifications':
      return identity.isForOneRoom ? <OneRoomOnly identity={identity} /> : <NotificationsPage identity={identity} />;
    case 'settings':
      return identity.isForOneRoom ? <OneRoomOnly identity={identity} /> : <SettingsPage identity={identity} />;
    default:
      return <HomePage identity={identity} />;
  }
}

/** To somebody whose token opens one room: there is nothing else for them here. */
function OneRoomOnly({ identity }: { identity: Identity }) {
  return <MessagePage title={strings.oneRoomOnly[0]} text={strings.oneRoomOnly[1]} identity={identity} />;
}
