import type { Announcement } from './announcements.ts';

/** Short sentences over the stage, read out by screen readers as they come. */
export function Announcements({ announcements }: { announcements: readonly Announcement[] }) {
  return (
    <div className="announcements">
      <ul role="log" aria-live="polite" aria-relevant="additions">
        {announcements.map(({ key, text, tone }) => (
          <li key={key} className={tone}>
            {text}
          </li>
        ))}
      </ul>
    </div>
  );
}
