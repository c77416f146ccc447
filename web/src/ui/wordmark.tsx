import { strings } from '../strings.ts';

/** Two speech bubbles, one answering the other, and the product's name. */
export function Wordmark() {
  return (
    <span className="wordmark">
      <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
        <rect width="32" height="32" rx="9" fill="var(--mark, #0a6b68)" />
        <path d="M7 9.5h11a3 3 0 0 1 3 3v3.2a3 3 0 0 1-3 3h-5.4L8.7 22v-3.6A3 3 0 0 1 7 15.7z" fill="#fff" />
        <path
          d="M23.3 13.4h.2a3 3 0 0 1 2.5 3v3.1a3 3 0 0 1-1.6 2.6V25l-3.4-2.6h-4.4a3 3 0 0 1-2.6-1.5h4.9a4.4 4.4 0 0 0 4.4-4.4z"
          fill="#a9ded8"
        />
      </svg>
      {strings.product}
    </span>
  );
}
