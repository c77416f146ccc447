import { lazy, Suspense } from 'react';
import { routeOf, usePath } from './router.ts';
import { ClientProvider } from './shell/client-context.tsx';
import { useSignIn } from './sign-in/session.ts';
import { SignInPage } from './sign-in/sign-in-page.tsx';
import { strings } from './strings.ts';
import { MessagePage } from './ui/message-page.tsx';

// Loaded when they are needed: most of the code is for rooms and the chat.
const RoomPage = lazy(async () => ({ default: (await import('./room-page.tsx')).RoomPage }));
const ConversationPage = lazy(async () => ({ default: (await import('./chat/conversation-page.tsx')).ConversationPage }));
const HomePage = lazy(async () => ({ default: (await import('./home/home-page.tsx')).HomePage }));

/** Which page to show: the address says which, and all but the sign-in need somebody who is signed in. */
export function App() {
  const route = routeOf(usePath());
  const { identity, expired } = useSignIn();
  if (route.page === 'notFound') return <MessagePage title={strings.notFound[0]} text={strings.notFound[1]} />;
  if (identity === undefined) return <SignInPage forRoom={route.page === 'room'} expired={expired} />;
  return (
    <ClientProvider identity={identity}>
      <Suspense fallback={<p className="unseen">{strings.loading}</p>}>
        {route.page === 'home' && <HomePage identity={identity} />}
        {route.page === 'conversation' && (
          <ConversationPage key={`${route.conversationId} ${identity.token}`} conversationId={route.conversationId} identity={identity} />
        )}
        {route.page === 'room' && <RoomPage key={`${route.roomId} ${identity.token}`} roomId={route.roomId} identity={identity} />}
      </Suspense>
    </ClientProvider>
  );
}
