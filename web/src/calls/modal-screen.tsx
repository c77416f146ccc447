import { type ReactNode, useEffect, useRef } from 'react';

interface ModalScreenProps {
  className: string;
  /** Of the element inside that names it. */
  labelledBy: string;
  describedBy?: string;
  /** An answer is wanted now. */
  isUrgent?: boolean;
  /** On Escape; nothing happens without it. */
  onEscape?: (() => void) | undefined;
  children: ReactNode;
}

/**
 * Something that stands over everything else until it is dealt with: the rest of the page can't be reached, and gets the focus back in the end.
 * Unlike a dialog that Escape closes, it goes only when its reason is gone.
 */
export function ModalScreen({ className, labelledBy, describedBy, isUrgent = false, onEscape, children }: ModalScreenProps) {
  const dialog = useRef<HTMLDialogElement>(null);

  useEffect(() => {
    const element = dialog.current;
    if (element === null) return;
    if (!element.open) element.showModal();
    // Not the first button: a key that was meant for something else would answer.
    element.querySelector('h2')?.focus();
    return () => element.close();
  }, []);

  return (
    <dialog
      ref={dialog}
      className={className}
      role={isUrgent ? 'alertdialog' : undefined}
      aria-labelledby={labelledBy}
      aria-describedby={describedBy}
      onCancel={(event) => {
        event.preventDefault();
        onEscape?.();
      }}
      // A second Escape closes a dialog whatever its first one was told.
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        event.preventDefault();
        onEscape?.();
      }}
    >
      {children}
    </dialog>
  );
}
