import { type MouseEvent as ReactMouseEvent, useSyncExternalStore } from 'react';

type NamedPage = 'contacts' | 'history' | 'recordings' | 'notifications' | 'settings';

export type Route =
  | { page: 'home' | NamedPage }
  | { page: 'recording'; recordingId: string }
  | { page: 'room'; roomId: string }
  | { page: 'conversation'; conversationId: string }
  | { page: 'notFound' };

const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const roomPath = new RegExp(`^/r/(${uuid})/?$`, 'i');
const conversationPath = new RegExp(`^/c/(${uuid})/?$`, 'i');
const recordingPath = new RegExp(`^/recordings/(${uuid})/?$`, 'i');
const moved = 'parley:moved';

/** Which page a path names. */
export function routeOf(path: string): Route {
  if (path === '/' || path === '/index.html') return { page: 'home' };
  const named = /^\/(contacts|history|recordings|notifications|settings)\/?$/.exec(path)?.[1];
  if (named !== undefined) return { page: named as NamedPage };
  const recordingId = recordingPath.exec(path)?.[1];
  if (recordingId !== undefined) return { page: 'recording', recordingId: recordingId.toLowerCase() };
  const conversationId = conversationPath.exec(path)?.[1];
  if (conversationId !== undefined) return { page: 'conversation', conversationId: conversationId.toLowerCase() };
  const roomId = roomPath.exec(path)?.[1];
  return roomId === undefined ? { page: 'notFound' } : { page: 'room', roomId: roomId.toLowerCase() };
}

/** The room that a pasted link or id names. */
export function roomIdOf(text: string): string | undefined {
  return new RegExp(`(?:^|/r/)(${uuid})/?(?:[?#].*)?$`, 'i').exec(text.trim())?.[1]?.toLowerCase();
}

export function roomPathOf(roomId: string): string {
  return `/r/${roomId}`;
}

export function conversationPathOf(conversationId: string): string {
  return `/c/${conversationId}`;
}

export function recordingPathOf(recordingId: string): string {
  return `/recordings/${recordingId}`;
}

/** The address to send to others. */
export function roomLinkOf(roomId: string): string {
  return new URL(roomPathOf(roomId), window.location.origin).href;
}

/** Goes to another page without loading one. */
export function navigate(path: string): void {
  window.history.pushState(null, '', path);
  window.dispatchEvent(new Event(moved));
}

function subscribe(listener: () => void): () => void {
  window.addEventListener('popstate', listener);
  window.addEventListener(moved, listener);
  return () => {
    window.removeEventListener('popstate', listener);
    window.removeEventListener(moved, listener);
  };
}

/** Lets a link go to another page of this one; a click that opens a tab or window is the browser's. */
export function onLinkClick(event: ReactMouseEvent<HTMLAnchorElement>): void {
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  navigate(event.currentTarget.pathname);
}

/** The path of the address bar. */
export function usePath(): string {
  return useSyncExternalStore(subscribe, () => window.location.pathname);
}
