import { type ReactNode, useRef } from 'react';
import { usePopover } from './use-popover.ts';

interface PopoverButtonProps {
  /** The accessible name of the button, and of what it opens. */
  label: string;
  className: string;
  /** What the button shows. */
  face: ReactNode;
  /** What opens beside it; `close` puts it away. */
  children: (close: () => void) => ReactNode;
}

/** A button with something that opens beside it. Escape and a click elsewhere close it. */
export function PopoverButton({ label, className, face, children }: PopoverButtonProps) {
  const button = useRef<HTMLButtonElement>(null);
  const panel = useRef<HTMLElement>(null);
  const [isOpen, setOpen, onKeyDown] = usePopover(button, panel);

  return (
    <>
      <button
        ref={button}
        type="button"
        className={className}
        aria-expanded={isOpen}
        aria-label={label}
        title={label}
        onClick={() => setOpen(!isOpen)}
      >
        {face}
      </button>
      {isOpen && (
        <section ref={panel} className="header-popover" aria-label={label} popover="manual" onKeyDown={onKeyDown}>
          {children(() => setOpen(false))}
        </section>
      )}
    </>
  );
}
