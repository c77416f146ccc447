import { type KeyboardEvent, type RefObject, useCallback, useEffect, useLayoutEffect, useState } from 'react';

const gapPx = 4;
const edgePx = 8;

/**
 * A small menu over everything else, beside the button that opened it. Takes the focus and gives it back; a click elsewhere, scrolling and
 * leaving it by Tab close it, and so does Escape, by the handler that is answered for the menu.
 */
export function usePopover(
  button: RefObject<HTMLButtonElement | null>,
  menu: RefObject<HTMLElement | null>,
): [isOpen: boolean, setOpen: (open: boolean) => void, onKeyDown: (event: KeyboardEvent) => void] {
  const [isOpen, setIsOpen] = useState(false);

  const setOpen = useCallback(
    (open: boolean) => {
      if (!open && menu.current?.contains(document.activeElement)) button.current?.focus({ preventScroll: true });
      setIsOpen(open);
    },
    [button, menu],
  );

  useLayoutEffect(() => {
    const [from, element] = [button.current, menu.current];
    if (!isOpen || from === null || element === null) return;
    element.showPopover?.();
    const anchor = from.getBoundingClientRect();
    const { width, height } = element.getBoundingClientRect();
    const isBelow = anchor.bottom + gapPx + height < window.innerHeight - edgePx;
    const left = Math.min(anchor.left, window.innerWidth - width - edgePx);
    element.style.left = `${Math.max(edgePx, left)}px`;
    element.style.top = `${Math.max(edgePx, isBelow ? anchor.bottom + gapPx : anchor.top - gapPx - height)}px`;
    element.querySelector('button')?.focus({ preventScroll: true });
  }, [isOpen, button, menu]);

  useEffect(() => {
    if (!isOpen) return;
    function onElsewhere(event: Event) {
      const { target } = event;
      if (target instanceof Node && (menu.current?.contains(target) || button.current?.contains(target))) return;
      setIsOpen(false);
    }
    const events = ['pointerdown', 'focusin', 'wheel'] as const;
    for (const name of events) document.addEventListener(name, onElsewhere);
    window.addEventListener('resize', onElsewhere);
    return () => {
      for (const name of events) document.removeEventListener(name, onElsewhere);
      window.removeEventListener('resize', onElsewhere);
    };
  }, [isOpen, button, menu]);

  const onKeyDown = useCallback(
    (event: KeyboardEvent) => {
      if (event.key !== 'Escape') return;
      event.preventDefault();
      event.stopPropagation();
      setOpen(false);
    },
    [setOpen],
  );

  return [isOpen, setOpen, onKeyDown];
}
