import { useEffect, useState } from 'react';
import { roomLinkOf } from '../router.ts';
import { strings } from '../strings.ts';
import { Icon } from './icon.tsx';

interface CopyLinkProps {
  roomId: string;
  /** The accessible name where several stand together. */
  label?: string;
  className?: string;
}

/** Copies a room's address; says so for three seconds. */
export function CopyLink({ roomId, label, className = 'button compact' }: CopyLinkProps) {
  const [copied, setCopied] = useState(false);

  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 3000);
    return () => clearTimeout(timer);
  }, [copied]);

  return (
    <>
      <button
        type="button"
        className={className}
        aria-label={label}
        onClick={() => copyText(roomLinkOf(roomId)).then(() => setCopied(true))}
      >
        <Icon name={copied ? 'check' : 'link'} size={18} />
        {copied ? strings.home.copied : strings.home.copyLink}
      </button>
      <span className="unseen" role="status">
        {copied ? strings.home.copied : ''}
      </span>
    </>
  );
}

/** Falls back to a prompt where the clipboard is out of reach (no secure context, or not allowed). */
async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    window.prompt(strings.home.copyLink, text);
  }
}
