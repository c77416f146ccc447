import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { ChatConversation, ConversationView } from '../../../src/client/index.ts';

/** So near to an end counts as being there. */
const endPx = 40;
/** Further messages are read when less than that is left to scroll. */
const aheadPx = 400;

interface MessageScrollOptions {
  conversation: ChatConversation;
  view: ConversationView;
  target: { readonly seq: number } | undefined;
  newAfterSeq: number | undefined;
  setNewAfterSeq: (seq: number | undefined) => void;
}

interface MessageScroll {
  scroller: RefObject<HTMLDivElement | null>;
  content: RefObject<HTMLDivElement | null>;
  isAtEnd: boolean;
  /** Shows the latest messages. */
  toEnd: () => void;
}

/**
 * How the list scrolls: it stays at its end while new messages come in; elsewhere what one reads stays where it is, whatever is added before
 * or after it. Further messages are read as one comes near; what is seen counts as read.
 */
export function useMessageScroll({ conversation, view, target, newAfterSeq, setNewAfterSeq }: MessageScrollOptions): MessageScroll {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  const place = useRef<Place>({ isAtEnd: true, anchor: undefined });
  const shownTarget = useRef<MessageScrollOptions['target']>(undefined);
  const hasOpened = useRef(false);
  const lastOutgoing = useRef<string | undefined>(undefined);

  /** Remembers what is seen, says that it was read, and reads on near the ends. */
  const look = useCallback(() => {
    const element = scroller.current;
    if (element === null) return;
    place.current = placeOf(element);
    // Later messages that are not loaded lie beyond the end.
    setAtEnd(place.current.isAtEnd && !conversation.view.hasNewer);
    if (document.visibilityState === 'visible') {
      const seq = lastSeenSeq(element);
      if (seq !== undefined) conversation.markRead(seq);
    }
    const { hasOlder, hasNewer } = conversation.view;
    if (hasOlder && element.scrollTop < aheadPx) conversation.loadOlder().catch(() => undefined);
    if (hasNewer && element.scrollHeight - element.scrollTop - element.clientHeight < aheadPx)
      conversation.loadNewer().catch(() => undefined);
  }, [conversation]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: whatever is shown anew moves the list.
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null || view.status === 'loading') return;
    const outgoing = view.messages.at(-1)?.state === 'sent' ? undefined : view.messages.at(-1)?.clientId;
    const hasWritten = outgoing !== undefined && outgoing !== lastOutgoing.current;
    lastOutgoing.current = outgoing;
    const found = target === undefined || target === shownTarget.current ? undefined : lineOf(element, target.seq);
    if (found) {
      found.scrollIntoView({ block: 'center' });
      found.focus({ preventScroll: true });
      shownTarget.current = target;
    } else if (!hasOpened.current) {
      openAt(element);
    } else if (hasWritten || (place.current.isAtEnd && !view.hasNewer)) {
      element.scrollTop = element.scrollHeight;
    } else keepPlace(element, place.current);
    if (view.messages.length > 0) hasOpened.current = true;
    if (hasWritten) setNewAfterSeq(undefined);
    look();
  }, [view.messages, view.status, target, newAfterSeq]);

  // Messages that come in while one reads further up begin below a line.
  useEffect(() => {
    if (newAfterSeq === undefined && !isAtEnd && view.unreadCount > 0) setNewAfterSeq(view.readSeq);
  }, [newAfterSeq, isAtEnd, view.unreadCount, view.readSeq, setNewAfterSeq]);

  useEffect(() => {
    const [element, inner] = [scroller.current, content.current];
    if (element === null || inner === null) return;
    const resized = new ResizeObserver(() => {
      if (place.current.isAtEnd) element.scrollTop = element.scrollHeight;
      else keepPlace(element, place.current);
    });
    resized.observe(element);
    resized.observe(inner);
    element.addEventListener('scroll', look, { passive: true });
    document.addEventListener('visibilitychange', look);
    return () => {
      resized.disconnect();
      element.removeEventListener('scroll', look);
      document.removeEventListener('visibilitychange', look);
    };
  }, [look]);

  const toEnd = useCallback(() => {
    place.current = { isAtEnd: true, anchor: undefined };
    conversation.jumpToLatest().catch(() => undefined);
    const element = scroller.current;
    if (element !== null && !conversation.view.hasNewer) element.scrollTop = element.scrollHeight;
  }, [conversation]);

  return { scroller, content, isAtEnd, toEnd };
}

/** Where the list stands: at its end, or at a message so far below its upper edge. */
interface Place {
  readonly isAtEnd: boolean;
  readonly anchor: { readonly seq: number; readonly offset: number } | undefined;
}

function lineOf(element: HTMLElement, seq: number): HTMLElement | undefined {
  return element.querySelector<HTMLElement>(`[data-seq="${seq}"]`) ?? undefined;
}

function linesOf(element: HTMLElement): HTMLElement[] {
  return [...element.querySelectorAll<HTMLElement>('[data-seq]')];
}

function placeOf(element: HTMLElement): Place {
  const top = element.getBoundingClientRect().top;
  const line = linesOf(element).find((one) => one.getBoundingClientRect().bottom > top);
  return {
    isAtEnd: element.scrollHeight - element.scrollTop - element.clientHeight < endPx,
    anchor: line && { seq: seqOf(line), offset: line.getBoundingClientRect().top - top },
  };
}

function keepPlace(element: HTMLElement, { anchor }: Place): void {
  const line = anchor && lineOf(element, anchor.seq);
  if (anchor !== undefined && line !== undefined)
    element.scrollTop += line.getBoundingClientRect().top - element.getBoundingClientRect().top - anchor.offset;
}

/** At first: where the new messages begin, else the end. */
function openAt(element: HTMLElement): void {
  const firstNew = element.querySelector<HTMLElement>('.new-line');
  if (firstNew === null) element.scrollTop = element.scrollHeight;
  else element.scrollTop += firstNew.getBoundingClientRect().top - element.getBoundingClientRect().top - endPx;
}

/** The last message that is seen at least by half. */
function lastSeenSeq(element: HTMLElement): number | undefined {
  const { bottom } = element.getBoundingClientRect();
  const seen = linesOf(element).findLast((line) => {
    const { top, height } = line.getBoundingClientRect();
    return top + height / 2 <= bottom;
  });
  return seen && seqOf(seen);
}

function seqOf(line: HTMLElement): number {
  return Number(line.dataset['seq']);
}
