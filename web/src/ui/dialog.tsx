import { type ReactNode, useCallback, useId } from 'react';

interface DialogProps {
  title: string;
  /** Also called on Escape. */
  onClose: () => void;
  children: ReactNode;
}

/** A modal dialog for as long as it is rendered. */
export function Dialog({ title, onClose, children }: DialogProps) {
  const id = useId();
  const open = useCallback((element: HTMLDialogElement | null) => {
    if (element !== null && !element.open) element.showModal();
  }, []);
  return (
    <dialog ref={open} className="dialog" aria-labelledby={id} onClose={onClose}>
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  );
}
