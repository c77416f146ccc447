import { type ReactNode, type RefObject, useEffect, useId, useRef } from 'react';
import { strings } from '../strings.ts';
import { Icon } from '../ui/icon.tsx';

interface SidePanelProps {
  title: string;
  /** What takes the focus; the title unless told. */
  focus?: RefObject<HTMLElement | null>;
  /** Further buttons beside the title. */
  actions?: ReactNode;
  onClose: () => void;
  children: ReactNode;
}

/** Beside the stage, or over it from below on a phone. Takes the focus, and gives it back when it closes. */
export function SidePanel({ title, focus, actions, onClose, children }: SidePanelProps) {
  const id = useId();
  const heading = useRef<HTMLHeadingElement>(null);

  useEffect(() => {
    const before = document.activeElement;
    (focus?.current ?? heading.current)?.focus();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, [focus]);

  return (
    <aside className="panel" aria-labelledby={id}>
      <div className="panel-head">
        <h2 ref={heading} id={id} tabIndex={-1}>
          {title}
        </h2>
        {actions}
        <button type="button" className="button quiet compact square" title={strings.close} aria-label={strings.close} onClick={onClose}>
          <Icon name="close" size={20} />
        </button>
      </div>
      <div className="panel-body">{children}</div>
    </aside>
  );
}
